"""When packets came: the kernel's stamps, guarded against clocks that are set.

A packet that came while this process was busy, or not yet woken, is stamped by the kernel all the
same. The stamp is of the wall clock, which may be set at any moment; so times between are taken
from the monotonic clock, and the wall clock only says how long a packet lay here unread.
"""

import socket
import struct
import sys
import time

_STAMP = 35
"""SO_TIMESTAMPNS, which the socket module lacks; also the type of the note it adds."""
NOTES_SIZE = 64
Notes = list[tuple[int, int, bytes]]
"""What `recvmsg` tells beside a packet: level, type and bytes of each."""
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


def ask(sock: socket.socket) -> bool:
    """Have the kernel stamp what a socket receives; return whether it does."""
    if sys.platform != "linux":
        return False
    try:
        sock.setsockopt(socket.SOL_SOCKET, _STAMP, 1)
    except OSError:
        return False
    return True


def arrival_ns(notes: Notes) -> int:
    """Return a packet's stamp from `recvmsg`'s notes, of the wall clock; 0 where there is none."""
    for level, kind, value in notes:
        if level == socket.SOL_SOCKET and kind == _STAMP and len(value) >= _TIME.size:
            seconds, rest = _TIME.unpack_from(value)
            return int(seconds) * 1_000_000_000 + int(rest)
    return 0


def unread_ns(arrived_ns: int, now: Moment) -> int:
    """Return how long a packet has lain here; 0 where that cannot be told."""
    return max(now.wall_ns - arrived_ns, 0) if arrived_ns else 0


def elapsed_ns(sent: Moment, arrived_ns: int, now: Moment) -> int | None:
    """Return the time from sending to arrival; None where it cannot be told.

    That is where the wall clock was set meanwhile: a stamp then says nothing, and a packet may have
    lain unread for long.

    Parameters
    ----------
    sent
        Just before the packet was sent.
    arrived_ns
        The kernel's stamp of the answer; 0 where it gives none, and is read at once.
    now
        When it was read.
    """
    since_ns = now.monotonic_ns - sent.monotonic_ns
    if not arrived_ns:
        return since_ns
    step_ns = abs(now.wall_ns - sent.wall_ns - since_ns)
    if step_ns > _TOLERANCE_NS + since_ns // _SLEWING:
        return None
    lay_ns = unread_ns(arrived_ns, now)
    return since_ns - lay_ns if lay_ns <= since_ns else None
