"""One kept-open HTTP/1.1 connection on the agent's loop; what it asks is asked once, in turn.

Nothing here tries again: whoever asks knows what it means that an answer was lost.
"""

import errno
import os
import socket
from collections.abc import Callable, Mapping

from telemetry.agent.answer import Answer, AnswerReader, BadAnswer
from telemetry.agent.config import SchedulerUrl
from telemetry.agent.loop import READ, WRITE, Loop, Timer
from telemetry.agent.stream import PlainStream, Stream, Wanting
from telemetry.agent.typed import NamedTuple

CONNECT_S = 10.0
"""For a connection and its handshake together."""

_PIECE = 1 << 16


class Failure(NamedTuple):
    """No answer. `kind` is one of ``unreachable``, ``tls``, ``lost``, ``slow``, ``garbled``."""

    kind: str
    text: str


class Target(NamedTuple):
    """One address of a scheduler's URL; `place` is what sockets call it."""

    url: SchedulerUrl
    family: int
    place: tuple[str, int] | tuple[str, int, int, int]

    @property
    def text(self) -> str:
        """The URL and the address taken, for people."""
        address = self.place[0]
        return self.url.text if address == self.url.host else f"{self.url.text} at {address}"


def request(url: SchedulerUrl, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """Return a POST request."""
    said = {"Host": url.authority, **headers, "Content-Length": str(len(body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in said.items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body


class Connection:
    """Asks one target, over one connection for as long as that holds.

    Parameters
    ----------
    loop
        What calls it.
    target
        Whom.
    ca_path
        Certificates to trust where the target speaks TLS.
    """

    def __init__(self, loop: Loop, target: Target, ca_path: str = "") -> None:
        self._loop, self._target, self._ca_path = loop, target, ca_path
        self._stream: Stream | None = None
        self._connecting: socket.socket | None = None
        self._out = memoryview(b"")
        self._reader = AnswerReader()
        self._done: Callable[[Answer | Failure], None] | None = None
        self._timers: list[Timer] = []

    def post(self, asked: bytes, limit_s: float, done: Callable[[Answer | Failure], None]) -> None:
        """Ask, and have `done` called once: by the loop, later.

        Parameters
        ----------
        asked
            A whole `request`.
        limit_s
            For the answer, all in all.
        done
            Called with the answer, or with why there is none.
        """
        self._out, self._reader, self._done = memoryview(asked), AnswerReader(), done
        now_s = self._loop.now_s()
        self._timers = [self._loop.call_at(now_s + limit_s, self._too_slow)]
        if self._stream is not None:
            self._loop.watch(self._stream, READ | WRITE, self._exchange)
        else:
            self._timers.append(self._loop.call_at(now_s + CONNECT_S, self._no_connection))
            self._connect()

    def close(self) -> None:
        """Close the connection; nobody is told any more."""
        self._take_done()
        self._disconnect()

    def _connect(self) -> None:
        try:
            sock = socket.socket(self._target.family, socket.SOCK_STREAM)
        except OSError as error:
            self._fail("unreachable", _why(error))
            return
        self._connecting = sock
        sock.settimeout(0.0)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = sock.connect_ex(self._target.place)
        if code in (0, errno.EINPROGRESS):
            self._loop.watch(sock, WRITE, self._connected)
        else:
            self._fail("unreachable", os.strerror(code))

    def _connected(self, _: int) -> None:
        sock = self._connecting
        if sock is None:
            return
        self._loop.unwatch(sock)
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._fail("unreachable", os.strerror(code))
            return
        try:
            self._stream = self._stream_over(sock)
        except (OSError, ValueError) as error:
            self._fail("tls", _why(error))
            return
        self._connecting = None
        self._handshake()

    def _stream_over(self, sock: socket.socket) -> Stream:
        if not self._target.url.is_tls:
            return PlainStream(sock)
        from telemetry.agent.tls import TlsStream  # noqa: PLC0415 - 5 MB, for those who use it

        return TlsStream(sock, self._ca_path, self._target.url.host)

    def _handshake(self, _: int = 0) -> None:
        stream = self._stream
        if stream is None:
            return
        try:
            stream.handshake()
        except Wanting as wanting:
            self._loop.watch(stream, WRITE if wanting.is_write else READ, self._handshake)
        except OSError as error:
            self._fail("tls", _why(error))
        else:
            self._timers.pop().cancel()
            self._exchange()

    def _exchange(self, _: int = 0) -> None:
        """Send what is left and take what has come: an answer may come before all is sent."""
        stream = self._stream
        if stream is None:
            return
        try:
            events = READ | self._send(stream)
            answer = self._receive(stream)
        except BadAnswer as error:
            self._fail("garbled", str(error))
        except OSError as error:
            self._fail("lost", _why(error))
        else:
            if answer is not None:
                self._finish(answer)
            else:
                self._loop.watch(stream, events, self._exchange)

    def _send(self, stream: Stream) -> int:
        """Send what can be sent, and return what there is to wait for besides the answer."""
        try:
            while self._out:
                self._out = self._out[stream.send(self._out) :]
        except Wanting as wanting:
            return WRITE if wanting.is_write else READ
        except OSError:
            # Nobody reads on, perhaps since the answer is there already: what comes will tell.
            self._out = memoryview(b"")
        return READ

    def _receive(self, stream: Stream) -> Answer | None:
        while True:
            try:
                received = stream.receive(_PIECE)
            except Wanting:
                return None
            if not received:
                if not self._reader.has_begun:
                    raise ConnectionResetError(errno.ECONNRESET, "closed without an answer")
                return self._reader.end()
            answer = self._reader.feed(received)
            if answer is not None:
                return answer

    def _finish(self, answer: Answer) -> None:
        done = self._take_done()
        if answer.is_last or self._out:
            self._disconnect()
        elif self._stream is not None:
            self._loop.watch(self._stream, READ, self._idle)
        if done is not None:
            done(answer)

    def _idle(self, _: int) -> None:
        # Whatever comes unasked, most likely the end: the next request takes a new connection.
        self._disconnect()

    def _too_slow(self) -> None:
        self._fail("slow", "no answer in time")

    def _no_connection(self) -> None:
        self._fail("unreachable", f"no connection within {CONNECT_S:g} s")

    def _fail(self, kind: str, text: str) -> None:
        done = self._take_done()
        self._disconnect()
        if done is not None:
            # Later, never from within `post`: whoever asks is not done asking yet.
            failure = Failure(kind, text)
            self._timers = [self._loop.call_at(self._loop.now_s(), lambda: done(failure))]

    def _take_done(self) -> Callable[[Answer | Failure], None] | None:
        done, self._done = self._done, None
        for timer in self._timers:
            timer.cancel()
        self._timers = []
        return done

    def _disconnect(self) -> None:
        for open_one in (self._stream, self._connecting):
            if open_one is not None and open_one.fileno() >= 0:
                self._loop.unwatch(open_one)
                open_one.close()
        self._stream = self._connecting = None
        self._out = memoryview(b"")


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
