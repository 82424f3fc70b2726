"""The server: requests in, answers out, and nothing a client sends ends it."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from functools import partial

from aiohttp import web

from scheduler.domain.errors import InputError
from simulator.change import JsonObject, Refused
from simulator.rest import patching, reading, subresources, watching, writing
from simulator.rest.answers import answer, no_such_method, no_such_path, refused
from simulator.rest.discovery import discovered
from simulator.rest.openapi import openapi
from simulator.rest.query import flag
from simulator.rest.registry import Page, Registry
from simulator.rest.resources import Target, target_of
from simulator.rest.tables import TableForm, table_form
from simulator.rest.worldroutes import WorldRoutes
from simulator.rest.writing import Sent

HOST = "127.0.0.1"
_LOCAL_NAMES = frozenset({HOST, "localhost"})
_LARGEST_BODY = 3 * 1024 * 1024
"""As the real API server: ``MaxRequestBodyBytes``."""

_HEALTH = ("/healthz", "/readyz", "/livez")
Write = Callable[[Registry, Target, Sent], JsonObject]

_NO_CONTAINERS = ("log", "exec", "attach", "portforward")


class RestApp:
    """Routes of the REST door.

    Parameters
    ----------
    registry
        What is served.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._world = WorldRoutes(registry.running)

    def application(self) -> web.Application:
        """Return the aiohttp application."""
        app = web.Application(middlewares=[_guard], client_max_size=_LARGEST_BODY)
        self._world.add_to(app.router)
        app.router.add_route("*", "/{path:.*}", self._handle)
        app.on_shutdown.append(self._close)
        return app

    async def _close(self, _app: web.Application) -> None:
        # What is open ends, so that the server can stop.
        self._registry.log.close()
        self._world.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        if path in _HEALTH or path.startswith(tuple(f"{p}/" for p in _HEALTH)):
            return web.Response(text="ok")
        document = discovered(path, request.host)
        if document is None and path.startswith("/openapi/v3"):
            document = openapi(path.rstrip("/"))
        if document is not None:
            return answer(document)
        if not path.startswith(("/api/", "/apis/")):
            raise no_such_path()
        target = target_of(path)
        sent = Sent(await request.read(), request.content_type, request.query)
        if request.query.get("dryRun"):
            raise writing.no_dry_run()
        if request.method == "GET":
            return await self._read(request, target)
        return self._write(request.method, target, sent)

    async def _read(self, request: web.Request, target: Target) -> web.StreamResponse:
        registry = self._registry
        if target.subresource in _NO_CONTAINERS:
            reading.one(registry, target)
            raise subresources.no_containers(target)
        if target.subresource == "scale":
            return answer(subresources.scale_of(registry, target))
        if target.subresource not in ("", "status"):
            raise no_such_method()
        form = table_form(request.headers.get("Accept", ""), target, request.query)
        if target.name:
            obj = reading.one(registry, target)
            if form is None:
                return answer(obj)
            return answer(self._table(form, Page([obj], _version(obj))))
        if flag(request.query, "watch"):
            return await self._watch(request, target, form)
        page = reading.page(registry, target, request.query)
        if form is None:
            return answer(reading.as_list(target.resource, page))
        return answer(self._table(form, page))

    def _table(self, form: TableForm, page: Page) -> JsonObject:
        return form.table(page.items, reading.list_metadata(page), self._registry.running.time())

    async def _watch(
        self, request: web.Request, target: Target, form: TableForm | None
    ) -> web.StreamResponse:
        watch = watching.watch_of(target, request.query)
        watching.check_start(self._registry, watch)
        show: watching.Shown = partial(reading.shown, target.resource)
        if form is not None:
            show = form.row_by_row(self._registry.running.time)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        async with aclosing(watching.lines(self._registry, watch, show)) as lines:
            async for chunk in lines:
                await response.write(chunk)
        await response.write_eof()
        return response

    def _write(self, method: str, target: Target, sent: Sent) -> web.Response:
        if method == "POST" and target.subresource in _NO_CONTAINERS:
            raise subresources.no_containers(target)
        write = _WRITES.get((method, bool(target.name), target.subresource))
        is_anywhere = target.resource.kind.is_namespaced and not target.namespace
        if write is None or (is_anywhere and method == "POST"):
            raise no_such_method()
        obj, status = write(self._registry, target, sent)
        return answer(obj, status)


def _created(write: Write) -> Callable[[Registry, Target, Sent], tuple[JsonObject, int]]:
    return lambda registry, target, sent: (write(registry, target, sent), 201)


def _done(write: Write) -> Callable[[Registry, Target, Sent], tuple[JsonObject, int]]:
    return lambda registry, target, sent: (write(registry, target, sent), 200)


_WRITES = {
    ("POST", False, ""): _created(writing.create),
    ("POST", True, "binding"): _created(subresources.bind),
    ("POST", True, "eviction"): _created(subresources.evict),
    ("PUT", True, ""): _done(writing.replace),
    ("PUT", True, "status"): _done(writing.replace),
    ("PUT", True, "scale"): _done(subresources.replace_scale),
    ("PATCH", True, ""): patching.patch,
    ("PATCH", True, "status"): patching.patch,
    ("PATCH", True, "scale"): patching.patch,
    ("DELETE", True, ""): _done(writing.delete),
    ("DELETE", False, ""): _done(writing.delete_all),
}
"""What to do, by method, whether one object is named, and subresource."""


@asynccontextmanager
async def served(registry: Registry, port: int = 0) -> AsyncIterator[int]:
    """Serve on 127.0.0.1; yield the port.

    Raises
    ------
    InputError
        If the port is taken.
    """
    app = RestApp(registry).application()
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=2.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, HOST, port, backlog=1024)
        try:
            await site.start()
        except OSError as error:
            fix = "choose another one, or 0 for any that is free"
            raise InputError(f"port {port}", error.strerror or str(error), fix) from None
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


def _version(obj: JsonObject) -> int:
    return int(obj["metadata"]["resourceVersion"])


@web.middleware
async def _guard(
    request: web.Request,
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> web.StreamResponse:
    """Let in who names this machine, and answer every fault with a Status."""
    host = request.host.rpartition(":")[0] or request.host
    if "Origin" in request.headers:
        message = "this server answers to programs of this machine, not to pages in a browser"
        return refused(Refused(403, "Forbidden", message, {}))
    if host not in _LOCAL_NAMES:
        # A page of another site can make a browser send requests here, under a name of its own.
        message = f"this server answers to {HOST} and localhost, not to {host}"
        return refused(Refused(403, "Forbidden", message, {}))
    try:
        return await handler(request)
    except Refused as refusal:
        return refused(refusal)
    except web.HTTPRequestEntityTooLarge:
        message = f"Request entity too large: limit is {_LARGEST_BODY}"
        return refused(Refused(413, "RequestEntityTooLarge", message))
    except (ConnectionError, asyncio.CancelledError, web.HTTPException):
        raise
    except Exception as error:  # noqa: BLE001 - a bug must not end what others use
        said = f"{type(error).__name__}: {error}"
        sys.stderr.write(
            f"simulator: bug, please report: {request.method} {request.path}: {said}\n"
        )
        return refused(Refused(500, "InternalError", f"Internal error occurred: {said}"))
