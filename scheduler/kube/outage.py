"""When a watch that fails, or brings nothing, is to be told of."""

import asyncio
from collections.abc import Callable

OUTAGE_S = 10.0
"""A watch that cannot be resumed for so long is out: decisions would rest on an old picture."""

GOOD_LIFE_S = 1.0
"""A watch that lives so long is no fault, though it may bring nothing."""

TellSync = Callable[[str], None]


class Outage:
    """Tells, once, when a watch has been ill for too long, and when it is well again.

    A watch is well when it tells of an object, or has lived for a second after it was answered: a
    server that ends every watch as soon as it begins tells nothing.
    """

    def __init__(self, tell_sync: TellSync, outage_s: float = OUTAGE_S) -> None:
        self._tell_sync = tell_sync
        self._outage_s = outage_s
        self._loop = asyncio.get_running_loop()
        self._well_s = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._is_out = self._has_lived = False

    def is_answered(self) -> None:
        """Take note that the watch is answered."""
        if self._timer is None:
            self._timer = self._loop.call_later(GOOD_LIFE_S, self._live)

    def ends(self, *, is_of_use: bool) -> bool:
        """Take note that the watch has ended; return whether it was well."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        was_well = is_of_use or self._has_lived
        if was_well:
            self._be_well()
        self._has_lived = False
        return was_well

    def is_ill(self, what: str) -> None:
        """Take note of a watch that failed or brought nothing."""
        if not self._is_out and self._loop.time() - self._well_s >= self._outage_s:
            self._is_out = True
            self._tell_sync(what)

    def _live(self) -> None:
        self._has_lived = True
        self._be_well()

    def _be_well(self) -> None:
        self._well_s = self._loop.time()
        if self._is_out:
            self._is_out = False
            self._tell_sync("")
