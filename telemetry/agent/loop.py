"""The agent's one loop: sockets that become ready, and what is due at a time.

One thread runs everything, so that nothing is shared and no stamp waits for a lock. asyncio would
double the agent's memory and add a millisecond to the tail of what it measures.
"""

import heapq
import math
import os
import select
import time
from collections.abc import Callable

from telemetry.agent.typed import Protocol

_HAS_EPOLL = hasattr(select, "epoll")
READ = select.POLLIN
WRITE = select.POLLOUT

Call = Callable[[], None]
Ready = Callable[[int], None]


class Watchable(Protocol):
    """A socket, or whatever else has a file descriptor."""

    def fileno(self) -> int:
        """Return the file descriptor."""


class Timer:
    """A call that is due later, unless it is cancelled."""

    __slots__ = ("call",)

    def __init__(self, call: Call) -> None:
        self.call: Call | None = call

    def cancel(self) -> None:
        """Let the call not happen; does nothing once it has happened."""
        self.call = None


class Loop:
    """Calls back, one call after the other, until it is stopped.

    A call that raises ends the loop with its exception: what input and networks may do wrong is
    caught where it happens, and the rest is a bug that must be seen.
    """

    def __init__(self) -> None:
        # Not `selectors`: its layers above this cost a tenth of what an agent spends.
        self._poll = select.epoll() if _HAS_EPOLL else select.poll()
        self._watched: dict[int, tuple[int, Ready]] = {}
        self._due: list[tuple[float, int, Timer]] = []
        self._made = 0
        self._is_stopped = False
        self._woken, self._waker = os.pipe()
        os.set_blocking(self._waker, False)
        self._poll.register(self._woken, READ)
        self._watched[self._woken] = READ, self._wake

    def now_s(self) -> float:
        """Return seconds that never step back, from an arbitrary start."""
        return time.monotonic()

    def watch(self, sock: Watchable, events: int, ready: Ready) -> None:
        """Have `ready` called with the events that are there; watching again replaces.

        Parameters
        ----------
        sock
            Non-blocking; to be unwatched before it is closed.
        events
            `READ`, `WRITE` or both.
        ready
            Called once a round for as long as an event is there.
        """
        number = sock.fileno()
        if number in self._watched:
            self._poll.modify(number, events)
        else:
            self._poll.register(number, events)
        self._watched[number] = events, ready

    def unwatch(self, sock: Watchable) -> None:
        """Call back no more; does nothing where the socket is not watched, or closed."""
        number = sock.fileno()
        if self._watched.pop(number, None) is not None:
            self._poll.unregister(number)

    def call_at(self, at_s: float, call: Call) -> Timer:
        """Have `call` called once at a time of `now_s`, or as soon as possible after it.

        Calls that are due at the same time happen in the order they were asked for.
        """
        timer = Timer(call)
        self._made += 1
        heapq.heappush(self._due, (at_s, self._made, timer))
        return timer

    def run(self) -> None:
        """Call back until `stop` is called, be it beforehand."""
        while not self._is_stopped:
            for number, events in self._poll.poll(self._wait()):
                # A call before it in this round may have unwatched this one's socket.
                held = self._watched.get(number)
                if held is not None:
                    # What is neither, an error or a hang-up, is found by reading or writing.
                    held[1](held[0] & events or held[0])
            self._call_due()
        self._is_stopped = False

    def close(self) -> None:
        """Let go of what it holds of the system's, once nothing is watched any more."""
        if _HAS_EPOLL and isinstance(self._poll, select.epoll):
            self._poll.close()
        os.close(self._woken)
        os.close(self._waker)

    def stop(self) -> None:
        """End `run` after the call it is in. Signal handlers may call this."""
        self._is_stopped = True
        try:
            os.write(self._waker, b"\0")
        except OSError:
            return  # the pipe is full, so the loop wakes; or it has ended already

    def _wait(self) -> float | None:
        while self._due and self._due[0][2].call is None:
            heapq.heappop(self._due)
        if not self._due:
            return None
        wait_s = max(self._due[0][0] - self.now_s(), 0.0)
        return wait_s if _HAS_EPOLL else math.ceil(wait_s * 1000)  # poll's are whole milliseconds

    def _call_due(self) -> None:
        # What a call asks for at once waits for the next round: sockets come in between.
        now_s, last = self.now_s(), self._made
        while self._due and self._due[0][0] <= now_s and self._due[0][1] <= last:
            timer = heapq.heappop(self._due)[2]
            call, timer.call = timer.call, None
            if call is not None:
                call()

    def _wake(self, _: int) -> None:
        os.read(self._woken, 16)
