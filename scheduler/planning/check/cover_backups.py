"""Which pods a plan gives a backup: those it places, and those that were placed without one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.node import NOT_READY_TAINT, UNREACHABLE_TAINT
from scheduler.domain.plan import Assignment, Plan
from scheduler.domain.snapshot import ClusterSnapshot, NodeTable
from scheduler.domain.workload import Pod, PodClass
from scheduler.planning.check.ledger import Decided

_LOST = frozenset({NOT_READY_TAINT, UNREACHABLE_TAINT})


@dataclass(frozen=True, slots=True, eq=False)
class NewBackups:
    """Pods that the plan gives a backup on a node that exists; ``b`` of them.

    `there` has the pods as if each ran on its backup; its assignments are still those to the pods'
    own nodes, which `host_of` holds. `is_living` marks those that are replicas of what refers to
    them: all but terminating ones. Both have shape ``(b,)``.
    """

    there: Decided
    host_of: NDArray[np.int64]
    is_living: NDArray[np.bool_]

    def said(self, row: int, backup: str, detail: str) -> str:
        """Return the sentence for a backup that breaks a rule."""
        return f"cover: {self.there.pods[row].key} on {backup} as a backup: {detail}"


def dead_nodes(table: NodeTable) -> NDArray[np.bool_]:
    """Return which nodes are not ready, or tainted for it, shape ``(n,)``: their pods are lost."""
    is_dead: NDArray[np.bool_] | None = table.memo.get(("check", "dead"))
    if is_dead is None:
        tainted = [any(taint.key in _LOST for taint in node.taints) for node in table.nodes]
        is_dead = ~table.is_ready | np.array(tainted, dtype=np.bool_)
        table.memo["check", "dead"] = is_dead
    return is_dead


def backed_before(snapshot: ClusterSnapshot) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the rows of pods that have a backup already, and which of them are on dead nodes.

    Those on dead nodes are covered no longer: for them it is time to go there.
    """
    placed = snapshot.placed
    rows = np.flatnonzero((placed.node_of >= 0) & (placed.backup_of >= 0))
    return rows, dead_nodes(snapshot.nodes)[placed.node_of[rows]]


def new_backups(
    snapshot: ClusterSnapshot, plan: Plan, decided: Decided
) -> tuple[NewBackups, list[str]]:
    """Return the backups that the plan gives, and those that nobody could be given."""
    index, found = snapshot.nodes.index, list[str]()
    pods: list[Pod] = []
    made: list[Assignment] = []
    columns: list[tuple[int, int, bool]] = []
    rows: dict[PodClass, list[int]] = {}
    for pod, given, host, is_living in _given(snapshot, plan, decided, found):
        backup = index.get(given.backup)
        if backup is None:
            found.append(f"cover: {pod.key} on {given.backup} as a backup: no such node")
            continue
        rows.setdefault(pod.pod_class, []).append(len(pods))
        pods.append(pod)
        made.append(given)
        columns.append((backup, host, is_living))
    backup_of, host_of, is_living_of = np.array(columns, dtype=np.int64).reshape(-1, 3).T
    rows_of = tuple(np.array(part, dtype=np.int64) for part in rows.values())
    there = Decided(tuple(pods), tuple(made), backup_of, tuple(rows), rows_of)
    return NewBackups(there, host_of, is_living_of.astype(np.bool_)), found


def _given(
    snapshot: ClusterSnapshot, plan: Plan, decided: Decided, found: list[str]
) -> Iterator[tuple[Pod, Assignment, int, bool]]:
    """Yield each pod with a new backup, where it is, and whether it is there to stay."""
    for row, made in enumerate(decided.assignments):
        if made.backup:
            yield decided.pods[row], made, int(decided.node_of[row]), True
    placed, given = snapshot.placed, plan.cover.backups
    row_of = _rows(placed.pods, given)
    for key, backup in given.items():
        row = row_of.get(key, -1)
        if row < 0:
            found.append(f"cover: {key} on {backup} as a backup: no such pod was placed before")
        elif placed.node_of[row] < 0:
            found.append(f"cover: {key} on {backup} as a backup: the pod's own node is gone")
        elif placed.backup_of[row] >= 0:
            found.append(f"cover: {key} on {backup} as a backup: the pod has a backup already")
        else:
            pod, host = placed.pods[row], int(placed.node_of[row])
            made = Assignment(pod, snapshot.nodes.nodes[host].name, backup=backup)
            yield pod, made, host, not placed.is_terminating[row]


def _rows(pods: tuple[Pod, ...], keys: Mapping[str, str]) -> dict[str, int]:
    """Return the rows of the pods that have one of `keys`, maybe of others."""
    names = {key.rpartition("/")[2] for key in keys}
    if not names:
        return {}
    # Names first: keys are strings to be built, and a cluster runs 150,000 pods.
    is_named = map(names.__contains__, map(attrgetter("name"), pods))
    named = np.flatnonzero(np.fromiter(is_named, dtype=np.bool_, count=len(pods)))
    return {pods[row].key: row for row in named.tolist()}
