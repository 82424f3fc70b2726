"""What becomes of each request on its way, as the faults of an episode have it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Literal

from tests.faults.messages import Answer, Request

QUICK_S = 0.002
"""Longest way to the server, or back, in good weather."""

WATCH_LAG_S = 0.01
"""Longest time from a change to its line at the other end of a watch, in good weather."""


Ending = Literal["answer", "reset", "silence"]


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one request.

    Parameters
    ----------
    there_s
        After how long the server has it.
    back_s
        After how long, from then, the process has the answer.
    is_carried_out
        Whether the server does what is asked.
    ends
        The process gets an answer; or its connection is reset; or it hears nothing.
    answer
        In place of the server's own.
    """

    there_s: float
    back_s: float
    is_carried_out: bool = True
    ends: Ending = "answer"
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class Tale:
    """How a line of a watch is told: after how long, and whether out of order or twice."""

    lag_s: float
    is_held_back: bool = False
    repeats: int = 0


Rule = Callable[[Request], Fate | None]
TaleRule = Callable[[], Tale | None]


class Weather:
    """Good weather, and the rules by which faults change it; the newest rule is asked first."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self._rules: list[Rule] = []
        self._tales: list[TaleRule] = []

    def good(self) -> Fate:
        """Return the fate of a request in good weather."""
        return Fate(self.rng.uniform(0.0, QUICK_S), self.rng.uniform(0.0, QUICK_S))

    def of(self, request: Request) -> Fate:
        """Return the fate of a request."""
        for rule in reversed(self._rules):
            fate = rule(request)
            if fate is not None:
                return fate
        return self.good()

    def tale(self) -> Tale:
        """Return how the next line of a watch is told."""
        for rule in reversed(self._tales):
            tale = rule()
            if tale is not None:
                return tale
        return Tale(self.rng.uniform(0.0, WATCH_LAG_S))

    @contextmanager
    def under(self, rule: Rule) -> Iterator[None]:
        """Have a rule decide on requests meanwhile."""
        self._rules.append(rule)
        try:
            yield
        finally:
            self._rules.remove(rule)

    @contextmanager
    def telling(self, rule: TaleRule) -> Iterator[None]:
        """Have a rule decide on lines of watches meanwhile."""
        self._tales.append(rule)
        try:
            yield
        finally:
            self._tales.remove(rule)
