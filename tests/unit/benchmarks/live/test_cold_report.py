"""Cold starts as a table: medians, the ratio to kube-scheduler, the budget's verdict."""

from dataclasses import dataclass

from benchmarks.live.cold_report import ColdRun, table
from benchmarks.live.contenders import OURS, STOCK
from benchmarks.live.served import Parts


@dataclass(frozen=True)
class Cell:
    """What is looked at of a row."""

    first: str
    ratio: str
    lists: str
    decision: str
    verdict: str


def run(scheduler: str, first_bind_s: float, *, listed_s: float | None = None) -> ColdRun:
    return ColdRun(
        at="now",
        scheduler=scheduler,
        elects=False,
        nodes=5_000,
        running=50_000,
        load_before=0.0,
        first_bind_s=first_bind_s,
        parts=Parts(1.0, listed_s, first_bind_s - 0.1, first_bind_s),
        cpu_s=4.0,
        server_cpu_s=2.0,
        peak_mb=300.0,
    )


def rows(*runs: ColdRun) -> list[Cell]:
    lines = table(runs).splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [Cell(row[3], row[4], row[6], row[7], row[-1]) for row in cells]


def test_ours_is_compared_with_the_median_of_theirs() -> None:
    ours, theirs = rows(run(OURS, 6.0, listed_s=4.0), run(OURS, 8.0, listed_s=6.0), run(STOCK, 3.5))

    assert ours == Cell("7.00 (6.00-8.00)", "2.00 x", "4.00 (3.00-5.00)", "1.90 (1.90-1.90)", "met")
    assert theirs == Cell("3.50", "", "", "2.40", "")


def test_one_start_beyond_the_budget_misses_it() -> None:
    [ours] = rows(run(OURS, 6.0, listed_s=4.0), run(OURS, 10.1, listed_s=4.0))

    assert ours.verdict == "missed"


def test_a_scheduler_that_was_not_run_has_no_row() -> None:
    assert [cell.ratio for cell in rows(run(OURS, 6.0, listed_s=4.0))] == [""]
