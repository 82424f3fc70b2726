"""The reader of Prometheus, held against recorded answers of the real one."""

import json
from pathlib import Path
from typing import Any

import pytest

from telemetry.errors import SourceMalformed, SourceRefused, SourceUnavailable
from telemetry.matrix import matrix_from_pairs
from telemetry.readings import Outcome, PairReading, Readings
from telemetry.sources.presets import PRESETS, LabelRule, Preset
from telemetry.sources.prometheus import fetch_vector, read_vector
from tests.canned_http import Canned, serving

RECORDED = Path(__file__).parents[2] / "fixtures" / "prometheus"
NODES = ("node-a", "node-b", "node-c", "node-d")
NODE_OF = {f"192.0.2.1{k + 1}": node for k, node in enumerate(NODES)} | {n: n for n in NODES}
GOLDPINGER = PRESETS["goldpinger"]
LOOPBACK = {"127.0.0.1": "node-a", "127.0.10.1": "node-b", "127.0.10.2": "node-c"}
ANY = Preset("rtt", LabelRule("from"), LabelRule("to"))


def recorded(name: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text())
    return answer


def rows(name: str) -> list[Any]:
    result: list[Any] = json.loads(recorded(name)["body"])["data"]["result"]
    return result


def row(value: str, measured_to: str = "node-b") -> dict[str, Any]:
    return {"metric": {"from": "node-a", "to": measured_to}, "value": [1.0, value]}


def outcomes(readings: Readings, node: str) -> set[Outcome]:
    return {p.outcome for p in readings.pairs if node in (p.measured_from, p.measured_to)}


def test_a_mean_in_seconds_becomes_whole_microseconds_never_shorter() -> None:
    readings = read_vector(rows("A_1_healthy_mean_ping"), GOLDPINGER, node_of=NODE_OF)

    assert PairReading("node-a", "node-d", Outcome.MEASURED, 82_290) in readings.pairs


def test_both_directions_of_a_pair_are_kept_apart() -> None:
    readings = read_vector(rows("net_healthy_refresh3_window30s"), GOLDPINGER, node_of=NODE_OF)

    matrix = matrix_from_pairs(NODES, readings.pairs)

    assert (matrix.rtt_us[1, 3], matrix.rtt_us[3, 1]) == (64_297, 62_587)


def test_refused_pings_never_make_a_dead_node_the_nearest() -> None:
    readings = read_vector(rows("A_2_node_d_stopped_mean_ping"), GOLDPINGER, node_of=NODE_OF)

    assert outcomes(readings, "node-d") == {Outcome.DOUBTFUL}


def test_a_goldpinger_mean_at_its_time_limit_is_not_a_distance() -> None:
    readings = read_vector(rows("A_3_node_d_slow_mean_ping"), GOLDPINGER, node_of=NODE_OF)

    towards_d = {p.outcome for p in readings.pairs if p.measured_to == "node-d"}
    assert towards_d == {Outcome.DOUBTFUL}


def test_series_of_a_deleted_pod_are_without_samples() -> None:
    readings = read_vector(
        rows("A_4_node_d_pod_deleted_mean_ping_unguarded"), GOLDPINGER, node_of=NODE_OF
    )

    assert outcomes(readings, "node-d") == {Outcome.NO_SAMPLES}


def test_a_failed_blackbox_probe_reads_zero_and_is_a_failure() -> None:
    labelled = rows("blackbox_loopback_icmp_rtt")
    for entry in labelled:
        entry["metric"]["source_node"] = "here"  # what relabelling adds
    node_of = {"here": "node-a", "127.0.10.1": "node-b", "192.0.2.99": "node-d"}

    readings = read_vector(labelled, PRESETS["blackbox"], node_of=node_of)

    assert outcomes(readings, "node-b") == {Outcome.MEASURED}
    assert outcomes(readings, "node-d") == {Outcome.FAILED}


def test_a_row_whose_labels_do_not_tell_the_source_is_named() -> None:
    readings = read_vector(
        rows("blackbox_loopback_icmp_rtt"), PRESETS["blackbox"], node_of=LOOPBACK
    )

    assert readings.pairs == ()
    assert "(no label source_node)" in readings.unmapped


