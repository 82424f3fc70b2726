"""ICMP echo on a datagram socket: no privilege, if `net.ipv4.ping_group_range` has our group.

The kernel answers at the other end, and gives this socket its own replies only. It writes the
identifier and the checksum itself (Linux, ``net/ipv4/ping.c``).
"""

import socket
import struct

from telemetry.agent import stamps
from telemetry.agent.loop import READ, Loop
from telemetry.agent.open_burst import Echoes, OpenBurst

_HEAD = struct.Struct("!BBHHH8sB")
_PADDING = bytes(56 - 9)
"""As much as `ping` sends, so that what treats sizes differently treats us as it treats `ping`."""
_REQUEST_AND_REPLY = {socket.AF_INET: (8, 0), socket.AF_INET6: (128, 129)}
_PROTOCOL = {socket.AF_INET: socket.IPPROTO_ICMP, socket.AF_INET6: socket.IPPROTO_ICMPV6}
_AT_ONCE = 256


class IcmpEcho:
    """Pings all peers of one family from one socket.

    Raises
    ------
    OSError
        If such a socket is refused (EACCES), or the family is not there.
    """

    method = 1

    def __init__(self, loop: Loop, family: int) -> None:
        self._loop = loop
        self._request, self._reply = _REQUEST_AND_REPLY[socket.AddressFamily(family)]
        self._echoes = Echoes()
        protocol = _PROTOCOL[socket.AddressFamily(family)]
        self._sock = socket.socket(family, socket.SOCK_DGRAM, protocol)
        self._sock.settimeout(0)
        stamps.ask(self._sock)
        loop.watch(self._sock, READ, self._read)

    def send(self, burst: OpenBurst, place: int) -> None:
        """Send an echo request."""
        number = self._echoes.number()
        if number is None:
            return
        head = _HEAD.pack(self._request, 0, 0, 0, number, burst.nonce, place & 0xFF)
        packet, target = head + _PADDING, burst.address.at(0)
        self._echoes.add(number, burst, place & 0xFF)
        try:
            self._sock.sendto(packet, target)
        except OSError:
            return  # no route, no buffer, a firewall: a packet lost, like any other

    def forget(self, burst: OpenBurst) -> None:
        """Take no more replies for a burst."""
        self._echoes.forget(burst)

    def close(self) -> None:
        """Close the socket."""
        self._loop.unwatch(self._sock)
        self._sock.close()

    def _read(self, _: int) -> None:
        for _ in range(_AT_ONCE):
            try:
                packet, notes, _, source = self._sock.recvmsg(2048, stamps.NOTES_SIZE)
            except BlockingIOError:
                return
            except OSError:
                continue
            self._take(packet, notes, source[0])
            if not self._echoes:
                return  # nothing else can have come

    def _take(self, packet: bytes, notes: list[tuple[int, int, bytes]], host: str) -> None:
        now = stamps.Moment()
        if len(packet) < _HEAD.size:
            return
        kind, _, _, _, number, nonce, place = _HEAD.unpack_from(packet)
        if kind != self._reply:
            return
        echo = self._echoes.take(number, nonce, place, host)
        if echo is not None:
            rtt_ns = stamps.elapsed_ns(echo.sent, stamps.arrival_ns(notes), now)
            echo.burst.answer(round(rtt_ns / 1000))
