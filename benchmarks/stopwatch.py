"""Seconds that a call takes, repeated while there is patience."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import TypeVar

import numpy as np

T = TypeVar("T")

_MOST = 25


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a call is repeated.

    `least` calls are made however long they take; short ones are made more often, until `seconds`
    are spent. The first is not counted, unless it is the only one or takes `seconds` by itself.
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
    def least_ms(self) -> float:
        """The fastest call: nearest to what the work itself takes on a busy machine."""
        return min(self.seconds) * 1e3

    @property
    def note(self) -> str:
        """Fastest, slowest and how many."""
        slowest = max(self.seconds) * 1e3
        return f"min {self.least_ms:.3g}, max {slowest:.3g} of {len(self.seconds)}"


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
        is_cold_counted = patience.least == 1 or seconds[0] > patience.seconds
        warm = seconds if is_cold_counted else seconds[1:]
        is_spent = sum(seconds) > patience.seconds or len(warm) >= _MOST
        if is_spent and len(warm) >= patience.least:
            return out, Timing(tuple(warm))
