"""When packets came: the kernel's stamps, guarded against clocks that are set.

A packet that came while this process was busy, or not yet woken, is stamped by the kernel all the
same. The stamp is of the wall clock, which may be set at any moment; so times between are taken
from the monotonic clock, and the wall clock only says how long a packet lay here unread.
"""

import socket
import struct
import time

_STAMP = 35
"""SO_TIMESTAMPNS, which the socket module lacks; also the type of the note it adds."""
NOTES_SIZE = 64
_TIME = struct.Struct("@ll")
_TOLERANCE_NS = 100_000
_SLEWING = 1_000
"""A clock that is being corrected runs at most 1/2,000 wrong; twice that is let pass."""


class Moment:
    """One moment on both clocks, nanoseconds."""

    __slots__ = ("monotonic_ns", "wall_ns")

    def __init__(self) -> None:
        self.wall_ns = time.clock_gettime_ns(time.CLOCK_REALTIME)
        self.monotonic_ns = time.monotonic_ns()


def ask(sock: socket.socket) -> None:
    """Have the kernel stamp what a socket receives, where it can."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, _STAMP, 1)
    except OSError:
        return  # not Linux: times are taken when packets are read


def arrival_ns(notes: list[tuple[int, int, bytes]]) -> int:
    """Return a packet's stamp from `recvmsg`'s notes, of the wall clock; 0 where there is none."""
    for level, kind, value in notes:
        if level == socket.SOL_SOCKET and kind == _STAMP and len(value) >= _TIME.size:
            seconds, rest = _TIME.unpack_from(value)
            return int(seconds) * 1_000_000_000 + int(rest)
    return 0


def unread_ns(arrived_ns: int, now: Moment) -> int:
    """Return how long a packet has lain here; 0 where that cannot be told."""
    return max(now.wall_ns - arrived_ns, 0) if arrived_ns else 0


def elapsed_ns(sent: Moment, arrived_ns: int, now: Moment) -> int:
    """Return the time from sending to arrival.

    Where the wall clock was set between the two, the time until it was read: too long if anything.

    Parameters
    ----------
    sent
        Just before the packet was sent.
    arrived_ns
        The kernel's stamp of the answer, or 0.
    now
        When it was read.
    """
    since_ns = now.monotonic_ns - sent.monotonic_ns
    step_ns = abs(now.wall_ns - sent.wall_ns - since_ns)
    if step_ns > _TOLERANCE_NS + since_ns // _SLEWING:
        return since_ns
    lay_ns = unread_ns(arrived_ns, now)
    return since_ns - lay_ns if lay_ns <= since_ns else since_ns
