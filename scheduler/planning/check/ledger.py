"""Whether the plan accounts for every pending pod exactly once, and its assignments as columns."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.plan import Assignment, Plan
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import Pod, PodClass


@dataclass(frozen=True, slots=True, eq=False)
class Decided:
    """The assignments whose pod is pending and whose node exists; ``a`` of them.

    `pods` are the snapshot's, never the plan's own. `node_of` has shape ``(a,)``; `rows_of` holds,
    for each of `classes`, the rows of its pods.
    """

    pods: tuple[Pod, ...]
    assignments: tuple[Assignment, ...]
    node_of: NDArray[np.int64]
    classes: tuple[PodClass, ...]
    rows_of: tuple[NDArray[np.int64], ...]

    def breaks(self, rule: str, row: int, detail: str) -> str:
        """Return the sentence for an assignment that breaks a rule."""
        return f"{rule}: {self.pods[row].key} on {self.assignments[row].node}: {detail}"


def settle(snapshot: ClusterSnapshot, plan: Plan) -> tuple[Decided, list[str]]:
    """Return the plan's assignments as columns, and what the plan leaves out or makes up."""
    pending = {pod.key: pod for pod in snapshot.pending}
    found = _miscounted(pending.keys(), snapshot, plan)
    pods: list[Pod] = []
    kept: list[Assignment] = []
    node_of: list[int] = []
    for assignment in plan.assignments:
        pod = pending.get(assignment.pod.key)
        node = snapshot.nodes.index.get(assignment.node)
        if node is None:
            found.append(f"unknown node: {assignment.pod.key} on {assignment.node}: no such node")
        if pod is None or node is None:
            continue
        found += _unlike(assignment.pod, pod)
        pods.append(pod)
        kept.append(assignment)
        node_of.append(node)
    for unplaced in plan.unplaced:
        pod = pending.get(unplaced.pod.key)
        found += [] if pod is None else _unlike(unplaced.pod, pod)
    found += _bound_already(snapshot, pods)
    classes, rows_of = _by_class(pods)
    columns = np.array(node_of, dtype=np.int64)
    return Decided(tuple(pods), tuple(kept), columns, classes, rows_of), found


def _miscounted(pending: Iterable[str], snapshot: ClusterSnapshot, plan: Plan) -> list[str]:
    said = Counter(a.pod.key for a in plan.assignments)
    said.update(u.pod.key for u in plan.unplaced)
    waiting = Counter(pod.key for pod in snapshot.pending)
    found = [
        f"pod lost: {key} is pending but not in the plan" for key in pending if key not in said
    ]
    for key, times in said.items():
        if key not in waiting:
            found.append(f"unknown pod: {key} is in the plan but not pending")
        elif times > 1:
            found.append(f"pod twice: {key} is in the plan {times} times")
    found += [f"pod twice: {key} is pending {n} times" for key, n in waiting.items() if n > 1]
    return found


def _unlike(planned: Pod, pending: Pod) -> list[str]:
    """Refuse a pod judged by another spec, or an earlier pod of that name."""
    if planned is pending or planned == pending:
        return []
    return [f"pod changed: {pending.key} in the plan is not the pod that is pending"]


def _bound_already(snapshot: ClusterSnapshot, pods: list[Pod]) -> list[str]:
    names = {pod.name for pod in pods}
    # Names first: keys are strings to be built, and a cluster runs 150,000 pods.
    if names.isdisjoint(map(attrgetter("name"), snapshot.placed.pods)):
        return []
    suspects = {pod.key for pod in snapshot.placed.pods if pod.name in names}
    return [f"bound twice: {pod.key} is placed already" for pod in pods if pod.key in suspects]


def _by_class(pods: list[Pod]) -> tuple[tuple[PodClass, ...], tuple[NDArray[np.int64], ...]]:
    rows: dict[PodClass, list[int]] = {}
    for row, pod in enumerate(pods):
        rows.setdefault(pod.pod_class, []).append(row)
    return tuple(rows), tuple(np.array(part, dtype=np.int64) for part in rows.values())
