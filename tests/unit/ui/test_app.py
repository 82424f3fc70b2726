"""The status page over a running service: its JSON, its stream, what it refuses and escapes."""

import asyncio
import io
import json
from dataclasses import replace

import aiohttp
import pytest

from commands.explain import run_explain
from scheduler.domain.errors import InputError
from scheduler.placement.explain import explain
from scheduler.planning.plan import plan
from scheduler.service.cycle import Decider
from scheduler.service.journal import Happening
from scheduler.service.logs import new_logger
from scheduler.ui.app import Board, served
from tests.builders import node, pod, within
from tests.harness import Harness, in_place
from tests.page import a_page, fetched, until


async def test_pods_are_shown_with_the_measured_rtt_against_the_budget() -> None:
    async with a_page() as (session, harness):
        (row,) = (await fetched(session, "/api/pods"))["pods"]

        assert (row["name"], row["node"]) == ("near", harness.placement["near"])
        (delay,) = row["delays"]
        assert (delay["to"], delay["withinMs"], delay["holds"]) == ("a", 15.0, True)
        assert delay["rttMs"] in (0.0, 10.0)


async def test_waiting_pods_are_shown_with_their_reason() -> None:
    async with a_page() as (session, _):
        (row,) = (await fetched(session, "/api/pending"))["pending"]

        assert row["name"] == "wishful"
        assert row["reason"].startswith("0/3 nodes are available: 3 Insufficient cpu")


async def test_the_summary_counts_what_there_is() -> None:
    async with a_page() as (session, _):
        summary = await fetched(session, "/api/summary")

        figures = ("nodes", "nodesReady", "podsPlaced", "podsWithBudget", "budgetsBroken")
        assert [summary[figure] for figure in figures] == [3, 3, 1, 1, 0]
        assert summary["zones"] == {"5ms": 3, "25ms": 1, "100ms": 1}


async def test_what_needs_attention_comes_first() -> None:
    async with a_page() as (session, harness):
        harness.put_node(replace(node("c"), is_ready=False))
        harness.put_pod(pod("broken", delays=(within(5, "c"),)), node="a", phase="Running")
        await until(lambda: len(harness.placement) > 1)
        nodes = await fetched(session, "/api/nodes")
        pods = await fetched(session, "/api/pods")

        assert [row["name"] for row in nodes["nodes"]] == ["c", "a", "b"]
        assert [(row["name"], row["isBroken"]) for row in pods["pods"]] == [
            ("broken", True),
            ("near", False),
        ]


async def test_more_than_the_journal_is_told_where_there_is_more_to_tell() -> None:
    async with Harness(plan) as harness:
        told = [Happening(1, 0.0, "cluster", "node edge-1 died")]
        decider = Decider(plan, in_place)
        board = Board(harness.state, decider, explain, lambda: True, lambda after: told[after:])
        async with (
            served(board, 0) as port,
            aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
        ):
            body = await fetched(session, "/api/events")
            later = await fetched(session, "/api/events?since=1")

    assert [event["text"] for event in body["events"]] == ["node edge-1 died"]
    assert later["events"] == []


async def test_a_page_that_is_not_there_has_the_headers_too() -> None:
    async with a_page() as (session, _), session.get("/nowhere") as answer:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_long_list_is_given_in_pages_that_say_what_is_left() -> None:
    async with a_page() as (session, _):
        body = await fetched(session, "/api/nodes?offset=1&limit=1")

        assert [row["name"] for row in body["nodes"]] == ["b"]
        assert (body["total"], body["offset"], body["limit"]) == (3, 1, 1)


@pytest.mark.parametrize(("name", "word"), [("near", "budget 15ms"), ("wishful", "cpu")])
async def test_a_pod_is_explained(name: str, word: str) -> None:
    async with a_page() as (session, _):
        body = await fetched(session, f"/api/explain/default/{name}")

        assert any(word in line for line in body["lines"])


