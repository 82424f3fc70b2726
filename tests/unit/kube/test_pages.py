"""Lists of several pages: asked for ahead, and followed when one expires on the way."""

import asyncio
from contextlib import aclosing
from itertools import count
from pathlib import Path

import pytest
from aiohttp import web

from scheduler.domain.cluster_events import NodeChanged, NodeDeleted
from scheduler.kube.answers import Denied
from scheduler.kube.kinds import followed_kinds
from scheduler.kube.pages import pages
from scheduler.kube.reflector import Reflector, Telling
from tests.unit.kube.test_listing import cluster, listed, node, refused


async def test_a_list_that_expires_on_the_way_is_replaced_and_what_is_gone_is_told(
    tmp_path: Path,
) -> None:
    lists = count()
    told: list[str] = []
    in_step: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.query.get("continue"):
            return refused(410, "the provided continue parameter is too old")
        return listed([node("a"), node("b")], "more") if next(lists) == 0 else listed([node("b")])

    async with cluster(tmp_path, nodes=answer) as client:

        def take(event: object) -> None:
            match event:
                case NodeChanged(changed):
                    told.append(changed.name)
                case NodeDeleted(name):
                    told.append(f"-{name}")
                case _:
                    pass

        def step(what: str) -> None:
            if not what and not in_step.done():
                in_step.set_result(None)

        reflector = Reflector(client, followed_kinds()[0], Telling(take, step))
        running = asyncio.create_task(reflector.run())
        await in_step
        known = [name for name in ("a", "b") if reflector.known("", name)]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    assert told == ["a", "b", "b", "-a"]
    assert known == ["b"]


async def test_the_next_page_is_made_while_one_is_read_and_no_further(tmp_path: Path) -> None:
    asked: list[str] = []
    is_asked = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(request.query.get("continue", ""))
        is_asked.set()
        number = len(asked)
        return listed([node(f"n{number}")], "" if number == 3 else f"after-{number}")

    async with (
        cluster(tmp_path, nodes=answer) as client,
        aclosing(pages(client, "/api/v1/nodes")) as listing,
    ):
        for read in (1, 2):
            await anext(listing)
            while len(asked) <= read:
                is_asked.clear()
                await is_asked.wait()
            assert asked == ["", "after-1", "after-2"][: read + 1]
        await anext(listing)
        with pytest.raises(StopAsyncIteration):
            await anext(listing)

    assert len(asked) == 3


async def test_a_page_that_is_refused_is_told_after_the_one_before_was_read(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.query.get("continue"):
            return refused(403, "nodes is forbidden")
        return listed([node("a")], "more")

    async with (
        cluster(tmp_path, nodes=answer) as client,
        aclosing(pages(client, "/api/v1/nodes")) as listing,
    ):
        first = await anext(listing)
        with pytest.raises(Denied, match="nodes is forbidden"):
            await anext(listing)

    assert len(first.items) == 1


async def test_who_leaves_a_list_early_leaves_no_request_behind(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.query.get("continue"):
            await asyncio.Event().wait()  # never answered
        return listed([node("a")], "more")

    async with cluster(tmp_path, nodes=answer) as client:
        before = asyncio.all_tasks()
        async with aclosing(pages(client, "/api/v1/nodes")) as listing:
            await anext(listing)
            assert len(asyncio.all_tasks() - before) >= 1
        left = {task for task in asyncio.all_tasks() - before if "KubeClient.get" in repr(task)}

    assert left == set()
