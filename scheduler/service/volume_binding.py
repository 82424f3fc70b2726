"""A pod's volumes come before its binding: reserved, or provisioned where the pod is to run.

As kube-scheduler's VolumeBinding plugin does before a binding (``PreBind``): what a decision chose
is written to claims and volumes, and then the volume controller and the provisioners are waited
for. The pod stands assumed meanwhile, so that its room is held. Nobody else waits for it: there is
a task for each such pod.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from weakref import WeakValueDictionary

from structlog.typing import FilteringBoundLogger

from scheduler.domain.cluster_events import ClusterEvent
from scheduler.domain.errors import ClusterUnavailable, VolumeRefused
from scheduler.domain.plan import AssignedVolumes, Assignment
from scheduler.domain.ports import Cluster
from scheduler.domain.workload import Pod
from scheduler.service.metrics import VolumesResult
from scheduler.service.object_watch import ObjectWatch, Watched
from scheduler.service.state import ServiceState
from scheduler.service.storage_table import has_taken
from scheduler.service.volume_progress import progress
from scheduler.service.waiting import WaitingNotes

IN_FLIGHT = 32
"""Pods whose volumes are being written at a time, beside 64 bindings."""

_FAILED = 'running PreBind plugin "VolumeBinding": {}'
_MODIFIED = (
    'Operation cannot be fulfilled on {} "{}": the object has been modified; please apply your '
    "changes to the latest version and try again"
)
"""kube-scheduler's words, and the API server's, which alerts and people look for."""

Onward = Callable[[Assignment, str], None]


class _Outcome(Enum):
    BOUND = auto()
    WITHDRAWN = auto()  # the pod or its node went, or we are to send nothing more


@dataclass(slots=True)
class _Order:
    """An assumed pod; `written` as for `progress`."""

    assignment: Assignment
    decision: str
    written: dict[str, str] = field(default_factory=dict)

    @property
    def watched(self) -> list[Watched]:
        """The objects that decide what becomes of it."""
        assignment = self.assignment
        volumes = assignment.volumes
        out: list[Watched] = [("pod", assignment.pod.key), ("node", assignment.node)]
        out += [("claim", key) for key in volumes.provisions]
        for key, name in volumes.bindings:
            out += [("claim", key), ("volume", name)]
        return out


class VolumeBinder:
    """Has volumes bound for assumed pods, then hands these on.

    Parameters
    ----------
    state
        Shared.
    cluster
        Written to.
    onward
        Takes an assumed pod whose volumes are bound, and the id of its decision.
    waiting
        Tells why pods wait.
    """

    def __init__(
        self,
        state: ServiceState,
        cluster: Cluster,
        onward: Onward,
        waiting: WaitingNotes,
        log: FilteringBoundLogger,
    ) -> None:
        self._state = state
        self._cluster = cluster
        self._onward = onward
        self._waiting = waiting
        self._log = log
        self._orders: asyncio.Queue[_Order] = asyncio.Queue()
        self._watch = ObjectWatch()
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._followers: dict[str, list[Pod]] = {}
        self._is_closed = False

    # For the cycle

    def put(self, assignment: Assignment, decision: str) -> None:
        """Have the volumes of an assumed pod bound, and the pod handed on."""
        self._followers.setdefault(assignment.pod.key, [])
        self._orders.put_nowait(_Order(assignment, decision))

    @property
    def waiting(self) -> tuple[str, ...]:
        """Keys of the pods whose volumes are being bound."""
        return tuple(self._followers)

    def follow(self, pod: Pod, key: str) -> None:
        """Have a pod in flight decided on anew once a pod of `waiting` is handed on or back."""
        self._followers[key].append(pod)

    # For the runtime

    def hear(self, event: ClusterEvent) -> None:
        """Take note of an event that the cache has taken in."""
        self._watch.hear(event)

    def close(self) -> None:
        """Write nothing new and wait for nothing more; pods go back to the queue."""
        self._is_closed = True
        self._watch.wake_all()

    async def drain(self) -> None:
        """Wait until every pod is handed on or back."""
        await self._orders.join()

    async def run(self) -> None:
        """Bind volumes until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                order = await self._orders.get()
                group.create_task(self._guarded(order))

    # One pod

    async def _guarded(self, order: _Order) -> None:
        try:
            await self._carry_out(order)
        except Exception:  # noqa: BLE001 - a bug here must not end the service nor lose the pod
            self._log.exception("volumes.failed", pod=order.assignment.pod.key)
            self._give_back(order, "error")
        finally:
            self._orders.task_done()
            for pod in self._followers.pop(order.assignment.pod.key, ()):
                self._state.queue.again(pod, self._state.clock.now_s())
            self._state.changed.set()

    async def _carry_out(self, order: _Order) -> None:
        started_s = self._state.clock.now_s()
        with self._watch.watching(order.watched) as news:
            outcome = await self._written(order) or await self._awaited(order, news)
        assignment = order.assignment
        if outcome is _Outcome.BOUND:
            taken_s = self._state.clock.now_s() - started_s
            self._state.metrics.volumes_s.observe(taken_s)
            self._state.metrics.count_volumes("bound")
            self._log.info("volumes.bound", pod=assignment.pod.key, node=assignment.node)
            self._release(order)
            self._onward(replace(assignment, volumes=AssignedVolumes()), order.decision)
        elif outcome is _Outcome.WITHDRAWN:
            self._give_back(order, "dropped")
        else:
            self._fail(order, outcome)

    async def _written(self, order: _Order) -> _Outcome | str | None:
        """Write what the decision chose; return what that came to, if it ends here."""
        assignment = order.assignment
        volumes = assignment.volumes
        try:
            async with self._slots:
                for key, name in volumes.bindings:
                    if not self._may_go_on(assignment):
                        return _Outcome.WITHDRAWN
                    await self._reserve(order, key, name)
                for key in volumes.provisions:
                    if not self._may_go_on(assignment):
                        return _Outcome.WITHDRAWN
                    await self._select(order, key)
        except (VolumeRefused, ClusterUnavailable) as error:
            return str(error)
        return None

    async def _awaited(self, order: _Order, news: asyncio.Event) -> _Outcome | str:
        """Wait until all claims are bound; return what it came to, or why it failed."""
        assignment, cache = order.assignment, self._state.cache
        try:
            async with asyncio.timeout(self._state.settings.volumes.bind_timeout_seconds):
                while True:
                    news.clear()
                    node = cache.node(assignment.node)
                    if node is None or not self._may_go_on(assignment):
                        return _Outcome.WITHDRAWN
                    found = progress(assignment.volumes, node, cache.storage, order.written)
                    if found.is_bound:
                        return _Outcome.BOUND
                    if found.failure:
                        return f"binding volumes: {found.failure}"
                    await news.wait()
        except TimeoutError:
            return "binding volumes: context deadline exceeded"

    def _may_go_on(self, assignment: Assignment) -> bool:
        is_assumed = self._state.cache.pods.is_assumed(assignment.pod, assignment.node)
        return is_assumed and not self._is_closed

    # Writes

    async def _reserve(self, order: _Order, key: str, name: str) -> None:
        """Reserve a volume for a claim, unless it is.

        Raises
        ------
        VolumeRefused, ClusterUnavailable
            As the cluster says; also where the volume is not what it was assumed to be any more.
        """
        claims, volumes = self._state.cache.storage.claims, self._state.cache.storage.volumes
        async with self._lock(name):
            claim, told, now = claims.told(key), volumes.told(name), volumes.get(name)
            if claim is None:
                raise VolumeRefused(f'persistentvolumeclaims "{key}" not found')
            if told is None or now is None or not has_taken(claim, now):
                raise VolumeRefused(_MODIFIED.format("persistentvolumes", name))
            if has_taken(claim, told):
                return
            version = volumes.written(name)
            if not version:
                version = await self._cluster.reserve_volume(told, claim)
                volumes.note_written(name, version)
            order.written[name] = version

    async def _select(self, order: _Order, key: str) -> None:
        """Select the node of a claim that is to be provisioned, unless it is; raises as above."""
        claims, node = self._state.cache.storage.claims, order.assignment.node
        async with self._lock(key):
            told, now = claims.told(key), claims.get(key)
            if told is None or now is None or now.selected_node != node:
                name = key.rpartition("/")[2]
                raise VolumeRefused(_MODIFIED.format("persistentvolumeclaims", name))
            if told.selected_node == node:
                return
            version = claims.written(key)
            if not version:
                version = await self._cluster.select_node(told, node)
                claims.note_written(key, version)
            order.written[key] = version

    def _lock(self, key: str) -> asyncio.Lock:
        """Return what lets one pod at a time write an object: pods may share a claim."""
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = asyncio.Lock()
        return lock

    # Ends

    def _fail(self, order: _Order, why: str) -> None:
        state, assignment = self._state, order.assignment
        pod, message = assignment.pod, _FAILED.format(why)
        state.metrics.count_attempts("error", 1)
        state.journal.add(state.clock.wall_s(), "error", f"{pod.key}: {message}")
        self._log.warning("volumes.refused", pod=pod.key, node=assignment.node, reason=why)
        self._waiting.say(pod, message, "SchedulerError")
        self._give_back(order, "failed")

    def _give_back(self, order: _Order, result: VolumesResult) -> None:
        state, pod, now_s = self._state, order.assignment.pod, self._state.clock.now_s()
        state.metrics.count_volumes(result)
        self._release(order)
        state.queue.wake(state.cache.pods.forget(pod), now_s)
        state.queue.retry(pod, now_s)

    def _release(self, order: _Order) -> None:
        state, assignment = self._state, order.assignment
        wakes = state.cache.storage.release(assignment.volumes, assignment.pod.uid)
        state.queue.wake(wakes, state.clock.now_s())
