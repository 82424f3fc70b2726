"""What the metrics endpoint says, in Prometheus' text form."""

import re
from pathlib import Path

import pytest

from scheduler.service.metrics import ServiceMetrics
from scheduler.service.rtt_health import RttHealth
from scheduler.service.telemetry_metrics import TelemetryMetrics

OPERATIONS = Path(__file__).parents[3] / "docs" / "operations.md"

EMPTY = {"m.csv": "m.csv: is empty"}


def metrics(wall_s: float = 1_000.0) -> ServiceMetrics:
    return ServiceMetrics("custom-scheduler", lambda: wall_s)


def lines(of: ServiceMetrics) -> list[str]:
    return of.render().decode().splitlines()


def test_the_age_of_the_round_trip_times_is_not_a_number_before_the_first() -> None:
    assert "isochrone_rtt_age_seconds NaN" in lines(metrics())


def test_the_age_of_the_round_trip_times_grows_since_they_were_taken_over() -> None:
    counted = metrics(wall_s=1_000.0)
    counted.rtt_updated_s.set(940.0)

    assert "isochrone_rtt_age_seconds 60.0" in lines(counted)
    assert "isochrone_rtt_updated_timestamp_seconds 940.0" in lines(counted)


def test_attempts_and_their_durations_are_told_apart_by_result_and_profile() -> None:
    counted = metrics()
    counted.count_attempts("scheduled", 3, duration_s=0.25)
    counted.count_attempts("unschedulable", 1)

    labels = 'profile="custom-scheduler",result="scheduled"'
    seconds = "scheduler_scheduling_attempt_duration_seconds"
    assert f"{seconds}_count{{{labels}}} 3.0" in lines(counted)
    assert f"{seconds}_sum{{{labels}}} 0.75" in lines(counted)
    refused = 'scheduler_schedule_attempts_total{profile="custom-scheduler",result="unschedulable"}'
    assert f"{refused} 1.0" in lines(counted)


def test_pods_that_enter_a_queue_are_counted_by_what_brought_them() -> None:
    counted = metrics()
    counted.count_incoming("active", "PodAdd")
    counted.count_incoming("backoff", "ScheduleAttemptFailure", 2)

    name = "scheduler_queue_incoming_pods_total"
    assert f'{name}{{event="PodAdd",queue="active"}} 1.0' in lines(counted)
    assert f'{name}{{event="ScheduleAttemptFailure",queue="backoff"}} 2.0' in lines(counted)


@pytest.mark.parametrize(
    ("health", "nodes", "age_s", "said"),
    [
        (RttHealth(""), 0, None, "no source is set"),
        (RttHealth("m.csv"), 0, None, "m.csv has not been read yet"),
        (
            RttHealth("m.csv", {"m.csv": "m.csv: is empty"}),
            0,
            None,
            "m.csv: is empty; pods that ask",
        ),
        (RttHealth("m.csv"), 3, 119.0, "of 3 nodes, taken over 119 s ago"),
        (RttHealth("m.csv"), 3, 7_200.0, "taken over 2 h ago"),
        (
            RttHealth("m.csv", {"m.csv": "m.csv: is empty"}),
            3,
            9.0,
            "ago; the source gives nothing new: m.csv",
        ),
        (RttHealth(), 3, None, "round-trip times of 3 nodes"),
    ],
)
def test_the_state_of_the_source_is_one_sentence(
    health: RttHealth, nodes: int, age_s: float | None, said: str
) -> None:
    assert said in health.sentence(nodes, age_s)


def test_every_metric_and_no_other_is_in_the_handbook() -> None:
    rows = [line for line in OPERATIONS.read_text().splitlines() if line.startswith("| `")]
    documented = {name for row in rows for name in re.findall(r"(?:scheduler|isochrone)_\w+", row)}
    exporter = metrics()
    TelemetryMetrics(exporter.registry).watch_agents(tuple)
    exported = {
        line.split()[2]
        for line in lines(exporter)
        if line.startswith("# TYPE") and "_created" not in line
    }

    assert documented == exported
