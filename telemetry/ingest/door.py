"""Lets connections in, as many as are sensible."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web
from typing_extensions import override


@dataclass(frozen=True, slots=True)
class DoorLimits:
    """What a connection may cost before it is known who is at its end.

    Parameters
    ----------
    connections, of_one_address
        Most at once, of all and of one address; those beyond are closed. An agent has one. Where a
        proxy stands between, all agents' come from its address.
    head_s
        For the head of a request to arrive, counted from the end of the one before, seconds.
    body_s
        For the body, seconds.
    """

    connections: int = 20_000
    of_one_address: int = 256
    head_s: float = 30.0
    body_s: float = 10.0


class Door:
    """Makes the protocol of each connection.

    Parameters
    ----------
    server
        Serves those that are let in.
    limits
        On connections.
    shut
        Called for each that is not.
    """

    def __init__(self, server: web.Server, limits: DoorLimits, shut: Callable[[], None]) -> None:
        self._server, self._limits, self._shut = server, limits, shut
        self._inside: Counter[str] = Counter()
        self._count = 0

    def protocol(self) -> asyncio.Protocol:
        """Return the protocol of a new connection."""
        return _Entrance(self, self._server())

    def enter(self, address: str) -> bool:
        """Let a connection in, or not."""
        limits = self._limits
        if self._count >= limits.connections or self._inside[address] >= limits.of_one_address:
            self._shut()
            return False
        self._inside[address] += 1
        self._count += 1
        return True

    def leave(self, address: str) -> None:
        """Take note that a connection has ended."""
        self._count -= 1
        self._inside[address] -= 1
        if not self._inside[address]:
            del self._inside[address]


class _Entrance(asyncio.Protocol):
    """Stands before the server's own protocol for as long as the connection lasts."""

    __slots__ = ("_address", "_door", "_is_inside", "_served")

    def __init__(self, door: Door, served: asyncio.Protocol) -> None:
        self._door, self._served = door, served
        self._address, self._is_inside = "", False

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        name = transport.get_extra_info("peername")
        self._address = str(name[0]) if name else ""
        self._is_inside = self._door.enter(self._address)
        if self._is_inside:
            self._served.connection_made(transport)
        elif isinstance(transport, asyncio.Transport):
            transport.abort()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._is_inside:
            self._is_inside = False
            self._door.leave(self._address)
            self._served.connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        if self._is_inside:
            self._served.data_received(data)

    @override
    def eof_received(self) -> bool | None:
        return self._served.eof_received() if self._is_inside else None

    @override
    def pause_writing(self) -> None:
        if self._is_inside:
            self._served.pause_writing()

    @override
    def resume_writing(self) -> None:
        if self._is_inside:
            self._served.resume_writing()
