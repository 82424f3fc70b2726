"""Round-trip times between named nodes: what every other floor reads.

Two tables answer the same questions. `RttMatrix` holds every directed pair; `MetroRtt` computes
pairs from a metro-to-metro matrix and an access delay per node, so that 12,500 synthetic nodes need
kilobytes and not 600 MB.

Microseconds are integers. A pair that was never measured, or is too old to be believed, is
`UNKNOWN_US`; it is never an estimate and never a distance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

UNKNOWN_US = -1
MAX_RTT_US = 600_000_000
"""Ten minutes. A larger value is a unit error, not a distance; int32 holds it with ease."""


class RttTable(Protocol):
    """Read-only RTTs between named nodes."""

    @property
    def nodes(self) -> tuple[str, ...]:
        """Names, in the order of rows and columns."""
        ...

    @property
    def index(self) -> Mapping[str, int]:
        """Row of each name."""
        ...

    def from_node(self, row: int) -> NDArray[np.int32]:
        """Return RTTs from one node to all, shape ``(n,)``, microseconds.

        A pair is read as measured from `row`; where only the other direction was measured, that
        one. The node itself is at 0. What was not measured is `UNKNOWN_US`.
        """
        ...

    def to_node(self, column: int) -> NDArray[np.int32]:
        """Return RTTs from all nodes to one, shape ``(n,)``, read as `from_node` reads them."""
        ...

    def farther(self, row: int) -> NDArray[np.int32]:
        """Return the larger of the two directions to each node, shape ``(n,)``, microseconds."""
        ...

    def between(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return RTTs from each of `rows` to each of `columns`, broadcast, as `from_node` has them.

        For a few pairs of a large table, whose whole rows would be wasted.
        """
        ...


def _indexed(nodes: Sequence[str]) -> Mapping[str, int]:
    return {name: row for row, name in enumerate(nodes)}


