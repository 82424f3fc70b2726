"""Goldpinger as a source: its pods on loopback addresses, with recorded answers, and rude ones."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from telemetry.errors import SourceEmpty, SourceError, SourceUnavailable
from telemetry.ports import Directory, MeasuringPod
from telemetry.readings import Outcome, PairReading, Readings, Timed
from telemetry.sources.goldpingerpods import GoldpingerSource, GoldpingerTerms
from telemetry.sources.rounds import ReadingSource
from tests.canned_http import Canned, serving
from tests.real.ports import free_port
from tests.rude_http import Script, at_once, endlessly, never, rude

RECORDED = Path(__file__).parents[2] / "fixtures" / "goldpinger"
NODES = ("node-a", "node-b", "node-c", "node-d")
ADDRESSES = {node: f"127.0.10.{k + 1}" for k, node in enumerate(NODES)}
NODE_OF = {f"192.0.2.1{k + 1}": node for k, node in enumerate(NODES)}
TRUE_MS = {"ab": 3, "ac": 12, "ad": 80, "bc": 25, "bd": 60, "cd": 45}
OK = b"HTTP/1.1 200 OK\r\n"


class Pods:
    """A directory in which a test puts pods; implements `PeerDirectory`."""

    def __init__(self) -> None:
        self.env: Mapping[str, str] = {"REFRESH_INTERVAL": "3"}
        self.nodes: tuple[str, ...] = NODES

    @property
    def current(self) -> Directory:
        pods = tuple(
            MeasuringPod(f"goldpinger-{node}", node, ADDRESSES[node], env=self.env)
            for node in self.nodes
        )
        return Directory(1, NODES, NODE_OF, exporters={"goldpinger": pods} if pods else {})

    async def changed(self) -> None:
        await asyncio.Event().wait()


class Mesh:
    """Four instances whose answers are a test's; and a clock that only a test moves."""

    def __init__(self, stack: ExitStack) -> None:
        self.stack = stack
        self.port = free_port()
        self.directory = Pods()
        self.answers: dict[str, dict[str, Canned]] = {}
        self.now_s = 0.0

    def answer(self, node: str, path: str, body: bytes, status: int = 200) -> None:
        if node not in self.answers:
            self.answers[node] = {}
            self.stack.enter_context(serving(self.answers[node], ADDRESSES[node], self.port))
        self.answers[node][path] = Canned(body, status)

    def answer_all(self, name: str, path: str = "/check") -> None:
        for node in NODES:
            self.answer(node, path, recorded(name, node, path))

    def be_rude(self, node: str, script: Script) -> None:
        self.stack.enter_context(rude(script, ADDRESSES[node], self.port))

    def source(
        self, *, read: str = "check", url: str = "", refresh_s: float = 0, halves: bool = False
    ) -> GoldpingerSource:
        terms = GoldpingerTerms(read, url, self.port, 0.001, refresh_s, halves)
        return GoldpingerSource(self.directory, terms, lambda: self.now_s, true_us)


@pytest.fixture
def mesh() -> Iterator[Mesh]:
    with ExitStack() as stack:
        yield Mesh(stack)


def true_us(measured_from: str, measured_to: str) -> int:
    return 1000 * TRUE_MS["".join(sorted(measured_from[-1] + measured_to[-1]))]


def recorded(name: str, instance: str, path: str = "/check", take: int = 1) -> bytes:
    records = json.loads((RECORDED / f"{name}.json").read_text())["records"]
    wanted = (instance, path, take)
    return next(
        str(r["body"]).encode()
        for r in records
        if (r["instance"], r["path"], r.get("take", 1)) == wanted
    )


def page(name: str, take: int) -> bytes:
    records = json.loads((RECORDED / "metrics_of_node_a.json").read_text())["records"]
    return next(str(r["body"]).encode() for r in records if (r["file"], r["take"]) == (name, take))


@asynccontextmanager
async def rounds(source: ReadingSource) -> AsyncIterator["AsyncGenerator[Readings | SourceError]"]:
    running = cast("AsyncGenerator[Readings | SourceError]", source.rounds())
    try:
        yield running
    finally:
        await running.aclose()


async def first(source: ReadingSource) -> Readings:
    async with rounds(source) as running:
        found = await anext(running)
    assert isinstance(found, Readings), found
    return found


def sources_of(readings: Readings) -> set[str]:
    return {pair.measured_from for pair in readings.pairs}


