"""A new table of RTTs, held against the one before it."""

from collections.abc import Container
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.delay import DelayConstraint
from telemetry.model import UNKNOWN_US, RttTable

_Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class RttChanged:
    """There is a new table of RTTs. `nodes` are the names of all nodes.

    `old` is None where the table before is not kept.
    """

    why: ClassVar[str] = "RttChanged"

    old: RttTable | None
    new: RttTable
    nodes: Container[str] = ()
    _known: dict[tuple[str, int], tuple[_Mask, _Mask]] = field(default_factory=dict, repr=False)

    def admits_more(self, delays: tuple[DelayConstraint, ...]) -> bool:
        """Whether some node is within all these budgets now and was not before.

        Where pods are that a delay is measured from, nobody looks up here: any node that is within
        the budgets to nodes may then be one.
        """
        if not delays or self.old is None:
            return bool(delays)
        to_nodes = [delay for delay in delays if self._is_to_node(delay)]
        was = np.ones(len(self.new.nodes), dtype=np.bool_)
        now = was
        for delay in to_nodes:
            before, after = self._within(delay.reference.name, delay.within_us)
            was, now = was & before, now & after
        if len(to_nodes) < len(delays):
            return bool(now.any())
        return bool((now & ~was).any())

    def _is_to_node(self, delay: DelayConstraint) -> bool:
        reference = delay.reference
        return reference.kind == "node" or (
            reference.kind == "auto" and reference.name in self.nodes
        )

    def _within(self, name: str, within_us: int) -> tuple[_Mask, _Mask]:
        """Return which nodes of the new table were, and are, within a budget."""
        found = self._known.get((name, within_us))
        if found is None:
            before, after = self._before(name), _row(self.new, name)
            found = _holds(before, within_us), _holds(after, within_us)
            self._known[name, within_us] = found
        return found

    def _before(self, name: str) -> NDArray[np.int32]:
        """Return the old table's row of a node, in the order of the new table's nodes."""
        old, nodes = self.old, self.new.nodes
        if old is None:
            return np.full(len(nodes), UNKNOWN_US, dtype=np.int32)
        row = _row(old, name)
        if old.nodes == nodes:
            return row
        columns = np.array([old.index.get(node, -1) for node in nodes], dtype=np.int64)
        # The last one stands for nodes that the old table did not have: -1 finds it.
        return np.append(row, np.int32(UNKNOWN_US))[columns]


def _row(table: RttTable, name: str) -> NDArray[np.int32]:
    row = table.index.get(name)
    if row is None:
        return np.full(len(table.nodes), UNKNOWN_US, dtype=np.int32)
    return table.from_node(row)


def _holds(row: NDArray[np.int32], within_us: int) -> _Mask:
    return np.asarray((row != UNKNOWN_US) & (row <= within_us))
