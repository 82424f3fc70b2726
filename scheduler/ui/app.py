"""The status page, its JSON, probes and metrics, served on one address of this machine."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
from aiohttp import web
from structlog.typing import FilteringBoundLogger

from scheduler.domain.errors import InputError, SchedulerError
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.service.cycle import Decider
from scheduler.service.journal import Happening
from scheduler.service.logs import new_logger
from scheduler.service.state import ServiceState
from scheduler.ui import views
from scheduler.ui.asking import number, page_of
from scheduler.ui.explaining import ExplainFunction, explaining
from scheduler.ui.guard import HEADERS, guard
from scheduler.ui.health import Check, Checks, checks, notices, report
from scheduler.ui.measuring import measuring
from scheduler.ui.server_log import server_log
from scheduler.ui.topology import topology, topology_map
from scheduler.ui.views import Json

_STATIC = Path(__file__).parent / "static"
LOOPBACK = "127.0.0.1"
_TICK_S = 1.0


@dataclass(frozen=True, slots=True)
class Board:
    """What the page shows.

    `told` gives what happened after a line's number, where there is more to tell than the
    service's own journal does; `more_checks` what readiness depends on besides.
    """

    state: ServiceState
    decider: Decider
    explain: ExplainFunction
    is_ready: Callable[[], bool]
    told: Callable[[int], Sequence[Happening]] | None = None
    more_checks: Checks = tuple

    def happenings(self, after: int) -> Sequence[Happening]:
        """Return what happened after the line `after`, oldest first."""
        return (self.told or self.state.journal.since)(after)

    def checks(self) -> list[Check]:
        """Return whether the service is ready, check by check."""
        return checks(self.state, is_ready=self.is_ready(), more=self.more_checks())

    def notices(self) -> list[str]:
        """Return what a person should know before reading any figures."""
        return notices(self.state, self.more_checks())


class StatusApp:
    """Routes of the status page."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._closing = asyncio.Event()
        self._whole_table = asyncio.Lock()  # seconds of work in a large cluster: one at a time
        self._streams: set[asyncio.Task[None]] = set()

    def application(self) -> web.Application:
        """Return the aiohttp application."""
        app = web.Application(middlewares=[guard])
        app.router.add_get("/", self._page)
        app.router.add_get("/api/summary", self._summary)
        app.router.add_get("/api/nodes", self._nodes)
        app.router.add_get("/api/pods", self._pods)
        app.router.add_get("/api/pending", self._pending)
        app.router.add_get("/api/zones", self._zones)
        app.router.add_get("/api/telemetry", self._telemetry)
        app.router.add_get("/api/topology", self._topology)
        app.router.add_get("/api/topology.svg", self._topology_map)
        app.router.add_get("/api/events", self._events)
        app.router.add_get("/api/explain/{namespace}/{name}", self._explain)
        app.router.add_get("/api/stream", self._stream)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/livez", self._healthz)
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
        return _json(await asyncio.to_thread(views.nodes, self._freeze(), page_of(request)))

    async def _pods(self, request: web.Request) -> web.Response:
        broken = self._board.state.broken
        return _json(await asyncio.to_thread(views.pods, self._freeze(), page_of(request), broken))

    async def _pending(self, request: web.Request) -> web.Response:
        state = self._board.state
        entries = [q for q in state.queue.entries() if state.cache.pods.is_pending(q.pod)]
        return _json(views.pending(entries, page_of(request), state.clock.now_s()))

    async def _zones(self, _request: web.Request) -> web.Response:
        return _json(await asyncio.to_thread(views.zones, self._freeze()))

    async def _telemetry(self, _request: web.Request) -> web.Response:
        return _json(measuring(self._board.state))

    async def _topology(self, _request: web.Request) -> web.Response:
        async with self._whole_table:
            return _json(await asyncio.to_thread(topology, self._freeze()))

    async def _topology_map(self, _request: web.Request) -> web.Response:
        async with self._whole_table:
            svg = await asyncio.to_thread(topology_map, self._freeze())
        return web.Response(text=svg, content_type="image/svg+xml")

    async def _events(self, request: web.Request) -> web.Response:
        since = number(request, "since", 0)
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

    async def _readyz(self, request: web.Request) -> web.Response:
        is_ready, text = report(self._board.checks(), is_verbose="verbose" in request.query)
        return web.Response(status=200 if is_ready else 503, text=text)

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(
            body=self._board.state.metrics.render(),
            headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
        )

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        """Send the summary and what is new in the journal, whenever either changed."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **HEADERS})
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
        board = self._board
        work = partial(
            views.summary,
            self._freeze(),
            stages,
            is_ready=board.is_ready(),
            notices=board.notices(),
            broken=board.state.broken,
        )
        return await asyncio.to_thread(work)

    def _freeze(self) -> ClusterSnapshot:
        """Return what is known now; frozen here, on the loop, and read elsewhere."""
        state = self._board.state
        return state.cache.freeze((), state.clock.wall_s(), state.intake.held())


@asynccontextmanager
async def served(
    board: Board, port: int, address: str = LOOPBACK, *, log: FilteringBoundLogger | None = None
) -> AsyncIterator[int]:
    """Serve the status page, probes and metrics; yield the port.

    Parameters
    ----------
    board
        What to show.
    port
        TCP port; 0 for any free one.
    address
        To listen on. Beyond loopback, probes and metrics are answered to anyone, all else only to
        who comes over loopback.
    log
        Told of what fails while answering; standard error by default.

    Raises
    ------
    InputError
        If the port is taken or not allowed, or the address is not this machine's.
    """
    status = StatusApp(board)
    runner = web.AppRunner(
        status.application(),
        access_log=None,
        shutdown_timeout=1.0,
        logger=server_log(log or new_logger("json")),
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, address, port)
        try:
            await site.start()
        except (OSError, ValueError) as error:
            # asyncio's own text repeats the address; the system's says why.
            code = getattr(error, "errno", None) or 0
            said = os.strerror(code) if code > 0 else str(error)
            what = f"cannot be used ({said.lower()})"
            fix = "give another with --port, or --port 0 for any free one"
            if address != LOOPBACK:
                fix += ", or another --bind-address"
            raise InputError(f"port {port} of {address}", what, fix) from None
        yield int(runner.addresses[0][1])
    finally:
        status.close()
        await runner.cleanup()


def _json(body: Json, status: int = 200) -> web.Response:
    return web.Response(
        status=status, body=msgspec.json.encode(body), content_type="application/json"
    )
