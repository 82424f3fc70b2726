"""One event from the cluster, carried to cache, queue and journal. Nothing waits here."""

from collections.abc import Callable
from dataclasses import dataclass, field

from scheduler.domain.cluster_events import (
    ClusterEvent,
    Listed,
    Lost,
    NodeChanged,
    NodeDeleted,
    PodChanged,
    PodDeleted,
    ServiceChanged,
    ServiceDeleted,
    Unlisted,
    Unreadable,
)
from scheduler.domain.object_events import (
    NamespaceChanged,
    NamespaceDeleted,
    PodGroupChanged,
    PodGroupDeleted,
    StorageChanged,
    StorageDeleted,
)
from scheduler.domain.ports import PodNote
from scheduler.domain.workload import Pod
from scheduler.service.cache import Cache
from scheduler.service.journal import Journal
from scheduler.service.node_beliefs import NodeBeliefs
from scheduler.service.pod_columns import PodState
from scheduler.service.queue import SchedulingQueue
from scheduler.service.refusals import refusal
from telemetry.dated import Ages
from telemetry.model import RttTable

_UNBOUND = (PodState.PENDING, PodState.ASSUMED)


@dataclass(slots=True)
class Intake:
    """Keeps cache and queue in step.

    `beliefs` hear of nodes too. `scheduler_name` tells our pods from others'. `count_refusal` is
    told why a kubelet refuses one.
    """

    cache: Cache
    queue: SchedulingQueue
    journal: Journal
    beliefs: NodeBeliefs
    scheduler_name: str
    count_refusal: Callable[[str], None]
    _warned: set[str] = field(default_factory=set)
    _foreign: dict[str, Pod] = field(default_factory=dict)

    def apply(  # noqa: C901 - a flat table of events
        self, event: ClusterEvent, now_s: float, wall_s: float
    ) -> list[PodNote]:
        """Take in one event; return what is to be said of it in the cluster.

        Parameters
        ----------
        event
            From the watch.
        now_s, wall_s
            The queue's clock; the clock people read.
        """
        notes: list[PodNote] = []
        match event:
            case PodChanged(pod):
                self._count_refusal(event)
                self.queue.wake(self.cache.apply(event), now_s)
                self._settle(pod.key, now_s)
                self.queue.recall(pod, event.said)
                notes = self._warn_of_foreign_delay(pod)
            case PodDeleted(key, uid):
                self._delete(event, key, uid, now_s)
            case NodeChanged() | NodeDeleted():
                self._tell_node(event, wall_s)
                self.beliefs.hear(event, now_s)
                self.queue.wake(self.cache.apply(event), now_s)
            case Listed():
                self._take_list(event, now_s)
            case ServiceChanged() | ServiceDeleted() | NamespaceChanged() | NamespaceDeleted():
                self.queue.wake(self.cache.apply(event), now_s)
            case StorageChanged() | StorageDeleted():
                self.queue.wake(self.cache.apply(event), now_s)
            case PodGroupChanged() | PodGroupDeleted():
                self._take_group(event, now_s, wall_s)
            case Unlisted(plural, why):
                self._tell_unlisted(plural, why, wall_s)
                self.queue.wake(self.cache.apply(event), now_s)
            case Lost(what):
                self.cache.apply(event)
                self.journal.add(wall_s, "warning", f"out of step with the cluster: {what}")
            case Unreadable(what):
                self.journal.add(wall_s, "warning", f"cannot be read: {what}")
        return notes

    def set_rtt(self, rtt: RttTable, now_s: float, wall_s: float) -> None:
        """Take in a new RTT table."""
        was = len(self.cache.rtt.nodes)
        self.queue.wake(self.cache.set_rtt(rtt), now_s)
        if isinstance(rtt, Ages) and was == len(rtt.nodes):
            return  # one every few seconds would fill the journal
        self.journal.add(wall_s, "rtt", f"RTTs of {len(rtt.nodes)} nodes renewed")

    def warnings(self) -> list[PodNote]:
        """Return what is to be said of all pods there are: after standing by, nobody has."""
        self._warned.clear()
        pods = [record.pod for record in self.cache.pods.records.values()]
        return [note for pod in pods for note in self._warn_of_foreign_delay(pod)]

    def is_ours(self, pod: Pod) -> bool:
        """Whether a pod is addressed to this scheduler."""
        return pod.scheduler_name == self.scheduler_name

    def held(self) -> list[Pod]:
        """Return known pods that wait and are not up for decision in the batch in flight."""
        return self.queue.waiting() + list(self._foreign.values())

    def _count_refusal(self, event: PodChanged) -> None:
        reason = refusal(event, self.cache.pods.get(event.pod.key))
        if reason and self.is_ours(event.pod):
            self.count_refusal(reason)

    def _delete(self, event: PodDeleted, key: str, uid: str, now_s: float) -> None:
        record = self.cache.pods.get(key)
        if record is not None and record.pod.uid == uid:
            self.queue.drop(key)
            self._foreign.pop(key, None)
        self._warned.discard(uid)
        self.queue.wake(self.cache.apply(event), now_s)

    def _take_list(self, event: Listed, now_s: float) -> None:
        before = [node.name for node in self.cache.nodes]
        wakes = self.cache.apply(event)
        self.beliefs.hear_gone((n for n in before if self.cache.node(n) is None), now_s)
        self.queue.wake([*wakes, *self.beliefs.look(now_s)], now_s)
        self._settle_all(now_s)

    def _settle(self, key: str, now_s: float) -> None:
        """Put a pod where its record says it belongs."""
        self._foreign.pop(key, None)
        record = self.cache.pods.get(key)
        if record is None or record.is_terminating or record.state not in _UNBOUND:
            self.queue.drop(key)
        elif not self.is_ours(record.pod):
            self.queue.drop(key)
            self._foreign[key] = record.pod
        elif record.state is PodState.PENDING or self.queue.get(key) is not None:
            # An assumed pod that has left the queue is bound already: the watch is behind.
            self.queue.put(record.pod, now_s)

    def _settle_all(self, now_s: float) -> None:
        """Drop from the queue what a complete list no longer names."""
        keys = [queued.pod.key for queued in self.queue.entries()]
        for key in [*keys, *self._foreign]:
            self._settle(key, now_s)
        live = {record.pod.uid for record in self.cache.pods.records.values()}
        self._warned &= live

    def _warn_of_foreign_delay(self, pod: Pod) -> list[PodNote]:
        """Say once that a delay has no effect: a silent loss of it is the worst answer.

        Dated by the pod, so that after a restart it is the same event and not another.
        """
        pod_class = pod.pod_class
        has_delay = bool(pod_class.delays or pod_class.faults)
        record = self.cache.pods.get(pod.key)
        is_over = record is None or record.state is PodState.FINISHED
        if not has_delay or is_over or self.is_ours(pod) or pod.uid in self._warned:
            return []
        self._warned.add(pod.uid)
        named = pod.scheduler_name or "default-scheduler"
        message = (
            f"the pod asks for a delay but is addressed to {named}, which ignores it; "
            f"set spec.schedulerName: {self.scheduler_name}"
        )
        return [PodNote(pod, "Warning", "DelayIgnored", message, at_s=pod.created_s)]

    def _take_group(
        self, event: PodGroupChanged | PodGroupDeleted, now_s: float, wall_s: float
    ) -> None:
        """Take in a group; write down what of it cannot be read, once."""
        wakes = self.cache.apply(event)
        self.queue.wake(wakes, now_s)
        if wakes and isinstance(event, PodGroupChanged) and event.group.faults:
            ref, faults = event.group.ref, "; ".join(event.group.faults)
            text = f"PodGroup {ref} ({ref.api.value}) cannot be read: {faults}"
            self.journal.add(wall_s, "warning", text)

    def _tell_unlisted(self, plural: str, why: str, wall_s: float) -> None:
        if why and why != self.cache.unlisted.get(plural):
            self.journal.add(wall_s, "error", f"{plural} cannot be listed: {why}")

    def _tell_node(self, event: NodeChanged | NodeDeleted, wall_s: float) -> None:
        """Write down what people want to know of a node: come, gone, ready, cordoned."""
        if isinstance(event, NodeDeleted):
            if self.cache.node(event.name) is not None:
                self.journal.add(wall_s, "node", f"node {event.name} is gone")
            return
        node, known = event.node, self.cache.node(event.node.name)
        if known is None:
            if self.cache.is_synced:  # the first list would fill the journal
                self.journal.add(wall_s, "node", f"node {node.name} joined")
            return
        if known.is_ready != node.is_ready:
            state = "ready again" if node.is_ready else "not ready"
            self.journal.add(wall_s, "node", f"node {node.name} is {state}")
        if known.is_unschedulable != node.is_unschedulable:
            state = "cordoned" if node.is_unschedulable else "uncordoned"
            self.journal.add(wall_s, "node", f"node {node.name} was {state}")
