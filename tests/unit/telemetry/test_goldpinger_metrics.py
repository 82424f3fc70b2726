"""Means from Goldpinger's page of metrics, held against recorded pages of the real one."""

import json
from pathlib import Path

import pytest

from telemetry.errors import SourceMalformed
from telemetry.readings import HTTP_FLOOR_US, Outcome, PairReading, Readings, Timed
from telemetry.sources.goldpingermetrics import mean_readings, read_page
from telemetry.sources.pinging import Pinging

RECORDED = Path(__file__).parents[2] / "fixtures" / "goldpinger" / "metrics_of_node_a.json"
NODE_OF = {f"192.0.2.1{k + 1}": f"node-{name}" for k, name in enumerate("abcd")}
EVERY_3_S = Pinging(3)
LINE = (
    'goldpinger_peers_response_time_s_{what}{{call_type="ping",goldpinger_instance="node-a",'
    'host_ip="192.0.2.12",pod_ip="10.1.0.2"{more}}} {value}\n'
)


def recorded(name: str, take: int) -> bytes:
    records = json.loads(RECORDED.read_text())["records"]
    return next(str(r["body"]).encode() for r in records if (r["file"], r["take"]) == (name, take))


def means(now: bytes, before: bytes, pinging: Pinging = EVERY_3_S) -> Readings:
    return mean_readings(
        read_page(now),
        read_page(before),
        measured_from="node-a",
        node_of_address=NODE_OF,
        pinging=pinging,
    )


def of(readings: Readings, node: str) -> PairReading:
    return next(pair for pair in readings.pairs if pair.measured_to == node)


def page(pings: list[float], errors: int = 0, *, is_new: bool = False) -> bytes:
    """Return what an instance that has made `pings`, seconds each, answers."""
    lines = [LINE.format(what="sum", more="", value=sum(pings))]
    lines.append(LINE.format(what="count", more="", value=len(pings)))
    for le in ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "+Inf"):
        count = sum(ping <= float(le) for ping in pings)
        lines.append(LINE.format(what="bucket", more=f',le="{le}"', value=count))
    if errors:
        lines.append(
            f'goldpinger_errors_total{{goldpinger_instance="node-a",type="ping"}} {errors}\n'
        )
    lines.append(f"process_start_time_seconds 1.7e+09{9 if is_new else 8}\n".replace("e+09", ""))
    return "".join(lines).encode()


@pytest.mark.parametrize(
    ("name", "trues_us"),
    [
        ("net_refresh3_healthy", {"node-c": 12_000, "node-d": 80_000}),
        ("net_refresh30_healthy", {"node-b": 3_000, "node-c": 12_000, "node-d": 80_000}),
        ("A_1_healthy", {"node-c": 12_000, "node-d": 80_000}),
    ],
)
def test_a_real_mean_is_a_measurement_and_not_below_the_distance(
    name: str, trues_us: dict[str, int]
) -> None:
    readings = means(recorded(name, 2), recorded(name, 1))

    for node, true_us in trues_us.items():
        pair = of(readings, node)
        assert pair.outcome is Outcome.MEASURED
        assert true_us <= pair.rtt_us <= 3 * true_us
    assert "node-a" not in {pair.measured_to for pair in readings.pairs}


def test_refused_pings_are_doubted_and_others_count_beside_them() -> None:
    readings = means(recorded("A_2_node_d_stopped", 2), recorded("A_2_node_d_stopped", 1))

    assert of(readings, "node-d").outcome is Outcome.DOUBTFUL
    assert of(readings, "node-c").outcome is Outcome.MEASURED


@pytest.mark.parametrize("name", ["A_3_node_d_slow", "net_refresh3_node_d_cut_off"])
def test_pings_that_were_cut_off_are_no_distance(name: str) -> None:
    readings = means(recorded(name, 2), recorded(name, 1))

    assert of(readings, "node-d").outcome is Outcome.DOUBTFUL
    assert of(readings, "node-c").outcome is Outcome.MEASURED


def test_from_healthy_to_refused_no_mean_in_between_becomes_a_distance() -> None:
    """The mean of both would be 28 ms, for a node that is 80 ms away and dead."""
    readings = means(recorded("A_2_node_d_stopped", 1), recorded("A_1_healthy", 1))

    pair = of(readings, "node-d")
    assert pair.outcome is not Outcome.MEASURED or pair.rtt_us >= 80_000


