"""An agent's reports, from what was measured to what a scheduler got, over real sockets."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from telemetry.agent.burst import Burst
from telemetry.agent.config import ReportingConfig, read_url
from telemetry.agent.peers import Peer
from telemetry.agent.row import Row
from telemetry.agent.uplink import Uplink
from telemetry.agent.wire import LOST_US, node_key
from tests.real.ports import free_port
from tests.scripted_scheduler import (
    INSTANCE,
    OTHER_INSTANCE,
    Request,
    ScriptedScheduler,
    answered,
    peer_list,
    scripted_scheduler,
    taken,
    taking,
    unmet,
)
from tests.skipping_loop import SkippingLoop, skipping_loop

PEERS = peer_list(7, ["a", "b", "c"])


@dataclass
class Measured:
    """Notes what it is asked to measure; a test says when an urgent order has ended."""

    method: str = "icmp"
    probes: int = 30
    losses: int = 3
    peers: Sequence[Peer] = ()
    orders: tuple[bool, frozenset[int]] = (False, frozenset())
    pace: tuple[float, float] = (0.0, 0.0)
    asked: list[tuple[int, Sequence[int] | None]] = field(default_factory=list)
    done: list[Callable[[], None]] = field(default_factory=list)

    def set_peers(self, peers: Sequence[Peer]) -> None:
        self.peers = peers

    def set_orders(self, *, star: bool, near: frozenset[int]) -> None:
        self.orders = (star, near)

    def urgent(
        self, order_id: int, keys: Sequence[int] | None, done: Callable[[int], None]
    ) -> None:
        self.asked.append((order_id, keys))
        self.done.append(lambda: done(order_id))

    def set_pace(self, pps: float, urgent_pps: float) -> None:
        self.pace = (pps, urgent_pps)


class Agent:
    """The reporting side of an agent on the node ``me``, and what it told people."""

    def __init__(self, loop: SkippingLoop, config: ReportingConfig) -> None:
        self.loop, self.said = loop, list[str]()
        self.measured, self.row = Measured(), Row()
        self.uplink = Uplink(loop, self.measured, self.row, config, self.said.append, lambda: 0.0)
        self.uplink.start()

    def burst(self, name: str, rtt_us: int = 5000, ago_s: float = 0.0) -> None:
        """Have a burst ended."""
        lost = 3 if rtt_us == LOST_US else 0
        at_s = self.loop.now_s() - ago_s
        self.uplink.on_burst(Burst(node_key(name), rtt_us, rtt_us, 3, lost, 1, at_s))

    def has_peers(self) -> bool:
        """Tell whether a list of peers has come."""
        return bool(self.measured.peers)


@pytest.fixture
def loop() -> Iterator[SkippingLoop]:
    """Give a loop whose time can be skipped."""
    with skipping_loop() as running:
        yield running


@contextmanager
def reporting(
    loop: SkippingLoop, *urls: str, token_path: str = "", max_pps: float = 1000.0
) -> Iterator[Agent]:
    """Give an agent that reports to these URLs."""
    config = ReportingConfig("me", tuple(map(read_url, urls)), token_path, max_pps=max_pps)
    agent = Agent(loop, config)
    try:
        yield agent
    finally:
        agent.uplink.close()


def told(scheduler: ScriptedScheduler, name: str) -> list[int]:
    """Return the medians of a peer that a scheduler was told of, in their order, microseconds."""
    key = node_key(name)
    return [one.records[key][0] for one in scheduler.requests if key in one.records]


def test_an_agent_asks_a_scheduler_for_its_name_and_then_tells_it_all(loop: SkippingLoop) -> None:
    with scripted_scheduler(taking(PEERS)) as scheduler, reporting(loop, scheduler.url) as agent:
        loop.until(agent.has_peers)

        first, second = scheduler.heads[:2]
        assert (first["to"], first["records"], first["seq"]) == ("", 0, 1)
        assert (second["to"], second["whole"], second["seq"]) == (INSTANCE, True, 2)
        assert second["hold_ms"] == 0, "how long to hold is not known yet"
        loop.until(lambda: len(scheduler.heads) > 2)
        assert scheduler.heads[2]["hold_ms"] == 10_000
        assert [peer.name for peer in agent.measured.peers] == ["a", "b", "c"]
        assert agent.measured.peers[1].address == "10.0.0.2"


def test_what_is_new_is_told_once_with_its_age(loop: SkippingLoop) -> None:
    with scripted_scheduler(taking(PEERS)) as scheduler, reporting(loop, scheduler.url) as agent:
        loop.until(agent.has_peers)
        agent.burst("a", 5000, ago_s=4.0)
        agent.burst("b", LOST_US, ago_s=1.0)

        loop.until(lambda: told(scheduler, "b"), skipping_s=0.05)
        reports = len(scheduler.requests)
        loop.until(lambda: len(scheduler.requests) > reports, skipping_s=0.05)

        report = next(one for one in scheduler.requests if one.records)
        assert not report.head["whole"]
        median, least, age_ms, sent, lost, method, zero = report.records[node_key("a")]
        assert (median, least, sent, lost, method, zero) == (5000, 5000, 3, 0, 1, 0)
        assert 4000 <= age_ms < 30_000
        assert report.records[node_key("b")][:2] == (LOST_US, LOST_US)
        assert told(scheduler, "a") == [5000]
        assert scheduler.connections == 1


def test_a_restarted_scheduler_is_told_the_whole_row(loop: SkippingLoop) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with reporting(loop, url) as agent:
        with scripted_scheduler(taking(PEERS), port) as before:
            loop.until(agent.has_peers)
            agent.burst("a", 5000)
            agent.burst("b", 6000)
            loop.until(lambda: told(before, "b"), skipping_s=0.05)
        agent.burst("a", 5001)

        def other(request: Request) -> bytes:
            is_met = request.head["to"] == OTHER_INSTANCE
            return taken(request, instance=OTHER_INSTANCE) if is_met else unmet(OTHER_INSTANCE)

        with scripted_scheduler(other, port) as after:
            loop.until(lambda: told(after, "b"), skipping_s=0.05)
            # A report that was under way may come first: it is for the one that is gone.
            whole = next(one for one in after.requests if one.head["to"] == OTHER_INSTANCE)

        assert whole.head["whole"]
        assert {key: fields[0] for key, fields in whole.records.items()} == {
            node_key("a"): 5001,
            node_key("b"): 6000,
        }


def test_a_report_whose_answer_was_lost_is_sent_again_under_its_number(loop: SkippingLoop) -> None:
    lost: list[Request] = []

    def answer(request: Request) -> bytes | None:
        if request.head["to"] != INSTANCE:
            return unmet()
        if request.records and not lost:
            lost.append(request)
            return None
        if lost and request.head["seq"] <= lost[0].head["seq"]:
            said = {"error": "x", "reason": "sequence", "taken": lost[0].head["seq"]}
            return answered(409, said)
        told = PEERS if not request.head["peers"] else None
        return taken(request, peers=told)

    with scripted_scheduler(answer) as scheduler, reporting(loop, scheduler.url) as agent:
        loop.until(agent.has_peers)
        agent.burst("a", 5000)
        loop.until(lambda: lost, skipping_s=0.05)
        agent.burst("a", 7000)
        loop.until(lambda: 7000 in told(scheduler, "a"), skipping_s=0.05)

        sent = [one for one in scheduler.requests if one.records]
        assert [one.records[node_key("a")][0] for one in sent] == [5000, 5000, 7000]
        assert sent[0].head["seq"] == sent[1].head["seq"] < sent[2].head["seq"]
        assert sent[1].records[node_key("a")][2] > sent[0].records[node_key("a")][2]


def test_bursts_wait_for_a_scheduler_that_is_away_and_the_oldest_are_dropped(
    loop: SkippingLoop,
) -> None:
    port = free_port()
    with reporting(loop, f"http://127.0.0.1:{port}") as agent:
        with scripted_scheduler(taking(PEERS), port):
            loop.until(agent.has_peers)
        for rtt_us in range(5001, 5009):
            agent.burst("a", rtt_us)
        agent.burst("b", 6000)
        with scripted_scheduler(taking(PEERS), port) as back:
            loop.until(lambda: 5008 in told(back, "a"), skipping_s=0.05)

            assert told(back, "a") == [5004, 5005, 5006, 5007, 5008]
            assert told(back, "b") == [6000]
            assert back.heads[-1]["dropped"] == 3


def test_an_urgent_order_is_answered_with_what_it_found(loop: SkippingLoop) -> None:
    orders = [{"id": 41, "peers": ["c", "nobody"]}, {"id": 42, "peers": ["nobody"]}]

    def answer(request: Request) -> bytes:
        if request.head["to"] != INSTANCE:
            return unmet()
        if not request.head["peers"]:
            return taken(request, peers=PEERS)
        answers = {one for earlier in scheduler.heads for one in earlier["answers"]}
        answers |= set(request.head["answers"])
        return taken(request, urgent=[one for one in orders if one["id"] not in answers])

    with scripted_scheduler(answer) as scheduler, reporting(loop, scheduler.url) as agent:
        loop.until(lambda: len(agent.measured.asked) == 2, skipping_s=0.05)
        assert [keys for _, keys in agent.measured.asked] == [[node_key("c")], []]
        agent.measured.done[1]()
        loop.until(lambda: scheduler.heads[-1]["answers"] == [42])
        assert scheduler.heads[-1]["hold_ms"] == 0, "no holding report while an order is under way"
        agent.burst("c", 8000)
        agent.measured.done[0]()
        loop.until(lambda: scheduler.heads[-1]["answers"] == [41])

        assert scheduler.requests[-1].records[node_key("c")][0] == 8000
        assert scheduler.heads[-1]["hold_ms"] == 10_000
        loop.until(lambda: scheduler.heads[-1]["answers"] == [], skipping_s=0.05)
        assert len(agent.measured.asked) == 2, "an order that is told again is one order"


def test_reports_are_frequent_while_an_urgent_order_is_under_way(loop: SkippingLoop) -> None:
    script = taking(PEERS, urgent=[{"id": 5, "peers": None}])
    with scripted_scheduler(script) as scheduler, reporting(loop, scheduler.url) as agent:
        loop.until(lambda: agent.measured.asked)
        assert agent.measured.asked[0][1] is None
        begun = len(scheduler.requests)

        loop.until(lambda: len(scheduler.requests) == begun + 3)

        assert all(head["hold_ms"] == 0 for head in scheduler.heads[begun:])
        assert agent.measured.asked[1:] == []


def test_a_replica_that_stands_by_gives_no_orders(loop: SkippingLoop) -> None:
    standing = {"version": 3, "star": True, "near": ["b"]}
    urgent = [{"id": 1, "peers": None}]
    script = taking(PEERS, leading=False, orders=standing, urgent=urgent, pps=99)
    with scripted_scheduler(script) as scheduler, reporting(loop, scheduler.url) as agent:
        loop.until(lambda: len(scheduler.requests) == 4, skipping_s=0.05)

        assert agent.has_peers(), "a list is better than none"
        assert agent.measured.orders == (False, frozenset())
        assert agent.measured.asked == []
        assert agent.measured.pace == (0.0, 0.0)


def test_standing_orders_are_followed_until_nobody_leads_for_a_minute(loop: SkippingLoop) -> None:
    standing = {"version": 3, "star": True, "near": ["b"]}

    def leading(request: Request) -> bytes:
        if request.head["to"] != INSTANCE:
            return unmet()
        peers = None if request.head["peers"] else PEERS
        return taken(request, peers=peers, orders=None if request.head["orders"] == 3 else standing)

    with scripted_scheduler(leading) as scheduler, reporting(loop, scheduler.url) as agent:
        loop.until(lambda: agent.measured.orders[0])
        assert agent.measured.orders == (True, frozenset({node_key("b")}))
        loop.until(lambda: scheduler.heads[-1]["orders"] == 3, skipping_s=0.05)
        scheduler.answer = lambda request: taken(request, leading=False)
        loop.skip(50.0)
        loop.until(lambda: any("stands by" in line for line in agent.said), skipping_s=0.05)
        assert agent.measured.orders[0]

        loop.until(lambda: not agent.measured.orders[0], skipping_s=0.5)
        scheduler.answer = leading
        loop.until(lambda: agent.measured.orders[0], skipping_s=0.05)


def test_the_pace_is_the_schedulers_up_to_the_agents_own_limit(loop: SkippingLoop) -> None:
    script = taking(PEERS, pps=2.5, urgent_pps=900_000)
    with (
        scripted_scheduler(script) as scheduler,
        reporting(loop, scheduler.url, max_pps=200) as agent,
    ):
        loop.until(agent.has_peers)

        assert agent.measured.pace == (2.5, 200)


def test_a_new_list_of_peers_forgets_those_that_left(loop: SkippingLoop) -> None:
    with scripted_scheduler(taking(PEERS)) as scheduler, reporting(loop, scheduler.url) as agent:
        loop.until(agent.has_peers)
        agent.burst("a")
        agent.burst("stranger")
        assert len(agent.row) == 1
        changed = {
            "version": 8,
            "whole": False,
            "set": [["d", "::1"], ["me", "::1"]],
            "gone": ["a"],
        }
        scheduler.answer = taking(changed)

        loop.until(lambda: len(agent.measured.peers) == 3 and not len(agent.row), skipping_s=0.05)

        assert [peer.name for peer in agent.measured.peers] == ["b", "c", "d"]


def test_two_replicas_are_told_alike_and_the_leading_one_is_followed(loop: SkippingLoop) -> None:
    def standby(request: Request) -> bytes:
        if request.head["to"] != OTHER_INSTANCE:
            return unmet(OTHER_INSTANCE)
        return taken(request, instance=OTHER_INSTANCE, leading=False)

    leading = taking(PEERS, orders={"version": 3, "star": True, "near": []})
    with (
        scripted_scheduler(leading) as one,
        scripted_scheduler(standby) as two,
        reporting(loop, one.url, two.url) as agent,
    ):
        loop.until(lambda: agent.measured.orders[0])
        agent.burst("a", 5000)

        loop.until(lambda: told(one, "a") and told(two, "a"), skipping_s=0.05)

        assert agent.measured.orders[0]
        numbers = [head["seq"] for head in (*one.heads, *two.heads)]
        assert len(numbers) == len(set(numbers))


def test_one_scheduler_under_two_addresses_is_reported_to_once(loop: SkippingLoop) -> None:
    with (
        scripted_scheduler(taking(PEERS)) as one,
        scripted_scheduler(taking(PEERS)) as two,
        reporting(loop, one.url, two.url) as agent,
    ):
        loop.until(
            lambda: any("reported to already" in line for line in agent.said), skipping_s=0.05
        )
        reports = len(two.requests)
        loop.until(lambda: len(one.requests) > 5, skipping_s=0.05)
        assert len(two.requests) == reports
        one.answer = lambda _: None

        loop.until(lambda: len(two.requests) > reports, skipping_s=0.05)


@pytest.mark.parametrize(
    ("status", "reason", "least_s"),
    [(401, "token", 15.0), (403, "node", 15.0), (503, "busy", 0.5), (400, "form", 15.0)],
)
def test_a_refused_agent_comes_again_later(
    loop: SkippingLoop, status: int, reason: str, least_s: float
) -> None:
    times: list[float] = []

    def answer(_: Request) -> bytes:
        times.append(loop.now_s())
        return answered(status, {"error": "not so", "reason": reason})

    with scripted_scheduler(answer) as scheduler, reporting(loop, scheduler.url) as agent:
        loop.until(lambda: len(times) == 3, skipping_s=0.05)

        assert times[1] - times[0] >= least_s
        lines = [line for line in agent.said if "not so" in line]
        assert len(lines) == 1, "a condition that lasts is said once"


def test_a_scheduler_says_how_long_to_stay_away(loop: SkippingLoop) -> None:
    times: list[float] = []

    def answer(_: Request) -> bytes:
        times.append(loop.now_s())
        return answered(429, {"error": "too many", "reason": "rate"}, Retry_After="40")

    with scripted_scheduler(answer) as scheduler, reporting(loop, scheduler.url):
        loop.until(lambda: len(times) == 2, skipping_s=0.05)

        assert times[1] - times[0] >= 40.0


def test_an_agent_that_was_followed_by_another_waits_and_begins_a_new_run(
    loop: SkippingLoop,
) -> None:
    times: list[float] = []

    def answer(request: Request) -> bytes:
        if not times:
            times.append(loop.now_s())
            return answered(409, {"error": "over", "reason": "run"})
        if request.head["to"] != INSTANCE:
            return unmet()
        times.append(loop.now_s())
        return taken(request)

    with scripted_scheduler(answer) as scheduler, reporting(loop, scheduler.url):
        loop.until(lambda: len(times) == 2, skipping_s=0.05)

        assert times[1] - times[0] >= 60.0
        assert scheduler.heads[0]["run"] != scheduler.heads[-1]["run"]
        assert scheduler.heads[-1]["whole"]


@pytest.mark.parametrize(
    "nonsense",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}}",
        answered(200, ["no", "object"]),
        answered(200, {"v": 2}),
        answered(200, {"v": 1, "instance": INSTANCE}),
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        b"\0" * 70_000,
    ],
    ids=["ssh", "json", "list", "version", "fields", "oversize", "zeros"],
)
def test_nonsense_is_said_and_changes_nothing(loop: SkippingLoop, nonsense: bytes) -> None:
    def answer(request: Request) -> bytes:
        return unmet() if request.head["to"] != INSTANCE else nonsense

    with scripted_scheduler(answer) as scheduler, reporting(loop, scheduler.url) as agent:
        loop.until(lambda: len(scheduler.requests) == 4, skipping_s=0.05)

        assert not agent.has_peers()
        assert [head["seq"] for head in scheduler.heads] == [1, 2, 2, 2]
        scheduler.answer = taking(PEERS)
        loop.until(agent.has_peers, skipping_s=0.05)


def test_the_token_is_read_for_each_report(loop: SkippingLoop, tmp_path: Path) -> None:
    token = tmp_path / "token"
    script = taking(PEERS)
    with (
        scripted_scheduler(script) as scheduler,
        reporting(loop, scheduler.url, token_path=str(token)) as agent,
    ):
        loop.until(lambda: agent.said[1:], skipping_s=0.05)
        assert "token file" in agent.said[1]
        token.write_text("first\n")
        loop.until(agent.has_peers, skipping_s=0.05)
        assert scheduler.requests[-1].headers["authorization"] == "Bearer first"
        token.write_text("second\n")

        loop.until(
            lambda: scheduler.requests[-1].headers["authorization"] == "Bearer second",
            skipping_s=0.05,
        )
