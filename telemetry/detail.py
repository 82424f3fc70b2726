"""What is kept of the pairs that matter most: the last bursts, the spread, the loss.

Of reference nodes (those that constraints name) all pairs, as long as there is room for whole rows;
of further references the pairs that running pods' budgets hang on. Dense history of every pair
would cost seven times the table itself.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from telemetry.rings import Bursts, PairDetail, Rings, Teller
from telemetry.stamps import Origin

CELLS_AT_MOST = 512 * 5_000
"""Pairs in whole rows, 154 MB once all of them were measured: all rows of 1,500 nodes, 455 of 5,000
with room to grow."""

PAIRS_AT_MOST = 65_536
"""Single pairs of further references, 4 MB: as many as 50,000 pods have nodes to be near to. Of
still more, those of the first references by row."""

_KEY_BITS = 32


class Details:
    """The rings of the pairs that are kept, both directions in one: what a decision reads.

    Parameters
    ----------
    cells_at_most, pairs_at_most
        Bounds of what is kept: pairs in whole rows of references, and single pairs.
    """

    def __init__(
        self, cells_at_most: int = CELLS_AT_MOST, pairs_at_most: int = PAIRS_AT_MOST
    ) -> None:
        self._cells_at_most = cells_at_most
        self._pairs_at_most = pairs_at_most
        self._width = 0
        self._whole = Rings(0)
        """Rows of references, one after the other."""
        self._slot_of: dict[int, int] = {}
        self._untouched = 0
        """Slots from here on were never used."""
        self._slots = np.zeros(0, dtype=np.int64)
        """By row; -1 for a node whose row is not kept."""
        self._single = Rings(0)
        self._keys = np.zeros(0, dtype=np.int64)
        """Of single pairs, sorted: reference's row, then the other's."""
        self._apart = np.zeros(len(Origin), dtype=np.int64)

    def keep(
        self, rows: frozenset[int], width: int, pairs: Iterable[tuple[int, Iterable[int]]] = ()
    ) -> None:
        """Keep the history of these and of no others.

        Parameters
        ----------
        rows
            Of reference nodes. Of too many those that are kept already, and then the first; what
            is kept of a pair moves with it.
        width
            Of the table.
        pairs
            By reference's row, the rows on which budgets hang.
        """
        room = self._cells_at_most // max(1, width)
        stay = sorted(rows & self._slot_of.keys(), key=self._slot_of.__getitem__)[:room]
        new = sorted(rows.difference(stay))[: room - len(stay)]
        whole = {*stay, *new}
        keys = self._wanted(pairs, whole)
        if whole == self._slot_of.keys() and width == self._width and _same(keys, self._keys):
            return
        single = self._singled(keys)
        self._drop_but(whole, width)
        self._add_rows(new)
        self._keys, self._single = keys, single

    def add(self, row: int, bursts: Bursts, teller: Teller) -> None:
        """Take in bursts measured by the node at `row`."""
        apart = self._apart
        apart[teller.origin] = max(apart[teller.origin], teller.apart_ticks)
        if self._slot_of:
            slot = int(self._slots[row])
            if slot >= 0:
                cells = slot * self._width + bursts.columns
                self._whole.push(cells, bursts, teller, is_own=True)
            towards = self._slots[bursts.columns]
            is_kept = towards >= 0
            if is_kept.any():
                cells = towards[is_kept] * self._width + row
                self._whole.push(cells, bursts.some(is_kept), teller, is_own=False)
        if len(self._keys):
            ends = np.full(len(bursts.columns), row)
            for keys, is_own in (
                (_key(ends, bursts.columns), True),
                (_key(bursts.columns, ends), False),
            ):
                cells, is_kept = _places(self._keys, keys)
                if is_kept.any():
                    self._single.push(cells[is_kept], bursts.some(is_kept), teller, is_own=is_own)

    def forget(self, rows: NDArray[np.int64]) -> None:
        """Forget all pairs of some nodes: other machines have their names."""
        slots = np.array(list(self._slot_of.values()), dtype=np.int64)
        for row in rows.tolist():
            slot = self._slot_of.get(row)
            if slot is not None:
                self._whole.clear(slice(slot * self._width, (slot + 1) * self._width))
            if row < self._width:
                self._whole.clear(slots * self._width + row)
        ends = np.stack((self._keys >> _KEY_BITS, self._keys & ((1 << _KEY_BITS) - 1)))
        self._single.clear(np.flatnonzero(np.isin(ends, rows).any(axis=0)))

    def get(self, row: int, column: int, since_tick: int = 0) -> PairDetail | None:
        """Return what is kept of a pair, bursts from `since_tick` on; None where nothing is."""
        slot = self._slot_of.get(row)
        if slot is not None:
            return self._whole.get(slot * self._width + column, since_tick, self._apart)
        cell = int(np.searchsorted(self._keys, key := (row << _KEY_BITS) | column))
        if cell == len(self._keys) or int(self._keys[cell]) != key:
            return None
        return self._single.get(cell, since_tick, self._apart)

    def _wanted(
        self, pairs: Iterable[tuple[int, Iterable[int]]], whole: set[int]
    ) -> NDArray[np.int64]:
        """Return the keys of the single pairs to keep, sorted."""
        found = [
            (row << _KEY_BITS) | column
            for row, columns in pairs
            if row not in whole
            for column in columns
        ]
        return np.sort(np.array(found, dtype=np.int64))[: self._pairs_at_most]

    def _singled(self, keys: NDArray[np.int64]) -> Rings:
        """Return rings of single pairs, with what is kept of them now."""
        out = Rings(len(keys))
        cells, is_kept = _places(self._keys, keys)
        out.copy(np.flatnonzero(is_kept), self._single, cells[is_kept])
        rows, columns = keys >> _KEY_BITS, keys & ((1 << _KEY_BITS) - 1)
        known = np.flatnonzero((rows < len(self._slots)) & (columns < self._width))
        known = known[self._slots[rows[known]] >= 0]
        out.copy(known, self._whole, self._slots[rows[known]] * self._width + columns[known])
        return out

    def _drop_but(self, whole: set[int], width: int) -> None:
        """Keep these rows alone, in rings as wide as the table."""
        self._slot_of = {row: slot for row, slot in self._slot_of.items() if row in whole}
        if width != self._width:
            old, old_width, least = self._whole, self._width, min(width, self._width)
            self._whole = Rings(self._cells_at_most // width * width if width else 0)
            for new_slot, (row, slot) in enumerate(list(self._slot_of.items())):
                start, old_start = new_slot * width, slot * old_width
                others = slice(old_start, old_start + least)
                self._whole.copy(slice(start, start + least), old, others)
                self._slot_of[row] = new_slot
            self._width, self._untouched = width, len(self._slot_of)

    def _add_rows(self, new: list[int]) -> None:
        """Give slots to rows, with what is kept of single pairs of theirs."""
        free = sorted(set(range(self._untouched)).difference(self._slot_of.values()))
        width = self._width
        for row in new:
            if free:
                slot = free.pop()
                self._whole.clear(slice(slot * width, (slot + 1) * width))
            else:
                slot, self._untouched = self._untouched, self._untouched + 1
            self._slot_of[row] = slot
            ends = (row << _KEY_BITS, (row + 1) << _KEY_BITS)
            at = np.arange(*np.searchsorted(self._keys, ends))
            columns = self._keys[at] & ((1 << _KEY_BITS) - 1)
            if len(at):
                self._whole.copy(slot * width + columns, self._single, at)
        self._slots = np.full(width, -1, dtype=np.int64)
        for row, slot in self._slot_of.items():
            self._slots[row] = slot


def _key(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.int64]:
    return (rows << _KEY_BITS) | columns


def _places(
    keys: NDArray[np.int64], wanted: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return where in sorted `keys` each wanted one is, and whether it is there."""
    if not len(keys):
        return np.zeros(len(wanted), dtype=np.int64), np.zeros(len(wanted), dtype=np.bool_)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return at, np.asarray(keys[at] == wanted)


def _same(one: NDArray[np.int64], other: NDArray[np.int64]) -> bool:
    return len(one) == len(other) and bool((one == other).all())
