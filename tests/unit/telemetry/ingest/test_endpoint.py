"""The endpoint over real HTTP: what is taken, what is refused and why, and what nobody can do."""

from typing import Any

import pytest

from telemetry.agent import wire
from telemetry.ingest.ingest import IngestTerms
from telemetry.ports import Identity
from tests.real.agents import (
    ACCOUNT,
    INSTANCE,
    Answer,
    Scene,
    body,
    calling,
    record,
    scene,
)

ONE = [record("b", 25_000)]


def nothing_changed(made: Scene, reason: str) -> None:
    """Make sure that one report was refused for a reason, and left nothing behind."""
    assert made.refused == {reason: 1}
    assert (made.sink.rows, made.taken, made.ingest.agents()) == ([], {}, [])


def is_refused(answer: Answer, status: int, reason: str) -> None:
    assert (answer.status, answer.reason) == (status, reason), answer.said
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.said["error"]


async def test_a_sound_report_is_taken_and_answered_with_all_the_agent_needs() -> None:
    made = scene(terms=IngestTerms(ACCOUNT, 7.5, 12.0, 800.0, INSTANCE))
    async with calling(made.ingest) as caller:
        answer = await caller.send(body("a", ONE, seq=4, method="udp", probes=9, losses=2), "a")

    assert answer.status == 200
    assert answer.said | {"orders": None} == {
        "v": 1,
        "instance": INSTANCE,
        "taken": 4,
        "leading": True,
        "peers": {
            "version": answer.said["peers"]["version"],
            "whole": True,
            "set": [[name, f"agent-of-{name}"] for name in "abc"],
            "gone": [],
        },
        "orders": None,
        "urgent": [],
        "report_ms": 7500,
        "pps": 12.0,
        "urgent_pps": 800.0,
    }
    assert made.sink.told() == {("a", wire.node_key("b")): 25_000}
    assert (made.taken, made.refused, made.failed) == ({"a": 1}, {}, [])
    (agent,) = made.ingest.agents()
    assert (agent.node, agent.method, agent.probes, agent.losses) == ("a", "udp", 9, 2)


async def test_whether_a_row_is_whole_is_told_to_the_sink() -> None:
    made = scene()
    async with calling(made.ingest) as caller:
        await caller.send(body("a", ONE, whole=True), "a")
        await caller.send(body("a", ONE, whole=False), "a")

    assert [whole for _, whole in made.sink.rows] == [True, False]


async def test_records_of_unknown_peers_are_counted_and_the_rest_is_taken() -> None:
    made = scene()
    async with calling(made.ingest) as caller:
        answer = await caller.send(body("a", [*ONE, record("gone"), record("new")]), "a")

    assert (answer.status, made.taken, made.strangers) == (200, {"a": 1}, [2])


@pytest.mark.parametrize(
    ("report", "token", "headers", "status", "reason"),
    [
        (body("a", ONE), None, {}, 401, "token"),
        (body("a", ONE), "", {}, 401, "token"),
        (body("a", ONE), "forged", {}, 401, "token"),
        (body("a", ONE), "a", {"Authorization": "Basic YTpi"}, 401, "token"),
        (body("b", [record("a")]), "a", {}, 403, "node"),
        (body("zz", ONE), "a", {}, 403, "node"),
        (body("a", ONE), "ghost", {}, 403, "node"),
        (body("a", ONE), "shop", {}, 403, "node"),
        (body("a", ONE, to=""), "a", {}, 409, "instance"),
        (body("a", ONE, to="77" * 16), "a", {}, 409, "instance"),
        (body("a", ONE, whole=False), "a", {}, 409, "instance"),
        (body("a", [record("b", 0)]), "a", {}, 400, "form"),
        (body("a", ONE)[:-1], "a", {}, 400, "form"),
        (b"", "a", {}, 400, "form"),
        (b"{}", "a", {}, 400, "form"),
        (body("a", ONE, v=2), "a", {}, 400, "form"),
        (body("a", ONE), "a", {"Content-Type": "application/json"}, 415, "form"),
        (body("a", ONE), "a", {"Content-Encoding": "deflate"}, 415, "form"),
        (bytes(70_000), "a", {}, 413, "size"),
    ],
    ids=range(19),
)
async def test_a_bad_report_changes_nothing_is_counted_and_answered_with_the_reason(
    report: bytes, token: str | None, headers: dict[str, str], status: int, reason: str
) -> None:
    made = scene()
    made.verifier.book["ghost"] = Identity(ACCOUNT, "ghost")
    made.verifier.book["shop"] = Identity("system:serviceaccount:shop:default", "a")
    async with calling(made.ingest) as caller:
        answer = await caller.send(report, token, **headers)

    is_refused(answer, status, reason)
    nothing_changed(made, reason)


async def test_a_replayed_and_an_overtaken_report_are_refused() -> None:
    made = scene()
    first, second = body("a", ONE, seq=1), body("a", [record("b", 7)], seq=2, whole=False)
    async with calling(made.ingest) as caller:
        await caller.send(first, "a")
        await caller.send(second, "a")
        again = await caller.send(second, "a")
        late = await caller.send(first, "a")

    for answer in (again, late):
        is_refused(answer, 409, "sequence")
        assert answer.said["taken"] == 2
    assert made.sink.told() == {("a", wire.node_key("b")): 7}
    assert (len(made.sink.rows), made.refused) == (2, {"sequence": 2})


async def test_a_report_of_a_run_that_was_followed_is_refused() -> None:
    made = scene()
    async with calling(made.ingest) as caller:
        await caller.send(body("a", ONE, seq=1), "a")
        await caller.send(body("a", ONE, seq=1, run="1" * 32), "a")
        answer = await caller.send(body("a", ONE, seq=2), "a")

    is_refused(answer, 409, "run")


async def test_a_report_that_was_refused_may_be_sent_again_put_right() -> None:
    made = scene()
    async with calling(made.ingest) as caller:
        is_refused(await caller.send(body("a", [record("a")], seq=5), "a"), 400, "form")
        answer = await caller.send(body("a", ONE, seq=5), "a")

    assert (answer.status, answer.said["taken"]) == (200, 5)


async def test_a_report_refused_before_its_body_is_read_leaves_the_connection_usable() -> None:
    made = scene()
    async with calling(made.ingest) as caller:
        is_refused(await caller.send(body("a", ONE), "forged"), 401, "token")
        assert (await caller.send(body("a", ONE), "a")).status == 200


async def test_the_first_thing_wrong_is_what_is_said() -> None:
    made = scene()
    wrong: dict[str, Any] = {"to": "", "run": "1" * 32}
    async with calling(made.ingest) as caller:
        await caller.send(body("a", ONE, seq=9), "a")
        reasons = [
            (await caller.send(body("b", [record("b")], **wrong), "forged")).reason,
            (await caller.send(body("b", [record("b")], **wrong), "a")).reason,
            (await caller.send(body("a", [record("a")], **wrong), "a")).reason,
            (await caller.send(body("a", [record("a")], seq=9), "a")).reason,
            (await caller.send(body("a", [record("a")], seq=10), "a")).reason,
        ]

    assert reasons == ["token", "node", "instance", "sequence", "form"]