@dataclass(frozen=True, slots=True, eq=False)
class RttMatrix:
    """Every directed pair.

    Parameters
    ----------
    nodes
        Unique names, ``n`` of them.
    rtt_us
        Shape ``(n, n)``, int32 microseconds, ``[i, j]`` measured from i to j; `UNKNOWN_US` where
        nothing is known. Held read-only.
    source
        Where it came from, for people: a path or an address.

    Raises
    ------
    ValueError
        If the shape does not fit the names, a name is repeated, or a value is out of range.
    """

    nodes: tuple[str, ...]
    rtt_us: NDArray[np.int32]
    source: str = ""
    index: Mapping[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        n = len(self.nodes)
        index = _indexed(self.nodes)
        if len(index) != n:
            raise ValueError("a node name is repeated in the RTT matrix")
        if self.rtt_us.shape != (n, n):
            raise ValueError(f"RTT matrix of shape {self.rtt_us.shape} for {n} nodes")
        values = np.array(self.rtt_us, dtype=np.int32)
        if values.size and (values.min() < UNKNOWN_US or values.max() > MAX_RTT_US):
            raise ValueError(f"RTTs must lie between 0 and {MAX_RTT_US} microseconds")
        np.fill_diagonal(values, 0)
        values.flags.writeable = False
        object.__setattr__(self, "rtt_us", values)
        object.__setattr__(self, "index", index)

    def from_node(self, row: int) -> NDArray[np.int32]:
        """Return RTTs measured from `row`, the other direction filling the gaps."""
        out = self.rtt_us[row]
        return np.where(out == UNKNOWN_US, self.rtt_us[:, row], out)

    def to_node(self, column: int) -> NDArray[np.int32]:
        """Return RTTs measured towards `column`, the other direction filling the gaps."""
        out = self.rtt_us[:, column]
        return np.where(out == UNKNOWN_US, self.rtt_us[column], out)

    def farther(self, row: int) -> NDArray[np.int32]:
        """Return the larger of the two directions."""
        return np.asarray(np.maximum(self.rtt_us[row], self.rtt_us[:, row]))

    def between(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return RTTs of pairs, the other direction filling the gaps."""
        out = self.rtt_us[rows, columns]
        return np.where(out == UNKNOWN_US, self.rtt_us[columns, rows], out)

    def symmetric(self) -> NDArray[np.int32]:
        """Return the larger of both directions for all pairs, shape ``(n, n)``."""
        return np.asarray(np.maximum(self.rtt_us, self.rtt_us.T))

    def with_pairs(self, pairs: Mapping[tuple[int, int], int]) -> "RttMatrix":
        """Return a copy in which the directed `pairs` have other values, microseconds."""
        values = self.rtt_us.copy()
        for (i, j), rtt_us in pairs.items():
            values[i, j] = rtt_us
        return RttMatrix(self.nodes, values, self.source)


@dataclass(frozen=True, slots=True, eq=False)
class MetroRtt:
    """RTT(i, j) = metro_rtt[metro i, metro j] + access i + access j, unless overridden.

    Parameters
    ----------
    nodes
        Unique names, ``n`` of them.
    metro
        Shape ``(n,)``: the metro of each node.
    metro_rtt_us
        Shape ``(m, m)``, symmetric, microseconds.
    access_us
        Shape ``(n,)``, microseconds added at each end.
    overrides
        Directed pairs with a value of their own, microseconds.
    """

    nodes: tuple[str, ...]
    metro: NDArray[np.int32]
    metro_rtt_us: NDArray[np.int32]
    access_us: NDArray[np.int32]
    overrides: Mapping[tuple[int, int], int] = field(default_factory=dict)
    index: Mapping[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", _indexed(self.nodes))

    def _row(self, row: int) -> NDArray[np.int32]:
        out = self.metro_rtt_us[self.metro[row]][self.metro] + self.access_us + self.access_us[row]
        out[row] = 0
        return np.asarray(out, dtype=np.int32)

    def from_node(self, row: int) -> NDArray[np.int32]:
        """Return RTTs from `row`, overrides applied."""
        out = self._row(row)
        for (i, j), rtt_us in self.overrides.items():
            if i == row:
                out[j] = rtt_us
        return out

    def between(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return RTTs of pairs, overrides applied."""
        rows, columns = np.broadcast_arrays(rows, columns)
        out: NDArray[np.int32] = self.metro_rtt_us[self.metro[rows], self.metro[columns]]
        out = (out + self.access_us[rows] + self.access_us[columns]).astype(np.int32)
        out[rows == columns] = 0
        if self.overrides:
            n = len(self.nodes)
            keys = np.array([i * n + j for i, j in sorted(self.overrides)], dtype=np.int64)
            values = np.array([self.overrides[divmod(int(k), n)] for k in keys], dtype=np.int32)
            pairs = rows * n + columns
            at = np.minimum(np.searchsorted(keys, pairs), len(keys) - 1)
            out = np.where(keys[at] == pairs, values[at], out)
        return out

    def to_node(self, column: int) -> NDArray[np.int32]:
        """Return RTTs to `column`, overrides applied."""
        out = self._row(column)
        for (i, j), rtt_us in self.overrides.items():
            if j == column:
                out[i] = rtt_us
        return out

    def farther(self, row: int) -> NDArray[np.int32]:
        """Return the larger of the two directions."""
        out = self._row(row)
        for (i, j), rtt_us in self.overrides.items():
            if i == row:
                out[j] = max(out[j], rtt_us)
            elif j == row:
                out[i] = max(out[i], rtt_us)
        return out

    def with_pairs(self, pairs: Mapping[tuple[int, int], int]) -> "MetroRtt":
        """Return a table in which the directed `pairs` have other values, microseconds."""
        return MetroRtt(
            self.nodes,
            self.metro,
            self.metro_rtt_us,
            self.access_us,
            {**self.overrides, **pairs},
        )


def empty_rtt() -> RttMatrix:
    """Return the table of a cluster without telemetry: no pair is known."""
    return RttMatrix((), np.zeros((0, 0), dtype=np.int32), "none")
