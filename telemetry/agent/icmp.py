"""ICMP echo on a datagram socket: no privilege, if `net.ipv4.ping_group_range` has our group.

The kernel answers at the other end, and gives this socket its own replies only. It writes the
identifier and the checksum itself (Linux, ``net/ipv4/ping.c``). Where such a socket is refused, one
of raw packets is taken if we may have it (CAP_NET_RAW: root, by hand): it hears every echo reply of
this machine, and writes what the kernel does not.
"""

import socket
import struct

from telemetry.agent import stamps
from telemetry.agent.addresses import SocketAddress
from telemetry.agent.echo_socket import EchoSocket
from telemetry.agent.loop import Loop
from telemetry.agent.open_burst import Echoes, OpenBurst

_HEAD = struct.Struct("!BBHHH8sB")
_PADDING = bytes(56 - 9)
"""As much as `ping` sends, so that what treats sizes differently treats us as it treats `ping`."""
_REQUEST_AND_REPLY = {socket.AF_INET: (8, 0), socket.AF_INET6: (128, 129)}
_ICMP_FILTER, _SOL_RAW = 1, 255
_ONLY_REPLIES = struct.pack("@I", 0xFFFFFFFF ^ 1)
"""Of a raw socket's packets, none but those of type 0 (Linux, ``uapi/linux/icmp.h``)."""
_PROTOCOL = {socket.AF_INET: socket.IPPROTO_ICMP, socket.AF_INET6: socket.IPPROTO_ICMPV6}


class IcmpEcho:
    """Pings all peers of one family from one socket.

    Raises
    ------
    OSError
        If both kinds of socket are refused (EACCES, EPERM), or the family is not there.
    """

    method = 1

    def __init__(self, loop: Loop, family: int) -> None:
        self._request, self._reply = _REQUEST_AND_REPLY[socket.AddressFamily(family)]
        self._echoes = Echoes()
        sock, is_raw = _opened(family)
        self._is_raw_ip4 = is_raw and family == socket.AF_INET
        self._socket = EchoSocket(loop, sock, self._take)

    def send(self, burst: OpenBurst, place: int) -> None:
        """Send an echo request."""
        number = self._echoes.number()
        if number is None:
            return
        head = _HEAD.pack(self._request, 0, 0, 0, number, burst.nonce, place & 0xFF)
        packet, target = head + _PADDING, burst.address.at(0)
        if self._is_raw_ip4:
            packet = packet[:2] + checksum(packet) + packet[4:]
        self._echoes.add(number, burst, place & 0xFF)
        self._socket.send(packet, target)

    def forget(self, burst: OpenBurst) -> None:
        """Take no more replies for a burst."""
        self._echoes.forget(burst)

    def read(self) -> None:
        """Take the replies that have come."""
        if self._echoes:
            self._socket.read()

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _take(self, packet: bytes, notes: stamps.Notes, source: SocketAddress) -> None:
        now = stamps.Moment()
        if self._is_raw_ip4 and packet:
            packet = packet[4 * (packet[0] & 0x0F) :]
        if len(packet) < _HEAD.size:
            return
        kind, _, _, _, number, nonce, place = _HEAD.unpack_from(packet)
        if kind != self._reply:
            return
        echo = self._echoes.take(number, nonce, place, source[0])
        if echo is None:
            return
        rtt_ns = stamps.elapsed_ns(echo.sent, stamps.arrival_ns(notes), now)
        if rtt_ns is not None:
            echo.burst.answer(round(rtt_ns / 1000))


def checksum(packet: bytes) -> bytes:
    """Return the checksum of a packet whose own is still 0 (RFC 1071); its length is even."""
    total = sum(struct.unpack(f"!{len(packet) // 2}H", packet))
    total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!H", 0xFFFF ^ ((total & 0xFFFF) + (total >> 16)))


def _opened(family: int) -> tuple[socket.socket, bool]:
    """Return a socket for echoes, and whether it is one of raw packets."""
    protocol = _PROTOCOL[socket.AddressFamily(family)]
    try:
        return socket.socket(family, socket.SOCK_DGRAM, protocol), False
    except PermissionError as error:
        try:
            sock = socket.socket(family, socket.SOCK_RAW, protocol)
        except PermissionError:
            raise error from None
    if family == socket.AF_INET:
        sock.setsockopt(_SOL_RAW, _ICMP_FILTER, _ONLY_REPLIES)
    return sock, True
