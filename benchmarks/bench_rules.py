"""Time of a cycle by rule-bound pods: freeze, decide, check, assume, while pods come and go."""

import cProfile
import pstats
import resource
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter, process_time
from typing import Annotated

import numpy as np
import typer

from benchmarks.busy_cluster import BusyCluster, Size
from benchmarks.greedy import greedy
from benchmarks.rows import Report, Row, amount
from benchmarks.rule_floor import make_floor
from benchmarks.stopwatch import QUICK, timed
from scheduler.domain.workload import Pod
from scheduler.placement.settings import PlacementSettings
from scheduler.planning.check import violations
from scheduler.planning.plan import plan
from scheduler.service.companions import first_classes
from scheduler.service.queue_settings import QueueSettings
from scheduler.service.queued_pod import QueuedPod, Stage

SEED = 29
SETTINGS = PlacementSettings()
FULL = Size(12_500, 150_000, 10_000, 1_000)
SMALL = Size(1_000, 12_000, 1_000, 100)
WARM_UP, CYCLES, QUICK_CYCLES, AFTER_A_NODE = 2, 20, 5, 3
BUDGET_MS, BUDGET_MB = 250.0, 2_000.0
_SHOWN = 40


@dataclass(slots=True)
class Laps:
    """Seconds of each step, a value a cycle; `decide` is the plan without its check.

    `cpu` are the process's seconds on a CPU for all steps: what other work does not stretch.
    """

    freeze: list[float] = field(default_factory=list)
    decide: list[float] = field(default_factory=list)
    check: list[float] = field(default_factory=list)
    assume: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    placed: list[int] = field(default_factory=list)
    methods: set[str] = field(default_factory=set)

    @property
    def cycle(self) -> list[float]:
        """All steps together."""
        steps = zip(self.freeze, self.decide, self.check, self.assume, strict=True)
        return [sum(each) for each in steps]


def main(
    *,
    quick: Annotated[bool, typer.Option("--quick", help="1,000 nodes, few cycles.")] = False,
    cycles: Annotated[int, typer.Option(help="0: 20, or 5 of --quick.", min=0)] = 0,
    profile: Annotated[
        bool, typer.Option("--profile", help="Print where the time goes, and measure nothing.")
    ] = False,
) -> None:
    """Measure and print."""
    size = SMALL if quick else FULL
    number = cycles or (QUICK_CYCLES if quick else CYCLES)
    is_less = quick or 0 < number < CYCLES
    report = Report("Cycles of pods with rules", "bench_rules", is_less)
    with report.steps([f"setting up {size.text}", "warming up", f"{number} cycles"]) as steps:
        next(steps)
        began_s = perf_counter()
        cluster = BusyCluster(make_floor(size.nodes, SEED), size, SEED)
        set_up_s = perf_counter() - began_s
        next(steps)
        for _ in range(WARM_UP):
            one_cycle(cluster, Laps())
        next(steps)
        if profile:
            show_profile(cluster, number)
            return
        report.add(*measure(cluster, size, number), _peak(size, set_up_s))
        next(steps, None)
    report.close()


def measure(cluster: BusyCluster, size: Size, cycles: int) -> list[Row]:
    """Return a row a step, and one of cycles that follow the change of a node."""
    laps, after = Laps(), Laps()
    for _ in range(cycles):
        one_cycle(cluster, laps)
    for number in range(AFTER_A_NODE):
        cluster.relabel_a_node(number)
        one_cycle(cluster, after)
    in_batches = Laps()
    for _ in range(cycles):
        batches(cluster, in_batches)
    snapshot = cluster.cache.freeze(cluster.arrive(), 0.0)
    _, reference = timed(lambda: greedy(snapshot), QUICK.once)
    placed = f"placed {min(laps.placed):,} to {max(laps.placed):,}"
    placed += f"; {' | '.join(sorted(laps.methods))}"
    p99_ms = float(np.percentile(laps.decide, 99)) * 1e3
    steps = {
        "freeze": laps.freeze,
        "check": laps.check,
        "assume": laps.assume,
        "cycle": laps.cycle,
        "cycle, on a CPU": laps.cpu,
    }
    return [
        Row(
            f"{size.text}: decide",
            _median_ms(laps.decide),
            "ms",
            reference.median_ms,
            "plain greedy, which looks at no rule but delays",
            note=f"{_tail(laps.decide)}; {placed}",
        ),
        Row(f"{size.text}: decide, p99", p99_ms, "ms", budget=BUDGET_MS),
        Row(
            f"{size.text}, as the queue hands them out: cycle, p99",
            float(np.percentile(in_batches.cycle, 99)) * 1e3,
            "ms",
            budget=BUDGET_MS,
            note=f"{QueueSettings().batch_max_classes} classes at a time; median "
            f"{amount(_median_ms(in_batches.cycle), 'ms')}, {_tail(in_batches.cycle)}",
        ),
        *(
            Row(f"{size.text}: {step}", _median_ms(seconds), "ms", note=_tail(seconds))
            for step, seconds in steps.items()
        ),
        Row(
            f"{size.text}: decide, a node changed",
            _median_ms(after.decide),
            "ms",
            _median_ms(laps.decide),
            "decide",
            note=_tail(after.decide),
        ),
    ]


