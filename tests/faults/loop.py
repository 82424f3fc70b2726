"""An event loop in virtual time that runs one callback at a step: a run can be cut anywhere.

No socket, no thread, no sleep: time advances only when nothing is ready, straight to the next
timer. The same program makes the same steps each time.
"""

import asyncio
import heapq
from asyncio.events import Handle, TimerHandle
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from typing_extensions import override

T = TypeVar("T")

LONGEST_STEPS = 3_000_000
"""An episode takes some ten thousand; a loop that goes round without time passing never ends."""


class Stuck(Exception):
    """Nothing is ready and no timer is set, or steps go on for ever."""


class VirtualLoop(asyncio.BaseEventLoop):
    """Counts its steps; `at_step` has something happen between two of them."""

    # What `asyncio.BaseEventLoop` keeps, in every version of Python so far.
    _ready: deque[Handle]
    _scheduled: list[TimerHandle]

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0
        self._now_s = 0.0
        self._alarms: list[tuple[int, int, Callable[[], object]]] = []
        self._set_alarms = 0

    @override
    def time(self) -> float:
        """Return virtual seconds since the loop was made."""
        return self._now_s

    def at_step(self, step: int, happen: Callable[[], object]) -> None:
        """Have something happen before the step of a number, or before the next one."""
        self._set_alarms += 1
        heapq.heappush(self._alarms, (step, self._set_alarms, happen))

    def _run_once(self) -> None:
        """Make one step, after time was let pass if nothing is ready."""
        while self._alarms and self._alarms[0][0] <= self.steps:
            heapq.heappop(self._alarms)[2]()
        if not self._ready:
            self._pass_time()
        if self._ready:
            handle = self._ready.popleft()
            if not handle.cancelled():
                handle._run()  # noqa: SLF001 - as the base does
        self.steps += 1
        if self.steps > LONGEST_STEPS:
            raise Stuck(f"{LONGEST_STEPS} steps, {self._now_s:.3f} s")

    def _pass_time(self) -> None:
        """Go on to the next timer, and make ready all that is due then."""
        timers = self._scheduled
        while timers and timers[0].cancelled():
            _unmarked(heapq.heappop(timers))
        if not timers:
            raise Stuck("everything waits, and nothing will come")
        self._now_s = max(self._now_s, timers[0].when())
        while timers and timers[0].when() <= self._now_s:
            self._ready.append(_unmarked(heapq.heappop(timers)))

    def _write_to_self(self) -> None:
        """Wake nobody: there are no threads."""


def _unmarked(timer: TimerHandle) -> TimerHandle:
    """Return a timer that stands in no heap any more, and knows it."""
    timer._scheduled = False  # type: ignore[attr-defined] # noqa: SLF001 - as the base does
    return timer


def run_virtually(main: Callable[[VirtualLoop], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine on a loop of its own, and return what it returns."""
    loop = VirtualLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main(loop))
