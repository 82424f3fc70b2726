"""Orders reach agents at once, are told until they are done, and hold nobody up."""

import asyncio
import json
from typing import Any

import pytest

from telemetry.ingest.desk import OrderDesk
from tests.real.agents import Leading

pytestmark = pytest.mark.looptime

REPORT_S = 10.0


def desk(leading: Leading | None = None) -> OrderDesk:
    return OrderDesk(leading or Leading(), REPORT_S, asyncio.get_running_loop().time)


def now_s() -> float:
    return asyncio.get_running_loop().time()


def orders(made: OrderDesk, node: str = "a", version: int = 0) -> dict[str, Any]:
    """Return the standing orders that are told; nothing where the newest are followed."""
    return json.loads(made.told(node, version)[0]) or {}


def urgent(made: OrderDesk, node: str = "a") -> list[dict[str, Any]]:
    """Return the urgent orders that are told."""
    found: list[dict[str, Any]] = json.loads(made.told(node, 0)[1])
    return found


def followed(made: OrderDesk, node: str = "a") -> int:
    """Return the version of the standing orders, as an agent that follows them has it."""
    version: int = orders(made, node)["version"]
    return version


async def held(made: OrderDesk, version: int, hold_s: float = 8.0, node: str = "a") -> float:
    """Return for how long an agent is held, seconds."""
    began_s = now_s()
    await made.hold(node, version, began_s + hold_s)
    return now_s() - began_s


async def test_an_agent_that_follows_none_is_told_its_orders_at_once() -> None:
    made = desk()
    made.hear("a", [])

    assert await held(made, 0) == 0
    assert orders(made)["star"] is False
    assert orders(made, version=followed(made)) == {}


async def test_without_news_the_answer_is_held_as_long_as_it_may_be() -> None:
    made = desk()

    assert await held(made, followed(made), 8.0) == 8.0


async def test_new_standing_orders_end_the_hold_of_those_they_change() -> None:
    made = desk()
    one = asyncio.create_task(held(made, followed(made)))
    other = asyncio.create_task(held(made, followed(made, "b"), node="b"))
    await asyncio.sleep(2)

    made.focus({"a"}, {"c": frozenset({"a", "b"})})

    assert (await one, await other) == (2.0, 8.0)
    assert orders(made)["star"] is True
    assert orders(made, "c")["near"] == ["a", "b"]
    assert orders(made, "b")["near"] == []


async def test_orders_that_stay_the_same_wake_nobody() -> None:
    made = desk()
    made.focus({"a"}, {})
    waiting = asyncio.create_task(held(made, followed(made)))
    await asyncio.sleep(2)

    made.focus({"a"}, {"b": frozenset({"a"})})

    assert await waiting == 8.0


async def test_orders_that_are_taken_back_are_told() -> None:
    made = desk()
    made.focus({"a"}, {"a": frozenset({"b"})})
    version = followed(made)

    made.focus((), {})

    found = orders(made, version=version)
    assert (found["star"], found["near"], found["version"] > version) == (False, [], True)


async def test_versions_of_two_desks_are_not_taken_for_each_other() -> None:
    made, other = desk(), desk()

    assert orders(other, version=followed(made)) != {}
    assert followed(made) < 2**53


async def test_an_urgent_order_ends_the_hold_and_is_done_when_its_answer_is_taken() -> None:
    made = desk()
    made.hear("a", [])
    waiting = asyncio.create_task(held(made, followed(made)))
    await asyncio.sleep(1)
    probe = asyncio.create_task(made.probe("a", ["b", "c"], 5.0))

    assert await waiting == 1.0
    (told,) = urgent(made)
    assert told["peers"] == ["b", "c"]
    await asyncio.sleep(0.3)
    assert not probe.done()
    made.hear("a", [told["id"]])

    assert await probe is True
    assert urgent(made) == []


async def test_an_order_for_all_peers_names_none() -> None:
    made = desk()
    made.hear("a", [])
    probe = asyncio.create_task(made.probe("a", None, 1.0))
    await asyncio.sleep(0.1)

    (told,) = urgent(made)
    assert told["peers"] is None
    assert await probe is False


