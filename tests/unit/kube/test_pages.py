"""Lists page by page: the next page is on its way while one is read."""

import asyncio
from contextlib import aclosing
from itertools import count
from pathlib import Path

import pytest
from aiohttp import web

from scheduler.domain.errors import ClusterUnavailable
from scheduler.domain.ports import NodeChanged, NodeDeleted
from scheduler.kube.kinds import followed_kinds
from scheduler.kube.pages import pages
from scheduler.kube.reflector import Reflector, Telling
from tests.unit.kube.test_listing import cluster, listed, node, refused

NODES = "/api/v1/nodes"


class Turns:
    """Answers lists of three pages; notes which were asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.fails_at = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        token = request.query.get("continue", "")
        self.asked.append(token)
        if token and token == self.fails_at:
            return web.Response(status=503)
        following = {"": "b", "b": "c", "c": ""}[token]
        return listed([node(f"n{token}")], following)


async def settled() -> None:
    """Let requests under way arrive."""
    await asyncio.sleep(0.2)


async def test_the_next_page_is_asked_for_while_one_is_read(tmp_path: Path) -> None:
    turns = Turns()

    async with (
        cluster(tmp_path, nodes=turns.answer) as client,
        aclosing(pages(client, NODES, page_size=1)) as found,
    ):
        await anext(found)
        await settled()

        assert turns.asked == ["", "b"]


async def test_who_leaves_before_the_end_asks_for_no_more(tmp_path: Path) -> None:
    turns = Turns()

    async with cluster(tmp_path, nodes=turns.answer) as client:
        async with aclosing(pages(client, NODES, page_size=1)) as found:
            await anext(found)
        await settled()

        assert "c" not in turns.asked


async def test_a_page_that_fails_ahead_is_told_when_it_is_its_turn(tmp_path: Path) -> None:
    turns = Turns()
    turns.fails_at = "b"

    async with (
        cluster(tmp_path, nodes=turns.answer) as client,
        aclosing(pages(client, NODES, page_size=1)) as found,
    ):
        first = await anext(found)
        await settled()

        assert len(first.items) == 1
        with pytest.raises(ClusterUnavailable):
            await anext(found)


async def test_a_list_that_is_to_be_made_anew_is_not_read_to_its_end(tmp_path: Path) -> None:
    turns = Turns()
    in_step: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()

    async with cluster(tmp_path, nodes=turns.answer) as client:

        def take(_event: object) -> None:
            if len(turns.asked) == 1:
                reflector.list_anew()

        def step(what: str) -> None:
            if not what and not in_step.done():
                in_step.set_result(list(turns.asked))

        reflector = Reflector(client, followed_kinds()[0], Telling(take, step))
        running = asyncio.create_task(reflector.run())
        asked = await in_step
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    assert (asked.count(""), asked.count("c")) == (2, 1)


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
