"""The latest happenings, for people who look: what the live table and the status page list."""

from collections import deque
from dataclasses import dataclass
from typing import Literal

_KEPT = 500
"""Happenings kept; older ones are in the log."""

HappeningKind = Literal[
    "bound", "waiting", "node", "rtt", "zones", "conflict", "warning", "error", "cluster", "moved"
]
"""``cluster`` is for what an embedded cluster tells of itself."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of the journal; `number` grows by one each, `at_s` is on the wall clock."""

    number: int
    at_s: float
    kind: HappeningKind
    text: str


class Journal:
    """A ring of happenings."""

    def __init__(self) -> None:
        self._ring: deque[Happening] = deque(maxlen=_KEPT)
        self._number = 0

    @property
    def number(self) -> int:
        """The number of the latest happening, 0 before the first."""
        return self._number

    def add(self, at_s: float, kind: HappeningKind, text: str) -> None:
        """Write one line."""
        self._number += 1
        self._ring.append(Happening(self._number, at_s, kind, text))

    def since(self, number: int = 0) -> list[Happening]:
        """Return what was written after the line `number`, oldest first."""
        return [happening for happening in self._ring if happening.number > number]
