"""The reader of Prometheus, held against recorded answers of the real one."""

import json
from pathlib import Path
from typing import Any

import pytest

from telemetry.errors import SourceMalformed
from telemetry.readings import HTTP_FLOOR_US, Outcome, PairReading, Readings, Timed
from telemetry.sources.presets import PRESETS, LabelRule, Preset
from telemetry.sources.prometheus import read_vector
from tests.said import said

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

    assert (
        PairReading("node-a", "node-d", Outcome.MEASURED, 82_290, timed=Timed.REQUEST_OR_TWO)
        in readings.pairs
    )


def test_both_directions_of_a_pair_are_kept_apart() -> None:
    readings = read_vector(rows("net_healthy_refresh3_window30s"), GOLDPINGER, node_of=NODE_OF)

    found = said(NODES, readings.pairs)

    assert (found["node-b", "node-d"], found["node-d", "node-b"]) == (64_297, 62_587)


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

    asked = preset.promql(120)

    assert "{window}" not in asked
    assert "{reach}" not in asked
    assert asked.count("offset 120s") == preset.query.count("offset {window}")
    assert asked.count("[420s]") == preset.query.count("[{reach}]")


@pytest.mark.parametrize(
    ("value", "host"),
    [
        ("10.0.0.7", "10.0.0.7"),
        ("10.0.0.7:9374", "10.0.0.7"),
        ("[fd00::7]:9374", "fd00::7"),
        ("[fd00::7]", "fd00::7"),
        ("fd00::7", "fd00::7"),
        ("edge-1.example.net:80", "edge-1.example.net"),
    ],
)
def test_a_scrape_address_is_read_without_its_port(value: str, host: str) -> None:
    assert PRESETS["smokeping"].measured_from.value({"instance": value}) == host


@pytest.mark.parametrize(
    ("seconds", "outcome", "rtt_us"),
    [
        ("0.0049", Outcome.BELOW_RESOLUTION, -1),
        ("0.005", Outcome.MEASURED, 5_000),
        ("0.08", Outcome.MEASURED, 80_000),
    ],
)
def test_the_time_of_a_request_is_never_less_than_5_ms(
    seconds: str, outcome: Outcome, rtt_us: int
) -> None:
    http = Preset("rtt", LabelRule("from"), LabelRule("to"), kind="http")

    (pair,) = read_vector([row(seconds)], http, node_of=NODE_OF).pairs

    assert (pair.outcome, pair.rtt_us) == (outcome, rtt_us)
    assert pair.timed is Timed.REQUEST_OR_TWO
    assert outcome is Outcome.MEASURED or pair.resolution_us == HTTP_FLOOR_US


def test_milliseconds_are_read_where_they_are_stated() -> None:
    in_ms = Preset("rtt", LabelRule("from"), LabelRule("to"), unit_us=1_000)

    readings = read_vector([row("25.0001"), row("600000.1", "node-c")], in_ms, node_of=NODE_OF)

    assert [pair.rtt_us for pair in readings.pairs] == [25_001, -1]


def test_of_several_rows_of_a_pair_the_largest_counts_and_it_is_said() -> None:
    rows_of_one = [row("0.02"), row("NaN"), row("0.03"), row("0.01")]

    readings = read_vector(rows_of_one, ANY, node_of=NODE_OF)

    assert [pair.rtt_us for pair in readings.pairs] == [30_000]
    assert readings.notes == ("3 rows are of pairs that have another row: the largest one counts",)


def test_a_mean_is_as_old_as_its_window_and_a_gauge_as_old_as_prometheus_looks_back() -> None:
    assert PRESETS["goldpinger"].age_s(120) == 120
    assert PRESETS["blackbox"].age_s(120) == 300
