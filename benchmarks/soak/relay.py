"""A relay before the API server, at which every connection can be cut."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from typing_extensions import override


class Relay:
    """Carries bytes to a port and back.

    Parameters
    ----------
    port
        Of the server, on loopback.

    Attributes
    ----------
    is_down
        Whether new connections are turned away.
    """

    def __init__(self, port: int) -> None:
        self.is_down = False
        self._port = port
        self._ends: set[_End] = set()
        self._openings: set[asyncio.Task[None]] = set()

    def cut(self) -> None:
        """Break every connection there is."""
        for end in tuple(self._ends):
            end.abort()

    def accept(self) -> asyncio.Protocol:
        """Return what takes a new connection in."""
        return _Front(self)

    def begin(self, front: "_Front") -> None:
        """Reach for the server on behalf of a new connection."""
        opening = asyncio.create_task(self._open(front))
        self._openings.add(opening)
        opening.add_done_callback(self._openings.discard)

    def join(self, end: "_End") -> None:
        """Take note of an open connection."""
        self._ends.add(end)

    def leave(self, end: "_End") -> None:
        """Forget a connection that is over."""
        self._ends.discard(end)

    async def _open(self, front: "_Front") -> None:
        loop = asyncio.get_running_loop()
        try:
            _, back = await loop.create_connection(lambda: _End(self), "127.0.0.1", self._port)
        except OSError:
            front.abort()
            return
        back.meet(front)
        front.meet(back)


class _End(asyncio.Protocol):
    """One side of a connection: what comes in goes out at the other side."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self._transport: asyncio.Transport | None = None
        self._other: _End | None = None
        self._early = b""
        self._is_over = False

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - it is a socket's
        self._transport = transport
        self.relay.join(self)

    @override
    def data_received(self, data: bytes) -> None:
        if self._other is None:
            self._early += data
        else:
            self._other.send(data)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._is_over = True
        self.relay.leave(self)
        if self._other is not None:
            self._other.abort()

    def meet(self, other: "_End") -> None:
        """Be joined with the other side."""
        self._other = other
        if self._is_over:
            other.abort()
        other.send(self._early)
        self._early = b""

    def send(self, data: bytes) -> None:
        """Send bytes on, unless this side is over."""
        if self._transport is not None and not self._is_over and data:
            self._transport.write(data)

    def abort(self) -> None:
        """Break this side off."""
        if self._transport is not None:
            self._transport.abort()


class _Front(_End):
    """The side that a client has opened."""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self.relay.is_down:
            self.abort()
        else:
            self.relay.begin(self)


@asynccontextmanager
async def relayed(port: int) -> AsyncIterator[tuple[Relay, int]]:
    """Run a relay before a port of this machine; yield it and its own port."""
    relay = Relay(port)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(relay.accept, "127.0.0.1", 0)
    try:
        yield relay, int(server.sockets[0].getsockname()[1])
    finally:
        relay.cut()
        server.close()
        await server.wait_closed()
