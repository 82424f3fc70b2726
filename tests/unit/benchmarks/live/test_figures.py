"""From stamps to figures, from figures to a table; and the order of the runs."""

from pathlib import Path

import pytest

from benchmarks.live.contenders import (
    OURS,
    STOCK,
    Contender,
    Started,
    ours,
    stock,
    stock_configuration,
)
from benchmarks.live.load import due_s
from benchmarks.live.measured import Case, Ceiling, Cpu, Failure, Run, rate, spread, waits_ms
from benchmarks.live.report import ceilings, remarks, table
from benchmarks.live.series import cases, turns

CREATED = {"a": 0.0, "b": 1.0, "c": 2.0}
BOUND = {"a": 3.0, "b": 4.0, "c": 5.0}
CASE = Case(1_000, "drain", 100, 500)


def run(scheduler: str, pods_per_s: float, cpu_s: float, **changed: object) -> Run:
    cpu = Cpu(scheduler=cpu_s, api_server=1.0, etcd=0.5, clients=0.25, machine=cpu_s + 2.75)
    facts: dict[str, object] = {
        "at": "2026-11-23T00:00:00+00:00",
        "case": CASE,
        "scheduler": scheduler,
        "load_before": 0.1,
        "pods_per_s": pods_per_s,
        "p50_ms": 1_000.0,
        "p99_ms": 2_000.0,
        "window_s": 2.0,
        "cpu_window": cpu,
        "scheduler_cpu_s": cpu_s + 1,
        "peak_mb": 100.0,
        "first_bind_s": 1.0,
        "events": {"Scheduled x1": 100},
        "streams": 1,
        "faults": [],
    }
    return Run(**(facts | changed))  # type: ignore[arg-type]


def test_a_drain_is_counted_from_its_first_binding() -> None:
    assert rate("drain", CREATED, BOUND) == pytest.approx(2 / 2)


def test_an_arrival_is_counted_from_its_first_pod() -> None:
    assert rate("arrival", CREATED, BOUND) == pytest.approx(3 / 5)


def test_nobody_waits_for_a_scheduler_before_it_is_started() -> None:
    p50_ms, _ = waits_ms(CREATED, BOUND, not_before_s=2.5)

    assert p50_ms == pytest.approx(1_500)


def test_a_wait_is_counted_from_the_pod_on() -> None:
    p50_ms, p99_ms = waits_ms(CREATED, BOUND | {"c": 12.0}, not_before_s=-1.0)

    assert p50_ms == pytest.approx(3_000)
    assert p99_ms == pytest.approx(9_860)


def test_one_value_has_no_spread() -> None:
    assert [spread([1_234.4]), spread([3.0, 1.0, 2.0], 1)] == ["1,234", "2.0 (1.0-3.0)"]


def test_other_work_is_what_nobody_of_ours_has_used() -> None:
    assert run(OURS, 1.0, 4.0).others_cores == pytest.approx(1.0 / 2.0)


def test_a_row_compares_the_medians_of_both() -> None:
    runs = [
        run(STOCK, 200.0, 0.2),
        run(OURS, 300.0, 0.1),
        run(OURS, 500.0, 0.1),
        run(STOCK, 200.0, 0.2),
    ]

    cells = [cell.strip() for cell in table(runs).splitlines()[2].split("|")[1:-1]]

    assert cells[:5] == ["1,000", "plain", "drain", "500 + 100", "2"]
    assert cells[5:8] == ["400 (300-500)", "200 (200-200)", "2.00"]
    assert cells[10:13] == ["1.00 (1.00-1.00)", "2.00 (2.00-2.00)", "0.50"]
    assert cells[13] == "11.00 (11.00-11.00)"


def test_every_row_has_a_cell_a_head() -> None:
    lines = table([run(STOCK, 1.0, 1.0), run(OURS, 1.0, 1.0)]).splitlines()

    assert len({line.count("|") for line in lines}) == 1


def test_of_a_scheduler_that_gave_nothing_the_cells_are_empty_and_there_are_no_ratios() -> None:
    cells = [c.strip() for c in table([run(STOCK, 200.0, 0.2)]).splitlines()[2].split("|")[1:-1]]

    assert cells[4:8] == ["0 / 1", "", "200", ""]
    assert cells[10:13] == ["", "2.00", ""]


def test_each_scenario_has_a_row() -> None:
    spread = Case(1_000, "drain", 100, 500, "spread")

    lines = table([run(STOCK, 1.0, 1.0), run(STOCK, 1.0, 1.0, case=spread)]).splitlines()

    assert [line.split("|")[2].strip() for line in lines[2:]] == ["plain", "spread"]


def test_a_ceiling_has_the_median_of_its_runs() -> None:
    tops = [Ceiling("", 1_000, "bindings", per_s, 0.0) for per_s in (1.0, 2.0, 3.0)]

    assert ceilings(tops).splitlines()[2] == "| 1,000 | bindings | 2 (1-3) |"


def test_faults_and_events_that_are_not_one_a_pod_are_told() -> None:
    runs = [run(OURS, 1.0, 1.0, faults=["n1 is full"], events={"Scheduled x1": 99})]

    said = remarks(runs)

    assert [text.rpartition("+00:00: ")[2] for text in said] == [
        "n1 is full",
        "events by reason and number a pod: {'Scheduled x1': 99}",
    ]


def test_a_run_that_gave_nothing_is_told() -> None:
    why = "all pods are bound: not within 9 s; the end of its log:\nwoe"

    (said,) = remarks([], [Failure("2026", CASE, OURS, 99, why)])

    assert said.startswith("isochrone, plain, drain, 1,000 nodes, 2026: no figures, 99 of 100 pods")
    assert said.endswith("not within 9 s")


def test_a_run_as_it_should_be_needs_no_remark() -> None:
    assert remarks([run(OURS, 1.0, 1.0)]) == []


def test_each_contender_is_first_in_every_other_repeat() -> None:
    def start(_account: Path, _place: Path) -> Started:
        raise AssertionError

    one, other = Contender("one", "one", start), Contender("other", "other", start)

    order = [contender.name for _, contender in turns(CASE, (one, other), 3)]

    assert order == ["one", "other", "other", "one", "one", "other"]


def test_a_large_cluster_has_more_presets_and_a_paced_case_fewer_pods() -> None:
    assert cases(5_000, "plain", ("drain", "paced"), 0) == [
        Case(5_000, "drain", 2_500, 1_000),
        Case(5_000, "paced", 500, 1_000),
    ]


def test_pods_are_due_at_the_pace_that_is_asked() -> None:
    assert list(due_s(3, 50.0)) == [(0, 0.0), (1, 0.02), (2, 0.04)]


def test_without_a_pace_all_are_due_at_once() -> None:
    assert [at_s for _, at_s in due_s(3, 0.0)] == [0.0, 0.0, 0.0]


def test_the_two_take_pods_of_different_names() -> None:
    assert (ours().pods_name, stock().pods_name) == ("custom-scheduler", "default-scheduler")


def test_the_stock_scheduler_s_client_is_not_held_back() -> None:
    connection = stock_configuration(Path("kubeconfig"))["clientConnection"]

    assert isinstance(connection, dict)
    assert connection["qps"] == connection["burst"] == 5_000
