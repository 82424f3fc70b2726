"""TCP connections, where neither ICMP nor UDP passes: the kernel timed their handshake itself."""

import socket
import struct
from errno import EINPROGRESS

from telemetry.agent import stamps
from telemetry.agent.burst import TIMEOUT_S
from telemetry.agent.loop import READ, WRITE, Loop
from telemetry.agent.open_burst import OpenBurst

_RESET_AT_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER: a connection of ours leaves nothing behind, here or there."""
_RTT = struct.Struct("@68xI")
"""Where `struct tcp_info` has the smoothed RTT, microseconds; after one sample, that sample."""
_AT_ONCE = 64
_REST_S = 1.0


class TcpConnect:
    """Connects to all peers of one family.

    A refused connection is a lost packet: nobody knows who refused it.

    Raises
    ------
    OSError
        If the family is not there.
    """

    method = 3

    def __init__(self, loop: Loop, family: int, port: int) -> None:
        self._loop, self._family, self._port = loop, family, port
        self._out: dict[socket.socket, tuple[OpenBurst, stamps.Moment]] = {}
        socket.socket(family, socket.SOCK_STREAM).close()

    def send(self, burst: OpenBurst, place: int) -> None:  # noqa: ARG002 - a connection is its own number
        """Begin to connect."""
        try:
            sock = socket.socket(self._family, socket.SOCK_STREAM)
        except OSError:
            return  # no descriptor to be had: a packet lost, like any other
        sock.settimeout(0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
        begun = stamps.Moment()
        try:
            status = sock.connect_ex(burst.address.at(self._port))
        except OSError:
            status = -1
        if status not in (0, EINPROGRESS):
            sock.close()
            return
        self._out[sock] = burst, begun
        self._loop.watch(sock, WRITE, lambda _: self._end(sock))

    def forget(self, burst: OpenBurst) -> None:
        """Let a burst's connections go."""
        for sock in [sock for sock, (owner, _) in self._out.items() if owner is burst]:
            self._let_go(sock)

    def read(self) -> None:
        """Do nothing: the loop tells of each connection."""

    def close(self) -> None:
        """Let all connections go."""
        for sock in list(self._out):
            self._let_go(sock)

    def _end(self, sock: socket.socket) -> None:
        burst, begun = self._out[sock]
        took_us = (stamps.Moment().monotonic_ns - begun.monotonic_ns) // 1000
        is_open = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
        rtt_us = _handshake_us(sock) if is_open else 0
        self._let_go(sock)
        # A handshake that was begun anew says nothing of its length, and took a second at least.
        if is_open and took_us < TIMEOUT_S * 1e6:
            burst.answer(rtt_us or took_us)

    def _let_go(self, sock: socket.socket) -> None:
        del self._out[sock]
        self._loop.unwatch(sock)
        sock.close()


def _handshake_us(sock: socket.socket) -> int:
    """Return the kernel's time, or 0 where it gives none."""
    try:
        told = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _RTT.size)
    except (AttributeError, OSError):
        return 0
    return int(_RTT.unpack(told)[0]) if len(told) == _RTT.size else 0


class TcpResponder:
    """Takes other agents' connections and ends them: the handshake is all they want.

    Parameters
    ----------
    loop
        What calls it.
    sock
        Listening, non-blocking; it is closed with this.
    """

    def __init__(self, loop: Loop, sock: socket.socket) -> None:
        self._loop, self._sock = loop, sock
        loop.watch(sock, READ, self._accept)

    def close(self) -> None:
        """Take no more."""
        self._loop.unwatch(self._sock)
        self._sock.close()

    def _accept(self, _: int) -> None:
        for _ in range(_AT_ONCE):
            try:
                taken, _ = self._sock.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError:
                # Out of descriptors, it would be ready again at once, and for ever.
                self._loop.unwatch(self._sock)
                self._loop.call_at(self._loop.now_s() + _REST_S, self._go_on)
                return
            taken.close()

    def _go_on(self) -> None:
        if self._sock.fileno() >= 0:
            self._loop.watch(self._sock, READ, self._accept)
