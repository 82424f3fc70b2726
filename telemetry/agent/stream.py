"""A connection that never waits, whatever it runs over."""

import errno
import os
import socket

from telemetry.agent.typed import Protocol


class Wanting(BlockingIOError):
    """A stream can go on only when its socket can be written to, or read from."""

    def __init__(self, *, is_write: bool) -> None:
        super().__init__(errno.EAGAIN, os.strerror(errno.EAGAIN))
        self.is_write = is_write


class Stream(Protocol):
    """A connection that never waits: it raises `Wanting` instead, and OSError when it fails."""

    def fileno(self) -> int:
        """Return the file descriptor."""

    def handshake(self) -> None:
        """Go on with what must come before the first byte."""

    def send(self, sent: memoryview) -> int:
        """Send what can be sent now."""

    def receive(self, count: int) -> bytes:
        """Return what has come, empty at the end."""

    def close(self) -> None:
        """Close the connection."""


class PlainStream:
    """A connected socket as it is."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.fileno = sock.fileno
        self.close = sock.close

    def handshake(self) -> None:
        """There is none."""

    def send(self, sent: memoryview) -> int:
        """Send what can be sent now."""
        try:
            return self._sock.send(sent)
        except BlockingIOError:
            raise Wanting(is_write=True) from None

    def receive(self, count: int) -> bytes:
        """Return what has come, empty at the end."""
        try:
            return self._sock.recv(count)
        except BlockingIOError:
            raise Wanting(is_write=False) from None
