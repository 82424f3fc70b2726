"""One decision's working set: the pending classes, their masks and their references."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.cover import KeptRoom
from scheduler.domain.node import HELD_DOWN_TAINT
from scheduler.domain.reasons import RESOURCE_CLAIMS, Cause, PodCause, PodReason
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import Pod, PodClass, Toleration, WorkloadRef
from scheduler.placement.apart import told_apart
from scheduler.placement.between.rule_maker import RuleMaker
from scheduler.placement.between.rules import Rules
from scheduler.placement.between.standing_pods import StandingPods
from scheduler.placement.between.wish_maker import WishMaker
from scheduler.placement.distances import Distances
from scheduler.placement.emptiest import EmptiestFirst
from scheduler.placement.feasibility import affinity, state
from scheduler.placement.feasibility.matching import Namespaces
from scheduler.placement.feasibility.verdict import Mask, Verdict
from scheduler.placement.feasibility.volume.rules import VolumeRules
from scheduler.placement.nested_zones import nested_zones
from scheduler.placement.nominated import Nominated
from scheduler.placement.references import ReferenceBook, Target
from scheduler.placement.settings import PlacementSettings

if TYPE_CHECKING:
    from scheduler.placement.bounds import Reach

_TOLERATES_HOLD_DOWN = Toleration(HELD_DOWN_TAINT, "Exists")

_MOST_MASKS = 4_096
"""Masks kept from one decision to the next: 50 MB at 12,500 nodes."""

PlacedSoFar = Mapping[PodClass, Sequence[tuple[int, str]]]
"""Node and name of the pods placed so far in this decision, by class."""


@dataclass(frozen=True, slots=True, eq=False)
class PendingClass:
    """Pods of one class up for decision, in queue order, and what rules nodes out for them.

    `demand` has shape ``(r,)``. `mask` are the nodes that nothing rules out which does not change
    during a decision (`Batch.verdicts` say why not the others). `problems` say why the class is
    not tried at all.
    """

    number: int
    pod_class: PodClass
    pods: tuple[Pod, ...]
    demand: NDArray[np.int64]
    mask: Mask
    targets: tuple[Target, ...]
    soft_targets: tuple[Target, ...]
    problems: tuple[PodReason, ...]

    @property
    def rank(self) -> tuple[int, bool]:
        """Priority, and whether it is of a gang, which is chosen to be placed whole."""
        return self.pod_class.priority, self.pod_class.group is not None


_ByClass = dict[PodClass, list[tuple[int, str]]]


class Batch:
    """A snapshot with what every step of the decision looks up in it.

    `spare` are the keys of pods that are placed as if they were of no group; `areas` the nodes that
    pods of a group may use, by key, where not all.
    """

    def __init__(
        self,
        snapshot: ClusterSnapshot,
        settings: PlacementSettings,
        kept: KeptRoom | None = None,
        spare: frozenset[str] = frozenset(),
        areas: Mapping[str, Mask] | None = None,
    ) -> None:
        snapshot, self._apart = told_apart(snapshot, spare)
        self._areas = areas or {}
        self.snapshot = snapshot
        self.settings = settings
        self.table = snapshot.nodes
        self.kept = kept
        self.free = self.table.free if kept is None else self.table.free - kept.room
        """Room for what is placed, before anything is, shape ``(n, r)``; not to be changed."""
        self.distances = Distances(snapshot)
        self.labels = affinity.NodeLabels(snapshot.nodes)
        self.nested_zones = nested_zones(snapshot)
        """Each node's zone of the smallest layer within its failure domain, shape ``(n,)``; -1 for
        none; None without zones. So zones nest in domains, as the flow needs them."""
        self.reaches: dict[int, Reach] = {}
        """What `reach` found that cannot change during the decision, by class number."""
        self._masks: dict[object, Mask] = snapshot.nodes.memo.setdefault("class masks", {})
        self.classes: tuple[PendingClass, ...] = self._classes()

    @cached_property
    def _book(self) -> ReferenceBook:
        """Only made where a pod refers to something: it walks over all that runs."""
        return ReferenceBook(self.snapshot, self._apart)

    @cached_property
    def _placed(self) -> _ByClass:
        return _nodes_by_class(self.snapshot)

    @cached_property
    def standing(self) -> StandingPods:
        """The pods that stand, by class."""
        return StandingPods(self.snapshot, Namespaces(self.snapshot.namespaces))

    @cached_property
    def fellows(self) -> Mapping[WorkloadRef, Sequence[PendingClass]]:
        """Pending classes by their workload."""
        out: dict[WorkloadRef, list[PendingClass]] = {}
        for pending in self.classes:
            if pending.pod_class.workload is not None:
                out.setdefault(pending.pod_class.workload, []).append(pending)
        return out

    @cached_property
    def nominated(self) -> Nominated:
        """Pods that room is kept for."""
        return Nominated(self.snapshot)

    def kept_room(self, priority: int) -> NDArray[np.int64] | None:
        """Return the room kept for nominated pods from a priority, shape ``(n, r)``; or None."""
        return self.nominated.room(priority) if self.nominated else None

    def free_for(self, priority: int, free: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the room that is left for pods of a priority, shape ``(n, r)``."""
        kept = self.kept_room(priority)
        return free if kept is None else free - kept

    @cached_property
    def emptiest(self) -> EmptiestFirst:
        """The nodes in order of how full they are."""
        return EmptiestFirst(self.table)

    @cached_property
    def groups(self) -> tuple[NDArray[np.int64], NDArray[np.int64] | None, NDArray[np.int64]]:
        """Each node's failure domain, zone and own number: what replicas spread over."""
        domain = self.table.domain.astype(np.int64)
        return domain, self.nested_zones, np.arange(len(self.table), dtype=np.int64)

    @cached_property
    def everywhere(self) -> Mask:
        """All nodes; not to be changed."""
        mask = np.ones(len(self.table), dtype=np.bool_)
        mask.flags.writeable = False
        return mask

    @cached_property
    def _volumes(self) -> VolumeRules:
        return VolumeRules(self.snapshot.storage, self.table, self.labels, self.snapshot.placed)

    @cached_property
    def rules(self) -> Rules:
        """What pods ask of each other, before anything is placed."""
        classes = [pending.pod_class for pending in self.classes]
        volumes = lambda: self._volumes  # noqa: E731 - made only where a pod has volumes
        maker = RuleMaker(self.standing, self.labels, classes, self._untainted, volumes)
        rules = maker.make()
        WishMaker(maker, self.labels, classes).make()
        return rules

    def _untainted(self, pod_class: PodClass) -> Mask:
        return state.taints(self.table, pod_class.tolerations).passes

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
        if not self._apart:
            return pod.pod_class
        return self._apart.get((pod.namespace, pod.name), pod.pod_class)

    def _pending(self, number: int, pod_class: PodClass, pods: Sequence[Pod]) -> PendingClass:
        targets = tuple(self._book.target(pod_class, d) for d in pod_class.delays)
        hard = tuple(t for t in targets if not t.constraint.is_soft)
        return PendingClass(
            number=number,
            pod_class=pod_class,
            pods=tuple(pods),
            demand=self.table.demand(pod_class),
            mask=self._within_area(pods[0], self._mask(pod_class)),
            targets=hard,
            soft_targets=tuple(t for t in targets if t.constraint.is_soft and t.problem is None),
            problems=(*_problems(pod_class, hard), *self._volume_problems(pod_class, pods)),
        )

    def _within_area(self, pod: Pod, mask: Mask) -> Mask:
        area = self._areas.get(pod.key)
        return mask if area is None else mask & area

    def _volume_problems(self, pod_class: PodClass, pods: Sequence[Pod]) -> tuple[PodReason, ...]:
        is_refused = affinity.named_nodes(pod_class) == frozenset()
        if not pod_class.volumes or is_refused:  # kube-scheduler stops at the first that refuses
            return ()
        namespace, uid = pod_class.namespace, pods[0].uid
        found = self._volumes.problems(namespace, uid, pod_class.volumes)
        return tuple(PodReason(PodCause.VOLUME, text) for text in found)

    def promised_mask(self, pending: "PendingClass") -> Mask:
        """Return the nodes that a class may go to where it has a place: held down or not."""
        own = pending.pod_class
        return self._mask(replace(own, tolerations=(*own.tolerations, _TOLERATES_HOLD_DOWN)))

    def _mask(self, pod_class: PodClass) -> Mask:
        """Return the nodes that all verdicts admit, as far as possible from earlier decisions."""
        key = (
            (pod_class.tolerations, pod_class.node_name),
            (pod_class.node_selector, pod_class.required_nodes, pod_class.features),
            self._is_bound_to_cloud(pod_class),
        )
        mask = self._masks.get(key)
        if mask is None:
            mask = np.ones(len(self.table), dtype=np.bool_)
            for verdict in self.verdicts(pod_class):
                mask &= verdict.passes
            mask &= state.declared_features(self.table, pod_class.features).passes
            mask.flags.writeable = False
            if len(self._masks) >= _MOST_MASKS:
                self._masks.clear()
            self._masks[key] = mask
        return mask

    def verdicts(self, pod_class: PodClass) -> tuple[Verdict, ...]:
        """Return what nodes alone say of a class, in the order of kube-scheduler's filters."""
        return (
            affinity.naming(self.table, pod_class),
            state.unschedulable(self.table, pod_class.tolerations),
            state.node_name(self.table, pod_class),
            state.taints(self.table, pod_class.tolerations),
            state.readiness(self.table),
            affinity.node_affinity(self.labels, pod_class),
            self._cloud(pod_class),
        )

    def _is_bound_to_cloud(self, pod_class: PodClass) -> bool:
        return (
            self.settings.cloud.overflow == "never"
            and not pod_class.delays
            and not pod_class.node_name
        )

    def _cloud(self, pod_class: PodClass) -> Verdict:
        table = self.table
        if not self._is_bound_to_cloud(pod_class):
            return Verdict(Cause.CLOUD, np.ones(len(table), dtype=np.bool_))
        text = "node(s) were at the edge and cloud.overflow is never"
        return Verdict(Cause.CLOUD, table.is_cloud, [(text, ~table.is_cloud)])

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


