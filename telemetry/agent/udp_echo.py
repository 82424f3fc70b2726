"""UDP echo, where ICMP is refused: the peer says how long it held a packet, which is subtracted.

A packet is 56 bytes: 4 bytes of version, kind (1 request, 2 reply), place in its burst, sequence
number, 8 bytes of the burst's nonce, 8 bytes with how long the reply was held, nanoseconds;
little-endian, then zeros. A reply is as long as its request, and is never answered: the port can
neither amplify nor play ping-pong.
"""

import socket
import struct

from telemetry.agent import stamps
from telemetry.agent.addresses import SocketAddress
from telemetry.agent.echo_socket import EchoSocket
from telemetry.agent.loop import READ, Loop
from telemetry.agent.open_burst import Echoes, OpenBurst
from telemetry.agent.pace import Bucket

_PACKET = struct.Struct("<4sBBH8sQ32x")
_VERSION = b"iso1"
_REQUEST, _REPLY = 1, 2
_AT_ONCE = 256
_MOST_HELD_NS = 1_000_000_000
"""Whoever asked has given up by then."""
REPLIES_PER_S = 2_000.0
"""Twice what 490 agents send to one when all are asked for their stars at once."""


class UdpEcho:
    """Asks all peers of one family from one socket.

    Raises
    ------
    OSError
        If the family is not there.
    """

    method = 2

    def __init__(self, loop: Loop, family: int, port: int) -> None:
        self._port = port
        self._echoes = Echoes()
        self._socket = EchoSocket(loop, socket.socket(family, socket.SOCK_DGRAM), self._take)

    def send(self, burst: OpenBurst, place: int) -> None:
        """Send a request."""
        number = self._echoes.number()
        if number is None:
            return
        packet = _PACKET.pack(_VERSION, _REQUEST, place & 0xFF, number, burst.nonce, 0)
        target = burst.address.at(self._port)
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
        if len(packet) != _PACKET.size or source[1] != self._port:
            return
        version, kind, place, number, nonce, held_ns = _PACKET.unpack(packet)
        if version != _VERSION or kind != _REPLY:
            return
        echo = self._echoes.take(number, nonce, place, source[0])
        if echo is None:
            return
        away_ns = stamps.elapsed_ns(echo.sent, stamps.arrival_ns(notes), now)
        # Nobody holds a packet longer than it was away; what claims so measures nothing.
        if away_ns is not None and away_ns > held_ns:
            echo.burst.answer(round((away_ns - held_ns) / 1000))


class UdpResponder:
    """Answers other agents' requests, at most `REPLIES_PER_S`.

    Parameters
    ----------
    loop
        What calls it.
    sock
        Bound, non-blocking; it is closed with this.
    """

    def __init__(self, loop: Loop, sock: socket.socket) -> None:
        self._loop, self._sock = loop, sock
        self._bucket = Bucket(REPLIES_PER_S, loop.now_s())
        stamps.ask(sock)
        loop.watch(sock, READ, self._read)

    def close(self) -> None:
        """Answer no more."""
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
            if len(packet) == _PACKET.size:
                self._answer(_PACKET.unpack(packet), stamps.arrival_ns(notes), source)

    def _answer(
        self,
        request: tuple[bytes, int, int, int, bytes, int],
        arrived_ns: int,
        source: tuple[str, int],
    ) -> None:
        version, kind, place, number, nonce, _ = request
        if version != _VERSION or kind != _REQUEST or not self._bucket.take(self._loop.now_s()):
            return
        held_ns = stamps.unread_ns(arrived_ns, stamps.Moment())
        if held_ns > _MOST_HELD_NS:
            return
        try:
            self._sock.sendto(_PACKET.pack(version, _REPLY, place, number, nonce, held_ns), source)
        except OSError:
            return  # no way back: whoever asked counts a loss
