"""The way between a process and the API server, in place of an HTTP session and its sockets.

`Wire` is what `scheduler.kube.client.KubeClient` asks of a session: its own retries, time-outs and
reading of answers are at work. What a process has sent travels on when the process is dead.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self

import aiohttp
from yarl import URL

from tests.faults.api import ApiServer, Entry
from tests.faults.messages import Answer, Request, refusal
from tests.faults.weather import Fate, Weather

_BOOKMARK_S = 60.0
_LONGEST_WATCH_S = 300.0

Cut = Literal["end", "reset", "expire", "silence"]


class Stream:
    """The lines of one watch on their way; read as `aiohttp.StreamReader` is."""

    def __init__(self, weather: Weather, silence_s: float) -> None:
        self.plural = ""
        self.is_over = False
        self.unfollow: Callable[[], None] = lambda: None
        self._weather = weather
        self._silence_s = silence_s
        self._loop = asyncio.get_running_loop()
        self._arrived = asyncio.Event()
        self._rest = b""
        self._error: Exception | None = None
        self._told: list[bytes] = []
        self._coming: deque[bytes] = deque()
        self._held: Entry | None = None
        self._due_s = 0.0
        self._is_deaf = False

    async def readany(self) -> bytes:
        """Return what has arrived; nothing at the end."""
        if not self._rest and not self.is_over:
            async with asyncio.timeout(self._silence_s):
                await self._arrived.wait()
        self._arrived.clear()
        chunk, self._rest = self._rest, b""
        if not chunk and self._error is not None:
            raise self._error
        return chunk

    def tell(self, entry: Entry) -> None:
        """Put a change on its way."""
        tale = self._weather.tale()
        held, self._held = self._held, None
        if held is not None:
            # Out of order, though never of one object, and in one piece: a cut between the two
            # would lose the earlier one for good, which no server of Kubernetes does.
            lines = [held.line, entry.line] if held.name == entry.name else [entry.line, held.line]
        elif tale.is_held_back:
            self._held = entry
            self._loop.call_later(0.05, self._let_go, entry)
            return
        else:
            lines = [entry.line]
        self._told += lines
        again = self._told[-tale.repeats :] if tale.repeats and held is None else []
        self.send(b"".join(lines + again), tale.lag_s)

    def send(self, lines: bytes, lag_s: float = 0.0) -> None:
        """Put lines on their way, behind those that are."""
        self._due_s = max(self._due_s, self._loop.time() + lag_s)
        self._coming.append(lines)
        # Timers of one moment go off in any order.
        self._loop.call_at(self._due_s, lambda: self._arrive(self._coming.popleft()))

    def end(self, how: Cut = "end") -> None:
        """Cut it: as a server ends it, as a line breaks, with a 410, or unknown to the reader."""
        self.unfollow()
        self.unfollow = lambda: None
        match how:
            case "silence":
                self._is_deaf = True
                return
            case "expire":
                self._arrive(b'{"type":"ERROR","object":{"code":410,"message":"too old"}}\n')
            case "reset":
                self._error = aiohttp.ClientPayloadError("connection reset by peer")
            case "end":
                pass
        self.is_over = True
        self._arrived.set()

    def _let_go(self, entry: Entry) -> None:
        if self._held is entry:
            self._held = None
            self._told.append(entry.line)
            self.send(entry.line)

    def _arrive(self, lines: bytes) -> None:
        if not (self.is_over or self._is_deaf):
            self._rest += lines
            self._arrived.set()


@dataclass
class Reply:
    """What comes back, as `aiohttp.ClientResponse` is read."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    content: Stream | None = None

    async def read(self) -> bytes:
        """Return the body."""
        return self.body

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.content is not None:
            self.content.end()


