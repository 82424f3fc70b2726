"""Lets packets out: those of bursts under way first, then of new bursts, never too many."""

import heapq
import math
from collections.abc import Callable
from functools import partial

from telemetry.agent.burst import GAP_S, TIMEOUT_S
from telemetry.agent.loop import Loop, Timer
from telemetry.agent.open_burst import OpenBurst
from telemetry.agent.pace import Bucket

Turn = OpenBurst | float
"""A burst to begin now, or the loop's time at which to ask again (infinity: when poked)."""

_GRID_S = 0.004
"""Packets that are due within so much time leave together. A process woken for each would spend
twice as much; their times are their own, whoever left beside them."""
_ROUNDING = 1e-6
_NEVER_S = float("inf")
_FIRST_LOOK_S = 0.06
"""Answers are read when packets leave, and so long after the last; then twice as long, and so on.
Most have come by then, and all are stamped."""
_AT_ONCE = 64
"""Packets, before answers are read in between."""


class Pump:
    """Sends bursts, interleaved, with their gaps kept; ends them when answered or timed out.

    Parameters
    ----------
    loop
        What calls it.
    bucket
        What each packet passes through.
    next_burst
        Called with the loop's time when there is room for another burst.
    on_end
        Called with each burst that ended.
    read
        Gives bursts the answers that have come.
    """

    def __init__(
        self,
        loop: Loop,
        bucket: Bucket,
        next_burst: Callable[[float], Turn],
        on_end: Callable[[OpenBurst], None],
        read: Callable[[], None],
    ) -> None:
        self._loop, self._bucket = loop, bucket
        self._next_burst, self._on_end, self._read = next_burst, on_end, read
        self._due: list[tuple[float, int, OpenBurst]] = []
        self._pushed = 0
        self._deadlines: dict[OpenBurst, Timer | None] = {}
        self._urgent = 0
        self._look_s = _FIRST_LOOK_S
        self._timer: Timer | None = None

    def poke(self) -> None:
        """Look again whether there is something to send."""
        self._wake_at(self._loop.now_s())

    def finish(self) -> None:
        """Send nothing more; what is out may still be answered."""
        now_s = self._loop.now_s()
        for _, _, burst in self._due:
            burst.count = burst.sent
            if len(burst.rtts_us) == burst.sent:
                self._loop.call_at(now_s, partial(self._end, burst))
            else:
                end = partial(self._time_out, burst)
                self._deadlines[burst] = self._loop.call_at(now_s + TIMEOUT_S, end)
        self._due.clear()

    def close(self) -> list[OpenBurst]:
        """Send nothing more, and end nothing; return what was under way."""
        if self._timer is not None:
            self._timer.cancel()
        for burst, deadline in self._deadlines.items():
            burst.prober.forget(burst)
            if deadline is not None:
                deadline.cancel()
        left = list(self._deadlines)
        self._deadlines.clear()
        self._due.clear()
        return left

    def _run(self) -> None:
        self._timer = None
        if self._deadlines:
            self._read()
            self._look_s *= 2
        for _ in range(_AT_ONCE):
            now_s = self._loop.now_s()
            wait_s = self._bucket.wait_s(now_s)
            if wait_s > 0:
                self._sleep_until(now_s + wait_s)
                return
            turn = self._turn(now_s)
            if not isinstance(turn, OpenBurst):
                self._sleep_until(turn)
                return
            self._bucket.take(now_s)
            self._send(turn, now_s)
        self.poke()

    def _turn(self, now_s: float) -> Turn:
        if self._due and self._due[0][0] <= now_s:
            return heapq.heappop(self._due)[2]
        turn = self._next_burst(now_s)
        if isinstance(turn, OpenBurst):
            turn.ended = self._end
            self._urgent += turn.is_urgent
            self._deadlines[turn] = None
            return turn
        return min(turn, self._due[0][0]) if self._due else turn

    def _send(self, burst: OpenBurst, now_s: float) -> None:
        burst.send()
        self._look_s = _FIRST_LOOK_S
        if burst.sent < burst.count:
            self._pushed += 1
            heapq.heappush(self._due, (now_s + GAP_S, self._pushed, burst))
        else:
            end_s = self._loop.now_s() + TIMEOUT_S
            self._deadlines[burst] = self._loop.call_at(end_s, partial(self._time_out, burst))

    def _time_out(self, burst: OpenBurst) -> None:
        self._read()
        if burst in self._deadlines:
            self._end(burst)

    def _end(self, burst: OpenBurst) -> None:
        deadline = self._deadlines.pop(burst)
        self._urgent -= burst.is_urgent
        if deadline is not None:
            deadline.cancel()
        burst.prober.forget(burst)
        self._on_end(burst)

    def _sleep_until(self, at_s: float) -> None:
        if self._deadlines:
            look_s = _GRID_S if self._urgent else self._look_s
            at_s = min(at_s, self._loop.now_s() + look_s)
        if at_s < _NEVER_S:
            # Never too soon, not even by a rounding: nothing would be due then.
            at_s = max(at_s, math.ceil(at_s / _GRID_S - _ROUNDING) * _GRID_S)
        self._wake_at(at_s)

    def _wake_at(self, at_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if at_s < _NEVER_S:
            self._timer = self._loop.call_at(at_s, self._run)
