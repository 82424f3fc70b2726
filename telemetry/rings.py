"""The last bursts of pairs, in rings: of one source at a time, one direction before the other."""

import mmap
from contextlib import suppress
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

_RTT_US, _TICKS = slice(0, KEPT), slice(KEPT, 2 * KEPT)
_LEAST_US, _SENT, _LOST, _OWN, _ORIGIN = range(2 * KEPT, 2 * KEPT + 5)
_FIELDS = 2 * KEPT + 5
"""Of a cell: the bursts, oldest first, with their ticks; what else `PairDetail` says; the tick of
the last burst of its own direction; and what measured it."""


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

    @classmethod
    def single(cls, columns: NDArray[np.int64], tick: int, rtt_us: NDArray[np.int32]) -> "Bursts":
        """Return an exporter's values as bursts of which nothing else is known."""
        nothing = np.zeros(len(columns), dtype=np.int64)
        return cls(columns, np.full(len(columns), tick), rtt_us, rtt_us, nothing, nothing)

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
    """Rings of `KEPT` bursts, one a cell, 60 bytes each.

    A fresh cell costs no memory until it is written. A tick of 0 is no burst.
    """

    def __init__(self, cells: int) -> None:
        self._cells = _untouched(cells)

    def clear(self, cells: slice | NDArray[np.int64]) -> None:
        """Forget some cells."""
        self._cells[cells] = 0

    def copy(
        self,
        cells: slice | NDArray[np.int64],
        source: "Rings",
        others: slice | NDArray[np.int64],
    ) -> None:
        """Take over cells of other rings."""
        self._cells[cells] = source._cells[others]  # noqa: SLF001 - of our own kind

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
        held = self._cells[cells]
        gives_way = _gives_way(held, bursts, teller)
        counts = gives_way | (held[:, _ORIGIN] == teller.origin)
        held[gives_way, _TICKS], held[gives_way, _OWN] = 0, 0
        newest, own = held[:, _TICKS][:, -1], held[:, _OWN]
        fresh = counts & (bursts.ticks >= newest + max(1, teller.apart_ticks))
        fresh &= bursts.ticks >= teller.oldest[teller.origin]
        if not is_own:
            fresh &= (own == 0) | (bursts.ticks > own + QUIET_TICKS)
        if fresh.any():
            held = _appended(held[fresh], bursts.some(fresh), is_own=is_own)
            held[:, _ORIGIN] = int(teller.origin)
            self._cells[cells[fresh]] = held

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
        held = self._cells[cell]
        ticks = held[_TICKS]
        if not ticks[-1]:
            return None
        slack = 2 * int(apart_ticks[held[_ORIGIN]]) * _STEPS_BACK
        is_recent = ticks >= np.maximum(1, since_tick - slack)
        return PairDetail(
            tuple(held[_RTT_US][is_recent].tolist()),
            int(held[_LEAST_US]),
            int(held[_SENT]),
            int(held[_LOST]),
        )


def _untouched(cells: int) -> NDArray[np.int32]:
    """Return zeros that take memory page by page, as they are written.

    numpy asks for large pages of 2 MB, by which one report would touch all of 150 MB: 230 ms.
    """
    memory = mmap.mmap(-1, max(1, 4 * _FIELDS * cells))
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        with suppress(OSError):  # a kernel without large pages
            memory.madvise(mmap.MADV_NOHUGEPAGE)
    found = np.frombuffer(memory, dtype=np.uint8)[: 4 * _FIELDS * cells]
    return found.view(np.int32).reshape(cells, _FIELDS)


_STEPS_BACK = np.arange(KEPT)[::-1]


def _gives_way(held: NDArray[np.int32], bursts: Bursts, teller: Teller) -> NDArray[np.bool_]:
    """Whether what each cell holds is another source's that this one replaces.

    A source of a higher rank keeps its place while one of its answers is believed. A lost burst
    replaces nothing: it neither confirms nor refutes.
    """
    origin, ticks = held[:, _ORIGIN], held[:, _TICKS]
    is_others = np.asarray(origin != teller.origin)
    if not is_others.any():
        return is_others
    answered = np.where(held[:, _RTT_US] != UNKNOWN_US, ticks, 0).max(axis=1)
    is_believed = (answered > 0) & (answered >= teller.oldest[origin])
    is_outranked = (origin > teller.origin) & is_believed
    is_lost = (bursts.rtt_us == UNKNOWN_US) & (origin != Origin.NONE)
    return np.asarray(is_others & ~is_outranked & ~is_lost)


def _appended(held: NDArray[np.int32], new: Bursts, *, is_own: bool) -> NDArray[np.int32]:
    """Return cells with one burst more each, the oldest gone."""
    for ring, values in ((_RTT_US, new.rtt_us), (_TICKS, new.ticks)):
        held[:, ring] = np.column_stack((held[:, ring][:, 1:], values))
    held[:, _LEAST_US] = new.least_us
    held[:, _SENT] += new.sent.astype(np.int32)
    held[:, _LOST] += new.lost.astype(np.int32)
    if is_own:
        held[:, _OWN] = new.ticks
    return held
