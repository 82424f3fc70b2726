"""Judges a scheduler when all is quiet: nobody lost, nothing held, the cache as a fresh list."""

from collections.abc import Coroutine, Iterator, Mapping
from zlib import crc32

from scheduler.domain.cluster_events import ClusterEvent, Listed
from scheduler.domain.workload import Pod
from scheduler.kube.kinds import followed_kinds
from scheduler.service.cache import Cache
from scheduler.service.pod_columns import PodState
from scheduler.service.queued_pod import Stage
from simulator.kinds import KINDS
from simulator.status import condition_of
from tests.faults.api import ApiServer
from tests.faults.planning import plan
from tests.faults.process import Process
from tests.faults.scene import OURS

_KIND_OF = {kind.plural: kind.name for kind in KINDS.values()}


class FreshList:
    """Lists everything anew, as often as is asked; what is as it was is not read again."""

    def __init__(self, api: ApiServer) -> None:
        self._api = api
        self._kinds = [kind for kind in followed_kinds() if kind.plural in _KIND_OF]
        self._read: dict[bytes, ClusterEvent] = {}

    def cache(self) -> Cache:
        """Return what a scheduler knows that has just listed everything."""
        cache, read = Cache(), dict[bytes, ClusterEvent]()
        cache.begin_listing()
        for kind in self._kinds:
            for obj in self._api.cluster.all_of(_KIND_OF[kind.plural]):
                told = self._api.json_of(obj)
                read[told] = event = self._read.get(told) or kind.changed(told)
                cache.apply(event)
        cache.apply(Listed())
        self._read = read
        return cache


def is_at_work(process: Process) -> bool:
    """Whether it has pods in flight or assumed: then it is not yet to be judged."""
    state = process.state
    records = state.cache.pods.records.values()
    is_deciding = bool(state.queue.count_of(Stage.IN_FLIGHT))
    return is_deciding or any(record.state is PodState.ASSUMED for record in records)


def waiting_pods(fresh: Cache) -> list[Pod]:
    """Return our pods that are to be placed, oldest first."""
    pods = [
        record.pod
        for record in fresh.pods.records.values()
        if record.state is PodState.PENDING
        and not record.is_terminating
        and record.pod.scheduler_name == OURS
    ]
    return sorted(pods, key=lambda pod: (pod.created_s, pod.key))


def left_behind(process: Process, fresh: Cache) -> list[str]:
    """Return the pods that wait though a fresh scheduler would place them by the same RTTs."""
    waiting = waiting_pods(fresh)
    if not waiting:
        return []
    fresh.rtt = process.state.cache.rtt
    snapshot = fresh.freeze(waiting, process.state.clock.wall_s())
    made = plan(snapshot, process.state.settings.placement)
    return [f"lost: {a.pod.key} waits, and would go to {a.node}" for a in made.assignments]


def unexplained(process: Process, fresh: Cache, api: ApiServer) -> Iterator[str]:
    """Yield the pods that wait without being told why, in the cluster."""
    for pod in waiting_pods(fresh):
        obj = api.get("Pod", pod.name)
        condition = condition_of(obj, "PodScheduled") if obj is not None else None
        if condition is None or condition["status"] != "False":
            queued = process.state.queue.get(pod.key)
            stage = queued.stage.value if queued is not None else "not in the queue"
            yield f"lost: {pod.key} waits without a word ({stage})"


def differences(process: Process, fresh: Cache) -> Iterator[str]:
    """Yield what a process holds that a fresh list and its own telemetry do not say."""
    state = process.state
    cache = state.cache
    if not cache.is_synced:
        yield "cache: it is out of step"
    wall_s = state.clock.wall_s()
    live, new = _parts(cache, wall_s), _parts(fresh, wall_s)
    for name, part in new.items():
        yield from _apart(f"cache: {name}", live[name], part)
    told = process.telemetry.store.frozen()
    rows = [row for row in range(len(told.nodes)) if cache.rtt.nodes == told.nodes]
    if cache.rtt.nodes != told.nodes or any(
        (cache.rtt.from_node(row) != told.from_node(row)).any() for row in rows
    ):
        yield "cache: its RTTs are not those last measured"
    counts = state.queue.counts()
    if counts[Stage.IN_FLIGHT]:
        yield f"leak: {[q.pod.key for q in state.queue.in_flight()]} in flight"
    queued = {entry.pod.key: entry.pod.uid for entry in state.queue.entries()}
    waiting = {pod.key: pod.uid for pod in waiting_pods(fresh)}
    yield from _apart("lost: queue", queued, waiting)


def unfinished(process: Process) -> list[str]:
    """Return what the stations of a quiet process still work on."""
    return [
        f"leak: {name} has work"
        for name, station in (("binder", process.runtime.binder), ("notes", process.runtime.notes))
        if not _is_idle(station.drain())
    ]


def _is_idle(draining: Coroutine[object, None, None]) -> bool:
    """Whether there is nothing to wait for."""
    try:
        draining.send(None)
    except StopIteration:
        return True
    draining.close()
    return False


def _apart(what: str, live: Mapping[str, object], new: Mapping[str, object]) -> Iterator[str]:
    for key in sorted(live.keys() | new.keys()):
        if live.get(key) != new.get(key):
            yield f"{what}: {key} is {live.get(key)}, and should be {new.get(key)}"


def _parts(cache: Cache, wall_s: float) -> dict[str, dict[str, object]]:
    """Return all a cache holds in a form that can be compared and printed."""
    frozen = cache.freeze((), wall_s)
    pods = {
        key: (r.pod.uid[:8], r.state.name, r.node, r.is_terminating, crc32(repr(r.pod).encode()))
        for key, r in cache.pods.records.items()
    }
    names = [node.name for node in frozen.nodes.nodes]
    requested = {
        name: {r: int(n) for r, n in zip(frozen.nodes.resources, row, strict=True) if n}
        for name, row in zip(names, frozen.nodes.requested.tolist(), strict=True)
    }
    placed = {
        pod.key: names[row] if row >= 0 else ""
        for pod, row in zip(frozen.placed.pods, frozen.placed.node_of.tolist(), strict=True)
    }
    return {
        "nodes": {node.name: node for node in frozen.nodes.nodes},
        "pods": dict(pods),
        "requested": dict(requested),
        "placed": dict(placed),
        "services": {f"{s.namespace}/{s.name}": s for s in frozen.services},
        "namespaces": {name: dict(labels) for name, labels in frozen.namespaces.items()},
        "storage": {"all": repr(frozen.storage)},
    }
