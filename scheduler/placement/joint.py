"""Small batches whose pods refer to each other, decided in one integer program.

Stages decide references before their dependants and cannot take a choice back; where the whole is
small it is decided at once instead: a pod may only stand where a replica of its reference stands
near enough, and both are variables. `scheduler.placement.links` writes that as rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scheduler.domain.delay import Quantifier
from scheduler.flow.program import Floats, ProgramSolution, solve_integer
from scheduler.placement.batch import Batch, PendingClass
from scheduler.placement.cost.load import load_costs
from scheduler.placement.cost.spread import existing_replicas, spread_levels
from scheduler.placement.feasibility.delay import within
from scheduler.placement.feasibility.room import fits
from scheduler.placement.links import Link, Links
from scheduler.placement.packing.integer import stage_program
from scheduler.placement.packing.problem import Packing, Problem
from scheduler.placement.placing import Placing, nothing_placed
from scheduler.placement.reach import reach
from scheduler.placement.references import Target
from scheduler.placement.stage import arc_costs, carry_out

IF_LEFT = 4
"""How many times as many columns are worth the work where the stages left a pod out."""

_WHOLE = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class _Whole:
    """All pending pods as one problem."""

    batch: Batch
    members: tuple[PendingClass, ...]
    problem: Problem
    links: tuple[Link, ...]


def better_jointly(batch: Batch, staged: Placing) -> tuple[Placing, int] | None:
    """Return a placement no worse than the stages' one and its cost, or None for a large batch.

    None too where a reference names one pod and others of its class are pending: the program counts
    pods of a class and does not tell them apart.
    """
    members = tuple(c for c in batch.classes if not c.problems)
    if any(t.pod_name and _is_ambiguous(members, t) for c in members for t in c.targets):
        return None
    whole = _Whole(batch, members, *_problem(batch, members, nothing_placed(batch)))
    is_left = any(staged.left(c) for c in members)
    most = batch.settings.effort.joint_columns * (IF_LEFT if is_left else 1)
    if not 0 < int(whole.problem.feasible.sum()) <= most:
        return None
    joint = _decided(whole)
    if joint is None:
        return staged, _cost(whole, staged)
    return min(
        ((placing, _cost(whole, placing)) for placing in (staged, joint)),
        key=lambda choice: (_packing(whole, choice[0]).unplaced(whole.problem).tolist(), choice[1]),
    )


def _decided(whole: _Whole) -> Placing | None:
    program = stage_program(whole.problem, whole.problem.feasible)
    found = _solve(Links(whole.batch, program, whole.links), whole.batch)
    if found is None or found.values is None:
        return None
    packing = program.packing(found.values)
    if not packing.fits(whole.problem):
        return None
    placing = nothing_placed(whole.batch)
    carry_out(whole.problem, packing, whole.members, placing)
    return placing


def _packing(whole: _Whole, placing: Placing) -> Packing:
    pods = np.zeros(whole.problem.feasible.shape, dtype=np.int32)
    for g, pending in enumerate(whole.members):
        for node, _ in placing.pods.get(pending.pod_class, ()):
            pods[g, node] += 1
    return Packing(pods)


def _cost(whole: _Whole, placing: Placing) -> int:
    """Return the cost of a placement, the latency between its own pods included."""
    total = _packing(whole, placing).cost(whole.problem)
    weight = whole.batch.settings.cost.latency_weight
    inner = {(link.g, link.target) for link in whole.links}
    for g, pending in enumerate(whole.members):
        spots = [node for node, _ in placing.pods.get(pending.pod_class, ())]
        near = reach(whole.batch, pending, placing.pods)
        for bound in near.hard:
            if (g, bound.target) in inner and not bound.target.is_self:
                total += weight * int(np.maximum(bound.row[spots], 0).sum())
    return total


def _is_ambiguous(members: Sequence[PendingClass], target: Target) -> bool:
    """Whether a pending pod is of the class of the one that a target names, and another."""
    return any(
        pod.name != target.pod_name
        for c in members
        if c.pod_class in target.classes
        for pod in c.pods
    )


def _problem(
    batch: Batch, members: Sequence[PendingClass], placing: Placing
) -> tuple[Problem, tuple[Link, ...]]:
    """Return the stage of all members by what stands already, and the links between them."""
    number = {c.pod_class: g for g, c in enumerate(members)}
    n = len(batch.table)
    links: list[Link] = []
    masks, costs = [], []
    for g, pending in enumerate(members):
        near = reach(batch, pending, placing.pods)
        mask = pending.mask & fits(pending.demand, placing.free)
        mask = placing.rules.narrow(pending.number, mask)
        bound = {b.target: b for b in near.hard}
        for target in pending.targets:
            others = tuple(sorted(number[c] for c in target.classes & number.keys()))
            stands = bound.get(target)
            holds = None if stands is None else within(stands.row, target.constraint.within_us)
            if others:
                links.append(Link(g, target, others, holds))
            if holds is not None and (not others or target.quantifier is Quantifier.ALL):
                mask = mask & holds
            elif holds is None and not others:
                mask = np.zeros(n, dtype=np.bool_)
        masks.append(mask)
        costs.append(arc_costs(batch, pending, near))
    shape = (len(members), n)
    demand = np.array([c.demand for c in members], dtype=np.int64).reshape(
        len(members), len(batch.table.resources)
    )
    count = np.array([len(c.pods) for c in members], dtype=np.int64)
    ranks = sorted({c.rank for c in members}, reverse=True)
    weight = batch.settings.cost.balance_weight
    problem = Problem(
        demand=demand,
        count=count,
        rank=np.array([ranks.index(c.rank) for c in members], dtype=np.int64),
        free=placing.free.copy(),
        feasible=np.array(masks, dtype=np.bool_).reshape(shape),
        cost=np.array(costs, dtype=np.int64).reshape(shape),
        load_cost=load_costs(batch.table.allocatable, placing.free, demand, count, weight),
        spread=tuple(
            spread_levels(batch, c, existing_replicas(batch, c, placing.pods)) for c in members
        ),
    )
    return problem, tuple(links)


def _solve(bound: Links, batch: Batch) -> ProgramSolution | None:
    """Place the most pods rank by rank, then for the least cost."""
    effort = batch.settings.effort
    floors: list[tuple[int, int]] = []
    start: Floats | None = None
    for rank in range(bound.program.problem.ranks):
        asked = bound.extended(bound.program.count_objective(rank), floors)
        found = solve_integer(asked, nodes=effort.joint_nodes, start=start, gap=1.0 - _WHOLE)
        if found.values is None:
            return None
        start = found.values
        floors.append((rank, round(-found.objective)))
    asked = bound.extended(bound.program.cost, floors, with_latency=True)
    gap = effort.cost_gap_ppm / 1_000_000
    return solve_integer(asked, nodes=effort.joint_nodes, start=start, relative_gap=gap)
