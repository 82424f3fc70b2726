"""All pods of the final state, in groups of pods that no selector of a rule tells apart."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.between import PodTerm, SpreadConstraint
from scheduler.domain.selector import Labels
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import Pod, PodClass
from scheduler.planning.check.ledger import Decided

Nodes = NDArray[np.int64]
"""Rows of the node table; -1 for a node that is gone."""

_NOTHING = np.zeros(0, dtype=np.int64)


class Groups:
    """The placed pods and the assigned ones, by group.

    A group is a class; where a selector asks for labels by which controllers number their pods,
    its pods of one such label. Groups of placed pods come first, those in `assigned` are of the
    plan's own; `classes` and `labels` are of each group. `keys` are the labels asked for.
    """

    def __init__(self, snapshot: ClusterSnapshot, decided: Decided) -> None:
        placed = snapshot.placed
        self.decided = decided
        self._placed = placed
        selectors = (one.selector for one in _asking(placed.classes, decided.classes))
        self.keys = frozenset(w.key for s in selectors if s is not None for w in s.requirements)
        self.classes = list(placed.classes)
        self.labels: list[Labels] = [pod_class.labels for pod_class in placed.classes]
        self._group_of = placed.class_of
        # What some class is labelled with is no number of a pod: nearly always nothing is left.
        carried = {key for labels in self.labels for key, _ in labels}
        carried |= {key for pod_class in decided.classes for key, _ in pod_class.labels}
        numbers = self.keys - carried
        numbered = _numbered(placed.pods, numbers)
        if numbered:
            self._group_of = placed.class_of.copy()
            self._part(numbered)
        first = len(self.classes)
        self._rows: list[NDArray[np.int64]] = []
        for pod_class, rows in zip(decided.classes, decided.rows_of, strict=True):
            for extra, part in _parts(decided.pods, rows, numbers):
                self.classes.append(pod_class)
                self.labels.append(pod_class.labels + extra)
                self._rows.append(part)
        self.assigned = range(first, len(self.classes))
        self.placed = range(first)

    def rows(self, groups: Collection[int]) -> NDArray[np.int64]:
        """Return the rows among the decided pods of some assigned groups."""
        return _joined([self._rows[group - self.assigned.start] for group in groups])

    def nodes(self, groups: Iterable[int], *, are_living: bool = False) -> Nodes:
        """Return the node of each pod of some groups, of terminating ones -1 if `are_living`."""
        column = self._living if are_living else self._nodes
        starts, first = self._starts, self.assigned.start
        return _joined(
            [
                column[starts[g] : starts[g + 1]] if g < first else self._assigned[g - first]
                for g in groups
            ]
        )

    @cached_property
    def _assigned(self) -> list[Nodes]:
        return [self.decided.node_of[rows] for rows in self._rows]

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        # numpy sorts 16 bits by radix: a third of the time.
        is_small = len(self.placed) <= np.iinfo(np.uint16).max
        return np.argsort(
            self._group_of.astype(np.uint16) if is_small else self._group_of, kind="stable"
        )

    @cached_property
    def _starts(self) -> list[int]:
        sizes = np.bincount(self._group_of, minlength=len(self.placed))
        return [0, *np.cumsum(sizes).tolist()]

    @cached_property
    def _nodes(self) -> Nodes:
        return self._placed.node_of[self._order].astype(np.int64)

    @cached_property
    def _living(self) -> Nodes:
        return np.where(self._placed.is_terminating[self._order], np.int64(-1), self._nodes)

    def _part(self, numbered: dict[int, Labels]) -> None:
        """Give placed pods that are told apart within their class groups of their own."""
        ids: dict[tuple[int, Labels], int] = {}
        for row, extra in numbered.items():
            of_class = int(self._placed.class_of[row])
            known = len(ids)
            group = ids.setdefault((of_class, extra), len(self.classes))
            if len(ids) > known:
                pod_class = self._placed.classes[of_class]
                self.classes.append(pod_class)
                self.labels.append(pod_class.labels + extra)
            self._group_of[row] = group


def _joined(parts: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    return parts[0] if len(parts) == 1 else np.concatenate([_NOTHING, *parts])


def _asking(
    placed: Sequence[PodClass], assigned: Sequence[PodClass]
) -> Iterator[PodTerm | SpreadConstraint]:
    """Yield what selects pods; of placed ones only their anti-affinity does."""
    for pod_class in placed:
        yield from pod_class.pod_anti_affinity
    for pod_class in assigned:
        yield from pod_class.pod_affinity
        yield from pod_class.pod_anti_affinity
        yield from pod_class.spread


def _numbered(pods: Sequence[Pod], keys: frozenset[str]) -> dict[int, Labels]:
    """Return those labels of `keys` that are not of the class, by row, where there are any."""
    if not keys:
        return {}
    with_own = ((row, pod.identity_labels) for row, pod in enumerate(pods) if pod.identity_labels)
    found = ((row, tuple(p for p in labels if p[0] in keys)) for row, labels in with_own)
    return {row: labels for row, labels in found if labels}


def _parts(
    pods: Sequence[Pod], rows: NDArray[np.int64], keys: frozenset[str]
) -> Iterator[tuple[Labels, NDArray[np.int64]]]:
    """Yield the pods of one class in parts that selectors on `keys` cannot tell apart."""
    numbered = _numbered([pods[row] for row in rows.tolist()], keys) if keys else {}
    if not numbered:
        yield (), rows
        return
    parts: dict[Labels, list[int]] = {}
    for k in range(len(rows)):
        parts.setdefault(numbered.get(k, ()), []).append(k)
    for extra, part in parts.items():
        yield extra, rows[part]
