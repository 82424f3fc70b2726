"""The median of the last tables, which a single spike does not move: for clustering and ranking.

Never for judging a budget: a median of five answers to a link that got slower after three.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from telemetry.model import UNKNOWN_US, RttTable
from telemetry.symmetric import SymmetricRtt

KEPT = 5
"""Tables that make a median. On PlanetLab, clusterings of such medians agree by 0.80 to 0.99
(adjusted Rand index) from one snapshot to the next, those of single snapshots by 0.60 to 0.95."""

_FAR = np.int32(np.iinfo(np.int32).max)
_MIDDLE = 2


def median_rtt(tables: Sequence[RttTable]) -> SymmetricRtt:
    """Return the median RTT of each pair, the larger direction of each table counting.

    Parameters
    ----------
    tables
        One to five, oldest first. The nodes are the last one's; a pair counts where it is known,
        and is unknown where it is so in all. Best as `telemetry.symmetric.symmetric` has them.

    Raises
    ------
    ValueError
        If there is no table, or there are more than `KEPT`.

    Notes
    -----
    O(n²) time, and 4 bytes a pair: 50 MB and less than a second at 5,000 nodes.
    """
    if not 1 <= len(tables) <= KEPT:
        raise ValueError(f"a median of {len(tables)} tables; between 1 and {KEPT} are kept")
    nodes = tables[-1].nodes
    n = len(nodes)
    seats = [_rows_in(table, nodes) for table in tables]
    pairs_us = np.full(n * (n - 1) // 2, UNKNOWN_US, dtype=np.int32)
    start = 0
    for i in range(n):
        rows = [
            _rest_of_row(table, seat, i)
            for table, seat in zip(tables, seats, strict=True)
            if seat[i] >= 0
        ]
        pairs_us[start : start + n - i - 1] = _median(rows)
        start += n - i - 1
    pairs_us.flags.writeable = False
    return SymmetricRtt(nodes, pairs_us)


def _rows_in(table: RttTable, nodes: tuple[str, ...]) -> NDArray[np.int64]:
    """Return the row of each node in a table, -1 where it has none."""
    if table.nodes == nodes:
        return np.arange(len(nodes), dtype=np.int64)
    return np.array([table.index.get(name, -1) for name in nodes], dtype=np.int64)


def _rest_of_row(table: RttTable, seat: NDArray[np.int64], i: int) -> NDArray[np.int32]:
    """Return the RTTs from node `i` to the nodes after it."""
    row = table.farther(int(seat[i]))
    after = seat[i + 1 :]
    if len(after) and after[0] == i + 1 and after[-1] == len(row) - 1 == len(seat) - 1:
        return row[i + 1 :]  # the same nodes: the usual case, without a gather
    return np.where(after >= 0, row[after], np.int32(UNKNOWN_US))


def _median(rows: Sequence[NDArray[np.int32]]) -> NDArray[np.int32]:
    """Return the median of what is known in each column; between two values the smaller one."""
    if len(rows) == 1:
        return rows[0]
    ranks = [np.where(row == UNKNOWN_US, _FAR, row) for row in rows]
    # A sorting network: whole rows are compared at once, ten times as fast as sorting columns.
    for end in range(len(ranks) - 1, 0, -1):
        for k in range(end):
            low = np.minimum(ranks[k], ranks[k + 1])
            ranks[k + 1] = np.maximum(ranks[k], ranks[k + 1])
            ranks[k] = low
    out: NDArray[np.int32] = ranks[(len(ranks) - 1) // 2]
    is_gappy = ranks[-1] == _FAR
    if is_gappy.any():
        table = np.stack(ranks)[:, is_gappy]
        known = np.count_nonzero(table != _FAR, axis=0)
        out[is_gappy] = table[np.maximum(known - 1, 0) // _MIDDLE, np.arange(len(known))]
        out[out == _FAR] = UNKNOWN_US
    return out