def of(readings: Readings, measured_from: str, measured_to: str) -> PairReading:
    pair = (measured_from, measured_to)
    return next(p for p in readings.pairs if (p.measured_from, p.measured_to) == pair)


async def test_every_pod_is_asked_for_its_own_pings(mesh: Mesh) -> None:
    mesh.answer_all("net_refresh3_healthy")

    readings = await first(mesh.source())

    assert len(readings.pairs) == 12
    assert readings.silent == ()
    assert of(readings, "node-c", "node-d").rtt_us == 47_000
    assert {pair.timed for pair in readings.pairs} == {Timed.REQUEST}


async def test_a_sparse_mesh_is_read_from_all_its_pods(mesh: Mesh) -> None:
    mesh.answer_all("B_1_healthy")

    readings = await first(mesh.source())

    assert sources_of(readings) == set(NODES)
    assert {(p.measured_from, p.measured_to) for p in readings.pairs} == {
        ("node-a", "node-b"),
        ("node-a", "node-d"),
        ("node-b", "node-a"),
        ("node-b", "node-c"),
        ("node-c", "node-a"),
        ("node-d", "node-a"),
        ("node-d", "node-c"),
    }


@pytest.mark.parametrize(
    "script",
    [
        at_once(b""),
        at_once(OK + b"\r\n<html>please log in</html>"),
        at_once(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"),
        at_once(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.10.1/\r\nContent-Length: 0\r\n\r\n"),
        at_once(OK + b'\r\n{"podResults": {"x": {"OK": true, "response-time-ms": -7}}}'),
        at_once(OK + b'\r\n{"podResults": {"x": {"OK": true, "response-time-ms": 1e9}}}'),
        at_once(OK + b'\r\n{"podResults": ' + b"[" * 100_000),
        endlessly(OK + b"\r\n", b'{"podResults": {' + b" " * 1000),
    ],
    ids=["hangs up", "page", "503", "redirect", "negative", "huge", "deep", "endless"],
)
async def test_a_pod_that_misbehaves_costs_its_own_pairs_and_no_others(
    mesh: Mesh, script: Script
) -> None:
    for node in ("node-a", "node-b", "node-c"):
        mesh.answer(node, "/check", recorded("net_refresh3_healthy", node))
    mesh.be_rude("node-d", script)

    readings = await first(mesh.source())

    assert readings.silent == ("node-d",)
    assert sources_of(readings) == {"node-a", "node-b", "node-c"}
    assert any(f"http://{ADDRESSES['node-d']}" in note for note in readings.notes)


async def test_pods_that_hang_hold_up_nobody_beyond_the_round(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("telemetry.sources.goldpingerpods.ROUND_S", 0.5)
    mesh.be_rude("node-a", never)
    for node in ("node-b", "node-c", "node-d"):
        mesh.answer(node, "/check", recorded("net_refresh3_healthy", node))

    readings = await first(mesh.source())

    assert sources_of(readings) == {"node-b", "node-c", "node-d"}
    assert "3 of 4 instances were asked in this round's time" in readings.notes


async def test_a_pod_that_speaks_for_others_is_heard_for_itself_alone(mesh: Mesh) -> None:
    lie = {
        "x": {"HostIP": "203.0.113.9", "OK": True, "response-time-ms": 1},
        "node-b": {"HostIP": "192.0.2.12", "OK": True, "response-time-ms": 7},
        "node-c": {"podName": "node-b", "OK": True, "response-time-ms": 7},
    }
    mesh.answer("node-a", "/check", json.dumps({"podResults": lie, "responses": lie}).encode())

    readings = await first(mesh.source())

    assert {(p.measured_from, p.measured_to) for p in readings.pairs} == {("node-a", "node-b")}
    assert readings.unmapped == ("203.0.113.9", "node-c")


async def test_a_mesh_of_which_nobody_answers_is_unavailable_and_asked_again(mesh: Mesh) -> None:
    async with rounds(mesh.source()) as running:
        silence = await anext(running)
        mesh.answer_all("net_refresh3_healthy")
        found = await anext(running)

    assert isinstance(silence, SourceUnavailable)
    assert "none of 4 instances answered" in str(silence)
    assert isinstance(found, Readings)


async def test_without_a_pod_the_label_is_what_to_look_at(mesh: Mesh) -> None:
    mesh.directory.nodes = ()

    async with rounds(mesh.source()) as running:
        found = await anext(running)

    assert isinstance(found, SourceEmpty)
    assert "labelSelector" in str(found)


async def test_a_pod_that_answers_and_pings_no_more_falls_silent(mesh: Mesh) -> None:
    mesh.answer_all("net_refresh3_healthy")
    async with rounds(mesh.source()) as running:
        await anext(running)
        mesh.now_s = 5.0
        still = await anext(running)
        mesh.now_s = 60.0
        found = await anext(running)

    assert isinstance(still, Readings)
    assert still.age_s == pytest.approx(3.15 + 0.3 + 5)
    assert isinstance(found, SourceUnavailable)
    assert "has pinged nobody for more than 9 s" in str(found)


async def test_one_instance_answers_for_all(mesh: Mesh) -> None:
    mesh.answer("node-c", "/check_all", recorded("A_1_healthy", "node-a", "/check_all"))

    readings = await first(mesh.source(read="checkAll"))

    assert len(readings.pairs) == 12
    assert {pair.timed for pair in readings.pairs} == {Timed.REQUEST}


async def test_one_address_answers_for_all(mesh: Mesh) -> None:
    mesh.directory.nodes = ()
    body = recorded("A_2_node_d_stopped", "node-a", "/check_all")

    with serving({"/check_all": Canned(body)}) as url:
        readings = await first(mesh.source(read="checkAll", url=f"{url}/"))

    assert readings.silent == ("node-d",)
    assert {pair.timed for pair in readings.pairs} == {Timed.REQUEST_OR_TWO}


async def test_means_are_known_from_the_second_take_on(mesh: Mesh) -> None:
    mesh.directory.nodes = ("node-a",)
    mesh.answer("node-a", "/metrics", page("net_refresh3_healthy", 1))
    async with rounds(mesh.source(read="metrics")) as running:
        nothing = await anext(running)
        mesh.answer("node-a", "/metrics", page("net_refresh3_healthy", 2))
        mesh.now_s = 40.0
        readings = await anext(running)

    assert isinstance(nothing, Readings)
    assert nothing.pairs == ()
    assert isinstance(readings, Readings)
    assert of(readings, "node-a", "node-d").outcome is Outcome.MEASURED
    assert readings.age_s == 40.0


async def test_pings_of_two_round_trips_are_flagged_and_stay_the_upper_bound_they_are(
    mesh: Mesh,
) -> None:
    mesh.directory.env = {}
    mesh.answer_all("net_refresh30_healthy")

    readings = await first(mesh.source())

    assert of(readings, "node-a", "node-d").rtt_us == 163_000
    assert {pair.timed for pair in readings.pairs} == {Timed.REQUEST_OR_TWO}
    assert readings.notes == ("by agents' round trips, pings are two round trips each",)


async def test_pings_of_two_round_trips_are_halved_where_the_operator_vouches_for_it(
    mesh: Mesh,
) -> None:
    mesh.directory.env = {}
    mesh.answer_all("net_refresh30_healthy")

    readings = await first(mesh.source(halves=True))

    assert of(readings, "node-a", "node-d").rtt_us == 81_500
    measured = [pair for pair in readings.pairs if pair.outcome is Outcome.MEASURED]
    assert all(p.rtt_us >= true_us(p.measured_from, p.measured_to) for p in measured)


async def test_nothing_is_halved_where_an_agent_shows_a_single_round_trip(mesh: Mesh) -> None:
    """Its interval is 30 s, and something keeps its connections open."""
    mesh.directory.env = {}
    mesh.answer_all("net_refresh3_healthy")

    readings = await first(mesh.source(halves=True))

    assert all(
        pair.rtt_us >= true_us(pair.measured_from, pair.measured_to)
        for pair in readings.pairs
        if pair.outcome is Outcome.MEASURED
    )
    assert "nothing is halved: a ping was a single round trip" in readings.notes


async def test_pods_that_failed_are_asked_last(mesh: Mesh) -> None:
    for node in ("node-b", "node-d"):
        mesh.answer(node, "/check_all", recorded("A_1_healthy", "node-a", "/check_all"))
    source = mesh.source(read="checkAll")  # asks one after the other, until one answers

    async with rounds(source) as running:
        await anext(running)  # node-a fails, node-b answers
        mesh.now_s = 1.0
        second = await anext(running)  # node-c fails, node-d answers
        mesh.now_s = 2.0
        third = await anext(running)  # node-b answers at once

    assert isinstance(second, Readings)
    assert isinstance(third, Readings)
    assert any(ADDRESSES["node-c"] in note for note in second.notes)
    assert third.notes == second.notes[1:]  # how pings compare with agents' round trips
