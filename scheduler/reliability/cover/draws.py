"""Random choices from a seeded generator, drawn in blocks: single draws cost too much."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")

_BLOCK = 1 << 16


class Draws:
    """Uniform numbers and what is chosen with them.

    Parameters
    ----------
    rng
        Seeded by the caller: the same seed gives the same choices.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._units: list[float] = []

    def unit(self) -> float:
        """Return a number in [0, 1)."""
        if not self._units:
            self._units = self._rng.random(_BLOCK).tolist()
        return self._units.pop()

    def below(self, bound: int) -> int:
        """Return a whole number in [0, bound)."""
        return int(self.unit() * bound)

    def pick(self, of: Sequence[T]) -> T:
        """Return one of a sequence that is not empty."""
        return of[int(self.unit() * len(of))]

    def some(self, of: Sequence[T], most: int) -> list[T]:
        """Return at most so many of a sequence, all of them where there are no more."""
        if len(of) <= most:
            return list(of)
        rest = list(of)
        for i in range(most):
            j = i + int(self.unit() * (len(rest) - i))
            rest[i], rest[j] = rest[j], rest[i]
        return rest[:most]

    def block(self, size: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        """Return many numbers in [0, 1) at once."""
        return self._rng.random(size)
