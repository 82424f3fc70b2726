"""Whether a ping of Goldpinger is one round trip or two, and what may be done about it."""

import itertools
import json
import math
from collections.abc import Mapping
from pathlib import Path

import pytest

from telemetry.readings import HTTP_FLOOR_US, Outcome, PairReading, Timed
from telemetry.sources.goldpinger import read_check
from telemetry.sources.pinging import (
    Calibration,
    Pinging,
    calibrated,
    halved,
    pinging_by,
)

RECORDED = Path(__file__).parents[2] / "fixtures" / "goldpinger"
NODES = ("node-a", "node-b", "node-c", "node-d")
NODE_OF = {f"192.0.2.1{k + 1}": node for k, node in enumerate(NODES)}
TRUE_MS = {"ab": 3, "ac": 12, "ad": 80, "bc": 25, "bd": 60, "cd": 45}


def true_us(measured_from: str, measured_to: str) -> int:
    return 1000 * TRUE_MS["".join(sorted(measured_from[-1] + measured_to[-1]))]


def recorded(name: str) -> list[PairReading]:
    records = json.loads((RECORDED / f"{name}.json").read_text())["records"]
    bodies = {r["instance"]: r["body"].encode() for r in records if r["path"] == "/check"}
    return [
        pair
        for node, body in bodies.items()
        for pair in read_check(body, measured_from=node, node_of_address=NODE_OF).readings.pairs
    ]


def read(rtt_us: int, timed: Timed = Timed.REQUEST_OR_TWO) -> PairReading:
    return PairReading("a", "b", Outcome.MEASURED, rtt_us, 1000, timed)


@pytest.mark.parametrize(
    ("env", "timed"),
    [
        ({}, Timed.REQUEST_OR_TWO),  # its default is 30 s
        ({"REFRESH_INTERVAL": "30"}, Timed.REQUEST_OR_TWO),
        ({"REFRESH_INTERVAL": "12"}, Timed.REQUEST_OR_TWO),
        ({"REFRESH_INTERVAL": "10"}, Timed.REQUEST_OR_TWO),
        ({"REFRESH_INTERVAL": "9"}, Timed.REQUEST),
        ({"REFRESH_INTERVAL": "9", "JITTER_FACTOR": "0.5"}, Timed.REQUEST_OR_TWO),
        ({"REFRESH_INTERVAL": "3"}, Timed.REQUEST),
        ({"REFRESH_INTERVAL": "0"}, Timed.REQUEST_OR_TWO),
        ({"REFRESH_INTERVAL": "-3"}, Timed.REQUEST_OR_TWO),
        ({"REFRESH_INTERVAL": "nan"}, Timed.REQUEST_OR_TWO),
        ({"REFRESH_INTERVAL": "$(SECONDS)"}, Timed.REQUEST_OR_TWO),
        ({"REFRESH_INTERVAL": ""}, Timed.REQUEST_OR_TWO),
    ],
    ids=str,
)
def test_the_interval_of_the_environment_tells_whether_a_ping_may_be_two_round_trips(
    env: Mapping[str, str], timed: Timed
) -> None:
    assert pinging_by(env).timed is timed


def test_the_interval_that_is_set_overrules_the_environment() -> None:
    assert pinging_by({"REFRESH_INTERVAL": "30"}, refresh_s=5).timed is Timed.REQUEST


@pytest.mark.parametrize(
    ("text", "limit_us"),
    [
        ("300ms", 300_000),
        ("1s", 1_000_000),
        ("1m1.5s", 61_500_000),
        ("250us", 250),
        ("", 300_000),
        ("300", 300_000),
        ("-1s", 300_000),
        ("soon", 300_000),
    ],
)
def test_the_time_limit_is_read_as_go_writes_it_or_is_the_default(text: str, limit_us: int) -> None:
    assert pinging_by({"PING_TIMEOUT": text}).limit_us == limit_us


def test_real_pings_every_30_s_are_shown_to_be_two_round_trips() -> None:
    found = calibrated(recorded("net_refresh30_healthy"), true_us)

    assert found.are_two
    assert found.pairs == 10  # a-b at 3 ms is too near to tell, in both directions
    assert 2.0 <= found.factor < 2.5


def test_real_pings_every_3_s_are_shown_to_be_one_round_trip() -> None:
    found = calibrated(recorded("net_refresh3_healthy"), true_us)

    assert found.shows_one
    assert found.twos == 0
    assert 1.0 <= found.factor < 1.3


def test_one_pair_whose_connection_was_kept_open_is_enough_to_show_it() -> None:
    pairs = recorded("net_refresh30_healthy")
    again = next(p for p in recorded("net_refresh3_healthy") if p.rtt_us > 50_000)

    assert calibrated([*pairs, again], true_us).shows_one


def test_without_agents_nothing_is_shown() -> None:
    found = calibrated(recorded("net_refresh30_healthy"), lambda _from, _to: None)

    assert not found.are_two
    assert not found.shows_one
    assert math.isnan(found.factor)


@pytest.mark.parametrize(("pairs", "twos"), [(2, 2), (5, 4)])
def test_few_pairs_or_one_that_disagrees_show_no_two(pairs: int, twos: int) -> None:
    assert not Calibration(pairs, twos, 2.0).are_two


def test_half_of_real_pings_every_30_s_is_never_below_the_distance() -> None:
    pairs = [halved(pair) for pair in recorded("net_refresh30_healthy")]

    measured = [pair for pair in pairs if pair.outcome is Outcome.MEASURED]
    too_short = [p for p in measured if p.rtt_us < true_us(p.measured_from, p.measured_to)]
    assert (len(measured), too_short) == (10, [])
    assert all(
        pair.rtt_us <= 1.3 * true_us(pair.measured_from, pair.measured_to) for pair in measured
    )
    assert {pair.timed for pair in pairs} == {Timed.HALF_REQUEST}


def test_a_half_is_rounded_up() -> None:
    assert halved(read(12_001)).rtt_us == 6_001


@pytest.mark.parametrize("rtt_us", [HTTP_FLOOR_US, 2 * HTTP_FLOOR_US - 2])
def test_a_half_below_5_ms_is_below_the_resolution(rtt_us: int) -> None:
    pair = halved(read(rtt_us))

    assert (pair.outcome, pair.rtt_us) == (Outcome.BELOW_RESOLUTION, -1)
    assert pair.resolution_us == HTTP_FLOOR_US


@pytest.mark.parametrize(
    "pair",
    [
        read(80_000, Timed.REQUEST),
        read(80_000, Timed.ROUND_TRIP),
        read(80_000, Timed.HALF_REQUEST),
        PairReading("a", "b", Outcome.FAILED, timed=Timed.REQUEST_OR_TWO),
        PairReading("a", "b", Outcome.BELOW_RESOLUTION, -1, 5_000, Timed.REQUEST_OR_TWO),
    ],
    ids=lambda pair: f"{pair.outcome.name} {pair.timed.name}",
)
def test_what_is_no_measurement_of_two_round_trips_is_not_halved(pair: PairReading) -> None:
    assert halved(pair) is pair


def test_few_pairs_of_a_large_answer_are_compared() -> None:
    asked = itertools.count()

    def trusted(_from: str, _to: str) -> int:
        next(asked)
        return 10_000

    found = calibrated((read(20_000) for _ in range(100_000)), trusted)

    assert found.pairs == next(asked) == 64


def test_a_ping_that_cannot_be_read_from_the_environment_is_as_old_as_the_default() -> None:
    assert Pinging().age_s == pytest.approx(31.8)
