"""A square of numbers that grows, in blocks of rows that snapshots share until one is written.

A table of 5,000 nodes is 200 MB; a decision wants it as it stood, while reports go on changing it.
Only blocks written since the last snapshot are copied, one by one as they are written.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from telemetry.model import UNKNOWN_US
from telemetry.stamps import origins, ticks

BLOCK_ROWS = 64
_SPARE = 64


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Rows of a table: RTTs in microseconds and their stamps, each of shape ``(rows, width)``."""

    rtt_us: NDArray[np.int32]
    stamps: NDArray[np.uint32]


@dataclass(slots=True, eq=False)
class Blocks:
    """The rows that are kept, by block.

    Parameters
    ----------
    rows
        Rows in a block; 1 where only some rows are kept.
    """

    rows: int = BLOCK_ROWS
    width: int = 0
    _blocks: dict[int, Block] = field(default_factory=dict)
    _shared: set[int] = field(default_factory=set)

    def frozen(self) -> Mapping[int, Block]:
        """Return all blocks as they are now; they will not change any more."""
        self._shared = set(self._blocks)
        return dict(self._blocks)

    def widen(self, nodes: int) -> None:
        """Have room for so many columns."""
        if nodes <= self.width:
            return
        width = nodes + max(_SPARE, nodes // 8)
        for number, block in self._blocks.items():
            self._blocks[number] = _padded(block, width)
        self._shared.clear()
        self.width = width

    def writable(self, row: int) -> tuple[NDArray[np.int32], NDArray[np.uint32]]:
        """Return a row to write to, RTTs and stamps, shape ``(width,)``; made if it is not there.

        Whoever holds an earlier snapshot does not see what is written.
        """
        number, at = divmod(row, self.rows)
        block = self._blocks.get(number)
        if block is None:
            block = self._blocks[number] = _empty(self.rows, self.width)
        elif number in self._shared:
            block = Block(block.rtt_us.copy(), block.stamps.copy())
            self._blocks[number] = block
            self._shared.discard(number)
        return block.rtt_us[at], block.stamps[at]

    def forget_older(self, rows: NDArray[np.int64], oldest: NDArray[np.int64]) -> None:
        """Forget what is older than `oldest` (of `MaxAges`) in some rows and their columns."""
        for number in self.kept():
            first = number * self.rows
            own = rows[(rows >= first) & (rows < first + self.rows)] - first
            stamps = self._blocks[number].stamps
            is_old = np.zeros(stamps.shape, dtype=np.bool_)
            is_old[:, rows] = _are_older(stamps[:, rows], oldest)
            is_old[own] = _are_older(stamps[own], oldest)
            if is_old.any():
                self.writable(first)  # now nobody else's
                block = self._blocks[number]
                block.rtt_us[is_old], block.stamps[is_old] = UNKNOWN_US, 0

    def row(self, row: int) -> tuple[NDArray[np.int32], NDArray[np.uint32]] | None:
        """Return a row to read, or None where it is not kept."""
        number, at = divmod(row, self.rows)
        block = self._blocks.get(number)
        return None if block is None else (block.rtt_us[at], block.stamps[at])

    def drop(self, row: int) -> None:
        """Keep a row no longer; only where a block is one row."""
        if self.rows == 1:
            self._blocks.pop(row, None)
            self._shared.discard(row)

    def picked(self, rows: list[int]) -> "Blocks":
        """Return a square of these rows and columns alone, in this order."""
        out = Blocks(self.rows)
        out.widen(len(rows))
        for at, row in enumerate(rows):
            found = self.row(row)
            if found is not None:
                rtt_us, stamps = out.writable(at)
                rtt_us[: len(rows)], stamps[: len(rows)] = found[0][rows], found[1][rows]
        return out

    def thinned(self, rows: Iterable[int]) -> "Blocks":
        """Return the same columns, but of these rows alone, each in a block of its own."""
        out = Blocks(1)
        out.widen(self.width)
        for row in rows:
            found = self.row(row)
            if found is not None:
                rtt_us, stamps = out.writable(row)
                rtt_us[: self.width], stamps[: self.width] = found
        return out

    def kept(self) -> list[int]:
        """Return the numbers of the blocks there are."""
        return sorted(self._blocks)


def _empty(rows: int, width: int) -> Block:
    return Block(
        np.full((rows, width), UNKNOWN_US, dtype=np.int32),
        np.zeros((rows, width), dtype=np.uint32),
    )


def _padded(block: Block, width: int) -> Block:
    out = _empty(block.rtt_us.shape[0], width)
    old = block.rtt_us.shape[1]
    out.rtt_us[:, :old] = block.rtt_us
    out.stamps[:, :old] = block.stamps
    return out


def _are_older(stamps: NDArray[np.uint32], oldest: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.asarray((stamps != 0) & (ticks(stamps) < oldest[origins(stamps)]))
