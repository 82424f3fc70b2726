"""The reader of Goldpinger, held against recorded answers of the real one."""

import itertools
import json
from pathlib import Path

import pytest

from telemetry.errors import SourceMalformed, SourceRefused, SourceUnavailable
from telemetry.matrix import matrix_from_pairs
from telemetry.model import UNKNOWN_US
from telemetry.readings import Outcome, PairReading, Readings
from telemetry.sources.goldpinger import fetch_check_all, fetch_checks, read_check, read_check_all
from tests.canned_http import Canned, serving

RECORDED = Path(__file__).parents[2] / "fixtures" / "goldpinger"
NODES = ("node-a", "node-b", "node-c", "node-d")
NODE_OF_ADDRESS = {f"192.0.2.1{k + 1}": node for k, node in enumerate(NODES)}
TRUE_MS = {"ab": 3, "ac": 12, "ad": 80, "bc": 25, "bd": 60, "cd": 45}
NOWHERE = "http://127.0.0.1:9"  # the discard port: nobody listens


def recorded(name: str, instance: str, path: str = "/check") -> bytes:
    records = json.loads((RECORDED / f"{name}.json").read_text())["records"]
    return next(
        str(r["body"]).encode() for r in records if (r["instance"], r["path"]) == (instance, path)
    )


def of_pair(readings: Readings, measured_from: str, measured_to: str) -> PairReading:
    pair = (measured_from, measured_to)
    return next(p for p in readings.pairs if (p.measured_from, p.measured_to) == pair)


def test_a_whole_millisecond_is_read_as_the_end_of_its_step() -> None:
    body = recorded("A_1_healthy", "node-a")  # node-b: "response-time-ms": 4

    readings = read_check(body, measured_from="node-a", node_of_address=NODE_OF_ADDRESS)

    assert of_pair(readings, "node-a", "node-b").rtt_us == 5_000


def test_a_missing_time_of_a_good_ping_is_below_the_resolution_and_no_number() -> None:
    body = recorded("B_1_healthy", "node-b")  # node-a: OK, without a time

    readings = read_check(body, measured_from="node-b", node_of_address=NODE_OF_ADDRESS)

    near = of_pair(readings, "node-b", "node-a")
    assert (near.outcome, near.rtt_us) == (Outcome.BELOW_RESOLUTION, UNKNOWN_US)


@pytest.mark.parametrize("instance", ["node-a", "node-c"])  # without a time; with 1 ms
def test_a_refused_ping_is_a_failure_and_no_number(instance: str) -> None:
    body = recorded("A_2_node_d_stopped", instance)

    readings = read_check(body, measured_from=instance, node_of_address=NODE_OF_ADDRESS)

    refused = of_pair(readings, instance, "node-d")
    assert (refused.outcome, refused.rtt_us) == (Outcome.FAILED, UNKNOWN_US)


def test_a_timed_out_ping_is_a_failure_and_not_its_time_limit() -> None:
    body = recorded("A_3_node_d_slow", "node-a")

    readings = read_check(body, measured_from="node-a", node_of_address=NODE_OF_ADDRESS)

    assert of_pair(readings, "node-a", "node-d").outcome is Outcome.FAILED


def test_a_node_s_ping_of_itself_is_left_out() -> None:
    body = recorded("A_1_healthy", "node-a")

    readings = read_check(body, measured_from="node-a", node_of_address=NODE_OF_ADDRESS)

    assert {p.measured_to for p in readings.pairs} == {"node-b", "node-c", "node-d"}


def test_an_address_of_no_known_node_is_named_and_left_out() -> None:
    body = recorded("A_1_healthy", "node-a")
    known = {k: v for k, v in NODE_OF_ADDRESS.items() if v != "node-c"}

    readings = read_check(body, measured_from="node-a", node_of_address=known)

    assert readings.unmapped == ("192.0.2.13",)
    assert {p.measured_to for p in readings.pairs} == {"node-b", "node-d"}


