"""A relay between a client and the API server that has the faults a test asks for.

It serves under the API server's own certificate, so that clients see nothing but another port. It
lives in a thread of its own: tests may block, and may run event loops of their own.
"""

import asyncio
import ssl
from collections.abc import Coroutine
from threading import Thread
from typing import Any, Self, TypeVar

import aiohttp
from aiohttp import web

from tests.real.control_plane import ControlPlane
from tests.real.ports import free_port
from tests.real.program import wait_until

T = TypeVar("T")

_COMMAND_S = 30.0
_LARGEST_BODY = 16 << 20
_OF_THE_CONNECTION = {
    "connection", "content-length", "host", "keep-alive", "transfer-encoding", "upgrade",
}  # fmt: skip


class Relay:
    """Relays while inside ``with``. All methods may be called from any thread.

    Parameters
    ----------
    control_plane
        Where requests go.
    """

    def __init__(self, control_plane: ControlPlane) -> None:
        self._plane = control_plane
        self._port = free_port()
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="relay")
        self._delay_s = 0.0
        self._to_lose = self._to_refuse = 0
        self._refusal = 0
        self._passing = asyncio.Event()
        self._passing.set()
        self._watches: set[aiohttp.ClientResponse] = set()
        self._ended: set[aiohttp.ClientResponse] = set()
        self._sent: set[asyncio.Task[web.StreamResponse]] = set()
        self._upstream: set[asyncio.BaseTransport] = set()
        self.bindings: list[str] = []
        """Paths of all bindings that were sent, in order."""
        self.lists: list[str] = []
        """Paths of all lists that were begun, in order."""
        self.lost: list[str] = []
        """Paths of the bindings whose answers were lost."""

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._open())
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_COMMAND_S)
        self._loop.close()

    @property
    def url(self) -> str:
        """Address to use in place of the API server's."""
        return f"https://127.0.0.1:{self._port}"

    @property
    def watches(self) -> int:
        """How many watches are open now."""
        return len(self._watches)

    def delay(self, seconds: float) -> None:
        """Hold every request back for so long before it goes on; 0 ends that."""
        self._delay_s = seconds

    def cut(self) -> None:
        """Break all connections, in the middle of whatever they carry."""
        self._do(self._cut())

    def end_watches(self) -> None:
        """End all watches as the API server ends those that read too slowly.

        The answers end properly, after a whole event, and say nothing of why.
        """
        self._do(self._end_watches())

    def refuse_connections(self) -> None:
        """Stop listening, and break all connections: as a server that is gone."""
        self._do(self._stop_listening())

    def accept_connections(self) -> None:
        """Listen again, on the same port."""
        self._do(self._listen())

    def hold_bindings(self) -> None:
        """Keep bindings here until they are released. They are in `bindings` already."""
        self._do(self._let_pass(may_pass=False))

    def release_bindings(self) -> None:
        """Send on what is held, and all that follows."""
        self._do(self._let_pass(may_pass=True))

    def lose_answers(self, count: int) -> None:
        """Carry out the next `count` bindings, but break their connections before the answer."""
        self._to_lose = count

    def refuse_bindings(self, count: int, status: int = 503) -> None:
        """Answer the next `count` bindings with `status`; the API server does not see them."""
        self._to_refuse, self._refusal = count, status

    def wait_for_bindings(self, count: int, *, within_s: float = 60.0) -> None:
        """Wait until so many bindings were sent, since the start."""
        wait_until(lambda: len(self.bindings) >= count, f"{count} bindings", within_s=within_s)

    def _do(self, command: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(command, self._loop).result(_COMMAND_S)

    async def _open(self) -> None:
        upstream = ssl.create_default_context(cafile=str(self._plane.authority))
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=upstream),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
        )
        app = web.Application(client_max_size=_LARGEST_BODY)
        app.router.add_route("*", "/{path:.*}", self._relay)
        self._runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=1.0, handler_cancellation=True
        )
        await self._runner.setup()
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(self._plane.authority, self._plane.key)
        await self._listen()

    async def _close(self) -> None:
        self._passing.set()
        await self._cut()
        await self._runner.cleanup()
        for task in self._sent:
            task.cancel()
        await asyncio.gather(*self._sent, return_exceptions=True)
        await self._session.close()
        # An answer that is left early closes politely: TLS waits for the server to say goodbye too.
        for transport in self._upstream:
            _break(transport)
        await asyncio.sleep(
            0
        )  # a broken connection lets its socket go in the next step of the loop

    async def _listen(self) -> None:
        self._site = web.TCPSite(self._runner, "127.0.0.1", self._port, ssl_context=self._tls)
        await self._site.start()

    async def _stop_listening(self) -> None:
        await self._site.stop()
        await self._cut()

    async def _cut(self) -> None:
        server = self._runner.server
        for connection in server.connections if server else ():
            _break(connection.transport)

    async def _end_watches(self) -> None:
        for watch in tuple(self._watches):
            self._ended.add(watch)
            watch.close()

    async def _let_pass(self, *, may_pass: bool) -> None:
        if may_pass:
            self._passing.set()
        else:
            self._passing.clear()

    async def _relay(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        await asyncio.sleep(self._delay_s)
        if _is_watch(request):
            return await self._answer(request, body)
        # What is sent is sent: a client that hangs up does not take its request back.
        task = asyncio.create_task(self._answer(request, body))
        self._sent.add(task)
        task.add_done_callback(self._sent.discard)
        return await asyncio.shield(task)

    async def _answer(self, request: web.Request, body: bytes) -> web.StreamResponse:
        if "limit" in request.query and "continue" not in request.query:
            self.lists.append(request.path)
        is_binding = request.method == "POST" and request.path.endswith("/binding")
        if is_binding:
            self.bindings.append(request.path)
            await self._passing.wait()
            if self._to_refuse:
                self._to_refuse -= 1
                said = {"kind": "Status", "code": self._refusal, "message": "the relay refuses"}
                return web.json_response(said, status=self._refusal)
        try:
            return await self._forward(request, body, is_binding=is_binding)
        except (aiohttp.ClientError, OSError):
            # The API server broke off, or is not there: so are we.
            _break(request.transport)
            raise web.HTTPBadGateway from None

    async def _forward(
        self, request: web.Request, body: bytes, *, is_binding: bool
    ) -> web.StreamResponse:
        url = f"{self._plane.url}{request.raw_path}"
        headers = _handed_on(request.headers)
        async with self._session.request(
            request.method, url, headers=headers, data=body or None, allow_redirects=False
        ) as answer:
            if answer.connection is not None and answer.connection.transport is not None:
                self._upstream.add(answer.connection.transport)
            if _is_watch(request):
                return await self._relay_watch(request, answer)
            content = await answer.read()
            if is_binding and self._to_lose:
                self._to_lose -= 1
                self.lost.append(request.path)
                _break(request.transport)
            return web.Response(
                body=content, status=answer.status, headers=_handed_on(answer.headers)
            )

    async def _relay_watch(
        self, request: web.Request, answer: aiohttp.ClientResponse
    ) -> web.StreamResponse:
        response = web.StreamResponse(status=answer.status, headers=_handed_on(answer.headers))
        await response.prepare(request)
        self._watches.add(answer)
        unfinished = b""
        try:
            async for chunk in answer.content.iter_any():
                events, _, unfinished = (unfinished + chunk).rpartition(b"\n")
                if events:
                    await response.write(events + b"\n")
        except aiohttp.ClientError:
            if answer not in self._ended:
                raise
        finally:
            self._watches.discard(answer)
            self._ended.discard(answer)
        await response.write_eof(unfinished)
        return response


def _is_watch(request: web.Request) -> bool:
    return request.query.get("watch") in ("1", "true")


def _break(transport: asyncio.BaseTransport | None) -> None:
    """Reset a connection: its client sees no proper end."""
    if isinstance(transport, asyncio.Transport):
        transport.abort()


def _handed_on(headers: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - aiohttp hands on multidict's
    return [(k, v) for k, v in headers.items() if k.lower() not in _OF_THE_CONNECTION]
