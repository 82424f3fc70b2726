"""The reader of Goldpinger, held against recorded answers of the real one."""

import itertools
import json
from pathlib import Path

import pytest

from telemetry.errors import SourceMalformed
from telemetry.model import UNKNOWN_US
from telemetry.readings import HTTP_FLOOR_US, Outcome, PairReading, Readings, Timed, joined
from telemetry.sources.goldpinger import read_check, read_check_all
from telemetry.sources.pinging import Pinging
from tests.said import said

RECORDED = Path(__file__).parents[2] / "fixtures" / "goldpinger"
NODES = ("node-a", "node-b", "node-c", "node-d")
NODE_OF_ADDRESS = {f"192.0.2.1{k + 1}": node for k, node in enumerate(NODES)}
TRUE_MS = {"ab": 3, "ac": 12, "ad": 80, "bc": 25, "bd": 60, "cd": 45}


def recorded(name: str, instance: str, path: str = "/check") -> bytes:
    records = json.loads((RECORDED / f"{name}.json").read_text())["records"]
    return next(
        str(r["body"]).encode() for r in records if (r["instance"], r["path"]) == (instance, path)
    )


def check(body: bytes, measured_from: str) -> Readings:
    return read_check(body, measured_from=measured_from, node_of_address=NODE_OF_ADDRESS).readings


def check_all(body: bytes) -> Readings:
    said, rest = read_check_all(body, node_of_address=NODE_OF_ADDRESS)
    return joined([*(checked.readings for checked in said), rest])


def of_pair(readings: Readings, measured_from: str, measured_to: str) -> PairReading:
    pair = (measured_from, measured_to)
    return next(p for p in readings.pairs if (p.measured_from, p.measured_to) == pair)


def test_a_whole_millisecond_is_read_as_the_end_of_its_step() -> None:
    body = recorded("A_1_healthy", "node-a")  # node-b: "response-time-ms": 4

    readings = check(body, "node-a")

    assert of_pair(readings, "node-a", "node-b").rtt_us == 5_000


def test_less_than_5_ms_is_no_more_than_below_5_ms() -> None:
    body = recorded("A_1_healthy", "node-a").replace(
        b'"response-time-ms":4', b'"response-time-ms":3'
    )

    near = of_pair(check(body, "node-a"), "node-a", "node-b")

    assert (near.outcome, near.rtt_us) == (Outcome.BELOW_RESOLUTION, UNKNOWN_US)
    assert near.resolution_us == HTTP_FLOOR_US


def test_a_missing_time_of_a_good_ping_is_below_the_resolution_and_no_number() -> None:
    body = recorded("B_1_healthy", "node-b")  # node-a: OK, without a time

    readings = check(body, "node-b")

    near = of_pair(readings, "node-b", "node-a")
    assert (near.outcome, near.rtt_us) == (Outcome.BELOW_RESOLUTION, UNKNOWN_US)


@pytest.mark.parametrize("instance", ["node-a", "node-c"])  # without a time; with 1 ms
def test_a_refused_ping_is_a_failure_and_no_number(instance: str) -> None:
    body = recorded("A_2_node_d_stopped", instance)

    readings = check(body, instance)

    refused = of_pair(readings, instance, "node-d")
    assert (refused.outcome, refused.rtt_us) == (Outcome.FAILED, UNKNOWN_US)


def test_a_timed_out_ping_is_a_failure_and_not_its_time_limit() -> None:
    body = recorded("A_3_node_d_slow", "node-a")

    readings = check(body, "node-a")

    assert of_pair(readings, "node-a", "node-d").outcome is Outcome.FAILED


def test_a_node_s_ping_of_itself_is_left_out() -> None:
    body = recorded("A_1_healthy", "node-a")

    readings = check(body, "node-a")

    assert {p.measured_to for p in readings.pairs} == {"node-b", "node-c", "node-d"}


def test_an_address_of_no_known_node_is_named_and_left_out() -> None:
    body = recorded("A_1_healthy", "node-a")
    known = {k: v for k, v in NODE_OF_ADDRESS.items() if v != "node-c"}

    readings = read_check(body, measured_from="node-a", node_of_address=known).readings

    assert readings.unmapped == ("192.0.2.13",)
    assert {p.measured_to for p in readings.pairs} == {"node-b", "node-d"}


def test_check_all_gives_both_directions_of_every_pair() -> None:
    body = recorded("A_1_healthy", "node-a", "/check_all")

    readings = check_all(body)

    pairs = {(p.measured_from, p.measured_to) for p in readings.pairs}
    assert pairs == set(itertools.permutations(NODES, 2))


