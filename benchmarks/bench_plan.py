"""Time of a decision by size: freeze, decide, check, whole plan; a plain greedy beside it."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

import numpy as np
import typer

from benchmarks.cases import PLANETLAB, make_case, planetlab_ms
from benchmarks.greedy import greedy
from benchmarks.milp import CaseProgram
from benchmarks.rows import Report, Row
from benchmarks.scenes import Ground, Scene, case_scene, make_ground, make_scene
from benchmarks.stopwatch import Patience, Timing, patience, timed
from scheduler.placement.decide import decide
from scheduler.placement.settings import OFFLINE_EFFORT, PlacementSettings
from scheduler.planning.check import violations
from scheduler.planning.plan import plan
from scheduler.reliability.cover.settings import CoverSettings

SEED = 11
SETTINGS = PlacementSettings()


@dataclass(frozen=True, slots=True)
class Size:
    """One cell of the grid. `budget_ms` is for `decide`."""

    nodes: int
    pods: int
    classes: int
    budget_ms: float | None = None

    @property
    def text(self) -> str:
        """For people."""
        return f"{self.nodes:,} nodes, {self.pods:,} pods in {self.classes:,} classes"


SIZES = (
    Size(490, 100, 10),
    Size(490, 100, 100, budget_ms=10.0),
    Size(490, 1_000, 100),
    Size(490, 10_000, 1_000),
    Size(5_000, 100, 10),
    Size(5_000, 1_000, 100),
    Size(5_000, 10_000, 1_000),
    Size(12_500, 100, 10),
    Size(12_500, 1_000, 100),
    Size(12_500, 10_000, 1_000, budget_ms=250.0),
)
QUICK_SIZES = tuple(size for size in SIZES if size.nodes < 12_500 and size.pods < 10_000)  # noqa: PLR2004 - less than the largest


def main(
    quick: Annotated[bool, typer.Option("--quick", help="Small sizes, each once.")] = False,  # noqa: FBT002 - typer's flag
) -> None:
    """Measure and print."""
    sizes = QUICK_SIZES if quick else SIZES
    report = Report("Time of a decision", "bench_plan", quick)
    grounds: dict[int, Ground] = {}
    program = "490 nodes, 1,000 pods at 80 %: against one integer program"
    by_text = {size.text: size for size in sizes}
    with report.steps([*by_text, program]) as steps:
        for step in steps:
            if step == program:
                report.add(*against_program(2.0 if quick else 10.0, patience(is_quick=quick)))
                continue
            size = by_text[step]
            if size.nodes not in grounds:
                grounds = {size.nodes: make_ground(size.nodes, SEED)}
            scene = make_scene(grounds[size.nodes], size.pods, size.classes, SEED)
            report.add(*rows_of(size, scene, patience(is_quick=quick)))
    report.close()


def rows_of(size: Size, scene: Scene, effort: Patience) -> list[Row]:
    """Return freeze, decide, check and plan of one size, without cover and with it."""
    snapshot, freezing = timed(scene.snapshot, effort)
    placement, reference = timed(partial(greedy, snapshot), effort.once)
    decided, deciding = timed(lambda: decide(snapshot, SETTINGS).plan(), effort)
    _, checking = timed(partial(violations, snapshot, decided), effort)
    _, planning = timed(partial(plan, snapshot, SETTINGS), effort.once)
    covered, covering = timed(partial(plan, snapshot, SETTINGS, CoverSettings()), effort.once)
    placed = f"placed {decided.stats.placed}, greedy {len(placement)}; {decided.stats.method}"
    return [
        Row(
            f"{size.text}: decide",
            deciding.median_ms,
            "ms",
            reference.median_ms,
            "plain greedy",
            size.budget_ms,
            note=f"{deciding.note}; {placed}",
        ),
        _step(size, "plan", planning, reference, "plain greedy"),
        _step(
            size,
            "plan with cover",
            covering,
            planning,
            "plan",
            note=f"covered {covered.stats.cover.covered}",
        ),
        _step(size, "freeze", freezing, deciding, "decide"),
        _step(size, "check", checking, deciding, "decide"),
    ]


def _step(
    size: Size, step: str, timing: Timing, reference: Timing, reference_is: str, note: str = ""
) -> Row:
    return Row(
        f"{size.text}: {step}",
        timing.median_ms,
        "ms",
        reference.median_ms,
        reference_is,
        note=f"{timing.note}; {note}" if note else timing.note,
    )


def against_program(time_limit_s: float, effort: Patience) -> list[Row]:
    """Return the time of `plan` with offline effort against HiGHS on the whole problem at once."""
    rng = np.random.default_rng(SEED)
    case = make_case(planetlab_ms(PLANETLAB, 490, rng), 1_000, 0.8, rng)
    program = CaseProgram(case)
    most, counting = timed(partial(program.most_placed, time_limit_s), effort.once)
    cost, pricing = timed(partial(program.least_cost, most.value or 0, time_limit_s), effort.once)
    snapshot = case_scene(case).snapshot()
    rows = []
    for name, settings in (
        ("service effort", SETTINGS),
        ("offline effort", PlacementSettings(effort=OFFLINE_EFFORT)),
    ):
        made, planning = timed(partial(plan, snapshot, settings), effort.once)
        rows.append(
            Row(
                f"490 nodes, 1,000 pods at 80 % load, {name}: plan",
                planning.median_ms,
                "ms",
                counting.median_ms + pricing.median_ms,
                "integer program: most pods, then least cost"
                + ("" if cost.is_proven else f", cut off after {time_limit_s:g} s"),
                note=f"placed {made.stats.placed}, program {most.value}"
                + ("" if most.is_proven else " (not proven)")
                + f"; the program's count alone took {counting.median_ms:,.0f} ms",
            )
        )
    return rows


if __name__ == "__main__":
    typer.run(main)
