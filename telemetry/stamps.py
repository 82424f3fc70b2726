"""When a pair was measured, by what, and how many bursts were lost since: four bytes.

Bits 0-1 hold the `Origin`, bits 2-3 how many bursts in a row were lost since (3 for three or more),
bits 4-31 the time in ticks of half a second since the store began, plus one. 0 means never. Ticks
are cut off, so that nothing ever seems younger than it is; they last for four years of a process.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Stamps = NDArray[np.uint32]

TICK_S = 0.5
LOST_ENOUGH = 3
"""So many bursts lost whole, one after the other, and a pair is cut: not a matter of a lossy link,
where at 10 % loss one burst of three in a thousand is lost whole."""

_ORIGIN_BITS = 0b11
_LOST_SHIFT = 2
_TIME_SHIFT = 4


class Origin(IntEnum):
    """What measured a pair; up to `AGENT` the larger wins while it is believed.

    A `FILE` is never stamped: it lies beneath all that is measured.
    """

    NONE = 0
    GOLDPINGER = 1
    PROMETHEUS = 2
    AGENT = 3
    FILE = 4


@dataclass(frozen=True, slots=True)
class MaxAges:
    """For how long a measurement is believed, seconds, by its origin; infinite unless given."""

    seconds: Mapping[Origin, float] = field(default_factory=dict)

    @property
    def longest_s(self) -> float:
        """The longest of them that is finite, seconds; an hour where none is."""
        finite = [age_s for age_s in self.seconds.values() if np.isfinite(age_s)]
        return max(finite, default=3600.0)

    def oldest(self, now_s: float) -> NDArray[np.int64]:
        """Return the first believed tick of each origin, shape ``(5,)``; `NONE` has none."""
        out = np.zeros(len(Origin), dtype=np.int64)
        out[Origin.NONE] = np.iinfo(np.int64).max
        for origin, max_age_s in self.seconds.items():
            if np.isfinite(max_age_s):
                out[origin] = tick_of(max(0.0, now_s - max_age_s)) if now_s > max_age_s else 0
        return out


def tick_of(now_s: float) -> int:
    """Return the tick of a moment, seconds since the store began; never 0."""
    return int(max(0.0, now_s) / TICK_S) + 1


def stamped(ticks: NDArray[np.int64], origin: Origin) -> Stamps:
    """Return stamps of measurements at `ticks`, nothing lost since."""
    return np.asarray((ticks << _TIME_SHIFT) | int(origin), dtype=np.uint32)


def ticks(stamps: Stamps) -> NDArray[np.int64]:
    """Return when, in ticks; 0 for never."""
    return (stamps >> _TIME_SHIFT).astype(np.int64)


def origins(stamps: Stamps) -> NDArray[np.int64]:
    """Return what measured, as `Origin` numbers."""
    return (stamps & _ORIGIN_BITS).astype(np.int64)


def lost(stamps: Stamps) -> NDArray[np.int64]:
    """Return how many bursts in a row were lost since, at most 3."""
    return ((stamps >> _LOST_SHIFT) & _ORIGIN_BITS).astype(np.int64)


def with_one_more_lost(stamps: Stamps) -> Stamps:
    """Return stamps of pairs of which one more burst was lost."""
    more = np.minimum(lost(stamps) + 1, LOST_ENOUGH).astype(np.uint32)
    kept = stamps & np.uint32(~(_ORIGIN_BITS << _LOST_SHIFT) & 0xFFFFFFFF)
    return np.asarray(kept | (more << _LOST_SHIFT), dtype=np.uint32)


def believed(stamps: Stamps, oldest: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each is young enough for its origin and not cut.

    Parameters
    ----------
    stamps
        Any shape.
    oldest
        As `MaxAges.oldest`.
    """
    return (ticks(stamps) >= oldest[origins(stamps)]) & (lost(stamps) < LOST_ENOUGH)


def is_cut(own: Stamps, other: Stamps) -> NDArray[np.bool_]:
    """Whether pairs were found cut, from one end or the other, by the stamps of both directions."""
    return np.asarray((lost(own) >= LOST_ENOUGH) | (lost(other) >= LOST_ENOUGH))
