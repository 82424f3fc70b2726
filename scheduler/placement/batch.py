"""One decision's working set: the pending classes, their masks and their references."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.reasons import Cause, PodCause, PodReason
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import Pod, PodClass, Toleration
from scheduler.placement.distances import Distances
from scheduler.placement.feasibility import affinity, state
from scheduler.placement.feasibility.verdict import Mask, Verdict
from scheduler.placement.named import named_pods
from scheduler.placement.references import ReferenceBook, Target
from scheduler.placement.settings import PlacementSettings

if TYPE_CHECKING:
    from scheduler.placement.bounds import Reach

PlacedSoFar = Mapping[PodClass, Sequence[tuple[int, str]]]
"""Node and name of the pods placed so far in this decision, by class."""


@dataclass(frozen=True, slots=True, eq=False)
class PendingClass:
    """Pods of one class up for decision, in queue order, and what rules nodes out for them.

    `demand` has shape ``(r,)``. `verdicts` are those that do not change during a decision.
    `problem` says why the class is not tried at all.
    """

    number: int
    pod_class: PodClass
    pods: tuple[Pod, ...]
    demand: NDArray[np.int64]
    verdicts: tuple[Verdict, ...]
    mask: Mask
    targets: tuple[Target, ...]
    soft_targets: tuple[Target, ...]
    problems: tuple[PodReason, ...]


_ByClass = dict[PodClass, list[tuple[int, str]]]


class Batch:
    """A snapshot with what every step of the decision looks up in it."""

    def __init__(self, snapshot: ClusterSnapshot, settings: PlacementSettings) -> None:
        self.snapshot = snapshot
        self.settings = settings
        self.table = snapshot.nodes
        self.distances = Distances(snapshot)
        self.labels = affinity.NodeLabels(snapshot.nodes)
        self.nested_zones = _nested_zones(snapshot)
        """Each node's zone of the smallest layer within its failure domain, shape ``(n,)``; -1 for
        none; None without zones. So zones nest in domains, as the flow needs them."""
        self.reaches: dict[int, Reach] = {}
        """What `reach` found that cannot change during the decision, by class number."""
        self._named = named_pods(snapshot)
        self._taints: dict[object, tuple[Verdict, ...]] = {}
        self._soft_taints: dict[tuple[Toleration, ...], NDArray[np.int64]] = {}
        self.classes: tuple[PendingClass, ...] = self._classes()

    @cached_property
    def _book(self) -> ReferenceBook:
        """Only made where a pod refers to something: it walks over all that runs."""
        return ReferenceBook(self.snapshot, self._named)

    @cached_property
    def _placed(self) -> _ByClass:
        return _nodes_by_class(self.snapshot)

    def _classes(self) -> tuple[PendingClass, ...]:
        groups: dict[PodClass, list[Pod]] = {}
        for pod in self.snapshot.pending:
            groups.setdefault(self.class_of(pod), []).append(pod)
        return tuple(
            self._pending(number, pod_class, pods)
            for number, (pod_class, pods) in enumerate(groups.items())
        )

    def class_of(self, pod: Pod) -> PodClass:
        """Return the class a pending pod is decided with."""
        if not self._named:
            return pod.pod_class
        return self._named.get((pod.namespace, pod.name), pod.pod_class)

    def _pending(self, number: int, pod_class: PodClass, pods: Sequence[Pod]) -> PendingClass:
        targets = tuple(self._book.target(pod_class, d) for d in pod_class.delays)
        hard = tuple(t for t in targets if not t.constraint.is_soft)
        verdicts = self._verdicts(pod_class)
        mask = np.ones(len(self.table), dtype=np.bool_)
        for verdict in verdicts:
            mask &= verdict.passes
        return PendingClass(
            number=number,
            pod_class=pod_class,
            pods=tuple(pods),
            demand=self.table.demand(pod_class),
            verdicts=verdicts,
            mask=mask,
            targets=hard,
            soft_targets=tuple(t for t in targets if t.constraint.is_soft and t.problem is None),
            problems=_problems(pod_class, hard),
        )

    def _verdicts(self, pod_class: PodClass) -> tuple[Verdict, ...]:
        key = (pod_class.tolerations, pod_class.node_name)
        common = self._taints.get(key)
        if common is None:
            common = self._taints[key] = (
                state.unschedulable(self.table, pod_class),
                state.node_name(self.table, pod_class),
                state.taints(self.table, pod_class),
                state.readiness(self.table),
            )
        own = affinity.node_affinity(self.labels, self.table, pod_class)
        return (*common, own, self._cloud(pod_class))

    def _cloud(self, pod_class: PodClass) -> Verdict:
        table = self.table
        is_bound_to_cloud = (
            self.settings.cloud.overflow == "never"
            and not pod_class.delays
            and not pod_class.node_name
        )
        if not is_bound_to_cloud:
            return Verdict(Cause.CLOUD, np.ones(len(table), dtype=np.bool_))
        text = "node(s) were at the edge and cloud.overflow is never"
        return Verdict(Cause.CLOUD, table.is_cloud, [(text, ~table.is_cloud)])

    def soft_taints(self, pod_class: PodClass) -> NDArray[np.int64]:
        """Return how many PreferNoSchedule taints of each node a class does not tolerate."""
        counts = self._soft_taints.get(pod_class.tolerations)
        if counts is None:
            counts = self._soft_taints[pod_class.tolerations] = state.soft_taints(
                self.table, pod_class
            )
        return counts

    def placed_nodes(self, target: Target, placing: PlacedSoFar) -> NDArray[np.int64]:
        """Return the nodes that run what a target refers to, each once, in node order."""
        return np.array(sorted(set(self.replicas(target, placing))), dtype=np.int64)

    def replicas(self, target: Target, placing: PlacedSoFar) -> list[int]:
        """Return the node of each pod a target refers to; the target is not a node."""
        wanted = target.pod_name
        return [
            i
            for pod_class in target.classes
            for i, name in (*self._placed.get(pod_class, ()), *placing.get(pod_class, ()))
            if wanted in ("", name)
        ]


def _nested_zones(snapshot: ClusterSnapshot) -> NDArray[np.int64] | None:
    tree = snapshot.zones
    if not tree.layers:
        return None
    row = {name: i for i, name in enumerate(tree.nodes)}
    rows = np.array([row.get(node.name, -1) for node in snapshot.nodes.nodes], dtype=np.int64)
    zone = np.where(rows >= 0, tree.layers[0].zone_of[rows], -1).astype(np.int64)
    domain = snapshot.nodes.domain.astype(np.int64)
    pair = np.where(zone >= 0, zone * (int(domain.max(initial=0)) + 2) + domain + 1, -1)
    _, nested = np.unique(pair, return_inverse=True)
    return np.where(zone >= 0, nested, -1).astype(np.int64)


def _nodes_by_class(snapshot: ClusterSnapshot) -> _ByClass:
    placed = snapshot.placed
    out: _ByClass = {}
    for row in np.flatnonzero((placed.node_of >= 0) & ~placed.is_terminating).tolist():
        pod = placed.pods[row]
        out.setdefault(pod.pod_class, []).append((int(placed.node_of[row]), pod.name))
    return out


def _problems(pod_class: PodClass, targets: Sequence[Target]) -> tuple[PodReason, ...]:
    out = [PodReason(PodCause.BAD_DELAY, str(fault)) for fault in pod_class.faults]
    out.extend(
        PodReason(PodCause.UNSUPPORTED, f"{feature} is not supported yet, so the pod waits")
        for feature in pod_class.unsupported
    )
    out.extend(target.problem for target in targets if target.problem is not None)
    return tuple(out)
