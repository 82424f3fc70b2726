"""What decisions, budgets, zones and estimates come to on RTTs that drift: PlanetLab replayed."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated

import numpy as np
import typer

from benchmarks.replay.budgets import Drift, Rule, drift, some_pairs
from benchmarks.replay.estimates import PROBES, errors, reference_errors
from benchmarks.replay.snapshots import NAMES
from benchmarks.replay.verify import Replay, Tally, questions, tally
from benchmarks.replay.zones import moves
from benchmarks.rows import Report, Row
from benchmarks.stopwatch import Patience, patience, timed
from scheduler.domain.delay import format_ms
from scheduler.domain.zone import ZoneTree
from scheduler.placement.settings import CostSettings, PlacementSettings
from scheduler.service.settings import ClusteringSettings
from scheduler.topology.layers import zone_tree
from simulator.metros import make_metros
from telemetry.median import KEPT, median_rtt
from telemetry.model import RttTable
from telemetry.symmetric import symmetric

SEED = 29
DIAMETERS_US = ClusteringSettings().diameters_us
LARGE = 5_000
STALE = "the same decisions without measuring"
NEAREST = PlacementSettings()
# Where load decides, any node in budget may be chosen, those at its edge included.
BY_LOAD = PlacementSettings(cost=CostSettings(latency_weight=0, margin_weight=0))
BY_LOAD_WITH_MARGIN = PlacementSettings(cost=CostSettings(latency_weight=0))

_VERIFY, _BUDGETS, _ZONES, _LARGE, _ESTIMATES = (
    "verify before binding",
    "broken budgets",
    "zones of 490 nodes",
    f"zones of {LARGE:,} nodes",
    "estimates",
)


def main(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer decisions and pairs.")] = False,  # noqa: FBT002 - typer's flag
) -> None:
    """Measure and print."""
    report = Report("Telemetry on PlanetLab's 18 snapshots", "bench_telemetry", quick)
    steps: dict[str, Callable[[], list[Row]]] = {
        _VERIFY: partial(verify_rows, 400 if quick else 8_000),
        _BUDGETS: partial(budget_rows, 4 if quick else 40),
        _ZONES: zone_rows,
        _LARGE: partial(large_rows, patience(is_quick=quick)),
        _ESTIMATES: partial(estimate_rows, (9,) if quick else (3, 6, 9, 12, 15)),
    }
    with report.steps(list(steps)) as names:
        for name in names:
            report.add(*steps[name]())
    report.close()


def verify_rows(count: int) -> list[Row]:
    """Return what measuring before a binding prevents and costs."""
    rows: list[Row] = []
    for who, settings, room_share in (
        ("nearest node, 30 % have room", NEAREST, 0.3),
        ("nearest node, 5 % have room", NEAREST, 0.05),
        ("load decides, 30 % have room", BY_LOAD, 0.3),
        ("load decides, 10 % margin preferred, 30 % have room", BY_LOAD_WITH_MARGIN, 0.3),
    ):
        replay = Replay(settings)
        asked = questions(count, room_share, np.random.default_rng(SEED))
        rows.extend(_verified(who, tally([replay.answer(question) for question in asked])))
    return rows


def _verified(who: str, found: Tally) -> list[Row]:
    note = (
        f"{found.decisions:,} decisions on the snapshot before; budgets 5 to 100 ms; bound with "
        f"10 % to spare: {100 * found.margin_share:.1f} %"
    )
    return [
        Row(
            f"{who}: bound beyond the budget",
            found.false_admits,
            "pods",
            found.false_admits_unverified,
            STALE,
            0,
            note=note,
        ),
        Row(
            f"{who}: pairs measured a decision, mean",
            found.mean_probes,
            "pairs",
            budget=1.15,
            note=f"99 in 100 at most {found.p99_probes:g}; "
            f"a star before {100 * found.stars_share:.1f} % of the answers",
        ),
        Row(
            f"{who}: falsely unschedulable",
            100 * found.missed_share,
            "%",
            100 * found.missed_share_unverified,
            STALE,
            0.1,
        ),
    ]


def budget_rows(pairs_a_reference: int) -> list[Row]:
    """Return evictions by rule, against evicting at the first value beyond the budget."""
    pairs = some_pairs(pairs_a_reference, np.random.default_rng(SEED))
    at_once = drift(Rule(0, 1), pairs)
    rows: list[Row] = []
    for rule in (Rule(0, 3), Rule(10, 2), Rule(10, 3)):
        rows.extend(_drifted(rule, drift(rule, pairs), at_once, is_promise=rule == Rule(10, 3)))
    patient = Rule(10, 3, is_patient=True)
    at_once = drift(Rule(0, 1, is_patient=True), pairs)
    rows.extend(_drifted(patient, drift(patient, pairs), at_once, is_promise=False))
    return rows


def _drifted(rule: Rule, found: Drift, at_once: Drift, *, is_promise: bool) -> list[Row]:
    reference_is = "admitted within budget, evicted at once"
    return [
        Row(
            f"{rule.text}: evictions per 1,000 pair-steps",
            found.per_thousand,
            "",
            at_once.per_thousand,
            reference_is,
            1.5 if is_promise else None,
            note=f"{found.steps:,} steps; not evicted in spite of a lasting violation: "
            f"{found.missed_per_thousand:.1f} per 1,000, at once {at_once.missed_per_thousand:.1f}",
        ),
        Row(
            f"{rule.text}: wrong evictions",
            100 * found.wrong_share,
            "%",
            100 * at_once.wrong_share,
            reference_is,
            10.0 if is_promise else None,
            note=f"of {found.judged}; {100 * found.reverting_share:.0f} % are within the budget "
            f"one snapshot later, at once {100 * at_once.reverting_share:.0f} %",
        ),
    ]


def zone_rows() -> list[Row]:
    """Return how many nodes change zone a snapshot, against clustering each one anew."""
    ours, anew = moves(DIAMETERS_US), moves(DIAMETERS_US, is_median=False, is_sticky=False)
    last = moves(DIAMETERS_US, is_median=False)
    return [
        Row(
            f"{len(NAMES)} nodes, within {format_ms(mine.max_rtt_us)}: nodes that move a snapshot",
            100 * mine.mean_share,
            "%",
            100 * theirs.mean_share,
            "each snapshot clustered from scratch, names handed on",
            0.5,
            note=f"at most {100 * mine.most_share:.1f} %; repaired without the median of {KEPT}: "
            f"{100 * plain.mean_share:.2f} %; zones {mine.zones_first} to {mine.zones_last}",
        )
        for mine, theirs, plain in zip(ours, anew, last, strict=True)
    ]


def large_rows(effort: Patience) -> list[Row]:
    """Return the time of a round of clustering of many nodes: the median and the repair."""
    metros, names = make_metros(LARGE, SEED), tuple(f"edge-{k}" for k in range(LARGE))
    tables = [symmetric(metros.table(names, period)) for period in range(KEPT + 1)]
    before, afresh = timed(partial(_clustered, tables[:KEPT], None), effort.once)
    _, repair = timed(partial(_clustered, tables[1:], before), effort)
    return [
        Row(
            f"{LARGE:,} nodes: median of {KEPT} tables and repair",
            repair.median_ms / 1e3,
            "s",
            afresh.median_ms / 1e3,
            "median and clustering from scratch",
            2.0,
            note=repair.note,
        )
    ]


def _clustered(tables: Sequence[RttTable], previous: ZoneTree | None) -> ZoneTree:
    return zone_tree(median_rtt(tables), DIAMETERS_US, previous)


def estimate_rows(snapshots: Sequence[int]) -> list[Row]:
    """Return errors of estimates by the number of probes, and how honest the bound is."""
    rows: list[Row] = []
    for probes in PROBES:
        ours = [errors(probes, at, SEED + at) for at in snapshots]
        plain = [reference_errors(probes, at, SEED + at) for at in snapshots]
        rows += [
            Row(
                f"{probes} random probes a node: median error of the rest",
                100 * float(np.mean([e.median for e in ours])),
                "%",
                100 * float(np.mean([e.median for e in plain])),
                "shortest detour through a third node",
                note=f"9 in 10 within {100 * np.mean([e.p90 for e in ours]):.0f} %; of the 20 "
                f"nearest, {100 * np.mean([e.nearest for e in ours]):.0f} % among the 60 estimated "
                f"nearest (detour {100 * np.mean([e.nearest for e in plain]):.0f} %)",
            ),
            Row(
                f"{probes} random probes a node: within the 95 % bound",
                100 * float(np.mean([e.covered for e in ours])),
                "%",
                budget=94.0,
                is_floor=True,
                note=", ".join(f"{100 * e.covered:.1f}" for e in ours)
                + f" %; at most {max(e.fit_s for e in ours):.2f} s a fit",
            ),
        ]
    return rows


if __name__ == "__main__":
    typer.run(main)
