"""Classes that refer to each other, or to themselves, are placed together.

A near B and B near A has no first: an anchor is tried for the first pod and the others are put
around it, each within the budgets of all that stand already, in both directions. The best anchor
wins: most pods, then least cost. Nothing is placed whose references are not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scheduler.domain.delay import Quantifier
from scheduler.placement.batch import Batch, PendingClass
from scheduler.placement.cost.model import Units
from scheduler.placement.cost.spread import existing_replicas, spread_levels
from scheduler.placement.feasibility.delay import within
from scheduler.placement.feasibility.verdict import Mask
from scheduler.placement.packing.problem import SpreadLevel
from scheduler.placement.placing import Placing
from scheduler.placement.reach import reach
from scheduler.placement.references import Target
from scheduler.placement.stage import arc_costs
from telemetry.model import UNKNOWN_US

ANCHOR_PODS = 1_280
"""Anchors tried times pods of the circle: the bound on work. Two pods try 640 anchors."""

VOLUME_ANCHOR_PODS = 160
"""The same where pods have volumes, which are looked through again for each pod."""

LEAST_ANCHORS = 16


@dataclass(frozen=True, slots=True, eq=False)
class _Member:
    """A class of the circle, with its nodes and costs by all that stands outside it."""

    pending: PendingClass
    mask: Mask
    cost: Units
    inner: tuple[tuple[Target, tuple[int, ...]], ...]
    count: int
    levels: tuple[SpreadLevel, ...]


Spot = tuple[int, int]
"""Member number and node."""


def place_together(batch: Batch, circle: Sequence[PendingClass], placing: Placing) -> None:
    """Place the pods of a circle as well as the anchors tried allow."""
    members = [_member(batch, pending, circle, placing) for pending in circle]
    queue = [k for k, member in enumerate(members) for _ in range(member.count)]
    if not queue:
        return
    # The most constrained pod first: it is the anchor.
    queue.sort(key=lambda k: (int(members[k].mask.sum()), k))
    first = members[queue[0]]
    anchors = np.flatnonzero(first.mask)
    anchors = anchors[np.argsort(first.cost[anchors], kind="stable")]
    best: tuple[int, int, list[Spot]] = (0, 0, [])
    has_volumes = placing.rules.volumes_of(c.number for c in circle) is not None
    bound = (VOLUME_ANCHOR_PODS if has_volumes else ANCHOR_PODS) // len(queue)
    for anchor in anchors[: max(LEAST_ANCHORS, bound)].tolist():
        spots, cost = _around(batch, members, queue, anchor, placing)
        if (-len(spots), cost) < (-best[0], best[1]):
            best = (len(spots), cost, spots)
            if len(spots) == len(queue) and cost == 0:
                break
    if has_volumes:  # what a claim takes depends on which took before
        for k, node in best[2]:
            placing.put(members[k].pending, [node])
        return
    for k, member in enumerate(members):
        placing.put(member.pending, sorted(node for m, node in best[2] if m == k))


def _member(
    batch: Batch, pending: PendingClass, circle: Sequence[PendingClass], placing: Placing
) -> _Member:
    number = {c.pod_class: k for k, c in enumerate(circle)}
    outside = reach(batch, pending, placing.pods)
    mask = pending.mask.copy()
    for bound in outside.hard:
        mask &= within(bound.row, bound.target.constraint.within_us)
    # An `any` that replicas outside the circle can meet already is met by them.
    settled = {b.target for b in outside.hard if b.target.quantifier is Quantifier.ANY}
    inner = tuple(
        (target, tuple(sorted(number[c] for c in target.classes & number.keys())))
        for target in pending.targets
        if target.classes & number.keys() and target not in settled
    )
    waits = [
        t
        for t in pending.targets
        if t.node < 0
        and not t.classes & number.keys()
        and not len(batch.placed_nodes(t, placing.pods))
    ]
    if waits:
        mask[:] = False
    cost = arc_costs(batch, pending, outside)
    levels = spread_levels(batch, pending, existing_replicas(batch, pending, placing.pods))
    for level in levels:
        counted = level.group >= 0
        cost[counted] += level.weight * level.existing[level.group[counted]]
    return _Member(pending, mask, cost, inner, placing.left(pending), levels)


def _around(
    batch: Batch, members: Sequence[_Member], queue: Sequence[int], anchor: int, placing: Placing
) -> tuple[list[Spot], int]:
    """Put the queue around an anchor greedily; return what holds in the end, and its cost."""
    spots: list[Spot] = []
    room, rules = placing.free.copy(), placing.rules
    volumes = rules.volumes_of(member.pending.number for member in members)
    untouched = volumes.saved() if volumes is not None else None
    total = 0
    for position, k in enumerate(queue):
        member = members[k]
        asked = member.pending.demand > 0
        mask = member.mask & (room[:, asked] >= member.pending.demand[asked]).all(axis=1)
        mask = rules.narrow(member.pending.number, mask)
        cost = member.cost.copy()
        _spread(member, [node for m, node in spots if m == k], cost)
        _narrow(batch, members, k, spots, (mask, cost))
        if position == 0:
            only = mask[anchor]
            mask[:] = False
            mask[anchor] = only
        if not mask.any():
            continue
        nodes = np.flatnonzero(mask)
        node = int(nodes[int(cost[nodes].argmin())])
        spots.append((k, node))
        room[node] -= member.pending.demand
        rules.tried(member.pending.number, node)
        total += int(cost[node])
    for k, node in spots:
        rules.counted(members[k].pending.number, [node], -1)
    if volumes is not None and untouched is not None:
        volumes.restore(untouched)
    return _valid(batch, members, spots), total


def _spread(member: _Member, nodes: Sequence[int], cost: Units) -> None:
    """Add what the replicas that stand make a shared domain, zone or node cost."""
    for level in member.levels:
        for node in nodes:
            if level.group[node] >= 0:
                cost += level.weight * (level.group == level.group[node])


def _narrow(
    batch: Batch,
    members: Sequence[_Member],
    k: int,
    spots: Sequence[Spot],
    choice: tuple[Mask, Units],
) -> None:
    """Narrow a pod's nodes to those within budgets of what stands, in both directions."""
    mask, cost = choice
    weight = batch.settings.cost.latency_weight
    for target, others in members[k].inner:
        nodes = [node for m, node in spots if m in others]
        if nodes:
            sources = np.array(sorted(set(nodes)), dtype=np.int64)
            rows = (
                batch.distances.nearest(sources)[0]
                if target.quantifier is Quantifier.ANY
                else batch.distances.farthest(sources)[0]
            )
            mask &= within(rows, target.constraint.within_us)
            if k not in others:
                cost += weight * np.maximum(rows, 0).astype(np.int64)
    for m, node in set(spots):
        for target, others in members[m].inner:
            if k not in others:
                continue
            met = target.quantifier is Quantifier.ANY and any(
                _near(batch, other, node, target)
                for j, other in spots
                if j in others and (j, other) != (m, node)
            )
            if not met:
                mask &= within(batch.distances.to_node(node), target.constraint.within_us)


def _near(batch: Batch, source: int, node: int, target: Target) -> bool:
    rtt_us = int(batch.distances.from_node(source)[node])
    return rtt_us != UNKNOWN_US and rtt_us <= target.constraint.within_us


def _valid(batch: Batch, members: Sequence[_Member], spots: list[Spot]) -> list[Spot]:
    """Drop pods whose references did not come to stand, until the rest holds."""
    kept = list(spots)
    while True:
        good = [spot for i, spot in enumerate(kept) if _holds(batch, members, kept, i)]
        if len(good) == len(kept):
            return kept
        kept = good


def _holds(batch: Batch, members: Sequence[_Member], spots: Sequence[Spot], i: int) -> bool:
    k, node = spots[i]
    for target, others in members[k].inner:
        sources = [n for j, (m, n) in enumerate(spots) if m in others and not (j == i and m == k)]
        if not sources:
            if k in others:
                continue  # the only replica of its own workload refers to nobody
            return False
        near = [_near(batch, source, node, target) for source in sources]
        if not (any(near) if target.quantifier is Quantifier.ANY else all(near)):
            return False
    return True
