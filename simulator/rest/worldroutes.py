"""What no Kubernetes API tells, under ``/simulator``: RTTs, where the world stands, what happened.

``/simulator/rtt`` and ``/simulator/happenings`` answer at once when there is news after the number
the client names, else when there is, or empty after a while: the client asks again.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.web_urldispatcher import UrlDispatcher

from simulator.rest.answers import answer
from simulator.rest.query import number
from simulator.rest.rttwire import to_bytes
from simulator.running import RunningWorld

WAIT_S = 20.0
"""How long a question waits for news."""

VERSION_HEADER = "X-Rtt-Version"
_NO_NEWS = 204


class WorldRoutes:
    """Routes to a running world."""

    def __init__(self, running: RunningWorld) -> None:
        self._running = running
        self._table = (-1, b"")
        self._waiting: set[asyncio.Task[Any]] = set()

    def add_to(self, router: UrlDispatcher) -> None:
        """Add the routes."""
        router.add_get("/simulator/rtt", self._rtt)
        router.add_get("/simulator/facts", self._facts)
        router.add_get("/simulator/happenings", self._happenings)

    def close(self) -> None:
        """End what waits for news, so that the server can stop."""
        for task in self._waiting:
            task.cancel()

    async def _wait(self, news: Coroutine[Any, Any, None]) -> None:
        """Wait for news, not for ever, and not beyond `close`."""
        task = asyncio.ensure_future(news)
        self._waiting.add(task)
        try:
            await asyncio.wait((task,), timeout=WAIT_S)
        finally:
            task.cancel()
            self._waiting.discard(task)

    async def _rtt(self, request: web.Request) -> web.Response:
        known = number(request.query, "after")
        running = self._running
        if known is not None and known == running.drifts:
            await self._wait(running.drifted(known))
            if known == running.drifts:
                return web.Response(status=_NO_NEWS)
        version = running.drifts
        if self._table[0] != version:
            self._table = (version, to_bytes(running.rtt))
        headers = {VERSION_HEADER: str(version)}
        kind = "application/msgpack"
        return web.Response(body=self._table[1], headers=headers, content_type=kind)

    async def _facts(self, _request: web.Request) -> web.Response:
        return answer(self._running.facts())

    async def _happenings(self, request: web.Request) -> web.Response:
        after = number(request.query, "after") or 0
        happenings = self._running.happenings
        if not happenings.since(after):
            await self._wait(happenings.said(after))
        lines = [msgspec.to_builtins(line) for line in happenings.since(after)]
        return answer({"now_s": self._running.now_s(), "lines": lines})