def _nodes_by_class(snapshot: ClusterSnapshot) -> _ByClass:
    placed = snapshot.placed
    out: _ByClass = {}
    for row in np.flatnonzero((placed.node_of >= 0) & ~placed.is_terminating).tolist():
        pod = placed.pods[row]
        out.setdefault(pod.pod_class, []).append((int(placed.node_of[row]), pod.name))
    return out


def _problems(pod_class: PodClass, targets: Sequence[Target]) -> tuple[PodReason, ...]:
    out = [PodReason(PodCause.BAD_DELAY, str(fault)) for fault in pod_class.faults]
    out.extend(map(_unsupported, pod_class.unsupported))
    if affinity.named_nodes(pod_class) == frozenset():
        out.append(PodReason(PodCause.AFFINITY_CONFLICT, affinity.CONFLICT))
    out.extend(target.problem for target in targets if target.problem is not None)
    return tuple(out)


def _unsupported(feature: str) -> PodReason:
    if feature == RESOURCE_CLAIMS:
        text = (
            f"dynamic {RESOURCE_CLAIMS} (spec.resourceClaims) are not supported by this scheduler"
        )
        return PodReason(PodCause.RESOURCE_CLAIM, text)
    return PodReason(PodCause.UNSUPPORTED, f"{feature} is not supported yet, so the pod waits")