def test_an_instance_that_did_not_answer_check_all_is_silent() -> None:
    body = recorded("A_2_node_d_stopped", "node-a", "/check_all")

    readings = check_all(body)

    assert readings.silent == ("node-d",)
    assert {p.measured_from for p in readings.pairs} == {"node-a", "node-b", "node-c"}


def test_keys_that_are_pod_names_map_to_nodes_by_address() -> None:
    body = recorded("B_1_healthy", "node-a", "/check_all")

    readings = check_all(body)

    assert {p.measured_from for p in readings.pairs} <= set(NODES)
    assert not readings.unmapped


def test_a_partial_mesh_leaves_what_nobody_asked_unknown() -> None:
    answers = {n: recorded("B_1_healthy", n) for n in NODES}
    pairs = [pair for node, body in answers.items() for pair in check(body, node).pairs]

    found = said(NODES, pairs)

    assert ("node-c", "node-d") not in found
    assert found["node-d", "node-c"] == 14_000  # the other direction was asked


@pytest.mark.parametrize("name", ["net_refresh3_healthy", "net_refresh30_healthy"])
def test_no_reading_is_shorter_than_the_true_round_trip(name: str) -> None:
    readings = [pair for node in NODES for pair in check(recorded(name, node), node).pairs]

    too_short = [
        pair
        for pair in readings
        if pair.rtt_us
        < 1000 * TRUE_MS["".join(sorted(pair.measured_from[-1] + pair.measured_to[-1]))]
    ]
    assert (len(readings), too_short) == (12, [])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"podResults": null}',
        b'{"podResults": {"a": {"OK": true, "response-time-ms": -1}}}',
        b'{"podResults": {"a": {"OK": true, "response-time-ms": 1e400}}}',
        b'{"podResults": {"a": {"OK": "yes"}}}',
        b"\xff\xfe",
    ],
)
def test_an_answer_in_another_form_is_refused_as_a_whole(body: bytes) -> None:
    with pytest.raises(SourceMalformed, match="not an answer of Goldpinger"):
        check(body, "node-a")


def test_a_cut_off_node_is_a_failure_in_either_direction() -> None:
    pairs = [
        pair
        for node in NODES
        for pair in check(recorded("net_refresh3_node_d_cut_off", node), node).pairs
    ]

    towards_d = {
        pair.outcome for pair in pairs if "node-d" in (pair.measured_from, pair.measured_to)
    }
    others = {pair.outcome for pair in pairs} - towards_d
    assert (towards_d, others) == ({Outcome.FAILED}, {Outcome.MEASURED})


def test_a_ping_says_whether_it_may_be_two_round_trips() -> None:
    body = recorded("A_1_healthy", "node-a")

    for pinging, timed in ((Pinging(3), Timed.REQUEST), (Pinging(30), Timed.REQUEST_OR_TWO)):
        checked = read_check(
            body, measured_from="node-a", node_of_address=NODE_OF_ADDRESS, pinging=pinging
        )
        assert {pair.timed for pair in checked.readings.pairs} == {timed}
        assert checked.readings.age_s == pinging.age_s


def test_a_ping_that_others_have_left_far_behind_is_no_sample() -> None:
    """The instance goes on pinging; this peer it pings no more."""
    body = recorded("A_1_healthy", "node-a").replace(b"12:34:12.194Z", b"12:32:12.194Z")  # node-c

    readings = check(body, "node-a")

    assert of_pair(readings, "node-a", "node-c").outcome is Outcome.NO_SAMPLES
    assert of_pair(readings, "node-a", "node-d").outcome is Outcome.MEASURED


def test_of_two_pods_on_one_node_the_farther_counts_and_a_dead_one_does_not() -> None:
    results = [
        {"HostIP": "192.0.2.12", "OK": True, "response-time-ms": 20},
        {"HostIP": "192.0.2.12", "OK": True, "response-time-ms": 30},
        {"HostIP": "192.0.2.12", "OK": False, "response-time-ms": 300},
    ]
    for order in itertools.permutations(results):
        body = json.dumps({"podResults": dict(enumerate(order))}).encode()

        (pair,) = check(body, "node-a").pairs

        assert pair.rtt_us == 31_000


def test_an_answer_that_nests_too_deep_is_refused() -> None:
    body = b'{"podResults": {"a": {"error": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}}"

    with pytest.raises(SourceMalformed):
        check(body, "node-a")
