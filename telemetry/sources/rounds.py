"""Asking a source again and again: what every source of readings offers, and how one is polled."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

from telemetry.errors import SourceError
from telemetry.readings import Readings


class ReadingSource(Protocol):
    """Reads pairs of nodes from somewhere, for ever."""

    @property
    def name(self) -> str:
        """What people call it: ``goldpinger``, ``prometheus http://…``."""
        ...

    def rounds(self) -> AsyncIterator[Readings | SourceError]:
        """Yield what each poll found, or why it found nothing, until cancelled.

        Never raises and never ends. Requests run in threads of their own; a reader that is
        cancelled waits for none of them.
        """
        ...


async def polled(
    name: str, ask: Callable[[], Awaitable[Readings]], poll_s: float
) -> AsyncIterator[Readings | SourceError]:
    """Yield what `ask` returns or the `SourceError` it raises, then wait `poll_s`; for ever.

    Parameters
    ----------
    name
        Of the source, for an error that is none of its own.
    ask
        Asks once.
    poll_s
        From the end of one poll to the next, seconds.
    """
    while True:
        try:
            found: Readings | SourceError = await ask()
        except SourceError as error:
            found = error
        except Exception as error:  # noqa: BLE001 - whatever a source answers, it is asked again
            found = SourceError(name, f"cannot be read ({type(error).__name__}: {error})")
        yield found
        await asyncio.sleep(poll_s)
