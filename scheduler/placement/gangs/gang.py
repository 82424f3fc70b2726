"""The gangs of a decision: which pods of a group there are, and how many have to be placed.

All or nothing holds for the first `min_member` pods of a group, those that run already counted;
what comes beyond is *spare* and placed as any other pod, where room is left.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.pod_group import GroupApi, GroupRef, PodGroup
from scheduler.domain.reasons import PodCause, PodReason
from scheduler.domain.resources import PODS, amount_text
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import Pod, PodClass

_KIND = {
    GroupApi.COSCHEDULING: "the label scheduling.x-k8s.io/pod-group",
    GroupApi.VOLCANO: "the annotation scheduling.k8s.io/group-name",
    GroupApi.NATIVE: "spec.schedulingGroup",
}
"""By what a pod names a group, for people."""


@dataclass(slots=True, eq=False)
class Gang:
    """One group of a snapshot.

    `pods` are up for decision, in the queue's order; `held` counts members that wait elsewhere and
    `bound` those that have a node and stay there. `problem` says why the group is not tried.
    """

    group: PodGroup
    pods: list[Pod] = field(default_factory=list)
    held: int = 0
    bound: int = 0
    problem: PodReason | None = None

    @property
    def ref(self) -> GroupRef:
        """What its pods call it."""
        return self.group.ref

    @property
    def needs(self) -> int:
        """How many of its pods have to be placed for any to be."""
        return max(0, self.group.min_member - self.bound)

    @property
    def spare(self) -> list[Pod]:
        """Pods beyond those that are needed."""
        return self.pods[self.needs :]

    @property
    def priority(self) -> int:
        """Its own priority, or the lowest of the pods that are needed."""
        if self.group.priority is not None:
            return self.group.priority
        return min((pod.pod_class.priority for pod in self.pods[: self.needs]), default=0)

    @property
    def since_s(self) -> float:
        """When the group came to be, seconds since 1970: its object, or its first pod."""
        pods = (pod.created_s for pod in self.pods)
        return self.group.created_s or min(pods, default=0.0)


def gangs_of(snapshot: ClusterSnapshot) -> Mapping[GroupRef, Gang]:
    """Return the groups that pods up for decision belong to, in the queue's order."""
    found: dict[GroupRef, Gang] = {}
    for pod in snapshot.pending:
        ref = pod.pod_class.group
        if ref is not None:
            gang = found.get(ref)
            if gang is None:
                gang = found[ref] = _new(snapshot, ref)
            gang.pods.append(pod)
    if found:
        _count(snapshot, found)
        for gang in found.values():
            gang.problem = gang.problem or _problem(snapshot, gang)
    return found


def _new(snapshot: ClusterSnapshot, ref: GroupRef) -> Gang:
    group = snapshot.groups.get(ref)
    if group is not None:
        return Gang(group)
    if ref.api is GroupApi.LABELS:
        return Gang(PodGroup(ref, min_member=max(1, ref.least)))
    text = f"no PodGroup {ref} ({ref.api.value}): create it, or remove {_KIND[ref.api]}"
    return Gang(PodGroup(ref), problem=PodReason(PodCause.GROUP, text))


def _count(snapshot: ClusterSnapshot, gangs: Mapping[GroupRef, Gang]) -> None:
    """Count members that are not up for decision."""
    for pod_class, count in _staying(snapshot):
        if pod_class.group is not None and pod_class.group in gangs:
            gangs[pod_class.group].bound += count
    for pod in snapshot.held:
        if pod.pod_class.group is not None and pod.pod_class.group in gangs:
            gangs[pod.pod_class.group].held += 1


def _problem(snapshot: ClusterSnapshot, gang: Gang) -> PodReason | None:
    group, there = gang.group, len(gang.pods) + gang.bound
    if group.faults:
        return PodReason(PodCause.GROUP, f"PodGroup {gang.ref}: {'; '.join(group.faults)}")
    if there + gang.held < group.min_member:
        text = (
            f"Wait for pod number of PodGroup to be {group.min_member}, got {there + gang.held} now"
        )
        return PodReason(PodCause.GROUP, text)
    if len(gang.pods) < gang.needs:
        text = (
            f"PodGroup {gang.ref} needs {gang.needs} more pods at once, "
            f"and {gang.held} of its pods cannot be tried now"
        )
        return PodReason(PodCause.GROUP, text)
    short = list(_short(snapshot, gang)) if gang.needs else []
    if short:
        text = f"PodGroup {gang.ref} asks for more than all nodes have left: {', '.join(short)}"
        return PodReason(PodCause.GROUP_ROOM, text)
    return None


def _short(snapshot: ClusterSnapshot, gang: Gang) -> Iterator[str]:
    """Yield what ``minResources`` asks for beyond the sum of what is free on all nodes.

    What the members that run have taken of it is not asked for again.
    """
    table = snapshot.nodes
    free = np.maximum(table.free, 0).sum(axis=0)
    mine = _bound_demand(snapshot, gang.ref) if gang.bound else np.zeros_like(free)
    column = {name: k for k, name in enumerate(table.resources)}
    wanted = [*gang.group.min_resources, (PODS, gang.group.min_member)]
    for name, amount in wanted if gang.group.min_resources else ():
        k = column.get(name)
        left = 0 if k is None else int(free[k] + mine[k])
        if amount > left:
            yield f"{amount_text(name, amount)}, {amount_text(name, left)} left"


def _bound_demand(snapshot: ClusterSnapshot, ref: GroupRef) -> NDArray[np.int64]:
    total = np.zeros(len(snapshot.nodes.resources), dtype=np.int64)
    for pod_class, count in _staying(snapshot):
        if pod_class.group == ref:
            total += count * snapshot.nodes.demand(pod_class)
    return total


def _staying(snapshot: ClusterSnapshot) -> Iterator[tuple[PodClass, int]]:
    """Yield each class of placed pods with how many of it have a node and stay there."""
    placed = snapshot.placed
    stays = (placed.node_of >= 0) & ~placed.is_terminating
    counts = np.bincount(placed.class_of[stays], minlength=len(placed.classes)).tolist()
    return zip(placed.classes, counts, strict=True)
