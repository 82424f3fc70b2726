"""Serves the ingest over HTTP: one path, and limits on what costs before it is known who asks."""

import asyncio
import logging
import os
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec
from aiohttp import web
from aiohttp.web_exceptions import HTTPException

from telemetry.agent.wire import CONTENT_TYPE, PATH, PORT
from telemetry.ingest.certificates import Certificates
from telemetry.ingest.door import Door, DoorLimits
from telemetry.ingest.ingest import Ingest
from telemetry.ingest.refusal import NO_REPORT, Refusal

_MOST_BODIES = 64
"""Read at once; others wait with little of theirs in memory."""

_BUFFER = 16 << 10
_LINGER_S = 2.0
_CLOSE_S = 1.0
_INTERVALS = 3
_HANDSHAKE_S = 10.0
_BACKLOG = 1024
"""Agents that come all at once, after a restart, are let wait by the system."""


class PortUnusable(Exception):
    """The port is taken or not allowed, or the address is not this machine's."""


@dataclass(frozen=True, slots=True)
class Listening:
    """Where reports are taken.

    Parameters
    ----------
    port
        TCP port; 0 for any free one.
    address
        To listen on; empty for all of this machine's.
    certificates
        For TLS; None for plain HTTP.
    limits
        On connections.
    """

    port: int = PORT
    address: str = ""
    certificates: Certificates | None = None
    limits: DoorLimits = field(default_factory=DoorLimits)


@asynccontextmanager
async def serving(ingest: Ingest, where: Listening) -> AsyncIterator[int]:
    """Take reports while inside; yield the port.

    Parameters
    ----------
    ingest
        Judges them.
    where
        To listen.

    Raises
    ------
    PortUnusable
        If the port is taken or not allowed, or the address is not this machine's.
    """
    endpoint = _Endpoint(ingest, where.limits.body_s)
    server = web.Server(
        endpoint.answer,
        handler_cancellation=True,  # a hold ends with the agent's connection
        # Agents that are not held report every now and then; theirs are kept.
        keepalive_timeout=max(where.limits.head_s, _INTERVALS * ingest.report_s),
        lingering_time=_LINGER_S,
        read_bufsize=_BUFFER,
        auto_decompress=False,
        access_log=None,
        logger=_silent(),
    )
    door = Door(server, where.limits, lambda: ingest.counting.refused("busy"))
    tls = where.certificates.context if where.certificates is not None else None
    listener = await _listener(door, where, tls)
    following = (
        asyncio.create_task(where.certificates.follow()) if where.certificates is not None else None
    )
    try:
        yield int(listener.sockets[0].getsockname()[1])
    finally:
        if following is not None:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
        listener.close()
        ingest.close()
        server.pre_shutdown()
        await server.shutdown(_CLOSE_S)


async def _listener(door: Door, where: Listening, tls: ssl.SSLContext | None) -> asyncio.Server:
    try:
        listening = _listening(where)
    except (OSError, OverflowError) as error:
        code = getattr(error, "errno", None) or 0
        said = os.strerror(code) if code > 0 else str(error)
        at = f"port {where.port} of {where.address or 'this machine'}"
        raise PortUnusable(f"{at} cannot be used ({said.lower()}); give another") from None
    return await asyncio.get_running_loop().create_server(
        door.protocol,
        sock=listening,
        ssl=tls,
        ssl_handshake_timeout=None if tls is None else _HANDSHAKE_S,
        backlog=_BACKLOG,
    )


def _listening(where: Listening) -> socket.socket:
    """Return a listening socket: one for IPv4 and IPv6, so that both have the same free port."""
    if where.address:
        family = socket.AF_INET6 if ":" in where.address else socket.AF_INET
        return socket.create_server((where.address, where.port), family=family)
    if socket.has_dualstack_ipv6():
        at = ("", where.port)
        return socket.create_server(at, family=socket.AF_INET6, dualstack_ipv6=True)
    return socket.create_server(("", where.port))


class _Endpoint:
    """Answers requests."""

    def __init__(self, ingest: Ingest, body_s: float) -> None:
        self._ingest, self._body_s = ingest, body_s
        self._bodies = asyncio.Semaphore(_MOST_BODIES)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, whatever it is."""
        if request.path != PATH:
            return _said(404, f"reports are sent to {PATH}")
        if request.method != "POST":
            return _said(405, "reports are sent with POST", {"Allow": "POST"})
        try:
            answer = await self._report(request)
        except Refusal as refusal:
            self._ingest.counting.refused(refusal.reason)
            if isinstance(refusal.__cause__, Exception):
                self._ingest.fail(refusal.__cause__)
            return _refused(refusal)
        except (ConnectionError, HTTPException):
            raise
        except Exception as error:  # noqa: BLE001 - a fault of ours must not cost the agent its report
            self._ingest.fail(error)
            self._ingest.counting.refused("busy")
            return _refused(Refusal("busy", "the report could not be taken now", retry_s=5))
        return web.Response(body=answer, content_type="application/json")

    async def _report(self, request: web.BaseRequest) -> bytes:
        ingest = self._ingest
        node = await ingest.admit(_token(request), _peer(request))
        most = ingest.most_bytes
        if (request.content_length or 0) > most:
            raise _too_large(most)
        ingest.pace(node)
        if request.content_type != CONTENT_TYPE or "Content-Encoding" in request.headers:
            said = f"send {CONTENT_TYPE}, not compressed"
            raise Refusal("form", said, status=NO_REPORT)
        # The body is let go of before the answer is held back.
        head = ingest.take(node, await self._body(request, most))
        return await ingest.answer(head)

    async def _body(self, request: web.BaseRequest, most: int) -> bytes:
        chunks, size = [], 0
        try:
            async with self._bodies, asyncio.timeout(self._body_s):
                async for chunk in request.content.iter_any():
                    size += len(chunk)
                    if size > most:
                        raise _too_large(most)
                    chunks.append(chunk)
        except TimeoutError:
            said = f"the report did not arrive within {self._body_s:g} s; send it without pauses"
            raise Refusal("form", said) from None
        except web.RequestPayloadError as error:
            raise Refusal("form", f"the body does not arrive as HTTP has it: {error}") from None
        return b"".join(chunks)


def _token(request: web.BaseRequest) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _peer(request: web.BaseRequest) -> str:
    """Return the address a request came from; an IPv4 one in its own form."""
    return (request.remote or "").removeprefix("::ffff:")


def _too_large(most: int) -> Refusal:
    return Refusal("size", f"a report of this cluster has at most {most} bytes; send less at once")


def _refused(refusal: Refusal) -> web.Response:
    headers = {"Retry-After": str(refusal.retry_s)} if refusal.retry_s else {}
    if refusal.reason == "token":
        headers["WWW-Authenticate"] = "Bearer"
    return _said(refusal.status, refusal.said, headers, {"reason": refusal.reason, **refusal.more})


def _said(
    status: int,
    said: str,
    headers: dict[str, str] | None = None,
    more: dict[str, object] | None = None,
) -> web.Response:
    body = msgspec.json.encode({"error": said, **(more or {})})
    return web.Response(status=status, body=body, content_type="application/json", headers=headers)


def _silent() -> logging.Logger:
    """Return a logger for aiohttp that says nothing: anyone can send what is no HTTP."""
    logger = logging.Logger("isochrone.ingest", logging.CRITICAL)  # noqa: LOG001
    logger.addHandler(logging.NullHandler())
    return logger
