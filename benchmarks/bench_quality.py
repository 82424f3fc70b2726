"""Pods placed and cost against the exact optimum, or against the bound where none is known."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import typer

from benchmarks.cases import PLANETLAB, Case, make_case, planetlab_ms
from benchmarks.greedy import greedy
from benchmarks.milp import CaseProgram
from benchmarks.rows import Report, Row
from benchmarks.scenes import case_scene, little_scene
from scheduler.placement.settings import OFFLINE_EFFORT, CostSettings, PlacementSettings
from scheduler.planning.plan import plan
from tests.property.exact_program import ExactProgram

SEED = 23
# Load and zones are tie-breaks that the programs do not know.
COST = CostSettings(balance_weight=0, spread_zone_weight=0)
ONLINE = PlacementSettings(cost=COST)
OFFLINE = PlacementSettings(cost=COST, effort=OFFLINE_EFFORT)
COST_BUDGET_PERCENT = 0.5
_WHOLE = 1e-6
GAP_BUDGET = 0.9  # of the bound, where the optimum is not known


@dataclass(frozen=True, slots=True)
class Size:
    """One case. `is_hot` lets a few references draw most pods."""

    nodes: int
    pods: int
    load: float
    is_hot: bool = False

    @property
    def text(self) -> str:
        """For people."""
        hot = ", hot references" if self.is_hot else ""
        return f"{self.nodes} nodes, {self.pods:,} pods, {self.load:.0%} load{hot}"

    def case(self) -> Case:
        """Return the case, the same each time."""
        rng = np.random.default_rng([SEED, self.nodes, self.pods, round(self.load * 100)])
        rtt_ms = planetlab_ms(PLANETLAB, self.nodes, rng)
        return make_case(rtt_ms, self.pods, self.load, rng, is_hot=self.is_hot)


EXACT = (
    Size(20, 50, 0.5),
    Size(20, 50, 0.8),
    Size(20, 50, 0.95),
    Size(20, 100, 0.95, is_hot=True),
    Size(50, 150, 0.8),
    Size(50, 200, 0.95),
    Size(50, 200, 0.95, is_hot=True),
)
BOUNDED = (
    Size(200, 500, 0.8),
    Size(200, 500, 0.95, is_hot=True),
    Size(490, 1_000, 0.8),
    Size(490, 1_000, 0.95),
    Size(490, 1_000, 0.95, is_hot=True),
)
QUICK_EXACT = EXACT[1:3]
QUICK_BOUNDED = BOUNDED[:1]


def main(
    quick: Annotated[bool, typer.Option("--quick", help="A few of the cases.")] = False,  # noqa: FBT002 - typer's flag
) -> None:
    """Measure and print."""
    report = Report("Pods placed and cost against the optimum", "bench_quality", quick)
    exact = {size.text: size for size in (QUICK_EXACT if quick else EXACT)}
    bounded = {size.text: size for size in (QUICK_BOUNDED if quick else BOUNDED)}
    little = f"{20 if quick else 60} little clusters"
    with report.steps([little, *exact, *bounded]) as steps:
        for step in steps:
            if step == little:
                report.add(*little_rows(20 if quick else 60))
            elif step in exact:
                report.add(*exact_rows(exact[step], time_limit_s=5.0 if quick else 8.0))
            else:
                report.add(bounded_row(bounded[step]))
    report.close()


def little_rows(clusters: int) -> list[Row]:
    """Return the count and cost over little clusters, each against a program pod x node."""
    rng = np.random.default_rng(SEED)
    placed = best = by_greedy = 0
    excess_percent = []
    for _ in range(clusters):
        snapshot = little_scene(rng).snapshot()
        counts, cost = ExactProgram(snapshot, ONLINE).solve()
        made = plan(snapshot, ONLINE)
        placed += made.stats.placed
        best += sum(counts)
        by_greedy += len(greedy(snapshot))
        if made.stats.placed == sum(counts):
            excess_percent.append(100.0 * (made.stats.cost - cost) / max(1, cost))
    text = f"{clusters} little clusters, replicas, two resources"
    return [
        Row(
            f"{text}: pods placed",
            placed,
            "pods",
            best,
            "exact optimum",
            best,
            is_floor=True,
            note=f"greedy {by_greedy}",
        ),
        Row(
            f"{text}: worst cost above the least",
            max(0.0, *excess_percent),
            "%",
            budget=COST_BUDGET_PERCENT,
            note=f"mean {np.mean(excess_percent):.3g} %",
        ),
    ]


def exact_rows(size: Size, time_limit_s: float) -> list[Row]:
    """Return the count and cost of one case against the program's."""
    case = size.case()
    program = CaseProgram(case)
    snapshot = case_scene(case).snapshot()
    made = plan(snapshot, OFFLINE)
    most = program.most_placed(time_limit_s)
    optimum = most.value if most.is_proven and most.value is not None else int(most.bound)
    rows = [
        Row(
            f"{size.text}: pods placed",
            made.stats.placed,
            "pods",
            optimum,
            "exact optimum" if most.is_proven else "proven bound, not an optimum",
            optimum,
            is_floor=True,
            note=f"greedy {len(greedy(snapshot))}",
        )
    ]
    if made.stats.placed != optimum:
        return rows
    least = program.least_cost(optimum, time_limit_s)
    bound_ms = math.ceil(least.bound - _WHOLE)  # costs are whole milliseconds
    cost_ms = _cost_ms(case, made.placement)
    known = "" if least.value is None else f"; the program reached {least.value:,} ms"
    proof = "proven" if least.is_proven else f"not proven in {time_limit_s:g} s: the bound"
    rows.append(
        Row(
            f"{size.text}: cost above the least",
            100.0 * (cost_ms - bound_ms) / max(1, bound_ms),
            "%",
            budget=COST_BUDGET_PERCENT,
            note=f"{cost_ms:,} ms, least {bound_ms:,} ms ({proof}{known})",
        )
    )
    return rows


def bounded_row(size: Size) -> Row:
    """Return the count of one case against the whole part of the linear relaxation."""
    case = size.case()
    snapshot = case_scene(case).snapshot()
    online, offline = plan(snapshot, ONLINE), plan(snapshot, OFFLINE)
    bound = CaseProgram(case).relaxed_placed()
    return Row(
        f"{size.text}: pods placed",
        offline.stats.placed,
        "pods",
        bound,
        "linear relaxation, which need not be reachable",
        float(np.ceil(GAP_BUDGET * bound)),
        is_floor=True,
        note=f"{bound - offline.stats.placed} below the bound; with the service's effort "
        f"{online.stats.placed}; greedy {len(greedy(snapshot))}",
    )


def _cost_ms(case: Case, placement: Mapping[str, str]) -> int:
    """Return the summed RTTs of a placement, from the case itself."""
    total = 0
    for key, node in placement.items():
        k = int(key.rpartition("pod")[2])
        total += int(case.rtt_ms[case.pod_reference[k], int(node[1:])])
    return total


if __name__ == "__main__":
    typer.run(main)
