"""`main.py plan` as a whole process, and milliseconds a pod against the original's line."""

import tempfile
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from benchmarks.cases import PLANETLAB, Case, make_case, planetlab_ms
from benchmarks.greedy import greedy
from benchmarks.processes import python
from benchmarks.rows import Report, Row
from benchmarks.scenes import case_scene
from benchmarks.stopwatch import Patience, patience, timed
from scheduler.placement.decide import decide
from scheduler.placement.settings import PlacementSettings

SEED = 37
NODES, PODS = 490, 1_000
LOADS = (0.5, 0.8, 0.95)
# At a fifth of the load most rooms have more than their pods ask for.
POD_LOADS = (0.2, *LOADS)
WALL_BUDGET_S = 10.0
POD_BUDGET_MS = 0.8  # the slow end of the original's 0.1 to 0.8 ms a pod online
SOME_UNPLACED = 3


def main(
    quick: Annotated[bool, typer.Option("--quick", help="80 % load alone.")] = False,  # noqa: FBT002 - typer's flag
) -> None:
    """Measure and print."""
    loads, pod_loads = ((0.8,), (0.2, 0.8)) if quick else (LOADS, POD_LOADS)
    report = Report("Whole process, and time a pod", "bench_process", quick)
    whole = {f"main.py plan at {load:.0%} load": load for load in loads}
    a_pod = {f"decide at {load:.0%} load": load for load in pod_loads}
    with report.steps([*whole, *a_pod]) as steps:
        for step in steps:
            if step in whole:
                report.add(*process_rows(whole[step]))
            else:
                report.add(pod_row(a_pod[step], patience(is_quick=quick)))
    report.close()


def _case(load: float) -> Case:
    rng = np.random.default_rng([SEED, round(load * 100)])
    return make_case(planetlab_ms(PLANETLAB, NODES, rng), PODS, load, rng)


def process_rows(load: float) -> list[Row]:
    """Return wall time and peak memory of `plan` on files, a greedy on the same files beside it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _case(load).write(folder)
        files = [
            ("--delay-matrix", "delay_matrix.txt"),
            ("--metadata", "metadata.json"),
            ("--nodes", "nodes.json"),
            ("--pods", "pods.yaml"),
        ]
        arguments = [part for flag, file in files for part in (flag, str(folder / file))]
        made = python(["main.py", "plan", *arguments], expected=(0, SOME_UNPLACED))
        reference = python(["-m", "benchmarks.child", "greedy", name])
    text = f"main.py plan, {NODES} nodes, {PODS:,} pods, {load:.0%} load"
    beside = "a process that reads the same files and places greedily"
    used = f"{made.cpu_s:.3g} s of it on a CPU"
    return [
        Row(f"{text}: wall", made.wall_s, "s", reference.wall_s, beside, WALL_BUDGET_S, note=used),
        Row(f"{text}: peak memory", made.peak_mb, "MB", reference.peak_mb, beside),
    ]


def pod_row(load: float, effort: Patience) -> Row:
    """Return the decision's time a pod, files and snapshot left out."""
    snapshot = case_scene(_case(load)).snapshot()
    made, deciding = timed(lambda: decide(snapshot, PlacementSettings()).plan(), effort)
    placement, reference = timed(partial(greedy, snapshot), effort.once)
    is_contested = made.stats.method != "flow"
    return Row(
        f"decide, {NODES} nodes, {PODS:,} pods, {load:.0%} load: a pod",
        deciding.median_ms / PODS,
        "ms",
        reference.median_ms / PODS,
        "plain greedy",
        POD_BUDGET_MS,
        note=f"rooms {'contested' if is_contested else 'not contested'} ({made.stats.method}); "
        f"placed {made.stats.placed}, greedy {len(placement)}",
    )


if __name__ == "__main__":
    typer.run(main)
