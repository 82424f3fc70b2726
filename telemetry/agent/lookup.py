"""Looks names up without keeping anybody waiting.

The system's resolver blocks for as long as its servers are silent, and only it knows all of hosts
files, search lists and name services. A child of this process asks it and ends; a thread would do
as well, but the agent has none, and a child can be ended when it takes too long.
"""

import json
import os
import signal
import socket
from collections.abc import Callable, Sequence

from telemetry.agent.config import is_numeric
from telemetry.agent.loop import READ, Loop, Timer
from telemetry.agent.typed import NamedTuple, NoReturn, cast

LIMIT_S = 20.0
"""The resolver itself gives up after 10 s for a server that is silent, by default."""

_MOST_BYTES = 1 << 16

Place = tuple[str, int] | tuple[str, int, int, int]


class Found(NamedTuple):
    """What a name stands for: families and socket addresses, or why there are none."""

    addresses: tuple[tuple[int, Place], ...] = ()
    error: str = ""


class Lookup:
    """Looks up hosts and ports, all in one go.

    Parameters
    ----------
    loop
        What calls it.
    wanted
        Hosts and ports.
    done
        Called once with what was found, in the order of `wanted`.
    """

    def __init__(
        self,
        loop: Loop,
        wanted: Sequence[tuple[str, int]],
        done: Callable[[list[Found]], None],
    ) -> None:
        self._loop, self._wanted, self._done = loop, wanted, done
        self._child = 0
        self._pipe: int | None = None
        self._received = b""
        self._limit: Timer | None = None

    def start(self) -> None:
        """Begin. `done` is called later, by the loop."""
        if all(is_numeric(host) for host, _ in self._wanted):
            found = [_ask(host, port, socket.AI_NUMERICHOST) for host, port in self._wanted]
            self._limit = self._loop.call_at(self._loop.now_s(), lambda: self._done(found))
            return
        try:
            self._fork()
        except OSError as error:
            why = f"no process to look it up: {error.strerror}"
            found = [Found(error=why)] * len(self._wanted)
            self._limit = self._loop.call_at(self._loop.now_s(), lambda: self._done(found))

    def close(self) -> None:
        """End it; nobody is told any more."""
        if self._limit is not None:
            self._limit.cancel()
        if self._pipe is not None:
            self._loop.unwatch(_Descriptor(self._pipe))
            os.close(self._pipe)
            self._pipe = None
            os.kill(self._child, signal.SIGKILL)
            os.waitpid(self._child, 0)

    def _fork(self) -> None:
        pipe, sending = os.pipe()
        try:
            self._child = os.fork()
        except OSError:
            os.close(pipe)
            os.close(sending)
            raise
        if not self._child:
            _look_up(self._wanted, sending)
        os.close(sending)
        self._pipe = pipe
        self._loop.watch(_Descriptor(pipe), READ, self._receive)
        self._limit = self._loop.call_at(self._loop.now_s() + LIMIT_S, self._too_slow)

    def _receive(self, _: int) -> None:
        if self._pipe is None:
            return
        received = os.read(self._pipe, _MOST_BYTES)
        self._received += received
        if not received or len(self._received) > _MOST_BYTES:
            self.close()
            self._done(self._read())

    def _too_slow(self) -> None:
        self.close()
        self._done([Found(error=f"no answer within {LIMIT_S:g} s")] * len(self._wanted))

    def _read(self) -> list[Found]:
        try:
            said = json.loads(self._received)
            return [
                Found(tuple((family, tuple(place)) for family, place in addresses), error)
                for addresses, error in said
            ]
        except (ValueError, TypeError):
            return [Found(error="the process that looked it up has failed")] * len(self._wanted)


class _Descriptor(NamedTuple):
    """A file descriptor as loops want it."""

    number: int

    def fileno(self) -> int:
        return self.number


def _ask(host: str, port: int, flags: int = 0) -> Found:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    except (OSError, UnicodeError) as error:
        return Found(error=getattr(error, "strerror", None) or str(error))
    # A name may stand for the same address twice.
    places = dict.fromkeys((int(family), cast("Place", place)) for family, *_, place in found)
    return Found(tuple(places))


def _look_up(wanted: Sequence[tuple[str, int]], sending: int) -> NoReturn:
    """Answer and end, in the child: nothing of the parent's may happen twice."""
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        # The parent's sockets would stay open for as long as the resolver is waited for.
        os.closerange(3, sending)
        os.closerange(sending + 1, os.sysconf("SC_OPEN_MAX"))
        os.write(sending, json.dumps([_ask(host, port) for host, port in wanted]).encode())
    finally:
        os._exit(0)
