"""The REST door under test: a little world, served on loopback, and a client of it."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from simulator.change import JsonObject
from simulator.rest.app import served
from simulator.rest.registry import Registry
from simulator.rest.watchlog import WINDOW
from simulator.running import RunningWorld
from simulator.scenario import parse_scenario
from simulator.world import build

WORLD = """
nodes: {source: metros, count: 5}
timing: {podStart: 1s, nodeGrace: 5s, toleration: 5s}
"""
PODS = "/api/v1/namespaces/default/pods"
PATIENCE_S = 20.0
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said."""

    status: int
    body: JsonObject


class Door:
    """A client of a served world."""

    def __init__(self, server: str, session: aiohttp.ClientSession, running: RunningWorld) -> None:
        self.server, self.session, self.running = server, session, running

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Send a request, a body as JSON or, if it is bytes, as it is."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            said.setdefault("Content-Type", "application/json")
        data = io.BytesIO(raw) if body is not None else None
        url = f"{self.server}{path}"
        async with self.session.request(method, url, data=data, headers=said) as response:
            return Answer(response.status, await response.json(content_type=None))

    async def get(self, path: str, **headers: str) -> JsonObject:
        """Return what a path shows; it must be there."""
        answer = await self.ask("GET", path, **headers)
        assert answer.status == 200, answer
        return answer.body

    async def create(self, path: str, obj: JsonObject) -> JsonObject:
        """Create an object that must be taken."""
        answer = await self.ask("POST", path, obj)
        assert answer.status == 201, answer
        return answer.body

    async def patch(self, path: str, change: object, form: str = STRATEGIC) -> Answer:
        """Patch an object."""
        return await self.ask("PATCH", path, change, Content_Type=form)

    async def until(self, path: str, field: str, value: object) -> JsonObject:
        """Return an object once a field of its status has a value."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                obj = await self.get(path)
                if obj.get("status", {}).get(field) == value:
                    return obj
                await asyncio.sleep(0.01)

    @asynccontextmanager
    async def watch(self, path: str, **headers: str) -> AsyncIterator[AsyncIterator[JsonObject]]:
        """Open a watch; yields its events."""
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.get(f"{self.server}{path}", headers=said) as response:
            assert response.status == 200, await response.text()
            yield _events(response)


async def _events(response: aiohttp.ClientResponse) -> AsyncIterator[JsonObject]:
    while True:
        async with asyncio.timeout(PATIENCE_S):
            line = await response.content.readline()
        if not line:
            return
        yield json.loads(line)


@asynccontextmanager
async def opened(
    tmp_path: Path, scenario: str = "", *, window: int = WINDOW
) -> AsyncIterator[Door]:
    """Serve a world in which a second passes in a hundredth of one."""
    world = build(parse_scenario(f"{WORLD}{scenario}", "s.yaml"), tmp_path / "s.yaml")
    running = RunningWorld(world, speed=100.0)
    running.submit()
    life = asyncio.create_task(running.live())
    try:
        async with (
            served(Registry(running, window)) as port,
            aiohttp.ClientSession() as session,
        ):
            yield Door(f"http://127.0.0.1:{port}", session, running)
    finally:
        life.cancel()
        with suppress(asyncio.CancelledError):
            await life