def test_a_series_of_a_deleted_pod_stands_and_is_no_sample() -> None:
    readings = means(recorded("A_4_node_d_pod_deleted", 2), recorded("A_4_node_d_pod_deleted", 1))

    assert of(readings, "node-d").outcome is Outcome.NO_SAMPLES


def test_an_instance_that_has_restarted_gives_no_reading() -> None:
    after = page([0.03, 0.03, 0.03], is_new=True)

    assert means(after, page([0.03])).pairs == ()
    assert means(page([0.03]), page([0.03, 0.03])).pairs == ()  # a count that fell


def test_a_pair_that_is_new_on_the_page_has_no_mean_yet() -> None:
    elsewhere = page([0.03]).replace(b"10.1.0.2", b"10.1.0.9")

    both = means(page([0.03] * 5) + elsewhere.split(b"process")[0], page([0.03]))

    assert [pair.rtt_us for pair in both.pairs] == [30_000]


@pytest.mark.parametrize(
    ("added", "errors", "outcome", "rtt_us"),
    [
        ([0.020, 0.030], 0, Outcome.MEASURED, 25_000),
        ([0.020, 0.030], 1, Outcome.MEASURED, 25_000),  # another peer's ping failed
        ([0.080, 0.0005, 0.0005], 2, Outcome.MEASURED, 81_000),  # the rest alone, and never less
        ([0.080, 0.301], 1, Outcome.DOUBTFUL, -1),
        ([0.301, 0.301], 2, Outcome.DOUBTFUL, -1),
        ([0.301, 0.301], 0, Outcome.DOUBTFUL, -1),
        ([0.0005, 0.0005], 2, Outcome.DOUBTFUL, -1),
        ([0.0005, 0.0005], 0, Outcome.BELOW_RESOLUTION, -1),
        ([0.004, 0.006], 0, Outcome.MEASURED, 10_000),
        ([], 0, Outcome.NO_SAMPLES, -1),
    ],
    ids=str,
)
def test_what_was_added_between_two_takes_is_judged(
    added: list[float], errors: int, outcome: Outcome, rtt_us: int
) -> None:
    readings = means(page([0.02, *added], errors), page([0.02]))

    pair = of(readings, "node-b")
    assert pair.outcome is outcome
    assert pair.rtt_us == pytest.approx(rtt_us, abs=1)
    assert pair.resolution_us == HTTP_FLOOR_US


def test_a_limit_that_is_set_is_a_limit() -> None:
    readings = means(page([0.02, 0.301, 0.301]), page([0.02]), Pinging(3, limit_us=1_000_000))

    assert of(readings, "node-b").rtt_us == pytest.approx(301_000, abs=1)


def test_a_mean_at_a_long_interval_may_be_two_round_trips() -> None:
    readings = means(page([0.02, 0.04]), page([0.02]), Pinging(30))

    assert of(readings, "node-b").timed is Timed.REQUEST_OR_TWO


def test_calls_that_are_no_pings_do_not_count() -> None:
    check = page([0.9, 0.9]).replace(b'"ping"', b'"check"')

    assert (
        means(page([0.02, 0.04]) + check.split(b"process")[0], page([0.02])).pairs[0].rtt_us
        == 40_000
    )


def test_an_address_of_no_known_node_is_named() -> None:
    known, strange = page([0.02]), page([0.02]).replace(b"192.0.2.12", b"192.0.2.99")

    assert means(known, strange).unmapped == ()
    assert means(strange, strange).unmapped == ("192.0.2.99",)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"\xff\xfe",
        b"up 1\n",
        b'goldpinger_errors_total{type="ping"} NaN\n',
        b'goldpinger_errors_total{type="ping"} -1\n',
        b'goldpinger_peers_response_time_s_sum{call_type="ping"} fast\n',
        b'goldpinger_peers_response_time_s_sum{call_type="ping"\n',
        page([0.02]) + page([0.02]).replace(b'"node-a"', b'"node-b"'),
    ],
    ids=["empty", "html", "binary", "other", "nan", "negative", "word", "cut", "two instances"],
)
def test_a_page_that_is_not_one_instance_s_is_refused(body: bytes) -> None:
    with pytest.raises(SourceMalformed):
        read_page(body)
