"""Where a random world takes its choices from: a seed, or Hypothesis.

The functions that build worlds know only `Choices`. So one set of them serves both: a seed makes
thousands of worlds a second, and Hypothesis makes one shrink to what matters.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from hypothesis import strategies as st
from typing_extensions import override

T = TypeVar("T")

_BLOCK = 512
"""Numbers drawn at a time: one by one they cost twenty times as much."""


class Choices(ABC):
    """Choices, one after the other. The simple choice is always the first one."""

    @abstractmethod
    def below(self, count: int) -> int:
        """Return a number from 0 to `count` - 1."""

    def between(self, least: int, most: int) -> int:
        """Return a number from `least` to `most`, both included."""
        return least + self.below(most - least + 1)

    def happens(self, percent: int) -> bool:
        """Return true `percent` times of a hundred."""
        return self.below(100) >= 100 - percent

    def one_of(self, options: Sequence[T]) -> T:
        """Return one of `options`."""
        return options[self.below(len(options))]

    def some_of(self, options: Sequence[T], least: int, most: int) -> list[T]:
        """Return `least` to `most` different ones of `options`, in any order."""
        left = list(options)
        count = min(self.between(least, most), len(left))
        return [left.pop(self.below(len(left))) for _ in range(count)]


class SeededChoices(Choices):
    """The choices of a seed: the same each time, and quick."""

    def __init__(self, *seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._drawn: list[int] = []

    @override
    def below(self, count: int) -> int:
        if not self._drawn:
            self._drawn = self._rng.integers(0, 1 << 62, size=_BLOCK).tolist()
        return self._drawn.pop() % count


class DrawnChoices(Choices):
    """Choices that Hypothesis makes, and shrinks towards the simple ones."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    @override
    def below(self, count: int) -> int:
        return self._draw(st.integers(0, count - 1)) if count > 1 else 0


def drawn(build: Callable[[Choices], T]) -> st.SearchStrategy[T]:
    """Return the strategy of all that `build` makes."""

    @st.composite
    def built(draw: st.DrawFn) -> T:
        return build(DrawnChoices(draw))

    return built()