def test_check_all_gives_both_directions_of_every_pair() -> None:
    body = recorded("A_1_healthy", "node-a", "/check_all")

    readings = read_check_all(body, node_of_address=NODE_OF_ADDRESS)

    pairs = {(p.measured_from, p.measured_to) for p in readings.pairs}
    assert pairs == set(itertools.permutations(NODES, 2))


def test_an_instance_that_did_not_answer_check_all_is_silent() -> None:
    body = recorded("A_2_node_d_stopped", "node-a", "/check_all")

    readings = read_check_all(body, node_of_address=NODE_OF_ADDRESS)

    assert readings.silent == ("node-d",)
    assert {p.measured_from for p in readings.pairs} == {"node-a", "node-b", "node-c"}


def test_keys_that_are_pod_names_map_to_nodes_by_address() -> None:
    body = recorded("B_1_healthy", "node-a", "/check_all")

    readings = read_check_all(body, node_of_address=NODE_OF_ADDRESS)

    assert {p.measured_from for p in readings.pairs} <= set(NODES)
    assert not readings.unmapped


def test_a_partial_mesh_leaves_what_nobody_asked_unknown() -> None:
    answers = {n: recorded("B_1_healthy", n) for n in NODES}
    pairs = [
        pair
        for node, body in answers.items()
        for pair in read_check(body, measured_from=node, node_of_address=NODE_OF_ADDRESS).pairs
    ]

    matrix = matrix_from_pairs(NODES, pairs)

    c, d = matrix.index["node-c"], matrix.index["node-d"]
    assert matrix.rtt_us[c, d] == UNKNOWN_US
    assert matrix.from_node(c)[d] == 14_000  # the other direction was asked


@pytest.mark.parametrize("name", ["net_refresh3_healthy", "net_refresh30_healthy"])
def test_no_reading_is_shorter_than_the_true_round_trip(name: str) -> None:
    readings = [
        pair
        for node in NODES
        for pair in read_check(
            recorded(name, node), measured_from=node, node_of_address=NODE_OF_ADDRESS
        ).pairs
    ]

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
        read_check(body, measured_from="node-a", node_of_address=NODE_OF_ADDRESS)


def test_check_all_is_fetched_from_one_instance() -> None:
    body = recorded("A_1_healthy", "node-a", "/check_all")

    with serving({"/check_all": Canned(body)}) as url:
        readings = fetch_check_all(f"{url}/", NODE_OF_ADDRESS)

    assert len(readings.pairs) == 12


def test_a_dead_instance_costs_only_its_own_readings() -> None:
    answers = {"/b/check": Canned(recorded("A_1_healthy", "node-a"))}

    with serving(answers) as url:
        readings = fetch_checks({"node-a": NOWHERE, "node-b": f"{url}/b"}, NODE_OF_ADDRESS)

    assert readings.silent == ("node-a",)
    assert {p.measured_from for p in readings.pairs} == {"node-b"}


def test_a_mesh_of_which_nobody_answers_is_unavailable() -> None:
    with pytest.raises(SourceUnavailable, match="none of 1 instances"):
        fetch_checks({"node-a": NOWHERE}, NODE_OF_ADDRESS)


def test_an_error_status_is_refused_with_its_number() -> None:
    with serving({"/check_all": Canned(b"{}", 418)}) as url, pytest.raises(SourceRefused) as caught:
        fetch_check_all(url, NODE_OF_ADDRESS)

    assert caught.value.status == 418


def test_an_answer_that_trickles_past_the_deadline_is_unavailable() -> None:
    clock = itertools.count(0, 60).__next__  # a minute passes between any two looks

    with serving({"/check_all": Canned(b"{}")}) as url, pytest.raises(SourceUnavailable):
        fetch_check_all(url, NODE_OF_ADDRESS, clock=clock)
