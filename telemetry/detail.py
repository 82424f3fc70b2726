"""What is kept of the pairs that matter most: the last bursts, the spread, the loss.

Only of reference nodes (those that constraints name), in rings of `KEPT` bursts: dense history of
every pair would cost six times the table itself.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from telemetry.model import UNKNOWN_US

KEPT = 5
"""Bursts: three confirm a broken budget, five make a steady median."""

ROWS_AT_MOST = 512
"""Reference nodes with history; 512 of 5,000 nodes cost 130 MB."""


@dataclass(frozen=True, slots=True)
class PairDetail:
    """One pair in detail.

    Parameters
    ----------
    recent_us
        The last bursts' RTTs, newest last; `UNKNOWN_US` for a burst that was lost whole.
    least_us
        The newest burst's smallest RTT.
    sent, lost
        Packets since the node became a reference.
    """

    recent_us: tuple[int, ...]
    least_us: int
    sent: int
    lost: int


@dataclass(slots=True, eq=False)
class _Rings:
    """The last bursts of pairs, shape ``(slots, width)`` or ``(KEPT, slots, width)``.

    A slot holds one reference node's pairs, by the other node's row.
    """

    rtt_us: NDArray[np.int32]
    ticks: NDArray[np.int64]
    least_us: NDArray[np.int32]
    sent: NDArray[np.int64]
    lost: NDArray[np.int64]

    @classmethod
    def empty(cls, slots: int, width: int) -> "_Rings":
        return cls(
            np.full((KEPT, slots, width), UNKNOWN_US, dtype=np.int32),
            np.zeros((KEPT, slots, width), dtype=np.int64),
            np.full((slots, width), UNKNOWN_US, dtype=np.int32),
            np.zeros((slots, width), dtype=np.int64),
            np.zeros((slots, width), dtype=np.int64),
        )

    def grown(self, slots: int, width: int) -> "_Rings":
        out, (old_slots, old_width) = _Rings.empty(slots, width), self.least_us.shape
        for name in ("rtt_us", "ticks", "least_us", "sent", "lost"):
            getattr(out, name)[..., :old_slots, :old_width] = getattr(self, name)
        return out

    def clear(self, slot: int) -> None:
        self.rtt_us[:, slot], self.ticks[:, slot] = UNKNOWN_US, 0
        self.least_us[slot], self.sent[slot], self.lost[slot] = UNKNOWN_US, 0, 0


@dataclass(frozen=True, slots=True, eq=False)
class Bursts:
    """Bursts of one node, columns of shape ``(k,)``; `columns` are rows of the table."""

    columns: NDArray[np.int64]
    ticks: NDArray[np.int64]
    rtt_us: NDArray[np.int32]
    least_us: NDArray[np.int32]
    sent: NDArray[np.int64]
    lost: NDArray[np.int64]

    def some(self, which: NDArray[np.bool_]) -> "Bursts":
        """Return those that are chosen."""
        return Bursts(
            self.columns[which],
            self.ticks[which],
            self.rtt_us[which],
            self.least_us[which],
            self.sent[which],
            self.lost[which],
        )


class Details:
    """The rings of the reference nodes, both directions in one: what a decision reads."""

    def __init__(self) -> None:
        self._rings = _Rings.empty(0, 0)
        self._slot_of: dict[int, int] = {}
        self._free: list[int] = []
        self._slots = np.zeros(0, dtype=np.int64)
        """By row; -1 for a node that is no reference."""

    def keep(self, rows: frozenset[int], width: int) -> None:
        """Keep the history of these nodes and no others; of too many, of the first."""
        wanted = set(sorted(rows)[:ROWS_AT_MOST])
        for row in self._slot_of.keys() - wanted:
            self._free.append(self._slot_of.pop(row))
        new = sorted(wanted - self._slot_of.keys())
        self._make_room(len(new), width)
        for row in new:
            slot = self._slot_of[row] = self._free.pop()
            self._rings.clear(slot)
        self._slots = np.full(max(width, len(self._slots)), -1, dtype=np.int64)
        for row, slot in self._slot_of.items():
            self._slots[row] = slot

    def _make_room(self, new: int, width: int) -> None:
        slots, old_width = self._rings.least_us.shape
        lacking = new - len(self._free)
        if lacking > 0 or width > old_width:
            more = max(lacking, slots // 2) if lacking > 0 else 0
            self._rings = self._rings.grown(slots + more, max(width, old_width))
            self._free += range(slots, slots + more)

    def add(self, row: int, bursts: Bursts) -> None:
        """Take in bursts measured by the node at `row`."""
        if not self._slot_of:
            return
        own = self._slots[row]
        if own >= 0:
            slots = np.full(len(bursts.columns), own)
            self._push(slots, bursts.columns, bursts, is_own=True)
        towards = self._slots[bursts.columns]
        is_kept = towards >= 0
        if is_kept.any():
            columns = np.full(int(is_kept.sum()), row)
            self._push(towards[is_kept], columns, bursts.some(is_kept), is_own=False)

    def get(self, row: int, column: int, since_tick: int = 0) -> PairDetail | None:
        """Return what is kept of a pair, bursts from `since_tick` on; None where nothing is."""
        slot = self._slot_of.get(row)
        rings = self._rings
        if slot is None or not rings.ticks[-1, slot, column]:
            return None
        is_recent = rings.ticks[:, slot, column] >= max(1, since_tick)
        return PairDetail(
            tuple(rings.rtt_us[:, slot, column][is_recent].tolist()),
            int(rings.least_us[slot, column]),
            int(rings.sent[slot, column]),
            int(rings.lost[slot, column]),
        )

    def _push(
        self,
        slots: NDArray[np.int64],
        columns: NDArray[np.int64],
        bursts: Bursts,
        *,
        is_own: bool,
    ) -> None:
        """Append bursts that are newer than the newest of their pair, no pair twice.

        The other direction counts only where this one has not been measured for `_QUIET` ticks:
        two ends that disagree must not look like a link that changes.
        """
        rings = self._rings
        newest = rings.ticks[-1, slots, columns]
        since = newest if is_own else newest + _QUIET * (newest > 0)
        fresh = bursts.ticks > since
        at = (slots[fresh], columns[fresh])
        new = bursts.some(fresh)
        for k in range(KEPT - 1):
            rings.rtt_us[(k, *at)] = rings.rtt_us[(k + 1, *at)]
            rings.ticks[(k, *at)] = rings.ticks[(k + 1, *at)]
        rings.rtt_us[(KEPT - 1, *at)], rings.ticks[(KEPT - 1, *at)] = new.rtt_us, new.ticks
        rings.least_us[at] = new.least_us
        rings.sent[at] += new.sent
        rings.lost[at] += new.lost


_QUIET = 600
"""Ticks, five minutes."""