async def test_an_order_is_told_again_until_it_is_answered_but_not_without_a_pause() -> None:
    made = desk()
    made.hear("a", [])
    version = followed(made)
    probe = asyncio.create_task(made.probe("a", ["b"], 5.0))
    await asyncio.sleep(0)

    # An agent that never hears of it: each answer is lost.
    pauses = []
    for _ in range(4):
        pauses.append(await held(made, version))
        assert len(urgent(made)) == 1

    assert pauses == [0.0, 0.25, 0.25, 0.25]
    probe.cancel()


async def test_an_order_that_is_not_answered_in_time_is_not_done_and_is_told_no_more() -> None:
    made = desk()
    made.hear("a", [])
    began_s = now_s()

    assert await made.probe("a", None, 1.5) is False
    assert now_s() - began_s == 1.5
    assert urgent(made) == []


async def test_an_answer_of_another_node_or_to_no_order_changes_nothing() -> None:
    made = desk()
    made.hear("a", [])
    made.hear("b", [])
    probe = asyncio.create_task(made.probe("a", None, 1.0))
    await asyncio.sleep(0.1)
    (told,) = urgent(made)

    made.hear("b", [told["id"]])
    made.hear("a", [told["id"] + 1, 0])

    assert await probe is False


async def test_who_does_not_lead_gives_no_orders() -> None:
    leading = Leading()
    made = desk(leading)
    made.focus({"a"}, {})
    made.hear("a", [])
    leading.is_so = False

    assert await made.probe("a", None, 5.0) is False
    assert made.told("a", 0) == (b"null", b"[]")
    assert await held(made, 0) == 8.0


async def test_an_agent_is_in_reach_while_it_waits_or_has_reported_lately() -> None:
    made = desk()
    assert not made.reachable("a")
    made.hear("a", [])
    version = followed(made)

    await asyncio.sleep(2.5 * REPORT_S)
    assert made.reachable("a")
    waiting = asyncio.create_task(held(made, version, 30.0))
    await asyncio.sleep(20)
    assert made.reachable("a")
    await waiting

    assert not made.reachable("a")
    assert await made.probe("a", None, 5.0) is False


async def test_a_later_request_ends_the_hold_of_the_one_before() -> None:
    made = desk()
    version = followed(made)
    first = asyncio.create_task(held(made, version))
    await asyncio.sleep(3)
    second = asyncio.create_task(held(made, version))

    assert await first == 3.0
    assert await second == 8.0


async def test_a_later_request_that_is_not_held_ends_the_hold_too() -> None:
    made = desk()
    version = followed(made)
    first = asyncio.create_task(held(made, version))
    await asyncio.sleep(3)

    assert await held(made, version, 0.0) == 0.0
    assert await first == 3.0


async def test_a_connection_that_breaks_leaves_no_hold_behind() -> None:
    made = desk()
    made.hear("a", [])
    waiting = asyncio.create_task(held(made, followed(made), 30.0))
    await asyncio.sleep(1)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    await asyncio.sleep(2.5 * REPORT_S)

    assert not made.reachable("a")


async def test_the_end_of_the_server_ends_holds_and_orders_at_once() -> None:
    made = desk()
    made.hear("a", [])
    version = followed(made)
    waiting = asyncio.create_task(held(made, version))
    await asyncio.sleep(1)
    made.close()
    assert await waiting == 1.0

    assert await held(made, version) == 0.0
    assert await made.probe("a", None, 5.0) is False


async def test_the_end_of_the_server_ends_an_order_under_way() -> None:
    made = desk()
    made.hear("a", [])
    probe = asyncio.create_task(made.probe("a", None, 5.0))
    await asyncio.sleep(1)
    began_s = now_s()

    made.close()

    assert await probe is False
    assert now_s() == began_s


async def test_many_orders_of_one_node_are_bounded() -> None:
    made = desk()
    made.hear("a", [])

    probes = [asyncio.create_task(made.probe("a", ["b"], 5.0)) for _ in range(300)]
    await asyncio.sleep(0.1)
    told = urgent(made)
    made.hear("a", [one["id"] for one in told])

    assert len(told) == 256
    assert sum(await asyncio.gather(*probes)) == 256


async def test_nodes_that_are_gone_are_forgotten() -> None:
    made = desk()
    made.hear("a", [])
    made.hear("b", [])

    made.keep_only({"b"})

    assert (made.reachable("a"), made.reachable("b")) == (False, True)
