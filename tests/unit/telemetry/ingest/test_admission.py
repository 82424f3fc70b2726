"""Whose a token is: asked seldom, remembered shortly, and never in a flood."""

import asyncio

import pytest

from telemetry.ingest.admission import KEPT_S, REFUSED_S, Admission
from telemetry.ingest.refusal import Refusal
from telemetry.ports import Identity
from tests.real.agents import ACCOUNT, BookVerifier

pytestmark = pytest.mark.looptime


def admission(book: BookVerifier) -> Admission:
    return Admission(book, ACCOUNT, asyncio.get_running_loop().time)


def agents(*nodes: str) -> BookVerifier:
    return BookVerifier({f"token-{node}": Identity(ACCOUNT, node) for node in nodes})


async def admitted(made: Admission, token: str, peer: str = "10.0.0.1") -> str:
    """Return the node, or the reason of the refusal."""
    try:
        return await made.admit(token, peer, is_stranger=peer.startswith("203."))
    except Refusal as refusal:
        return refusal.reason


async def test_a_token_that_was_vouched_for_is_believed_for_a_while_and_then_asked_anew() -> None:
    book = agents("a")
    made = admission(book)

    assert [await admitted(made, "token-a") for _ in range(3)] == ["a"] * 3
    await asyncio.sleep(KEPT_S - 1)
    assert await admitted(made, "token-a") == "a"
    assert book.asked == {"token-a": 1}

    book.book.clear()
    await asyncio.sleep(1)
    assert await admitted(made, "token-a") == "token"
    assert book.asked == {"token-a": 2}


async def test_a_refusal_is_remembered_shortly() -> None:
    book = agents()
    made = admission(book)

    assert [await admitted(made, "token-a") for _ in range(3)] == ["token"] * 3
    assert book.asked == {"token-a": 1}

    book.book["token-a"] = Identity(ACCOUNT, "a")
    await asyncio.sleep(REFUSED_S)
    assert await admitted(made, "token-a") == "a"


@pytest.mark.parametrize(
    "identity",
    [
        Identity("system:serviceaccount:shop:isochrone-agent", "a"),
        Identity("system:serviceaccount:kube-system:default", "a"),
        Identity("admin", "a"),
        Identity("", "a"),
        Identity(ACCOUNT, ""),
    ],
    ids=str,
)
async def test_only_the_agents_account_on_a_node_is_let_in(identity: Identity) -> None:
    made = admission(BookVerifier({"token": identity}))

    assert [await admitted(made, "token") for _ in range(2)] == ["node"] * 2


async def test_a_cluster_that_does_not_answer_is_asked_again() -> None:
    book = agents("a")
    made = admission(book)

    book.is_away = True
    assert await admitted(made, "token-a") == "busy"
    book.is_away = False
    assert await admitted(made, "token-a") == "a"


async def test_a_cluster_that_never_answers_holds_nobody_for_ever() -> None:
    book = agents("a")
    book.gate.clear()

    assert await admitted(admission(book), "token-a") == "busy"


async def test_a_flood_of_forged_tokens_of_one_address_is_no_flood_of_reviews() -> None:
    book = agents("a")
    made = admission(book)

    found = await asyncio.gather(*(admitted(made, f"forged-{n}") for n in range(500)))

    assert (found.count("token"), found.count("rate")) == (10, 490)
    assert book.asked.total() == 10
    assert await admitted(made, "token-a", "10.0.0.2") == "a"


async def test_a_flood_from_many_addresses_locks_no_known_agent_out() -> None:
    book = agents("a", "b")
    made = admission(book)
    assert await admitted(made, "token-b", "203.0.0.1") == "b"

    floods = (admitted(made, f"forged-{n}", f"203.0.{n // 250}.{n % 250}") for n in range(1000))
    found = await asyncio.gather(*floods)

    assert (found.count("token"), found.count("rate")) == (50, 950)
    assert await admitted(made, "token-a", "10.0.0.1") == "a"
    assert await admitted(made, "token-b", "203.0.0.1") == "b"  # known before


async def test_who_is_refused_too_often_is_told_when_to_come_again_and_is_heard_then() -> None:
    made = admission(agents("a"))
    for n in range(10):
        await admitted(made, f"forged-{n}")

    with pytest.raises(Refusal) as caught:
        await made.admit("token-a", "10.0.0.1", is_stranger=False)
    await asyncio.sleep(caught.value.retry_s)

    assert await admitted(made, "token-a") == "a"


async def test_a_whole_cluster_that_comes_at_once_is_let_in_a_few_reviews_at_a_time() -> None:
    nodes = [f"n{number}" for number in range(2000)]
    book = agents(*nodes)
    book.gate.clear()
    made = admission(book)

    waiting = [
        asyncio.create_task(admitted(made, f"token-{node}", f"10.1.{n // 250}.{n % 250}"))
        for n, node in enumerate(nodes)
    ]
    await asyncio.sleep(1)
    assert book.most_at_once == 16
    book.gate.set()

    assert await asyncio.gather(*waiting) == nodes
    assert book.most_at_once == 16


async def test_one_token_that_comes_many_times_at_once_is_reviewed_a_few_times_at_most() -> None:
    book = agents("a")
    made = admission(book)

    found = await asyncio.gather(*(admitted(made, "token-a") for _ in range(200)))

    assert set(found) <= {"a", "rate"}
    assert book.asked["token-a"] <= 16


async def test_a_request_that_is_given_up_leaves_its_turn_to_others() -> None:
    book = agents("a", "b")
    book.gate.clear()
    made = admission(book)
    tasks = [asyncio.create_task(admitted(made, "token-a", f"10.0.1.{n}")) for n in range(16)]
    await asyncio.sleep(1)

    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    book.gate.set()

    assert await admitted(made, "token-b") == "b"
    assert [await admitted(made, f"forged-{n}", "10.0.1.1") for n in range(10)] == ["token"] * 10


async def test_the_token_itself_is_not_kept() -> None:
    made = admission(agents("a"))
    await admitted(made, "token-a")

    assert "token-a" not in repr(vars(made._kept))  # noqa: SLF001 - a dump of memory sees it too
