"""A socket that echoes come back to, read when its owner is awake anyway.

The kernel stamps what comes, so nothing is lost by reading late; a process that is woken for every
answer spends half as much again.
"""

import socket
from collections.abc import Callable

from telemetry.agent import stamps
from telemetry.agent.addresses import SocketAddress
from telemetry.agent.loop import READ, Loop

Take = Callable[[bytes, stamps.Notes, SocketAddress], None]

_AT_ONCE = 512


class EchoSocket:
    """Hands on what has come.

    Parameters
    ----------
    loop
        What calls it at once where the kernel stamps nothing.
    sock
        Of datagrams; it is closed with this.
    take
        Takes a packet, its notes, and whom it is from.
    """

    def __init__(self, loop: Loop, sock: socket.socket, take: Take) -> None:
        self._loop, self._sock, self._take = loop, sock, take
        sock.settimeout(0)
        if not stamps.ask(sock):
            loop.watch(sock, READ, lambda _: self.read())

    def send(self, packet: bytes, target: SocketAddress) -> None:
        """Send a packet; one that cannot be sent is lost, like any other."""
        try:
            self._sock.sendto(packet, target)
        except OSError:
            return  # no route, no buffer, a firewall

    def read(self) -> None:
        """Hand on all that has come."""
        for _ in range(_AT_ONCE):
            try:
                packet, notes, _, source = self._sock.recvmsg(2048, stamps.NOTES_SIZE)
            except BlockingIOError:
                return
            except OSError:
                continue
            self._take(packet, notes, source)

    def close(self) -> None:
        """Close it."""
        self._loop.unwatch(self._sock)
        self._sock.close()
