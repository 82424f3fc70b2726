"""RTT rows as clustering reads them: both directions, the unknown farther than anything."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from telemetry.model import UNKNOWN_US, RttTable

FAR_US = 1 << 30
"""Stands for an unknown RTT: beyond `telemetry.model.MAX_RTT_US`, and int32 holds it."""

DENSE_NODES = 6_000
"""Up to here all rows are held at once, 144 MB; beyond, they are read one by one when needed."""

RowOf = Callable[[int], NDArray[np.int32]]
"""Return the distances from one item to all items, `FAR_US` where unknown and 0 to itself."""


class MeasuredRows:
    """Rows between the nodes that have any measurement at all; ``m`` of them.

    `nodes` has shape ``(m,)``: the row of each in the RTT table, ascending.
    """

    def __init__(self, rtt: RttTable) -> None:
        self._rtt = rtt
        n = len(rtt.nodes)
        held = np.empty((n if n <= DENSE_NODES else 0, n), dtype=np.int32)
        has_any = np.zeros(n, dtype=np.bool_)
        for i in range(n):
            row = rtt.farther(i)
            # A node knows its distance to itself; a second value is a measurement.
            has_any[i] = np.count_nonzero(row != UNKNOWN_US) > 1
            if len(held):
                held[i] = row
        self.nodes: NDArray[np.int64] = np.flatnonzero(has_any)
        self._held: NDArray[np.int32] | None = None
        if len(held):
            held[held == UNKNOWN_US] = FAR_US
            np.fill_diagonal(held, 0)
            self._held = held if has_any.all() else held[np.ix_(self.nodes, self.nodes)]

    def __len__(self) -> int:
        return len(self.nodes)

    def __call__(self, item: int) -> NDArray[np.int32]:
        """Return the larger of both directions from `item` to each, shape ``(m,)``; read only."""
        if self._held is not None:
            out: NDArray[np.int32] = self._held[item]
            return out
        out = self._rtt.farther(int(self.nodes[item]))
        if len(out) > len(self.nodes):
            out = out[self.nodes]
        out = np.where(out == UNKNOWN_US, np.int32(FAR_US), out)
        out[item] = 0
        return out


def between_groups(row_of: RowOf, group_of: NDArray[np.int64], n_groups: int) -> RowOf:
    """Return the distances between groups of items: the largest of all their pairs.

    Parameters
    ----------
    row_of
        Distances between items.
    group_of
        Shape ``(m,)``: the group of each item, ``0 .. n_groups - 1``; no group is empty.
    n_groups
        Number of groups.
    """
    order = np.argsort(group_of, kind="stable")
    starts = np.searchsorted(group_of[order], np.arange(n_groups))
    ends = np.append(starts[1:], len(order))

    def row_of_group(group: int) -> NDArray[np.int32]:
        farthest = np.zeros(len(order), dtype=np.int32)
        for item in order[starts[group] : ends[group]].tolist():
            np.maximum(farthest, row_of(item), out=farthest)
        out = np.maximum.reduceat(farthest[order], starts)
        out[group] = 0
        return out

    return row_of_group


def held(row_of: RowOf, n_items: int) -> RowOf:
    """Return the same distances, read once where they fit into memory."""
    if n_items > DENSE_NODES:
        return row_of
    rows = np.empty((n_items, n_items), dtype=np.int32)
    for k in range(n_items):
        rows[k] = row_of(k)
    return rows.__getitem__
