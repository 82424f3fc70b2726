"""The status page and its JSON, served on one address of this machine."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
from aiohttp import web

from scheduler.domain.errors import InputError, SchedulerError
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.service.cycle import Decider
from scheduler.service.journal import Happening
from scheduler.service.state import ServiceState
from scheduler.ui import views
from scheduler.ui.explaining import ExplainFunction, explaining
from scheduler.ui.views import Json, Page

_STATIC = Path(__file__).parent / "static"
_HOST = "127.0.0.1"
_LOCAL_NAMES = frozenset({"127.0.0.1", "localhost"})
_TICK_S = 1.0
_MOST_ROWS = 100_000

_HEADERS = {
    # The page loads nothing but its own files; names from the cluster are text, never markup.
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Board:
    """What the page shows.

    `told` gives what happened after a line's number, where there is more to tell than the
    service's own journal does.
    """

    state: ServiceState
    decider: Decider
    explain: ExplainFunction
    is_ready: Callable[[], bool]
    told: Callable[[int], Sequence[Happening]] | None = None

    def happenings(self, after: int) -> Sequence[Happening]:
        """Return what happened after the line `after`, oldest first."""
        return (self.told or self.state.journal.since)(after)


class StatusApp:
    """Routes of the status page."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._closing = asyncio.Event()
        self._streams: set[asyncio.Task[None]] = set()

    def application(self) -> web.Application:
        """Return the aiohttp application."""
        app = web.Application(middlewares=[_guard])
        app.router.add_get("/", self._page)
        app.router.add_get("/api/summary", self._summary)
        app.router.add_get("/api/nodes", self._nodes)
        app.router.add_get("/api/pods", self._pods)
        app.router.add_get("/api/pending", self._pending)
        app.router.add_get("/api/zones", self._zones)
        app.router.add_get("/api/events", self._events)
        app.router.add_get("/api/explain/{namespace}/{name}", self._explain)
        app.router.add_get("/api/stream", self._stream)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_static("/static/", _STATIC)
        return app

    def close(self) -> None:
        """End open streams, so that the server can stop."""
        self._closing.set()

    # What is asked for

    async def _page(self, _request: web.Request) -> web.StreamResponse:
        return web.FileResponse(_STATIC / "index.html")

    async def _summary(self, _request: web.Request) -> web.Response:
        return _json(await self._summarise())

    async def _nodes(self, request: web.Request) -> web.Response:
        return _json(await asyncio.to_thread(views.nodes, self._freeze(), _page_of(request)))

    async def _pods(self, request: web.Request) -> web.Response:
        return _json(await asyncio.to_thread(views.pods, self._freeze(), _page_of(request)))

    async def _pending(self, request: web.Request) -> web.Response:
        state = self._board.state
        entries = [q for q in state.queue.entries() if state.cache.pods.is_pending(q.pod)]
        return _json(views.pending(entries, _page_of(request), state.clock.now_s()))

    async def _zones(self, _request: web.Request) -> web.Response:
        return _json(await asyncio.to_thread(views.zones, self._freeze()))

    async def _events(self, request: web.Request) -> web.Response:
        since = _number(request, "since", 0)
        return _json(views.events(self._board.happenings(since)))

    async def _explain(self, request: web.Request) -> web.Response:
        key = f"{request.match_info['namespace']}/{request.match_info['name']}"
        board = self._board
        work = explaining(board.state, key, board.decider.plan, board.explain)
        if work is None:
            return _json({"error": f"no pod {key}"}, status=404)
        try:
            lines = await board.decider.runner(work)
        except SchedulerError as error:  # the service tells of it too, and goes on
            return _json({"error": str(error)}, status=500)
        return _json({"pod": key, "lines": lines})

    async def _healthz(self, _request: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def _readyz(self, _request: web.Request) -> web.Response:
        if not self._board.is_ready():
            return web.Response(status=503, text="not ready: the cache is not complete")
        has_rtt = bool(self._board.state.cache.rtt.nodes)
        return web.Response(text="ok" if has_rtt else "ok; no round-trip times: delays wait")

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(
            body=self._board.state.metrics.render(),
            headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
        )

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        """Send the summary and what is new in the journal, whenever either changed."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **_HEADERS})
        await response.prepare(request)
        number, sent = 0, b""
        try:
            while not self._closing.is_set():
                happenings = self._board.happenings(number)
                body = msgspec.json.encode(
                    {"summary": await self._summarise(), **views.events(happenings)}
                )
                if body != sent or happenings:
                    await response.write(b"data: " + body + b"\n\n")
                    sent, number = body, happenings[-1].number if happenings else number
                else:
                    await response.write(b": still here\n\n")
                await self._tick()
        except (ConnectionResetError, asyncio.CancelledError):
            pass  # the reader has left
        return response

    # How it is found

    async def _tick(self) -> None:
        try:
            async with asyncio.timeout(_TICK_S):
                await self._closing.wait()
        except TimeoutError:
            return

    async def _summarise(self) -> Json:
        stages = self._board.state.queue.counts()
        work = partial(views.summary, self._freeze(), stages, is_ready=self._board.is_ready())
        return await asyncio.to_thread(work)

    def _freeze(self) -> ClusterSnapshot:
        """Return what is known now; frozen here, on the loop, and read elsewhere."""
        state = self._board.state
        return state.cache.freeze((), state.clock.wall_s(), state.intake.held())


@asynccontextmanager
async def served(board: Board, port: int) -> AsyncIterator[int]:
    """Serve the status page; yield the port.

    Parameters
    ----------
    board
        What to show.
    port
        TCP port on 127.0.0.1; 0 for any free one.

    Raises
    ------
    InputError
        If the port is taken or not allowed.
    """
    status = StatusApp(board)
    runner = web.AppRunner(status.application(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, _HOST, port)
        try:
            await site.start()
        except OSError as error:
            # asyncio's own text repeats the address; the system's says why.
            said = os.strerror(error.errno) if error.errno else str(error)
            what = f"cannot be used ({said.lower()})"
            fix = "give another with --port, or --port 0 for any free one"
            raise InputError(f"port {port} of {_HOST}", what, fix) from None
        yield int(runner.addresses[0][1])
    finally:
        status.close()
        await runner.cleanup()


@web.middleware
async def _guard(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer only to local names, so that no page elsewhere reaches in; set the headers."""
    if (request.url.host or "") not in _LOCAL_NAMES:
        return web.Response(status=403, text="ask for 127.0.0.1 or localhost")
    try:
        response = await handler(request)
    except InputError as error:
        response = _json({"error": str(error)}, status=400)
    except web.HTTPException as error:
        error.headers.update(_HEADERS)
        raise
    if not response.prepared:
        response.headers.update(_HEADERS)
    return response


def _json(body: Json, status: int = 200) -> web.Response:
    return web.Response(
        status=status, body=msgspec.json.encode(body), content_type="application/json"
    )


def _number(request: web.Request, name: str, default: int) -> int:
    said = request.query.get(name)
    if said is None:
        return default
    if not (said.isascii() and said.isdigit() and len(said) < 10):  # noqa: PLR2004 - below 2^31
        raise InputError(f"?{name}", f"{said[:40]!r} is not a number", "give a whole number from 0")
    return int(said)


def _page_of(request: web.Request) -> Page:
    limit = min(_number(request, "limit", Page().limit), _MOST_ROWS)
    return Page(_number(request, "offset", 0), limit)
