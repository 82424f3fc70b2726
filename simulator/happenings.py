"""What happened lately, for people: the last few hundred lines."""

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

KEPT = 500


@dataclass(frozen=True, slots=True)
class Happening:
    """One line: when, in virtual seconds, and what."""

    number: int
    at_s: float
    text: str


class Happenings:
    """A bounded log; numbers run on, so that a reader can ask for what is new."""

    def __init__(self, kept: int = KEPT) -> None:
        self._lines: deque[Happening] = deque(maxlen=kept)
        self._count = 0
        self._news = asyncio.Event()

    def say(self, at_s: float, text: str) -> None:
        """Add a line."""
        self._count += 1
        self._lines.append(Happening(self._count, at_s, text))
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def said(self, number: int) -> None:
        """Wait until there is a line after line `number`."""
        while self._count <= number:
            await self._news.wait()

    def since(self, number: int = 0) -> tuple[Happening, ...]:
        """Return the kept lines after line `number`, oldest first."""
        return tuple(line for line in self._lines if line.number > number)

    def __iter__(self) -> Iterator[Happening]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)
