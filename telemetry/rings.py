"""The last bursts of pairs, in rings: of one source at a time, one direction before the other."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from telemetry.model import UNKNOWN_US
from telemetry.stamps import Origin

KEPT = 5
"""Bursts: three confirm a broken budget, five make a steady median."""

QUIET_TICKS = 600
"""Five minutes without a burst of its own, and the other direction speaks for a pair: two ends that
disagree must not look like a link that changes."""

_FIELDS = ("_rtt_us", "_ticks", "_own", "_origin", "_least_us", "_sent", "_lost")


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
        Packets since the pair is kept.
    """

    recent_us: tuple[int, ...]
    least_us: int
    sent: int
    lost: int


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


@dataclass(frozen=True, slots=True, eq=False)
class Teller:
    """What bursts come from.

    Parameters
    ----------
    origin
        What measured.
    oldest
        As `telemetry.stamps.MaxAges.oldest`: what is older is no news, and outranks nothing.
    apart_ticks
        How far apart two of its readings must be to be two: the window of a mean, the interval of
        a source that gives its latest. 0 for what measures burst by burst.
    """

    origin: Origin
    oldest: NDArray[np.int64]
    apart_ticks: int = 0


class Rings:
    """Rings of `KEPT` bursts, one a cell, 57 bytes each.

    A fresh cell costs no memory until it is written: the system hands out zeros when they are
    touched. A tick of 0 is no burst.
    """

    def __init__(self, cells: int) -> None:
        self._rtt_us = np.zeros((KEPT, cells), dtype=np.int32)
        self._ticks = np.zeros((KEPT, cells), dtype=np.uint32)
        self._own = np.zeros(cells, dtype=np.uint32)
        self._origin = np.zeros(cells, dtype=np.uint8)
        self._least_us = np.zeros(cells, dtype=np.int32)
        self._sent = np.zeros(cells, dtype=np.int32)
        self._lost = np.zeros(cells, dtype=np.int32)

    def clear(self, start: int, stop: int) -> None:
        """Forget a range of cells."""
        for name in _FIELDS:
            getattr(self, name)[..., start:stop] = 0

    def copy(self, cells: NDArray[np.int64], source: "Rings", others: NDArray[np.int64]) -> None:
        """Take over cells of other rings."""
        for name in _FIELDS:
            getattr(self, name)[..., cells] = getattr(source, name)[..., others]

    def push(
        self, cells: NDArray[np.int64], bursts: Bursts, teller: Teller, *, is_own: bool
    ) -> None:
        """Append bursts where they are news to their pair, no cell twice.

        Parameters
        ----------
        cells
            One for each burst.
        bursts
            What was measured.
        teller
            By what.
        is_own
            Whether in the direction in which the pair is read. The other direction counts only
            where this one has not been measured for `QUIET_TICKS`.
        """
        is_others = self._gives_way(cells, bursts, teller)
        stays = self._origin[cells] == teller.origin
        newest = np.where(is_others, 0, self._ticks[-1, cells]).astype(np.int64)
        own = np.where(is_others, 0, self._own[cells]).astype(np.int64)
        fresh = (stays | is_others) & (bursts.ticks >= newest + max(1, teller.apart_ticks))
        fresh &= bursts.ticks >= teller.oldest[teller.origin]
        if not is_own:
            fresh &= (own == 0) | (bursts.ticks > own + QUIET_TICKS)
        begins = cells[fresh & is_others]
        self._ticks[:, begins], self._own[begins] = 0, 0
        self._origin[begins] = int(teller.origin)
        self._append(cells[fresh], bursts.some(fresh), is_own=is_own)

    def get(self, cell: int, since_tick: int, apart_ticks: NDArray[np.int64]) -> PairDetail | None:
        """Return what a cell holds; None for nothing.

        Parameters
        ----------
        cell
            Which.
        since_tick
            Bursts from then on.
        apart_ticks
            As `Teller.apart_ticks`, by origin. Of readings so far apart each may be older than the
            next one by two such times: three means of five minutes are never all fresh.
        """
        ticks = self._ticks[:, cell]
        if not ticks[-1]:
            return None
        slack = 2 * int(apart_ticks[self._origin[cell]]) * _STEPS_BACK
        is_recent = ticks >= np.maximum(1, since_tick - slack)
        return PairDetail(
            tuple(self._rtt_us[:, cell][is_recent].tolist()),
            int(self._least_us[cell]),
            int(self._sent[cell]),
            int(self._lost[cell]),
        )

    def _gives_way(
        self, cells: NDArray[np.int64], bursts: Bursts, teller: Teller
    ) -> NDArray[np.bool_]:
        """Whether what stands is another source's that this one replaces.

        A source of a higher rank keeps its place while one of its answers is believed. A lost burst
        replaces nothing: it neither confirms nor refutes.
        """
        origin = self._origin[cells]
        ticks, rtt_us = self._ticks[:, cells], self._rtt_us[:, cells]
        answered = np.where(rtt_us != UNKNOWN_US, ticks, 0).max(axis=0).astype(np.int64)
        is_believed = (answered > 0) & (answered >= teller.oldest[origin])
        is_outranked = (origin > teller.origin) & is_believed
        is_lost = (bursts.rtt_us == UNKNOWN_US) & (origin != Origin.NONE)
        return np.asarray((origin != teller.origin) & ~is_outranked & ~is_lost)

    def _append(self, cells: NDArray[np.int64], new: Bursts, *, is_own: bool) -> None:
        for k in range(KEPT - 1):
            self._rtt_us[k, cells] = self._rtt_us[k + 1, cells]
            self._ticks[k, cells] = self._ticks[k + 1, cells]
        self._rtt_us[-1, cells], self._ticks[-1, cells] = new.rtt_us, new.ticks
        self._least_us[cells] = new.least_us
        self._sent[cells] += new.sent.astype(np.int32)
        self._lost[cells] += new.lost.astype(np.int32)
        if is_own:
            self._own[cells] = new.ticks


_STEPS_BACK = np.arange(KEPT)[::-1]
