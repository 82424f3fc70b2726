"""The status page over a running service, and how to ask it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from scheduler.placement.explain import explain
from scheduler.planning.plan import plan
from scheduler.service.cycle import Decider
from scheduler.topology.layers import zone_tree
from scheduler.ui.app import Board, served
from tests.builders import line_rtt, node, pod, within
from tests.harness import Harness, in_place


@asynccontextmanager
async def a_page() -> AsyncIterator[tuple[aiohttp.ClientSession, Harness]]:
    """Serve a cluster of three nodes: one pod placed in budget, one that cannot be."""
    async with Harness(plan, zones=zone_tree) as harness:
        harness.rtt.put(line_rtt(["a", "b", "c"], step_ms=10))
        for name in "abc":
            harness.put_node(node(name))
        await until(lambda: bool(harness.state.cache.zones.layers))
        harness.put_pod(pod("near", delays=(within(15, "a"),)))
        harness.put_pod(pod("wishful", cpu_milli=9_999))
        await until(lambda: bool(harness.placement) and len(harness.cluster.notes) > 1)
        decider = Decider(plan, in_place)
        board = Board(harness.state, decider, explain, lambda: harness.runtime.is_ready)
        async with (
            served(board, 0) as port,
            aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
        ):
            yield session, harness


async def until(holds: Callable[[], bool]) -> None:
    """Give way to the loops until something holds."""
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - many things may bring it about
            await asyncio.sleep(0)


async def fetched(session: aiohttp.ClientSession, path: str) -> dict[str, Any]:
    """Return a JSON answer."""
    async with session.get(path) as answer:
        assert answer.status == 200
        body: dict[str, Any] = await answer.json()
        return body