def one_cycle(cluster: BusyCluster, laps: Laps) -> None:
    """Have pods arrive, decide on them and assume the outcome, timed; then let others finish."""
    _decide_on(cluster, laps, cluster.arrive(), ())


def batches(cluster: BusyCluster, laps: Laps) -> None:
    """Have pods arrive, and decide on as many classes at a time as the queue hands out."""
    line = [QueuedPod(pod, Stage.ACTIVE, 0.0) for pod in cluster.arrive()]
    while line:
        taken = first_classes(line, QueueSettings().batch_max_classes)
        chosen = {queued.pod.key for queued in taken}
        line = [queued for queued in line if queued.pod.key not in chosen]
        _decide_on(cluster, laps, [q.pod for q in taken], [q.pod for q in line])


def _decide_on(
    cluster: BusyCluster, laps: Laps, pending: Sequence[Pod], held: Sequence[Pod]
) -> None:
    started_s, cpu_s = perf_counter(), process_time()
    snapshot = cluster.cache.freeze(pending, 0.0, held)
    frozen_s = perf_counter()
    made = plan(snapshot, SETTINGS)
    planned_s = perf_counter()
    for assignment in made.assignments:
        cluster.cache.pods.assume(assignment.pod, assignment.node)
    assumed_s, cpu_s = perf_counter(), process_time() - cpu_s
    # What `plan` spends on its check shows only when the same check is made again.
    violations(snapshot, made)
    check_s = perf_counter() - assumed_s
    laps.freeze.append(frozen_s - started_s)
    laps.decide.append(planned_s - frozen_s - check_s)
    laps.check.append(check_s)
    laps.assume.append(assumed_s - planned_s)
    laps.cpu.append(cpu_s)
    laps.placed.append(len(made.assignments))
    laps.methods.add(made.stats.method)
    cluster.settle(made)


def show_profile(cluster: BusyCluster, cycles: int) -> None:
    """Print the functions that cycles spend most time in, by their own time and by all of it."""
    profile = cProfile.Profile()
    for _ in range(cycles):
        pending = cluster.arrive()
        with profile:
            made = plan(cluster.cache.freeze(pending, 0.0), SETTINGS)
            for assignment in made.assignments:
                cluster.cache.pods.assume(assignment.pod, assignment.node)
        cluster.settle(made)
    for order in ("tottime", "cumulative"):
        pstats.Stats(profile).strip_dirs().sort_stats(order).print_stats(_SHOWN)


def _peak(size: Size, set_up_s: float) -> Row:
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    note = f"of this process; setting up took {amount(set_up_s, 's')}"
    return Row(f"{size.text}: peak memory", peak_mb, "MB", budget=BUDGET_MB, note=note)


def _median_ms(seconds: list[float]) -> float:
    return float(np.median(seconds)) * 1e3


def _tail(seconds: list[float]) -> str:
    p99, most = float(np.percentile(seconds, 99)) * 1e3, max(seconds) * 1e3
    return f"p99 {amount(p99, 'ms')}, max {amount(most, 'ms')} of {len(seconds)}"


if __name__ == "__main__":
    typer.run(main)
