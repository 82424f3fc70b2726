"""All that is known of the cluster, fed by events and by our own decisions.

A binding we have decided on is *assumed*: it counts as placed at once, until the watch confirms it
or it is taken back. A binding whose answer was lost is *doubted*: it still counts, because it may
have happened. Doubt ends when the watch shows the pod bound, when a later listing shows it unbound,
or when the cycle gives it up.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from scheduler.domain.node import Node
from scheduler.domain.ports import (
    ClusterEvent,
    Listed,
    NodeChanged,
    NodeDeleted,
    PodChanged,
    PodDeleted,
    ServiceChanged,
    ServiceDeleted,
)
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import Pod, Service
from scheduler.domain.zone import ZoneTree
from scheduler.service.listing import Listing
from scheduler.service.node_columns import NodeColumns
from scheduler.service.pod_columns import NO_NODE, NOT_PLACED, PodColumns, PodRecord, PodState
from scheduler.service.service_table import ServiceTable
from scheduler.service.wake import Wake, WakeAll, WakeDelays, WakeNamed
from telemetry.model import RttTable, empty_rtt

_FINISHED_PHASES = frozenset({"Succeeded", "Failed"})


class Cache:
    """The cluster as the events tell it, columns ready to be frozen."""

    def __init__(self) -> None:
        self.zones = ZoneTree()
        self.rtt: RttTable = empty_rtt()
        self._nodes = NodeColumns()
        self._placed = PodColumns()
        self._records: dict[str, PodRecord] = {}
        self._on: dict[str, set[PodRecord]] = {}
        self._services = ServiceTable()
        self._listing = Listing()

    # What is known

    @property
    def is_synced(self) -> bool:
        """Whether a list is complete and no newer one is under way."""
        return self._listing.is_complete

    @property
    def nodes(self) -> Sequence[Node]:
        """All nodes."""
        return self._nodes.nodes

    @property
    def placed_count(self) -> int:
        """Pods that are bound or assumed."""
        return len(self._placed)

    def node(self, name: str) -> Node | None:
        """Return a node, or None."""
        return self._nodes.get(name)

    def record(self, key: str) -> PodRecord | None:
        """Return what is known of a pod, or None; for reading only."""
        return self._records.get(key)

    def records(self) -> Iterator[PodRecord]:
        """All pods, for reading only."""
        return iter(self._records.values())

    def is_pending(self, pod: Pod) -> bool:
        """Whether this very pod is unbound, not assumed and not on its way out."""
        record = self._records.get(pod.key)
        return (
            record is not None
            and record.pod.uid == pod.uid
            and record.state is PodState.PENDING
            and not record.is_terminating
        )

    def has_room(self, pod: Pod, node: str) -> bool:
        """Whether a pod fits on a node now."""
        row = self._nodes.index.get(node)
        return row is not None and self._nodes.has_room(row, pod.pod_class)

    def service(self, namespace: str, name: str) -> Service | None:
        """Return a Service, or None."""
        return self._services.get(namespace, name)

    def aliases(self, pod: Pod) -> frozenset[str]:
        """Return the names, in its namespace, by which a delay may refer to this pod."""
        return self._services.aliases(pod)

    def freeze(
        self, pending: Iterable[Pod], now_s: float, held: Iterable[Pod] = ()
    ) -> ClusterSnapshot:
        """Return a snapshot to decide on `pending`.

        Parameters
        ----------
        pending
            In the queue's order.
        now_s
            Wall-clock seconds, the clock that pods' creation times are read from.
        held
            Known pods that are unplaced and not up for decision.
        """
        pods = tuple(pending)
        for pod in pods:
            self._nodes.name_class(pod.pod_class)
        return ClusterSnapshot(
            nodes=self._nodes.freeze(),
            placed=self._placed.freeze(),
            pending=pods,
            held=tuple(held),
            services=self._services.freeze(),
            rtt=self.rtt,
            zones=self.zones,
            now_s=now_s,
        )

    # What the cluster says

    def begin_listing(self) -> None:
        """Expect a full list: what it does not name by `Listed` is gone."""
        self._listing.begin()

    def lose_sync(self) -> None:
        """Take note that nobody follows the changes any more."""
        self._listing.is_complete = False

    def apply(self, event: ClusterEvent) -> list[Wake]:
        """Take in one event and return whom it may help. Repeating an event changes nothing."""
        wakes: list[Wake] = []
        match event:
            case NodeChanged(node):
                wakes = self._put_node(node)
            case NodeDeleted(name):
                wakes = self._drop_node(name)
            case PodChanged():
                wakes = self._put_pod(event)
            case PodDeleted(key, uid):
                wakes = self._drop_pod(key, uid)
            case ServiceChanged(service):
                self._listing.saw_service((service.namespace, service.name))
                wakes = self._services.put(event)
            case ServiceDeleted():
                wakes = self._services.drop(event)
            case Listed():
                wakes = self._replace()
        return wakes

    def set_rtt(self, rtt: RttTable) -> list[Wake]:
        """Take over a new RTT table."""
        self.rtt = rtt
        return [WakeDelays("RttChanged")]

    # What we decide

    def assume(self, pod: Pod, node: str) -> list[Wake]:
        """Count a pending pod as placed.

        Raises
        ------
        ValueError
            If the pod is not pending or the node is not known: a bug of the caller.
        """
        record = self._records.get(pod.key)
        if record is None or record.pod.uid != pod.uid or record.state is not PodState.PENDING:
            raise ValueError(f"{pod.key} is not pending")
        if node not in self._nodes.index:
            raise ValueError(f"{node} is not a node")
        self._place(record, node, PodState.ASSUMED)
        return [self._named("PodAssumed", record.pod, skips_backoff=True)]

    @contextmanager
    def without(self, pods: Iterable[Pod]) -> Iterator[None]:
        """Leave placed pods out for the length of a freeze, then put them back."""
        records = [self._records.get(pod.key) for pod in pods]
        out = [(r, r.node, r.state) for r in records if r is not None and r.slot != NOT_PLACED]
        for record, _, _ in out:
            self._unplace(record)
        try:
            yield
        finally:
            for record, node, state in out:
                self._place(record, node, state)

    def is_assumed(self, pod: Pod, node: str) -> bool:
        """Whether this very pod is assumed on this node, and the node is still there."""
        record = self._records.get(pod.key)
        return (
            record is not None
            and record.pod.uid == pod.uid
            and record.state is PodState.ASSUMED
            and not record.is_terminating
            and record.node == node
            and node in self._nodes.index
        )

    def forget(self, pod: Pod) -> list[Wake]:
        """Take an assumption back; harmless for a pod that is not assumed."""
        record = self._records.get(pod.key)
        if record is None or record.pod.uid != pod.uid or record.state is not PodState.ASSUMED:
            return []
        self._unplace(record)
        record.state, record.doubted_at_s = PodState.PENDING, None
        return [WakeAll("AssumedPodForgotten")]

    def doubt(self, pod: Pod, now_s: float) -> None:
        """Remember that a binding of an assumed pod went unanswered."""
        record = self._records.get(pod.key)
        if record is None or record.pod.uid != pod.uid or record.state is not PodState.ASSUMED:
            return
        if record.doubted_at_s is None:
            record.doubted_at_s = now_s
        record.doubted_in = self._listing.number

    def trust(self, pod: Pod) -> None:
        """End the doubt about an assumed pod: its binding was answered."""
        record = self.doubted(pod)
        if record is not None:
            record.doubted_at_s = None

    def doubted(self, pod: Pod) -> PodRecord | None:
        """Return the record of a pod whose binding went unanswered, else None."""
        record = self._records.get(pod.key)
        if record is None or record.pod.uid != pod.uid or record.doubted_at_s is None:
            return None
        return record if record.state is PodState.ASSUMED else None

    # Nodes

    def _put_node(self, node: Node) -> list[Wake]:
        self._listing.saw_node(node.name)
        known = self._nodes.get(node.name)
        if known == node:
            return []
        row = self._nodes.put(node)
        if known is None:
            for record in self._on.get(node.name, ()):
                self._placed.move(record, row)
                self._nodes.charge(row, record.pod.pod_class)
        return [WakeAll("NodeAdd" if known is None else "NodeUpdate")]

    def _drop_node(self, name: str) -> list[Wake]:
        if name not in self._nodes.index:
            return []
        moved = self._nodes.remove(name)
        for record in self._on.get(name, ()):
            self._placed.move(record, NO_NODE)
        if moved is not None:
            row, moved_name = moved
            for record in self._on.get(moved_name, ()):
                self._placed.move(record, row)
        return [WakeAll("NodeDelete")]  # failure domains and the best spread may have changed

    # Pods

    def _put_pod(self, event: PodChanged) -> list[Wake]:
        pod = event.pod
        self._listing.saw_pod(pod.key)
        record = self._records.get(pod.key)
        wakes: list[Wake] = []
        if record is not None and record.pod.uid != pod.uid:
            wakes = self._drop_pod(pod.key, record.pod.uid)
            record = None
        if record is None:
            record = self._records[pod.key] = PodRecord(pod)
            wakes.append(self._named("PodAdd", pod, skips_backoff=True))
        elif record.pod != pod:
            wakes += self._update(record, pod)
        if event.is_terminating and not record.is_terminating:
            record.is_terminating = True
            if record.slot != NOT_PLACED:
                self._placed.refresh(record)
            wakes.append(self._named("PodTerminating", pod))
        return wakes + self._follow(record, event)

    def _update(self, record: PodRecord, pod: Pod) -> list[Wake]:
        """Take over a changed object of the same pod."""
        is_same_class = record.pod.pod_class == pod.pod_class
        if record.slot == NOT_PLACED or is_same_class:
            record.pod = pod
            if record.slot != NOT_PLACED:
                self._placed.refresh(record)
        else:
            node, state = record.node, record.state
            self._unplace(record)
            record.pod = pod
            self._place(record, node, state)
        if is_same_class:
            return []
        wakes: list[Wake] = [self._named("PodUpdate", pod)]
        if record.slot != NOT_PLACED:
            wakes.append(WakeAll("AssignedPodUpdate"))  # it may take less room than before
        return wakes

    def _follow(self, record: PodRecord, event: PodChanged) -> list[Wake]:
        """Bring the state of a pod in line with what the cluster says of it."""
        if record.state is PodState.FINISHED:
            return []
        if event.phase in _FINISHED_PHASES:
            was_placed = record.slot != NOT_PLACED
            if was_placed:
                self._unplace(record)
            record.state, record.doubted_at_s = PodState.FINISHED, None
            return [WakeAll("AssignedPodDelete")] if was_placed else []
        if event.node:
            return self._confirm(record, event.node)
        is_denied = record.doubted_at_s is not None and self._listing.number > record.doubted_in
        if record.state is PodState.ASSUMED and is_denied and self._listing.is_open:
            return self.forget(record.pod)
        return []  # an assumption outlives news of the pod from before its binding

    def _confirm(self, record: PodRecord, node: str) -> list[Wake]:
        record.doubted_at_s = None
        if record.slot != NOT_PLACED and record.node == node:
            record.state = PodState.BOUND
            return []
        wakes: list[Wake] = [self._named("AssignedPodAdd", record.pod)]
        if record.slot != NOT_PLACED:
            self._unplace(record)
            wakes.append(WakeAll("AssignedPodDelete"))
        self._place(record, node, PodState.BOUND)
        return wakes

    def _drop_pod(self, key: str, uid: str) -> list[Wake]:
        record = self._records.get(key)
        if record is None or record.pod.uid != uid:
            return []
        del self._records[key]
        if record.slot == NOT_PLACED:
            return [self._named("PodDelete", record.pod)]
        self._unplace(record)
        return [WakeAll("AssignedPodDelete")]

    def _place(self, record: PodRecord, node: str, state: PodState) -> None:
        record.node, record.state = node, state
        row = self._nodes.index.get(node, NO_NODE)
        self._placed.add(record, row)
        self._on.setdefault(node, set()).add(record)
        self._nodes.name_class(record.pod.pod_class)  # its resources have columns, node or not
        if row != NO_NODE:
            self._nodes.charge(row, record.pod.pod_class)

    def _unplace(self, record: PodRecord) -> None:
        row = self._nodes.index.get(record.node, NO_NODE)
        if row != NO_NODE:
            self._nodes.refund(row, record.pod.pod_class)
        self._placed.remove(record)
        neighbours = self._on[record.node]
        neighbours.discard(record)
        if not neighbours:
            del self._on[record.node]
        record.node = ""

    # Lists

    def _replace(self) -> list[Wake]:
        """Drop what the list that is now complete did not name."""
        gone = self._listing.finish(self._nodes.index, self._records, self._services.known)
        wakes: list[Wake] = []
        for key in gone.pods:
            wakes += self._drop_pod(key, self._records[key].pod.uid)
        for name in gone.nodes:
            wakes += self._drop_node(name)
        for namespace, name in gone.services:
            wakes += self._services.drop(ServiceDeleted(namespace, name))
        return wakes

    def _named(self, why: str, pod: Pod, *, skips_backoff: bool = False) -> WakeNamed:
        return WakeNamed(why, pod.namespace, self.aliases(pod), skips_backoff=skips_backoff)
