"""Lists of several pages, followed: what is told when a list expires between two of them."""

import asyncio
from itertools import count
from pathlib import Path

from aiohttp import web

from scheduler.domain.cluster_events import NodeChanged, NodeDeleted
from scheduler.kube.kinds import followed_kinds
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
