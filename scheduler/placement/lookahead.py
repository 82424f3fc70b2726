"""A pending reference is placed with its dependants in mind.

Where a reference goes decides where its dependants may go: a node with no room within their budgets
is a dead end, and a node far from all of it makes them dear. Both are priced into the reference's
own columns; the dependants themselves are placed in a later stage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scheduler.domain.delay import Quantifier
from scheduler.placement.feasibility.delay import within
from scheduler.placement.feasibility.room import fits
from scheduler.placement.reach import reach

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scheduler.placement.batch import Batch, PendingClass
    from scheduler.placement.cost.model import Units
    from scheduler.placement.feasibility.verdict import Mask
    from scheduler.placement.placing import Placing
    from scheduler.placement.references import Target

DEAD_END = 20_000_000
"""Cost units for each dependant left without a node: twice the price of leaving the cloud."""

CANDIDATES = 256
"""Cheapest nodes of the reference that are looked at; the others count as dead ends."""


def lookahead(
    batch: Batch,
    pending: PendingClass,
    dependants: Sequence[PendingClass],
    own: tuple[Mask, Units],
    placing: Placing,
) -> Units:
    """Return what each node of a reference costs its dependants, shape ``(n,)``, cost units."""
    mask, cost = own
    nodes = np.flatnonzero(mask)
    nodes = nodes[np.argsort(cost[nodes], kind="stable")][:CANDIDATES]
    total = np.zeros(len(batch.table), dtype=np.int64)
    for dependant in dependants:
        for target in dependant.targets:
            if pending.pod_class in target.classes:
                total += _price(batch, dependant, target, nodes, placing)
    return total


def _price(
    batch: Batch, dependant: PendingClass, target: Target, nodes: Units, placing: Placing
) -> Units:
    already = batch.placed_nodes(target, placing.pods)
    if len(already) and target.quantifier is Quantifier.ANY:
        return np.zeros(len(batch.table), dtype=np.int64)
    # References of the dependant that are placed already narrow its nodes; others are unknown yet.
    known = reach(batch, dependant, placing.pods)
    usable = dependant.mask & fits(dependant.demand, placing.free)
    usable = placing.rules.narrow(dependant.number, usable)
    for bound in known.hard:
        usable &= within(bound.row, bound.target.constraint.within_us)
    asked = dependant.demand > 0
    room = (placing.free[:, asked] // dependant.demand[asked]).min(axis=1)
    count = len(dependant.pods)
    out = np.full(len(batch.table), DEAD_END * count, dtype=np.int64)
    weight = batch.settings.cost.latency_weight
    for i in nodes.tolist():
        row = batch.distances.from_node(i)
        near = usable & within(row, target.constraint.within_us)
        if near.any():
            missing = max(0, count - int(np.minimum(room[near], count).sum()))
            nearest = int(row[near].min())
            out[i] = DEAD_END * missing + weight * nearest * (count - missing)
    return out