@dataclass
class Net:
    """All that lies between processes and the server. `streams` are the watches that are open."""

    api: ApiServer
    weather: Weather
    streams: list[Stream] = field(default_factory=list)
    asked: int = 0

    def cut(self, how: Cut, plural: str = "") -> None:
        """Cut all watches, or those of a kind."""
        for stream in tuple(self.streams):
            if plural in ("", stream.plural):
                stream.end(how)

    def open_streams(self) -> list[Stream]:
        """Return the watches that are open, and forget the others."""
        self.streams = [stream for stream in self.streams if not stream.is_over]
        return self.streams


class Wire:
    """One process' way to the server. Once `is_dead`, nothing it asks for is even sent."""

    def __init__(
        self,
        net: Net,
        process: str,
        sends: Callable[[Request], None],
        heard: Callable[[Request, Answer | None], None],
    ) -> None:
        self.is_dead = False
        self._net = net
        self._process = process
        self._sends = sends
        self._heard = heard
        self._loop = asyncio.get_running_loop()

    async def request(
        self,
        method: str,
        url: URL,
        *,
        params: Mapping[str, str] | None,
        data: bytes | None,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's own name
        **_: object,
    ) -> Reply:
        """Send a request; return the reply, or raise as aiohttp does where there is none."""
        if self.is_dead:
            await self._loop.create_future()
        net = self._net
        net.asked += 1
        query = dict(params or {})
        request = Request(method, url.path, query, data or b"", self._process, net.asked)
        self._sends(request)
        fate = net.weather.of(request)
        coming: asyncio.Future[Reply] = self._loop.create_future()
        limit_s = timeout.total if not request.is_watch else timeout.sock_read
        self._loop.call_later(fate.there_s, self._arrive, request, fate, coming, limit_s or 0.0)
        try:
            async with asyncio.timeout(limit_s):
                reply = await coming
        except (TimeoutError, aiohttp.ClientError):
            self._heard(request, None)
            raise
        self._heard(request, Answer(reply.status))
        return reply

    def _arrive(
        self, request: Request, fate: Fate, coming: asyncio.Future[Reply], silence_s: float
    ) -> None:
        """Be at the server: carried out or not, whether anybody waits for it or not."""
        reply: Reply | None = None
        if request.is_watch and fate.is_carried_out and fate.answer is None:
            reply = self._open(request, silence_s)
        elif fate.is_carried_out:
            answer = self._net.api.carry_out(request)
            reply = Reply(answer.status, answer.body, answer.headers)
        if fate.answer is not None:
            reply = Reply(fate.answer.status, fate.answer.body, fate.answer.headers)
        if fate.ends == "answer" and reply is not None:
            self._loop.call_later(fate.back_s, _settle, coming, reply)
        elif fate.ends == "reset":
            error = aiohttp.ClientConnectionError("connection reset by peer")
            self._loop.call_later(fate.back_s, _fail, coming, error)

    def _open(self, request: Request, silence_s: float) -> Reply:
        """Begin a watch."""
        net, loop = self._net, self._loop
        stream = Stream(net.weather, silence_s)
        stream.plural = request.plural
        version = int(request.query["resourceVersion"] or 0)
        unfollow = net.api.follow(request.plural, version, stream.tell)
        if unfollow is None:
            if request.number % 2:  # a server says so in either of these ways
                gone = refusal(410, "too old resource version")
                return Reply(gone.status, gone.body, gone.headers)
            stream.end("expire")
            return Reply(200, b"", {}, stream)
        stream.unfollow = unfollow
        net.open_streams().append(stream)

        def bookmark() -> None:
            if not stream.is_over:
                stream.send(net.api.bookmark(request.plural), net.weather.tale().lag_s)
                loop.call_later(_BOOKMARK_S, bookmark)

        loop.call_later(_BOOKMARK_S, bookmark)
        loop.call_later(_LONGEST_WATCH_S, stream.end)
        return Reply(200, b"", {}, stream)


def _settle(coming: asyncio.Future[Reply], reply: Reply) -> None:
    if not coming.done():
        coming.set_result(reply)
    elif reply.content is not None:
        reply.content.end()


def _fail(coming: asyncio.Future[Reply], error: Exception) -> None:
    with suppress(asyncio.InvalidStateError):
        coming.set_exception(error)
