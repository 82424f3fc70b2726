"""Pods and what became of them: pending, assumed, bound, finished.

A binding we have decided on is *assumed*: it counts as placed at once, until the watch confirms it
or it is taken back. A binding whose answer was lost is *doubted*: it still counts, because it may
have happened. Doubt ends when the watch shows the pod bound, when a later listing shows it unbound,
or when the cycle gives it up.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from scheduler.domain.cluster_events import PodChanged
from scheduler.domain.snapshot import PlacedPods
from scheduler.domain.workload import Pod
from scheduler.service.backings import Backings
from scheduler.service.listing import Listing
from scheduler.service.node_columns import NodeColumns
from scheduler.service.pod_columns import NO_NODE, NOT_PLACED, PodColumns, PodRecord, PodState
from scheduler.service.pod_events import PodEvents
from scheduler.service.service_table import ServiceTable
from scheduler.service.wake import Namespaces, RoomFreed, Wake, room_of

_FINISHED_PHASES = frozenset({"Succeeded", "Failed"})


class PodBook:
    """All known pods, each charged to the node it is placed on.

    `namespaces` returns the labels of all namespaces.
    """

    def __init__(
        self,
        nodes: NodeColumns,
        services: ServiceTable,
        listing: Listing,
        namespaces: Callable[[], Namespaces] = dict,
    ) -> None:
        self.records: dict[str, PodRecord] = {}
        self._nodes = nodes
        self._listing = listing
        self.events = PodEvents(nodes, services, namespaces)
        self._placed = PodColumns()
        self._backings = Backings(self._placed, nodes.index)
        self._on: dict[str, set[PodRecord]] = {}
        self._renounced: set[str] = set()
        self.version = 0
        """Counts how often a pod came to a node or left one."""
        self.changes = 0
        """Counts what others did to placed pods, and pods that we had to take back."""

    # What is known

    @property
    def placed_count(self) -> int:
        """Pods that are bound or assumed."""
        return len(self._placed)

    @property
    def backup_changes(self) -> int:
        """Counts the backups that changed while their pods stayed; no part of `version`."""
        return self._backings.changes

    def get(self, key: str) -> PodRecord | None:
        """Return what is known of a pod, or None; for reading only."""
        return self.records.get(key)

    def on(self, node: str) -> Iterable[PodRecord]:
        """Return the pods that are placed on a node; for reading only."""
        return tuple(self._on.get(node, ()))

    def is_pending(self, pod: Pod) -> bool:
        """Whether this very pod is unbound, not assumed and not on its way out."""
        record = self.records.get(pod.key)
        return (
            record is not None
            and record.pod.uid == pod.uid
            and record.state is PodState.PENDING
            and not record.is_terminating
        )

    def is_assumed(self, pod: Pod, node: str) -> bool:
        """Whether this very pod is assumed on this node, and the node is still there."""
        record = self.records.get(pod.key)
        return (
            record is not None
            and record.pod.uid == pod.uid
            and record.state is PodState.ASSUMED
            and not record.is_terminating
            and record.node == node
            and node in self._nodes.index
        )

    def freeze(self) -> PlacedPods:
        """Return the placed pods."""
        return self._placed.freeze()

    # What we decide

    def assume(self, pod: Pod, node: str, *, backup: str = "", replaces: str = "") -> list[Wake]:
        """Count a pending pod as placed, with the backup it is given and the pod it replaces.

        Raises
        ------
        ValueError
            If the pod is not pending or the node is not known: a bug of the caller.
        """
        record = self.records.get(pod.key)
        if record is None or record.pod.uid != pod.uid or record.state is not PodState.PENDING:
            raise ValueError(f"{pod.key} is not pending")
        if node not in self._nodes.index:
            raise ValueError(f"{node} is not a node")
        record.backup, record.replaces = backup, replaces
        self._place(record, node, PodState.ASSUMED)
        return self.events.assumed(record.pod)

    def forget(self, pod: Pod) -> list[Wake]:
        """Take an assumption back; harmless for a pod that is not assumed."""
        record = self.records.get(pod.key)
        if record is None or record.pod.uid != pod.uid or record.state is not PodState.ASSUMED:
            return []
        wakes = self._leave(record)
        if record.replaces:
            self._renounced.add(record.replaces)
        record.state, record.doubted_at_s = PodState.PENDING, None
        record.backup, record.replaces = "", ""
        return wakes

    def take_renounced(self) -> frozenset[str]:
        """Return the uids of lost pods that were replaced by assumptions taken back since."""
        renounced, self._renounced = frozenset(self._renounced), set()
        return renounced

    def set_backup(self, pod: Pod, node: str, backup: str) -> list[Wake]:
        """Give a pod that still is on a node another backup; return whom that may help."""
        record = self.records.get(pod.key)
        if record is None or record.pod.uid != pod.uid or record.node != node:
            return []
        before = record.backup
        self._backings.change(record, backup)
        return self.unreserved(before)

    def renounce(self, pod: Pod, node: str) -> list[Wake]:
        """Return whom it may help that a pod does not go where a decision had it go.

        Others were refused because of it, though it was never assumed.
        """
        return self.events.gone(pod, node, None)

    def doubt(self, pod: Pod, now_s: float) -> None:
        """Remember that a binding of an assumed pod went unanswered."""
        record = self.records.get(pod.key)
        if record is None or record.pod.uid != pod.uid or record.state is not PodState.ASSUMED:
            return
        if record.doubted_at_s is None:
            record.doubted_at_s = now_s
        record.unanswered_s = now_s
        record.doubted_in = self._listing.number

    def trust(self, pod: Pod) -> None:
        """End the doubt about an assumed pod: its binding was answered."""
        record = self.doubted(pod)
        if record is not None:
            record.doubted_at_s = None

    def doubted(self, pod: Pod) -> PodRecord | None:
        """Return the record of a pod whose binding went unanswered, else None."""
        record = self.records.get(pod.key)
        if record is None or record.pod.uid != pod.uid or record.doubted_at_s is None:
            return None
        return record if record.state is PodState.ASSUMED else None

    @contextmanager
    def without(self, pods: Iterable[Pod]) -> Iterator[None]:
        """Leave placed pods out for the length of a freeze, then put them back."""
        records = [self.records.get(pod.key) for pod in pods]
        out = [(r, r.node, r.state) for r in records if r is not None and r.slot != NOT_PLACED]
        for record, _, _ in out:
            self._unplace(record)
        try:
            yield
        finally:
            for record, node, state in out:
                self._place(record, node, state)

    # What the cluster says

    def put(self, event: PodChanged) -> list[Wake]:
        """Take in what the cluster says of a pod."""
        pod = event.pod
        self._listing.saw_pod(pod.key)
        record = self.records.get(pod.key)
        wakes: list[Wake] = []
        if record is not None and record.pod.uid != pod.uid:
            wakes = self.drop(pod.key, record.pod.uid)
            record = None
        if record is None:
            record = self.records[pod.key] = PodRecord(pod)
            wakes += self.events.named("PodAdd", pod, skips_backoff=True)
        elif record.pod != pod:
            wakes += self._update(record, pod)
        record.is_ready = event.is_ready
        if event.is_terminating and not record.is_terminating:
            record.is_terminating = True
            if record.slot != NOT_PLACED:
                self.changes += 1
                self._placed.refresh(record)
            wakes += self.events.terminating(pod, is_placed=record.slot != NOT_PLACED)
        return wakes + self._follow(record, event)

    def drop(self, key: str, uid: str) -> list[Wake]:
        """Remove a pod; harmless for one that is not known, or known by another uid."""
        record = self.records.get(key)
        if record is None or record.pod.uid != uid:
            return []
        del self.records[key]
        if record.slot == NOT_PLACED:
            return self.events.named("PodDelete", record.pod)
        return self._leave(record)

    def settle_on(self, name: str) -> list[Wake]:
        """Charge a node that has come with the pods already known to be on it."""
        row = self._nodes.index[name]
        self._backings.move(name, row)
        wakes: list[Wake] = []
        for record in self._on.get(name, ()):
            self._placed.move(record, row)
            self._nodes.charge(row, record.pod.pod_class)
            wakes += self.events.placed(record.pod, "NodeAdd")
        return wakes

    def strand(self, name: str) -> list[Wake]:
        """Keep the pods of a node that is gone; they count nowhere any more."""
        wakes: list[Wake] = []
        self._backings.move(name, NO_NODE)
        for record in self._on.get(name, ()):
            self._placed.move(record, NO_NODE)
            wakes += self.events.stranded(record.pod)
        return wakes

    def follow(self, name: str, row: int) -> None:
        """Follow a node to another row."""
        self._backings.move(name, row)
        for record in self._on.get(name, ()):
            self._placed.move(record, row)

    # Inside

    def _update(self, record: PodRecord, pod: Pod) -> list[Wake]:
        """Take over a changed object of the same pod."""
        old, is_same_class = record.pod, record.pod.pod_class == pod.pod_class
        if record.slot == NOT_PLACED or is_same_class:
            record.pod = pod
            if record.slot != NOT_PLACED:
                self._placed.refresh(record)
        else:
            node, state = record.node, record.state
            self.changes += 1
            self._unplace(record)
            record.pod = pod
            self._place(record, node, state)
        return self.events.changed(old, pod, record.node)

    def _follow(self, record: PodRecord, event: PodChanged) -> list[Wake]:
        """Bring the state of a pod in line with what the cluster says of it."""
        if record.state is PodState.FINISHED:
            return []
        if event.phase in _FINISHED_PHASES:
            wakes = self._leave(record) if record.slot != NOT_PLACED else []
            record.state, record.doubted_at_s = PodState.FINISHED, None
            return wakes
        if event.node:
            return self._confirm(record, event.node)
        is_denied = record.doubted_at_s is not None and self._listing.number > record.doubted_in
        if record.state is PodState.ASSUMED and is_denied and self._listing.is_open:
            return self.forget(record.pod)
        return []  # an assumption outlives news of the pod from before its binding

    def _confirm(self, record: PodRecord, node: str) -> list[Wake]:
        record.doubted_at_s = None
        wakes = self.unreserved(self._backings.learn(record))
        if record.slot != NOT_PLACED and record.node == node:
            record.state = PodState.BOUND
            return wakes
        wakes += self._leave(record) if record.slot != NOT_PLACED else []
        self.changes += 1
        self._place(record, node, PodState.BOUND)
        return wakes + self.events.placed(record.pod)

    def _place(self, record: PodRecord, node: str, state: PodState) -> None:
        self.version += 1
        record.node, record.state = node, state
        row = self._nodes.index.get(node, NO_NODE)
        self._placed.add(record, row)
        self._backings.join(record)
        self._on.setdefault(node, set()).add(record)
        self._nodes.name_class(record.pod.pod_class)  # its resources have columns, node or not
        if row != NO_NODE:
            self._nodes.charge(row, record.pod.pod_class)

    def _unplace(self, record: PodRecord) -> None:
        self.version += 1
        row = self._nodes.index.get(record.node, NO_NODE)
        if row != NO_NODE:
            self._nodes.refund(row, record.pod.pod_class)
        self._backings.leave(record)
        self._placed.remove(record)
        neighbours = self._on[record.node]
        neighbours.discard(record)
        if not neighbours:
            del self._on[record.node]
        record.node = ""

    def _leave(self, record: PodRecord) -> list[Wake]:
        """Take a pod off its node and return whom that may help."""
        self.changes += 1
        pod, node, backup = record.pod, record.node, record.backup
        self._unplace(record)
        return [*self.events.gone(pod, node, room_of(pod.pod_class)), *self.unreserved(backup)]

    def unreserved(self, node: str) -> list[Wake]:
        """Return whom it may help that less is reserved on a node, if it is one."""
        room = self._nodes.room(node) if node in self._nodes.index else None
        return [RoomFreed(room, None, "AssignedPodDelete")] if room is not None else []
