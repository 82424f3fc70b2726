"""Reads HTTP/1.1 answers from bytes as they come, and knows no socket.

What comes may be cut anywhere, endless, or no HTTP at all: it is an answer, not yet an answer, or
`BadAnswer`, and never holds more than `MOST_BYTES`.
"""

from collections.abc import Callable, Mapping

from telemetry.agent.typed import NamedTuple

MOST_BYTES = 4 << 20
"""Of a body. A list of 50,000 peers fits."""

_MOST_HEAD = 16 << 10
_MOST_LINE = 1024
_NO_BODY = (204, 304)
_FINAL = 200
"""Statuses below it announce an answer."""

_CHUNK_DIGITS = 8
_HEXADECIMAL = frozenset("0123456789abcdefABCDEF")


class BadAnswer(Exception):
    """What came is no answer, or none that can be used; the text says why."""


class Answer(NamedTuple):
    """A whole answer. Names of `headers` are in lower case; `is_last`: the connection ends."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_last: bool


class AnswerReader:
    """Reads one answer; answers of the kind "go on" (1xx) before it are passed over."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._body = bytearray()
        self._status = 0
        self._headers: dict[str, str] = {}
        self._is_last = False
        self._left = 0
        self._step: Callable[[], bool] = self._head
        self._is_whole = False

    @property
    def has_begun(self) -> bool:
        """Whether anything has come yet."""
        return bool(self._status or self._buffer)

    def feed(self, received: bytes) -> Answer | None:
        """Take what came, and return the answer once it is whole.

        Raises
        ------
        BadAnswer
            If this can be no answer any more, or holds too much.
        """
        self._buffer += received
        while not self._is_whole and self._step():
            pass
        if not self._is_whole:
            return None
        # Bytes behind an answer that nobody asked for: the connection cannot be trusted again.
        is_last = self._is_last or bool(self._buffer)
        return Answer(self._status, self._headers, bytes(self._body), is_last)

    def end(self) -> Answer:
        """Return the answer that the end of the connection completes.

        Raises
        ------
        BadAnswer
            If it does not.
        """
        if self._step == self._until_end:
            return Answer(self._status, self._headers, bytes(self._body), is_last=True)
        raise BadAnswer("the connection ended within an answer")

    def _head(self) -> bool:
        at = self._buffer.find(b"\r\n\r\n")
        if at < 0:
            if len(self._buffer) > _MOST_HEAD:
                raise BadAnswer(f"a head of more than {_MOST_HEAD} bytes")
            if not b"HTTP/1.".startswith(self._buffer[:7]):
                raise BadAnswer("no HTTP/1.1")
            return False
        first, *lines = bytes(self._buffer[:at]).decode("latin-1").split("\r\n")
        del self._buffer[: at + 4]
        version, self._status = _status(first)
        self._headers = _headers(lines)
        if self._status < _FINAL:
            self._status = 0
            return True
        options = self._headers.get("connection", "").lower()
        self._is_last = "close" in options or (version == 0 and "keep-alive" not in options)
        self._begin_body()
        return True

    def _begin_body(self) -> None:
        coding = self._headers.get("transfer-encoding", "").strip().lower()
        length = self._headers.get("content-length")
        if self._status in _NO_BODY:
            self._is_whole = True
        elif coding:
            if coding != "chunked":
                raise BadAnswer(f"an answer in the transfer coding {coding!r}")
            self._step = self._chunk_size
        elif length is not None:
            if not (length.isascii() and length.isdecimal()):
                raise BadAnswer(f"a body of {length!r} bytes")
            self._await(int(length[:20]))
            self._step = self._counted
        else:
            self._step = self._until_end

    def _counted(self) -> bool:
        if not self._move():
            return False
        self._is_whole = True
        return True

    def _chunk_size(self) -> bool:
        line = self._line()
        if line is None:
            return False
        digits = line.partition(";")[0].strip()
        if not 0 < len(digits) <= _CHUNK_DIGITS or not set(digits) <= _HEXADECIMAL:
            raise BadAnswer(f"a chunk of {line[:20]!r} bytes")
        self._await(int(digits, 16))
        self._step = self._chunk if self._left else self._trailer
        return True

    def _chunk(self) -> bool:
        if not self._move():
            return False
        line = self._line()
        if line is None:
            return False
        if line:
            raise BadAnswer("a chunk that is longer than it says")
        self._step = self._chunk_size
        return True

    def _trailer(self) -> bool:
        line = self._line()
        if line is None:
            return False
        self._left += len(line)
        if self._left > _MOST_HEAD:
            raise BadAnswer(f"a trailer of more than {_MOST_HEAD} bytes")
        self._is_whole = not line
        return True

    def _until_end(self) -> bool:
        self._await(len(self._buffer))
        self._move()
        return False

    def _await(self, count: int) -> None:
        if len(self._body) + count > MOST_BYTES:
            raise BadAnswer(f"a body of more than {MOST_BYTES} bytes")
        self._left = count

    def _move(self) -> bool:
        """Move what is there of the awaited bytes into the body; tell whether they are all."""
        part = self._buffer[: self._left]
        self._body += part
        self._left -= len(part)
        del self._buffer[: len(part)]
        return self._left == 0

    def _line(self) -> str | None:
        at = self._buffer.find(b"\r\n")
        if (at if at >= 0 else len(self._buffer)) > _MOST_LINE:
            raise BadAnswer(f"a line of more than {_MOST_LINE} bytes")
        if at < 0:
            return None
        line = bytes(self._buffer[:at]).decode("latin-1")
        del self._buffer[: at + 2]
        return line


def _status(line: str) -> tuple[int, int]:
    """Return the minor version of HTTP/1 and the status."""
    version, _, rest = line.partition(" ")
    digits = rest[:3]
    if version not in ("HTTP/1.0", "HTTP/1.1") or not _is_status(digits):
        raise BadAnswer(f"no answer of HTTP/1.1: {line[:40]!r}")
    if rest[3:4] not in ("", " "):
        raise BadAnswer(f"no status of HTTP/1.1: {line[:40]!r}")
    return int(version[-1]), int(digits)


def _is_status(digits: str) -> bool:
    return (
        len(digits) == len("200") and digits.isascii() and digits.isdecimal() and digits[0] != "0"
    )


def _headers(lines: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name, value = name.lower(), value.strip(" \t")
        if not colon or not name or name != name.strip():
            raise BadAnswer(f"no header: {line[:40]!r}")
        if name == "content-length" and headers.get(name, value) != value:
            raise BadAnswer("two lengths for one body")
        headers[name] = value
    return headers
