"""One stage: its classes as a `Problem`, and its solution as nodes for pods."""

from collections.abc import Mapping, Sequence

import numpy as np

from scheduler.placement.batch import Batch, PendingClass
from scheduler.placement.bounds import Reach
from scheduler.placement.cost.cloud import CloudCost
from scheduler.placement.cost.latency import LatencyCost
from scheduler.placement.cost.load import load_costs, load_widths
from scheduler.placement.cost.margin import MarginCost
from scheduler.placement.cost.model import CostModel, Units
from scheduler.placement.cost.nominated import NominatedCost
from scheduler.placement.cost.preference import PreferenceCost
from scheduler.placement.cost.spread import existing_replicas, spread_levels
from scheduler.placement.cost.wish import wish_costs
from scheduler.placement.feasibility.room import fits
from scheduler.placement.feasibility.verdict import Mask
from scheduler.placement.lookahead import lookahead
from scheduler.placement.packing.problem import Packing, Problem
from scheduler.placement.placing import Placing
from scheduler.placement.reach import reach

MODELS: tuple[CostModel, ...] = (
    LatencyCost(),
    MarginCost(),
    CloudCost(),
    PreferenceCost(),
    NominatedCost(),
)


def node_costs(batch: Batch, pending: PendingClass, within: Reach) -> Units | None:
    """Return the cost of each node by the active models, cost units; None where none costs."""
    total: Units | None = None
    for model in MODELS:
        cost = model.arc_costs(batch, pending, within)
        if cost is not None:
            total = cost if total is None else total + cost
    return total


def arc_costs(batch: Batch, pending: PendingClass, within: Reach) -> Units:
    """Return the cost of each node by the active models, shape ``(n,)``, cost units."""
    total = node_costs(batch, pending, within)
    return np.zeros(len(batch.table), dtype=np.int64) if total is None else total.copy()


def stage_problem(
    batch: Batch,
    classes: Sequence[PendingClass],
    placing: Placing,
    dependants: Mapping[int, tuple[PendingClass, ...]],
) -> tuple[Problem, tuple[PendingClass, ...]]:
    """Return the stage's arrays and the classes they stand for, those without a node left out."""
    rows = []
    for pending in classes:
        within = reach(batch, pending, placing.pods)
        mask = pending.mask & within.mask
        mask &= fits(pending.demand, placing.free)
        mask = placing.rules.narrow(pending.number, mask)
        if mask.any():
            cost = arc_costs(batch, pending, within)
            cost = cost + _wishes(batch, pending, placing, mask)
            if pending.number in dependants:
                cost = cost + lookahead(
                    batch, pending, dependants[pending.number], (mask, cost), placing
                )
            rows.append((pending, mask, cost))
    kept = tuple(pending for pending, _, _ in rows)
    ranks = sorted({c.rank for c in kept}, reverse=True)
    shape = (len(kept), len(batch.table.resources))
    demand = np.array([c.demand for c in kept], dtype=np.int64).reshape(shape)
    count = np.array([placing.left(c) for c in kept], dtype=np.int64)
    n = len(batch.table)
    feasible = np.array([mask for _, mask, _ in rows], dtype=np.bool_).reshape(len(kept), n)
    widths = load_widths(feasible, count)
    problem = Problem(
        demand=demand,
        count=count,
        rank=np.array([ranks.index(c.rank) for c in kept], dtype=np.int64),
        free=placing.free.copy(),
        feasible=feasible,
        cost=np.array([cost for _, _, cost in rows], dtype=np.int64).reshape(len(kept), n),
        load_cost=load_costs(
            batch.table.allocatable,
            placing.free,
            demand,
            count,
            batch.settings.cost.balance_weight,
            widths,
        ),
        spread=tuple(
            spread_levels(batch, c, existing_replicas(batch, c, placing.pods)) for c in kept
        ),
        load_widths=widths,
    )
    return problem, kept


def _wishes(batch: Batch, pending: PendingClass, placing: Placing, mask: Mask) -> Units:
    """Return what the unmet wishes of a class cost on the nodes of a mask, by what stands."""
    out = np.zeros(len(mask), dtype=np.int64)
    wishes = placing.rules.wishes.get(pending.number)
    if wishes is not None:
        nodes = np.flatnonzero(mask)
        out[nodes] = wish_costs(wishes, nodes, batch.settings.cost)
    return out


def carry_out(
    problem: Problem, packing: Packing, classes: Sequence[PendingClass], placing: Placing
) -> None:
    """Write a packing into `placing`: cheapest node to the pod first in the queue."""
    for g, pending in enumerate(classes):
        nodes = np.flatnonzero(packing.pods[g])
        nodes = nodes[np.argsort(problem.cost[g, nodes], kind="stable")]
        placing.put(pending, np.repeat(nodes, packing.pods[g, nodes]).tolist())