async def test_a_workloads_name_will_do_where_it_has_one_pod(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with a_page() as (session, harness):
        harness.put_pod(pod("web-5d4-x7", delays=(within(15, "a"),)))
        await until(lambda: len(harness.placement) > 1)
        port = (await session.get("/healthz")).url.port or 0
        await asyncio.to_thread(run_explain, "web", None, None, port)

    assert capsys.readouterr().out.startswith("default/web-5d4-x7 is on ")


async def test_an_unknown_pod_is_answered_with_names_that_begin_alike() -> None:
    async with a_page() as (session, _):
        port = (await session.get("/healthz")).url.port or 0
        with pytest.raises(InputError, match='has no pod "wish"; there are, among others, wishful'):
            await asyncio.to_thread(run_explain, "wish", None, None, port)


async def test_the_stream_tells_the_summary_and_what_happens() -> None:
    async with a_page() as (session, harness), session.get("/api/stream") as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        first = json.loads((await answer.content.readline()).removeprefix(b"data: "))
        assert first["summary"]["podsPlaced"] == 1
        assert any("wishful" in event["text"] for event in first["events"])

        harness.state.journal.add(0.0, "error", "something new")
        await answer.content.readline()
        then = json.loads((await answer.content.readline()).removeprefix(b"data: "))

        assert [event["text"] for event in then["events"]] == ["something new"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/", "/static/page.js"])
async def test_what_others_ask_for_is_there(path: str) -> None:
    async with a_page() as (session, _), session.get(path) as answer:
        assert answer.status == 200


async def test_it_is_not_ready_while_the_cache_is_not_complete() -> None:
    async with a_page() as (session, harness):
        harness.state.cache.lose_sync()
        async with session.get("/readyz") as answer:
            assert answer.status == 503


async def test_the_page_loads_nothing_from_elsewhere() -> None:
    async with a_page() as (session, _):
        for path in ("/", "/static/page.js", "/static/page.css"):
            async with session.get(path) as answer:
                assert "://" not in await answer.text()
                assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")


async def test_the_page_never_writes_markup_it_was_given() -> None:
    async with a_page() as (session, _), session.get("/static/page.js") as answer:
        script = await answer.text()

        assert [
            w for w in ("innerHTML", "outerHTML", "insertAdjacent", "eval(") if w in script
        ] == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/explain/default/nobody", 404),
        ("/api/nodes?limit=-1", 400),
        ("/api/nodes?offset=x", 400),
        ("/api/events?since=99999999999999999999", 400),
        ("/api/explain/default/%3Cscript%3E", 404),
        ("/nowhere", 404),
        ("/static/../app.py", 404),
    ],
)
async def test_a_bad_request_is_answered_and_not_a_crash(path: str, status: int) -> None:
    async with a_page() as (session, _), session.get(path) as answer:
        assert answer.status == status
        assert "<script>" not in await answer.text() or "json" in answer.headers["Content-Type"]


async def test_a_name_that_is_not_local_is_refused() -> None:
    headers = {"Host": "evil.example"}
    async with a_page() as (session, _), session.get("/api/summary", headers=headers) as answer:
        assert answer.status == 403


@pytest.mark.parametrize("host", ["127.0.0.1:abc", "127.0.0.1:99999", "[evil", "a b", ""])
async def test_a_host_that_is_no_name_and_port_is_refused(host: str) -> None:
    async with a_page() as (session, _):
        async with session.get("/api/summary", headers={"Host": host}) as answer:
            assert answer.status in (400, 403)
        async with session.get("/healthz", headers={"Host": host}) as answer:
            assert answer.status in (200, 400)


async def test_what_fails_while_answering_is_one_line_of_the_log(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fails() -> bool:
        raise RuntimeError("a bug\nof ours")

    written = io.StringIO()
    async with Harness(plan) as harness:
        board = Board(harness.state, Decider(plan, in_place), explain, fails)
        async with (
            served(board, 0, log=new_logger("json", written)) as port,
            aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
            session.get("/readyz") as answer,
        ):
            assert answer.status == 500

    (line,) = written.getvalue().splitlines()
    event = json.loads(line)
    assert (event["event"], event["level"]) == ("page.failed", "error")
    assert "a bug" in event["exception"]
    assert capsys.readouterr().err == ""


async def test_what_is_no_http_fills_no_log() -> None:
    written = io.StringIO()
    async with Harness(plan) as harness:
        board = Board(harness.state, Decider(plan, in_place), explain, lambda: True)
        async with served(board, 0, log=new_logger("json", written)) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"\x16\x03\x01 not HTTP\r\n\r\n")
            answer = await reader.read()
            writer.close()
            await writer.wait_closed()

    assert b" 400 " in answer
    assert written.getvalue() == ""


async def test_a_port_in_use_is_said_in_one_sentence() -> None:
    async with a_page() as (session, harness):
        port = (await session.get("/healthz")).url.port or 0
        board = Board(harness.state, Decider(plan, in_place), explain, lambda: True)
        with pytest.raises(
            InputError, match=r"\(address already in use\); give another with --port"
        ):
            async with served(board, port):
                pass


async def test_the_table_as_a_whole_is_told_and_drawn() -> None:
    async with a_page() as (session, _):
        told = await fetched(session, "/api/topology")
        async with session.get("/api/topology.svg") as answer:
            kind, drawn = answer.content_type, await answer.text()

        assert (told["nodes"], told["unknownShare"], told["staleShare"]) == (3, 0.0, None)
        assert [len(layer["zones"]) for layer in told["layers"]] == [3, 1, 1]
        assert told["worstTriangles"] == []
        assert kind == "image/svg+xml"
        assert drawn.count('<circle class="dot') == 3
