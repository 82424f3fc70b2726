"""Which nodes a volume can be used from, as row numbers: a local volume has one node of many."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.selector import LabelSelector, Requirement
from scheduler.domain.snapshot import NodeTable
from scheduler.domain.storage import TopologyTerm
from scheduler.domain.workload import NodeTerm
from scheduler.placement.feasibility.affinity import NodeLabels
from scheduler.placement.feasibility.verdict import Mask
from scheduler.placement.feasibility.volume.positions import Positions

Rows = NDArray[np.int64]
"""Rows of the node table, ascending."""

_MOST = 65_536
"""Answers kept at a time; beyond it the memo starts anew, to bound its memory."""


class VolumeNodes:
    """Rows of the nodes that selectors of volumes select; what was found serves later decisions."""

    def __init__(self, table: NodeTable, labels: NodeLabels) -> None:
        self._table = table
        self._labels = labels
        self._memo: dict[object, Rows] = table.memo.setdefault("volume nodes", {})
        self._indices: dict[str, _ByValue] = table.memo.setdefault("nodes by value", {})

    def rows(self, terms: tuple[NodeTerm, ...] | None) -> Rows:
        """Return the nodes that meet one of the terms; None asks for nothing.

        As kube-scheduler does for volumes, only labels are looked at: expressions on fields hold.
        """
        known = self._memo.get(terms)
        if known is None:
            parts = None if terms is None else [self._of_term(term) for term in terms]
            known = self._keep(terms, self._every() if parts is None else _either(parts))
        return known

    def mask(self, terms: tuple[NodeTerm, ...] | None) -> Mask:
        """Return `rows` as a mask of its own, shape ``(n,)``."""
        mask = np.zeros(len(self._table), dtype=np.bool_)
        mask[self.rows(terms)] = True
        return mask

    def selected(self, selector: LabelSelector) -> Rows:
        """Return the nodes that a label selector selects."""
        known = self._memo.get(selector)
        if known is None:
            known = self._keep(selector, self._meeting(selector.requirements))
        return known

    def allowed(self, terms: tuple[TopologyTerm, ...]) -> Mask:
        """Return the nodes in an allowed topology; all where none is given."""
        mask = np.full(len(self._table), not terms, dtype=np.bool_)
        for term in terms:
            if term.expressions:  # an empty term allows nothing
                asked = [Requirement(key, "In", values) for key, values in term.expressions]
                mask[self._meeting(asked)] = True
        return mask

    def _of_term(self, term: NodeTerm) -> Rows:
        if term.expressions:
            return self._meeting(term.expressions)
        return self._every() if term.fields else np.zeros(0, dtype=np.int64)

    def _meeting(self, requirements: Sequence[Requirement]) -> Rows:
        """Return the nodes that meet all requirements, starting from the one that leaves fewest."""
        found = [self._index(r.key).carrying(r.values) for r in requirements if r.operator == "In"]
        rows = min(found, key=len) if found else self._every()
        if len(found) == len(requirements) == 1:
            return rows
        for requirement in requirements:
            if requirement.operator == "In":
                rows = rows[self._index(requirement.key).has(requirement.values, rows)]
            else:
                rows = rows[self._labels.meets(requirement)[rows]]
        return rows

    def _index(self, key: str) -> "_ByValue":
        found = self._indices.get(key)
        if found is None:
            domains = self._labels.domains(key)
            found = self._indices[key] = _ByValue(domains.of, domains.values)
        return found

    def _every(self) -> Rows:
        return np.arange(len(self._table), dtype=np.int64)

    def _keep(self, key: object, rows: Rows) -> Rows:
        if len(self._memo) >= _MOST:
            self._memo.clear()
        rows.flags.writeable = False
        self._memo[key] = rows
        return rows


class _ByValue:
    """The nodes that carry each value of one label."""

    def __init__(self, of: NDArray[np.int32], values: Sequence[str]) -> None:
        self._of = of
        self._number = {value: k for k, value in enumerate(values)}
        self._nodes = Positions(of, len(values))

    def carrying(self, values: Sequence[str]) -> Rows:
        """Return the nodes with one of the values."""
        return _either([self._nodes.of(k) for k in self._known(values)])

    def has(self, values: Sequence[str], rows: Rows) -> Mask:
        """Whether each of `rows` has one of the values."""
        return np.isin(self._of[rows], self._known(values))

    def _known(self, values: Sequence[str]) -> list[int]:
        return [self._number[value] for value in values if value in self._number]


def _either(parts: Sequence[Rows]) -> Rows:
    if len(parts) == 1:
        return parts[0]
    return np.unique(np.concatenate(parts)) if parts else np.zeros(0, dtype=np.int64)
