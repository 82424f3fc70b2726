"""The frozen input of one decision, in columns.

Arrays are read-only and shared: a snapshot costs pointers, not copies. `build_snapshot` makes one
from plain objects; the service's cache patches columns instead and calls the same constructors.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.node import Node
from scheduler.domain.pod_group import GroupRef, PodGroup
from scheduler.domain.resources import PODS, UNLIMITED
from scheduler.domain.storage import Storage
from scheduler.domain.workload import Labels, Pod, PodClass, Service
from scheduler.domain.zone import ZoneTree
from telemetry.model import UNKNOWN_US, RttTable, empty_rtt


@dataclass(frozen=True, slots=True, eq=False)
class NodeTable:
    """Nodes as columns; ``n`` nodes, ``r`` resources.

    `allocatable` and `requested` have shape ``(n, r)``, int64, columns named by `resources`.
    `domain` indexes `domain_names`, -1 for a node without a failure domain. `memo` holds what was
    worked out of the nodes alone (not of what pods request of them), for the next decision on the
    same nodes: it changes no answer. Only `with_requested` hands it on.
    """

    nodes: tuple[Node, ...]
    index: Mapping[str, int]
    resources: tuple[str, ...]
    allocatable: NDArray[np.int64]
    requested: NDArray[np.int64]
    is_ready: NDArray[np.bool_]
    is_unschedulable: NDArray[np.bool_]
    is_cloud: NDArray[np.bool_]
    domain: NDArray[np.int32]
    domain_names: tuple[str, ...]
    memo: dict[object, Any] = field(default_factory=dict, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.nodes)

    @property
    def free(self) -> NDArray[np.int64]:
        """Room left, shape ``(n, r)``; negative where a node is over-committed already."""
        return self.allocatable - self.requested

    def with_requested(self, requested: NDArray[np.int64]) -> "NodeTable":
        """Return the same nodes with other pods on them."""
        table = replace(self, requested=requested)
        object.__setattr__(table, "memo", self.memo)
        return table

    def demand(self, pod_class: PodClass) -> NDArray[np.int64]:
        """Return what one pod of a class takes of each resource, shape ``(r,)``."""
        wanted = dict(pod_class.requests)
        return np.array(
            [wanted.get(name, 0) + (1 if name == PODS else 0) for name in self.resources],
            dtype=np.int64,
        )


@dataclass(frozen=True, slots=True, eq=False)
class PlacedPods:
    """Pods that are bound or assumed and not finished; ``p`` of them.

    `node_of`, `class_of` and `backup_of` have shape ``(p,)``; `node_of` is -1 for a pod on a node
    that is gone, `backup_of` for a pod without a backup, or whose backup is gone. A terminating pod
    still takes room but is no reference any more. `replaced` holds the uids of lost pods whose
    reserved places were taken by others.
    """

    pods: tuple[Pod, ...] = ()
    node_of: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    classes: tuple[PodClass, ...] = ()
    class_of: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    is_terminating: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    backup_of: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    replaced: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LostPod:
    """A pod that went with its node, or is moved, and the name of the node reserved for it.

    `marks` are annotations that the pod which takes its place is to carry.
    """

    pod: Pod
    backup: str
    marks: Labels = ()


@dataclass(frozen=True, slots=True, eq=False)
class ClusterSnapshot:
    """Everything a decision may look at.

    `pending` are the pods to decide on, in the queue's order. `held` are known pods that are
    unplaced but not up for decision now (backing off, gated, another scheduler's): references to
    them are pending, not unknown. `lost` are pods that were gone from nodes believed dead before
    another took their place, `moving` those that are made to leave their nodes. `groups` are the
    pod groups that have an object, by what their pods call them. `namespaces` are the labels of
    each namespace by its name. `now_s` is the shell's clock, for waiting times.
    """

    nodes: NodeTable
    placed: PlacedPods
    pending: tuple[Pod, ...]
    held: tuple[Pod, ...] = ()
    lost: tuple[LostPod, ...] = ()
    moving: tuple[LostPod, ...] = ()
    services: tuple[Service, ...] = ()
    groups: Mapping[GroupRef, PodGroup] = field(default_factory=dict)
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    storage: Storage = field(default_factory=Storage)
    rtt: RttTable = field(default_factory=empty_rtt)
    zones: ZoneTree = field(default_factory=ZoneTree)
    now_s: float = 0.0

    def rtt_from(self, node: str) -> NDArray[np.int32]:
        """Return RTTs from the node named `node` to each node of the table, shape ``(n,)``.

        `node` need not be in the table: the last confirmed values of a node that is gone still
        count. What is not measured is `UNKNOWN_US`.
        """
        here = self.nodes.index.get(node)
        row = self.rtt.index.get(node)
        if row is None:
            out = np.full(len(self.nodes), UNKNOWN_US, dtype=np.int32)
        else:
            columns = self._columns()
            out = np.where(columns >= 0, self.rtt.from_node(row)[columns], np.int32(UNKNOWN_US))
        if here is not None:
            out[here] = 0
        return out

    def _columns(self) -> NDArray[np.int64]:
        """Return the RTT table's row of each node, -1 where it has none."""
        index = self.rtt.index
        return np.array([index.get(node.name, -1) for node in self.nodes.nodes], dtype=np.int64)


def node_table(
    nodes: Sequence[Node], placed: Iterable[tuple[Pod, str]], pending: Iterable[Pod]
) -> NodeTable:
    """Return the columns of `nodes` with what `placed` takes of them.

    Parameters
    ----------
    nodes
        With unique names.
    placed
        Pods and the node each is on.
    pending
        Pods whose resources must have a column too.
    """
    placed = list(placed)
    names = {PODS}
    names.update(name for node in nodes for name in node.allocatable)
    names.update(name for pod, _ in placed for name, _ in pod.pod_class.requests)
    names.update(name for pod in pending for name, _ in pod.pod_class.requests)
    columns = tuple(sorted(names))
    column_of = {name: k for k, name in enumerate(columns)}
    index = {node.name: i for i, node in enumerate(nodes)}
    allocatable = np.zeros((len(nodes), len(columns)), dtype=np.int64)
    for i, node in enumerate(nodes):
        if node.is_unlimited:
            allocatable[i, :] = UNLIMITED
        for name, value in node.allocatable.items():
            allocatable[i, column_of[name]] = value
    requested = np.zeros_like(allocatable)
    for pod, on in placed:
        i = index.get(on, -1)
        if i >= 0:
            requested[i, column_of[PODS]] += 1
            for name, value in pod.pod_class.requests:
                requested[i, column_of[name]] += value
    domain_names = tuple(sorted({n.failure_domain for n in nodes if n.failure_domain}))
    domain_of = {name: k for k, name in enumerate(domain_names)}
    table = NodeTable(
        nodes=tuple(nodes),
        index=index,
        resources=columns,
        allocatable=allocatable,
        requested=requested,
        is_ready=np.array([n.is_ready for n in nodes], dtype=np.bool_),
        is_unschedulable=np.array([n.is_unschedulable for n in nodes], dtype=np.bool_),
        is_cloud=np.array([n.is_cloud for n in nodes], dtype=np.bool_),
        domain=np.array([domain_of.get(n.failure_domain, -1) for n in nodes], dtype=np.int32),
        domain_names=domain_names,
    )
    for array in (table.allocatable, table.requested, table.domain):
        array.flags.writeable = False
    return table


def placed_pods(
    placed: Iterable[tuple[Pod, str]], index: Mapping[str, int], terminating: frozenset[str]
) -> PlacedPods:
    """Return the columns of `placed`; `terminating` holds the keys of pods on their way out."""
    rows = list(placed)
    class_ids: dict[PodClass, int] = {}
    class_of = [class_ids.setdefault(pod.pod_class, len(class_ids)) for pod, _ in rows]
    return PlacedPods(
        pods=tuple(pod for pod, _ in rows),
        node_of=np.array([index.get(node, -1) for _, node in rows], dtype=np.int32),
        classes=tuple(class_ids),
        class_of=np.array(class_of, dtype=np.int32),
        is_terminating=np.array([pod.key in terminating for pod, _ in rows], dtype=np.bool_),
        backup_of=np.array([index.get(pod.backup, -1) for pod, _ in rows], dtype=np.int32),
        replaced=frozenset(pod.replaces for pod, _ in rows if pod.replaces),
    )


def build_snapshot(  # noqa: PLR0913 - the parts of a snapshot, all but two optional
    nodes: Sequence[Node],
    pending: Sequence[Pod],
    *,
    placed: Iterable[tuple[Pod, str]] = (),
    terminating: frozenset[str] = frozenset(),
    held: Sequence[Pod] = (),
    services: Sequence[Service] = (),
    groups: Iterable[PodGroup] = (),
    namespaces: Mapping[str, Mapping[str, str]] | None = None,
    storage: Storage | None = None,
    rtt: RttTable | None = None,
    zones: ZoneTree | None = None,
    now_s: float = 0.0,
) -> ClusterSnapshot:
    """Freeze plain objects into a snapshot."""
    rows = list(placed)
    table = node_table(nodes, rows, pending)
    return ClusterSnapshot(
        nodes=table,
        placed=placed_pods(rows, table.index, terminating),
        pending=tuple(pending),
        held=tuple(held),
        services=tuple(services),
        groups={group.ref: group for group in groups},
        namespaces=namespaces if namespaces is not None else {},
        storage=storage if storage is not None else Storage(),
        rtt=rtt if rtt is not None else empty_rtt(),
        zones=zones if zones is not None else ZoneTree(),
        now_s=now_s,
    )
