"""Seconds that a call takes, repeated while there is patience."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import TypeVar

import numpy as np

from benchmarks.rows import amount

T = TypeVar("T")

_MOST = 25
_LONG_S = 0.5  # beside it, what a first call takes longer is little
_ENOUGH_S = 10.0  # two calls that take as long together will do


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a call is repeated.

    `least` calls are made, or two very long ones; short ones are made more often, until `seconds`
    are spent. A short first call is not counted.
    """

    least: int
    seconds: float

    @property
    def once(self) -> "Patience":
        """The same where one call will do."""
        return Patience(1, self.seconds)


QUICK = Patience(least=1, seconds=0.2)
FULL = Patience(least=3, seconds=1.5)


def patience(*, is_quick: bool) -> Patience:
    """Return what a run of this kind has."""
    return QUICK if is_quick else FULL


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of each counted call."""

    seconds: tuple[float, ...]

    @property
    def median_ms(self) -> float:
        """The middle call."""
        return float(np.median(self.seconds)) * 1e3

    @property
    def note(self) -> str:
        """Fastest, slowest and how many."""
        least, most = (amount(f(self.seconds) * 1e3, "ms") for f in (min, max))
        return f"min {least}, max {most} of {len(self.seconds)}"


def timed(call: Callable[[], T], patience: Patience) -> tuple[T, Timing]:
    """Return what `call` returns and how long it takes.

    Parameters
    ----------
    call
        Must do the same each time.
    patience
        How often it is repeated.
    """
    seconds: list[float] = []
    while True:
        start = perf_counter()
        out = call()
        seconds.append(perf_counter() - start)
        warm = seconds if seconds[0] > _LONG_S else seconds[1:]
        is_spent = sum(seconds) > patience.seconds or len(warm) >= _MOST
        least = min(patience.least, 2) if sum(seconds) > _ENOUGH_S else patience.least
        if is_spent and len(warm) >= least:
            return out, Timing(tuple(warm))
