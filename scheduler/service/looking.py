"""Looking at something again and again, with rests in between."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger


@dataclass(frozen=True, slots=True)
class Looking:
    """A look, and how long to rest after it.

    Parameters
    ----------
    look
        Returns how long working it out took, seconds.
    least_s
        Shortest rest.
    share
        The rest as a multiple of what the look took, where that is longer.
    """

    look: Callable[[], Awaitable[float]]
    least_s: float
    share: float

    async def run(
        self, may_look: Callable[[], bool], log: FilteringBoundLogger, failed: str
    ) -> None:
        """Look until cancelled, whenever `may_look`; a look that fails is logged as `failed`."""
        while True:
            took_s = 0.0
            if may_look():
                try:
                    took_s = await self.look()
                except Exception:
                    log.exception(failed)
            await asyncio.sleep(max(self.least_s, self.share * took_s))
