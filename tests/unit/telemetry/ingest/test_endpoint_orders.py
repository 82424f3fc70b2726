"""Answers over real HTTP: held back, given at once, and with what the agent lacks."""

import asyncio
from collections.abc import Callable

from tests.real.agents import (
    Answer,
    Caller,
    body,
    calling,
    directory,
    record,
    scene,
)

ONE = [record("b", 25_000)]


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.01)


async def answered(caller: Caller, **fields: object) -> Answer:
    """Return the answer to a report of `a`, which has its peers and orders and may be held."""
    found = await caller.send(body("a", ONE), "a")
    held = {
        "peers": found.said["peers"]["version"],
        "orders": found.said["orders"]["version"],
        "hold_ms": 60_000,
        "whole": False,
    }
    return await caller.send(body("a", ONE, **{**held, **fields}), "a")


async def test_a_held_answer_is_given_at_once_when_there_are_orders() -> None:
    made = scene()
    async with calling(made.ingest) as caller:
        waiting = asyncio.create_task(answered(caller))
        await until(lambda: len(made.sink.rows) == 2)
        assert not waiting.done()
        probe = asyncio.create_task(made.desk.probe("a", ["b"], 20.0))
        answer = await waiting

        (order,) = answer.said["urgent"]
        assert order["peers"] == ["b"]
        assert (answer.said["peers"], answer.said["orders"]) == (None, None)
        refused = await caller.send(body("a", [record("a")], answers=[order["id"]]), "a")
        assert refused.status == 400
        assert not probe.done()  # what a refused report says is not heard
        await caller.send(body("a", ONE, answers=[order["id"]], whole=False), "a")
        assert await probe is True


async def test_what_an_agent_does_not_have_is_not_held_back() -> None:
    made = scene()
    async with calling(made.ingest) as caller, asyncio.timeout(20):
        without_peers = await answered(caller, peers=0)
        without_orders = await answered(caller, orders=0)

    assert without_peers.said["peers"]["whole"]
    assert without_orders.said["orders"]["star"] is False


async def test_a_replica_that_stands_by_takes_reports_and_gives_no_orders() -> None:
    made = scene()
    made.desk.focus({"a"}, {})
    made.leading.is_so = False
    async with calling(made.ingest) as caller:
        answer = await caller.send(body("a", ONE), "a")

    assert (answer.status, answer.said["leading"], answer.said["orders"]) == (200, False, None)
    assert answer.said["peers"]["whole"]
    assert made.taken == {"a": 1}


async def test_peers_that_came_and_went_are_told_with_the_next_answer() -> None:
    made = scene()
    async with calling(made.ingest) as caller:
        first = await caller.send(body("a", ONE), "a")
        made.directory.current = directory(("a", "b", "d"), 2, ("a", "d"))
        next_one = await caller.send(body("a", ONE, peers=first.said["peers"]["version"]), "a")

    said = next_one.said["peers"]
    assert (said["set"], sorted(said["gone"])) == ([["d", "agent-of-d"]], ["b", "c"])


async def test_the_servers_end_ends_holds_at_once() -> None:
    made = scene()
    async with calling(made.ingest) as caller:
        waiting = asyncio.create_task(answered(caller))
        await until(lambda: len(made.sink.rows) == 2)
    async with asyncio.timeout(20):
        done = await asyncio.gather(waiting, return_exceptions=True)

    assert len(done) == 1


async def test_a_held_agent_that_goes_away_is_no_longer_waited_for() -> None:
    made = scene()
    async with calling(made.ingest) as caller:
        waiting = asyncio.create_task(answered(caller))
        await until(lambda: len(made.sink.rows) == 2)
        post = made.desk._posts["a"]  # noqa: SLF001 - how many wait is nobody else's business
        await until(lambda: post.held is not None)
        waiting.cancel()
        await until(lambda: post.held is None)
