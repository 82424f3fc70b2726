"""Round-trip times with their ages, frozen: what live sources know at one moment.

Implements `telemetry.model.RttTable`. What is too old for its source, or cut, reads as unknown.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from telemetry.blocks import Block
from telemetry.model import UNKNOWN_US, RttTable
from telemetry.stamps import TICK_S, Origin, believed, is_cut, origins, ticks

Rows = NDArray[np.int64]


@runtime_checkable
class Ages(Protocol):
    """What a table with ages answers besides RTTs."""

    @property
    def made_s(self) -> float:
        """When the table was made, by the clock of who made it, seconds: ages are of then."""
        ...

    def age_s(self, rows: Rows, columns: Rows) -> NDArray[np.float64]:
        """Return how old each RTT is that `between` gives, seconds; infinite for an unknown one."""
        ...

    def origin(self, rows: Rows, columns: Rows) -> NDArray[np.int64]:
        """Return what measured each, as numbers of `telemetry.stamps.Origin`."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Beneath:
    """A table from files that lies beneath what is measured: `rows` gives its row of each node."""

    table: RttTable
    rows: Rows
    taken_s: float


@dataclass(frozen=True, slots=True, eq=False)
class DatedRtt:
    """A snapshot of `telemetry.store.RttStore`.

    Parameters
    ----------
    nodes
        Unique names, ``n`` of them.
    blocks, block_rows
        As `telemetry.blocks.Blocks.frozen` gave them; wider than ``n``.
    oldest
        As `telemetry.stamps.MaxAges.oldest`.
    now_s
        When it was frozen, by the clock of the store, seconds.
    is_held
        Shape ``(n,)``: nodes believed dead, whose last values stay.
    beneath
        RTTs from files, for pairs nobody measures. A pair that was found cut is not one of them.
    made_s
        When it was frozen, by the clock of who made it, seconds.
    lag_ticks
        The other direction stands in for one that was measured so much earlier: the agent of a
        reference may be gone while those of all others go on.
    """

    nodes: tuple[str, ...]
    index: Mapping[str, int]
    blocks: Mapping[int, Block]
    block_rows: int
    oldest: NDArray[np.int64]
    now_s: float
    is_held: NDArray[np.bool_]
    beneath: Beneath | None = None
    made_s: float = 0.0
    lag_ticks: int = 40

    @property
    def is_dense(self) -> bool:
        """Whether every pair may be known; else only those of reference nodes."""
        return self.block_rows > 1

    def from_node(self, row: int) -> NDArray[np.int32]:
        """Return RTTs measured from `row`, the other direction filling the gaps."""
        out = self._directed(self._row(row), self._column(row), row)
        return self._over(out, lambda table, at: table.from_node(at), row)

    def to_node(self, column: int) -> NDArray[np.int32]:
        """Return RTTs measured towards `column`, the other direction filling the gaps."""
        out = self._directed(self._column(column), self._row(column), column)
        return self._over(out, lambda table, at: table.to_node(at), column)

    def farther(self, row: int) -> NDArray[np.int32]:
        """Return the larger of the two directions."""
        out = np.maximum(self._forward(row), self._backward(row))
        return self._over(out, lambda table, at: table.farther(at), row)

    def between(self, rows: Rows, columns: Rows) -> NDArray[np.int32]:
        """Return RTTs of pairs, the other direction filling the gaps."""
        rows, columns = np.broadcast_arrays(rows, columns)
        out, _, is_cut = self._read(rows, columns)
        out = np.where(rows == columns, np.int32(0), out)
        if self.beneath is None:
            return np.asarray(out, dtype=np.int32)
        i, j = self.beneath.rows[rows], self.beneath.rows[columns]
        gaps = (out == UNKNOWN_US) & ~is_cut & (i >= 0) & (j >= 0)
        if gaps.any():
            out[gaps] = self.beneath.table.between(i[gaps], j[gaps])
        return np.asarray(out, dtype=np.int32)

    def age_s(self, rows: Rows, columns: Rows) -> NDArray[np.float64]:
        """Return the ages of what `between` gives, seconds; infinite for an unknown one."""
        rows, columns = np.broadcast_arrays(rows, columns)
        rtt_us, stamps, _ = self._read(rows, columns)
        age_s = np.maximum(0.0, self.now_s - (ticks(stamps) - 1) * TICK_S)
        age_s = np.where(rtt_us == UNKNOWN_US, np.inf, age_s)
        if self.beneath is not None:
            is_beneath = (rtt_us == UNKNOWN_US) & (self.between(rows, columns) != UNKNOWN_US)
            age_s = np.where(is_beneath, self.now_s - self.beneath.taken_s, age_s)
        return np.where(rows == columns, 0.0, age_s)

    def origin(self, rows: Rows, columns: Rows) -> NDArray[np.int64]:
        """Return what measured each that `between` gives."""
        rows, columns = np.broadcast_arrays(rows, columns)
        rtt_us, stamps, _ = self._read(rows, columns)
        out = np.where(rtt_us == UNKNOWN_US, int(Origin.NONE), origins(stamps))
        if self.beneath is not None:
            is_beneath = (out == Origin.NONE) & (self.between(rows, columns) != UNKNOWN_US)
            out = np.where(is_beneath & (rows != columns), int(Origin.FILE), out)
        return np.asarray(out, dtype=np.int64)

    def beneath_row(self, row: int) -> NDArray[np.int32]:
        """Return the files' RTTs from a node, shape ``(n,)``; unknown without files."""
        out = np.full(len(self.nodes), UNKNOWN_US, dtype=np.int32)
        return self._over(out, lambda table, at: table.from_node(at), row)

    def stamps_from(self, row: int) -> NDArray[np.uint32]:
        """Return the stamps of what is read from a node, shape ``(n,)``; 0 where nothing is.

        Without what lies beneath.
        """
        (own_us, own_stamps), (other_us, other_stamps) = self._row(row), self._column(row)
        there = self._believed(own_us, own_stamps, row)
        back = self._believed(other_us, other_stamps, row)
        counts = self._own_counts(there, own_stamps, back, other_stamps)
        known = (there != UNKNOWN_US) | (back != UNKNOWN_US)
        return np.where(known, np.where(counts, own_stamps, other_stamps), np.uint32(0))

    def was_measured(self, row: int) -> NDArray[np.bool_]:
        """Whether each pair of a node was ever measured, from one end or the other."""
        return np.asarray((ticks(self._row(row)[1]) > 0) | (ticks(self._column(row)[1]) > 0))

    # Directions as they were measured

    def _directed(
        self,
        own: tuple[NDArray[np.int32], NDArray[np.uint32]],
        other: tuple[NDArray[np.int32], NDArray[np.uint32]],
        end: int,
    ) -> NDArray[np.int32]:
        """Return what is believed of one direction, the other one where that has to stand in."""
        there, back = self._believed(*own, end), self._believed(*other, end)
        return np.where(self._own_counts(there, own[1], back, other[1]), there, back)

    def _forward(self, row: int) -> NDArray[np.int32]:
        rtt_us, stamps = self._row(row)
        return self._believed(rtt_us, stamps, row)

    def _backward(self, column: int) -> NDArray[np.int32]:
        rtt_us, stamps = self._column(column)
        return self._believed(rtt_us, stamps, column)

    def _believed(
        self, rtt_us: NDArray[np.int32], stamps: NDArray[np.uint32], end: int
    ) -> NDArray[np.int32]:
        keep = believed(stamps, self.oldest) | self.is_held | self.is_held[end]
        out = np.where(keep, rtt_us, np.int32(UNKNOWN_US))
        out[end] = 0
        return np.asarray(out, dtype=np.int32)

    def _row(self, row: int) -> tuple[NDArray[np.int32], NDArray[np.uint32]]:
        n = len(self.nodes)
        number, at = divmod(row, self.block_rows)
        block = self.blocks.get(number)
        if block is None:
            return np.full(n, UNKNOWN_US, dtype=np.int32), np.zeros(n, dtype=np.uint32)
        return block.rtt_us[at, :n], block.stamps[at, :n]

    def _column(self, column: int) -> tuple[NDArray[np.int32], NDArray[np.uint32]]:
        n, rows = len(self.nodes), self.block_rows
        rtt_us = np.full(n, UNKNOWN_US, dtype=np.int32)
        stamps = np.zeros(n, dtype=np.uint32)
        for number, block in self.blocks.items():
            start = number * rows
            stop = min(start + rows, n)
            rtt_us[start:stop] = block.rtt_us[: stop - start, column]
            stamps[start:stop] = block.stamps[: stop - start, column]
        return rtt_us, stamps

    def _read(
        self, rows: Rows, columns: Rows
    ) -> tuple[NDArray[np.int32], NDArray[np.uint32], NDArray[np.bool_]]:
        """Return what is believed of pairs, its stamps, and which pairs were found cut."""
        there, there_stamps = self._gathered(rows, columns)
        back, back_stamps = self._gathered(columns, rows)
        counts = self._own_counts(there, there_stamps, back, back_stamps)
        is_held = self.is_held[rows] | self.is_held[columns]
        return (
            np.where(counts, there, back),
            np.where(counts, there_stamps, back_stamps),
            is_cut(there_stamps, back_stamps) & ~is_held,
        )

    def _gathered(self, rows: Rows, columns: Rows) -> tuple[NDArray[np.int32], NDArray[np.uint32]]:
        rtt_us = np.full(rows.shape, UNKNOWN_US, dtype=np.int32)
        stamps = np.zeros(rows.shape, dtype=np.uint32)
        numbers, at = np.divmod(rows, self.block_rows)
        for number in np.unique(numbers).tolist():
            block = self.blocks.get(number)
            if block is not None:
                here = numbers == number
                rtt_us[here] = block.rtt_us[at[here], columns[here]]
                stamps[here] = block.stamps[at[here], columns[here]]
        keep = believed(stamps, self.oldest) | self.is_held[rows] | self.is_held[columns]
        return np.where(keep, rtt_us, np.int32(UNKNOWN_US)), stamps

    def _over(
        self,
        out: NDArray[np.int32],
        read: Callable[[RttTable, int], NDArray[np.int32]],
        end: int,
    ) -> NDArray[np.int32]:
        """Fill the gaps of a row or column with what lies beneath."""
        if self.beneath is None or self.beneath.rows[end] < 0:
            return out
        there = self.beneath.rows >= 0
        values = read(self.beneath.table, int(self.beneath.rows[end]))
        filled = np.full(len(self.nodes), UNKNOWN_US, dtype=np.int32)
        filled[there] = values[self.beneath.rows[there]]
        cut = is_cut(self._row(end)[1], self._column(end)[1])
        cut &= ~(self.is_held | self.is_held[end])
        return np.where((out == UNKNOWN_US) & ~cut, filled, out)

    def _own_counts(
        self,
        own_us: NDArray[np.int32],
        own_stamps: NDArray[np.uint32],
        other_us: NDArray[np.int32],
        other_stamps: NDArray[np.uint32],
    ) -> NDArray[np.bool_]:
        """Whether a pair is read as measured in its own direction: known, and not long out of date.

        Microseconds and stamps of both directions, of one shape.
        """
        lag = ticks(other_stamps) - ticks(own_stamps)
        is_alone = other_us == UNKNOWN_US
        return np.asarray((own_us != UNKNOWN_US) & (is_alone | (lag <= self.lag_ticks)))