def test_smokeping_rows_map_by_scrape_address_and_target_address() -> None:
    readings = read_vector(rows("smokeping_loopback_mean"), PRESETS["smokeping"], node_of=LOOPBACK)

    assert [(p.measured_from, p.measured_to, p.rtt_us) for p in readings.pairs] == [
        ("node-a", "node-b", 226),
        ("node-a", "node-c", 228),
    ]


def test_an_empty_result_has_no_readings_and_is_no_error() -> None:
    assert read_vector(rows("A_1_healthy_empty_result"), GOLDPINGER, node_of=NODE_OF) == Readings()


@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        ("NaN", Outcome.NO_SAMPLES),
        ("-1", Outcome.FAILED),
        ("0", Outcome.FAILED),
        ("-0", Outcome.FAILED),
        ("+Inf", Outcome.FAILED),
        ("-Inf", Outcome.FAILED),
        ("1e300", Outcome.FAILED),
        ("600.000001", Outcome.FAILED),
        ("600", Outcome.MEASURED),
        ("1e-9", Outcome.MEASURED),
    ],
)
def test_only_a_value_that_can_be_a_distance_is_measured(value: str, outcome: Outcome) -> None:
    readings = read_vector([row(value)], ANY, node_of=NODE_OF)

    assert [p.outcome for p in readings.pairs] == [outcome]


@pytest.mark.parametrize(
    "result",
    [
        None,
        "12",
        {"a": 1},
        [None],
        [{}],
        [1.0, "0.5"],  # a scalar
        [{"metric": {}, "values": [[1.0, "2"]]}],  # a range
        [{"metric": {}, "value": [1.0]}],
        [{"metric": {}, "value": [1.0, "fast"]}],
        [{"metric": [], "value": [1.0, "2"]}],
    ],
    ids=str,
)
def test_a_result_that_is_no_instant_vector_is_refused(result: object) -> None:
    with pytest.raises(SourceMalformed):
        read_vector(result, ANY, node_of=NODE_OF)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_preset_fills_in_its_window(name: str) -> None:
    preset = PRESETS[name]

    assert "{window}" not in preset.promql(120)
    assert preset.promql(120).count("[120s]") == preset.query.count("[{window}]")


@pytest.mark.parametrize(
    ("value", "host"),
    [
        ("10.0.0.7", "10.0.0.7"),
        ("10.0.0.7:9374", "10.0.0.7"),
        ("[fd00::7]:9374", "fd00::7"),
        ("edge-1.example.net:80", "edge-1.example.net"),
    ],
)
def test_a_scrape_address_is_read_without_its_port(value: str, host: str) -> None:
    assert PRESETS["smokeping"].measured_from.value({"instance": value}) == host


def test_the_answer_of_a_server_is_fetched_and_read() -> None:
    body = recorded("A_1_healthy_mean_ping")["body"].encode()

    with serving({"/api/v1/query": Canned(body)}) as url:
        readings = fetch_vector(f"{url}/", GOLDPINGER, NODE_OF)

    assert len(readings.pairs) == 12


@pytest.mark.parametrize(
    ("name", "status"),
    [("A_1_healthy_error_400_parse", 400), ("A_1_healthy_error_422_execution", 422)],
)
def test_a_refused_query_says_its_status(name: str, status: int) -> None:
    canned = Canned(recorded(name)["body"].encode(), recorded(name)["status"])

    with serving({"/api/v1/query": canned}) as url, pytest.raises(SourceRefused) as caught:
        fetch_vector(url, GOLDPINGER, NODE_OF)

    assert caught.value.status == status


@pytest.mark.parametrize(
    "body", [b"<html>login</html>", b"{}", b"[]", b'{"data": null}', b'{"data": {"result": 7}}']
)
def test_a_success_that_is_not_prometheus_is_malformed(body: bytes) -> None:
    with serving({"/api/v1/query": Canned(body)}) as url, pytest.raises(SourceMalformed):
        fetch_vector(url, GOLDPINGER, NODE_OF)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "not a url"])
def test_an_address_where_nobody_answers_is_unavailable(url: str) -> None:
    with pytest.raises(SourceUnavailable):
        fetch_vector(url, GOLDPINGER, NODE_OF)
