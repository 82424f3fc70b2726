"""A table of one RTT a pair, the larger of both directions: half the memory of a matrix."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from telemetry.model import UNKNOWN_US, RttTable


@dataclass(frozen=True, slots=True, eq=False)
class SymmetricRtt:
    """One RTT a pair of nodes, as clustering reads them.

    Parameters
    ----------
    nodes
        Unique names, ``n`` of them.
    pairs_us
        Shape ``(n * (n - 1) / 2,)``, int32 microseconds: the upper triangle row by row, as
        `scipy.spatial.distance.squareform` orders it; `UNKNOWN_US` where nothing is known.

    Raises
    ------
    ValueError
        If there are not as many pairs as the nodes have.
    """

    nodes: tuple[str, ...]
    pairs_us: NDArray[np.int32]
    index: Mapping[str, int] = field(init=False, repr=False)
    _starts: NDArray[np.int64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        n = len(self.nodes)
        if self.pairs_us.shape != (n * (n - 1) // 2,):
            raise ValueError(f"pairs of shape {self.pairs_us.shape} for {n} nodes")
        object.__setattr__(self, "index", {name: row for row, name in enumerate(self.nodes)})
        rows = np.arange(n, dtype=np.int64)
        # Where the pair (i, j), i < j, stands: at starts[i] + j.
        object.__setattr__(self, "_starts", rows * n - rows * (rows + 1) // 2 - rows - 1)

    def farther(self, row: int) -> NDArray[np.int32]:
        """Return the RTTs of one node, shape ``(n,)``, microseconds."""
        out = np.zeros(len(self.nodes), dtype=np.int32)
        out[:row] = self.pairs_us[self._starts[:row] + row]
        start = int(self._starts[row])
        out[row + 1 :] = self.pairs_us[start + row + 1 : start + len(self.nodes)]
        return out

    def from_node(self, row: int) -> NDArray[np.int32]:
        """Return the RTTs of one node: directions are not told apart."""
        return self.farther(row)

    def to_node(self, column: int) -> NDArray[np.int32]:
        """Return the RTTs of one node: directions are not told apart."""
        return self.farther(column)

    def between(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return RTTs of pairs."""
        rows, columns = np.broadcast_arrays(rows, columns)
        first, last = np.minimum(rows, columns), np.maximum(rows, columns)
        out = np.zeros(rows.shape, dtype=np.int32)
        apart = first != last
        out[apart] = self.pairs_us[self._starts[first[apart]] + last[apart]]
        return out


def symmetric(rtt: RttTable) -> SymmetricRtt:
    """Return the larger direction of each pair of a table, which is then needed no more."""
    n = len(rtt.nodes)
    pairs_us = np.full(n * (n - 1) // 2, UNKNOWN_US, dtype=np.int32)
    start = 0
    for i in range(n):
        pairs_us[start : start + n - i - 1] = rtt.farther(i)[i + 1 :]
        start += n - i - 1
    pairs_us.flags.writeable = False
    return SymmetricRtt(rtt.nodes, pairs_us)
