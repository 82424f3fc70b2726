"""An event loop whose time passes only while everything waits, with real sockets.

When no socket has anything to tell, time jumps to the next timer. Both ends of a connection on
loopback live on the one loop, so what was sent has arrived by then. Work for threads is done in
place and takes no time.
"""

import asyncio
import selectors
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import TypeVar

from aiohttp import connector
from kubernetes.aio.leaderelection import leaderelection
from typing_extensions import TypeVarTuple, Unpack, override

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_HAIR_S = 1e-9
"""Added to every jump: rounded down, it would end just before what was waited for, and who then
waits for the rest, which is too little to be told from nothing, would do so for ever."""

_Found = list[tuple[selectors.SelectorKey, int]]


class _Impatient(selectors.DefaultSelector):
    """Looks at sockets without waiting, and has time pass where it would wait."""

    def __init__(self, pass_time: Callable[[float], None]) -> None:
        super().__init__()
        self._pass_time = pass_time

    @override
    def select(self, timeout: float | None = None) -> _Found:
        found = super().select(0)
        if found or (timeout is not None and timeout <= 0):
            return found
        if timeout is None:  # no timer is set: only a signal can help
            return super().select(None)
        self._pass_time(timeout)
        return []


class JumpingLoop(asyncio.SelectorEventLoop):
    """Its `time` begins at 0 and jumps."""

    def __init__(self) -> None:
        self._now_s = 0.0
        super().__init__(_Impatient(self._pass))

    @override
    def time(self) -> float:
        """Return virtual seconds since the loop was made."""
        return self._now_s

    @override
    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Do work at once: time must not jump while a thread is at it."""
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - whoever awaits the work is to know
            done.set_exception(error)
        return done

    def _pass(self, seconds: float) -> None:
        self._now_s += seconds + _HAIR_S


@contextmanager
def idle_by(loop: JumpingLoop) -> Iterator[None]:
    """Have clients close idle connections by the loop's time: they look at a clock of their own."""
    names = vars(connector)
    before, names["monotonic"] = names["monotonic"], loop.time
    try:
        yield
    finally:
        names["monotonic"] = before


class _ElectionTime:
    """Stands in for the module `time` in the library's election, which takes no clock."""

    def __init__(self, time: Callable[[], float]) -> None:
        self.time = time


@contextmanager
def election_by(wall_s: Callable[[], float]) -> Iterator[None]:
    """Have the library's election read a wall clock: by the machine's, a slow one loses its Lease.

    Parameters
    ----------
    wall_s
        Seconds since 1970.
    """
    names = vars(leaderelection)
    before, names["time"] = names["time"], _ElectionTime(wall_s)
    try:
        yield
    finally:
        names["time"] = before
