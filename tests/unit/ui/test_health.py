"""Who may ask the status server for what, and what it says of its own health."""

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from scheduler.domain.errors import InputError
from scheduler.placement.explain import explain
from scheduler.planning.plan import plan
from scheduler.service.cycle import Decider
from scheduler.ui.app import Board, served
from scheduler.ui.guard import guard, refused
from scheduler.ui.health import Check
from tests.harness import Harness, in_place
from tests.page import a_page, fetched


async def test_readiness_is_told_check_by_check() -> None:
    async with a_page() as (session, _), session.get("/readyz?verbose") as answer:
        lines = (await answer.text()).splitlines()

    assert lines[0] == "[+]caches ok: 3 nodes, 1 placed pods; the watches are alive"
    assert any(line.startswith("[+]rtt ok: round-trip times of 3 nodes, taken") for line in lines)
    assert lines[-1] == "readyz check passed"


async def test_what_is_missing_is_named_without_being_asked_for() -> None:
    async with a_page() as (session, harness):
        harness.state.cache.lose_sync()
        async with session.get("/readyz") as answer:
            lines = (await answer.text()).splitlines()

    assert "[-]caches failed: not all is listed yet, or a watch broke off" in lines
    assert lines[-1] == "readyz check failed"


async def test_without_round_trip_times_it_is_ready_and_says_so_everywhere() -> None:
    async with Harness(plan) as harness:
        harness.state.rtt.source = ""
        board = Board(harness.state, Decider(plan, in_place), explain, lambda: True)
        async with (
            served(board, 0) as port,
            aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
        ):
            async with session.get("/readyz") as answer:
                assert answer.status == 200
                text = await answer.text()
            summary = await fetched(session, "/api/summary")

    (notice,) = summary["notices"]
    assert "no source is set" in notice
    assert text == f"ok; {notice}"


async def test_a_source_that_broke_is_told_while_its_last_table_is_used() -> None:
    async with a_page() as (session, harness):
        harness.state.rtt.tell("m.csv", "m.csv: is empty")
        (notice,) = (await fetched(session, "/api/summary"))["notices"]

    assert "round-trip times of 3 nodes" in notice
    assert "gives nothing new: m.csv: is empty" in notice


async def test_more_checks_count_when_they_are_needed() -> None:
    async with Harness(plan) as harness:
        checks = [Check("door", holds=False, said="shut")]
        decider = Decider(plan, in_place)
        board = Board(harness.state, decider, explain, lambda: True, more_checks=lambda: checks)
        async with (
            served(board, 0) as port,
            aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
            session.get("/readyz") as answer,
        ):
            assert answer.status == 503
            assert "[-]door failed: shut" in await answer.text()


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz", "/metrics"])
async def test_probes_and_metrics_are_answered_under_any_name(path: str) -> None:
    headers = {"Host": "10.1.2.3:10251"}
    async with a_page() as (session, _), session.get(path, headers=headers) as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    ("peer", "host", "status"),
    [
        ("127.0.0.1", "localhost", 200),
        ("127.8.9.1", "127.0.0.1", 200),
        ("::1", "::1", 200),
        ("::ffff:127.0.0.1", "localhost", 200),
        ("10.1.2.3", "localhost", 403),
        ("::ffff:10.1.2.3", "127.0.0.1", 403),
        ("127.0.0.1", "evil.example", 403),
        (None, "localhost", 403),
        ("127.0.0.1", None, 403),
    ],
    ids=range(9),
)
def test_the_page_is_for_who_comes_over_loopback_under_a_local_name(
    peer: str | None, host: str | None, status: int
) -> None:
    assert bool(refused(peer, host)) == (status == 403)


async def test_a_peer_that_is_not_local_gets_probes_and_no_page() -> None:
    """Driven through the guard: a test has loopback alone to come from."""
    seen: list[str] = []

    async def page(request: web.Request) -> web.StreamResponse:
        seen.append(request.path)
        return web.Response(text="all pods")

    statuses = {}
    for path in ("/", "/api/pods", "/static/page.js", "/healthz", "/metrics"):
        request = make_mocked_request("GET", path, headers={"Host": "localhost"}).clone(
            remote="10.1.2.3"
        )
        statuses[path] = (await guard(request, page)).status

    assert statuses == {
        "/": 403,
        "/api/pods": 403,
        "/static/page.js": 403,
        "/healthz": 200,
        "/metrics": 200,
    }
    assert seen == ["/healthz", "/metrics"]


async def test_an_address_of_another_machine_is_refused_in_one_sentence() -> None:
    async with Harness(plan) as harness:
        board = Board(harness.state, Decider(plan, in_place), explain, lambda: True)
        with pytest.raises(InputError, match=r"of 192\.0\.2\.1: cannot be used .*--bind-address"):
            async with served(board, 0, "192.0.2.1"):
                pass
