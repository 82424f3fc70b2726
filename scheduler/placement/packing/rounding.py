"""Contested rooms: from a relaxation to whole pods in exact vectors of resources.

The relaxed program says how many pods can be placed at most and which are worth placing; its
rounding is filled by ejection chains. Where that does not meet the bound, the integer program
decides under a limit on its branch-and-bound nodes. The best packing that fits wins.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.flow.program import Floats, ProgramSolution, solve_integer, solve_linear
from scheduler.placement.packing.chains import ChainSearch
from scheduler.placement.packing.fullest import most_pods
from scheduler.placement.packing.integer import COST_SCALE, StageProgram, stage_program
from scheduler.placement.packing.problem import Packing, Problem, overcommitted
from scheduler.placement.packing.windows import better_of, improve_in_windows
from scheduler.placement.settings import EffortSettings

TOLERANCE = 0.005
"""How near its bound a cost is called optimal: the design's budget."""

_WHOLE = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Settled:
    """A packing that fits, with a proven lower bound on its cost for as many pods placed."""

    packing: Packing
    bound: int
    is_optimal: bool
    method: str


def settle(
    problem: Problem, flow: Packing, offered: NDArray[np.bool_], effort: EffortSettings
) -> Settled:
    """Return the best packing found for a stage whose flow over-commits some node.

    Parameters
    ----------
    flow
        The flow's packing, which need not fit.
    offered
        Columns the flow used; all feasible columns are taken instead while they are few enough.
    """
    columns = problem.feasible
    is_whole = int(columns.sum()) <= effort.program_columns
    if not is_whole:
        columns = _contested(problem, flow, offered)
    program = stage_program(problem, columns)
    prices = program.priced()
    relaxed = solve_linear(program.program(prices, []))
    # Without a relaxation the chains start from nothing.
    amounts = np.zeros(len(program.cost)) if relaxed.values is None else relaxed.values
    share = np.bincount(program.g, weights=amounts[: len(program.g)], minlength=len(problem.count))
    search = ChainSearch(problem, _rounded(program, amounts), effort.chain_steps)
    search.place_missing(share / np.maximum(1, problem.count))
    search.improve(effort.chain_work)
    light = stage_program(problem.without_load(), columns)
    packing, is_most = most_pods(light, search.packing, effort)
    is_most &= is_whole
    search = ChainSearch(problem, packing, effort.chain_steps)
    search.improve(effort.chain_work)
    if is_whole and len(program.g) <= effort.exact_columns:
        judged = light if problem.cost.any() else program
        return _cheapest(problem, judged, search.packing, effort, is_count_proven=is_most)
    packing = improve_in_windows(problem, search.packing, effort.window_pivots)
    return Settled(
        packing,
        # Some of the columns prove nothing of all.
        _bound(program, relaxed, prices, packing) if is_whole else 0,
        is_optimal=False,
        method="chains and windows" + (", most pods proven" if is_most else ""),
    )


def _contested(problem: Problem, flow: Packing, offered: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return all offered columns of classes on contested nodes, and the flow's own elsewhere."""
    nodes = overcommitted(problem, flow)
    hot = np.asarray((flow.pods[:, nodes] > 0).any(axis=1))
    return (offered & hot[:, None]) | (flow.pods > 0)


def _bound(
    program: StageProgram, relaxed: ProgramSolution, prices: Floats, packing: Packing
) -> int:
    """Return the least cost of placing what `packing` places, by the relaxation."""
    placed = packing.pods[program.g, program.n]
    if not np.isfinite(relaxed.objective):
        return 0
    waived = ((program.cost - prices)[: len(program.g)] * placed).sum()
    return max(0, int(np.ceil((relaxed.objective + waived) * COST_SCALE - 1.0)))


def _rounded(program: StageProgram, values: Floats) -> Packing:
    """Return the relaxation's whole part, then its fractions from the largest, where they fit."""
    problem = program.problem
    amounts = values[: len(program.g)]
    whole = np.floor(amounts + _WHOLE).astype(np.int32)
    pods = np.zeros(problem.feasible.shape, dtype=np.int32)
    pods[program.g, program.n] = whole
    if overcommitted(problem, Packing(pods)).any():
        # Tolerances of the solver; start from nothing rather than from what does not fit.
        pods[:] = 0
    free = problem.free - pods.T.astype(np.int64) @ problem.demand
    left = problem.count - pods.sum(axis=1)
    part = amounts - whole
    size = problem.demand[program.g].max(axis=1)
    order = np.lexsort((program.cost[: len(part)], -size, -np.round(part, 6)))
    for k in order[part[order] > _WHOLE].tolist():
        g, n = int(program.g[k]), int(program.n[k])
        demand = problem.demand[g]
        if left[g] and (free[n] >= demand)[demand > 0].all():
            pods[g, n] += 1
            free[n] -= demand
            left[g] -= 1
    return Packing(pods)


def _cheapest(
    problem: Problem,
    program: StageProgram,
    packing: Packing,
    effort: EffortSettings,
    *,
    is_count_proven: bool,
) -> Settled:
    """Return the cheapest packing that places as many pods, proven where the limit allows.

    `program` may leave the load out: a tie-break makes proofs take minutes instead of seconds, and
    a bound without it is a bound.
    """
    left = packing.unplaced(problem)
    floors = [
        (rank, int(problem.count[problem.rank == rank].sum() - left[rank]))
        for rank in range(problem.ranks)
    ]
    found = solve_integer(
        program.program(program.cost, floors),
        nodes=effort.program_nodes,
        start=program.start(packing),
        relative_gap=effort.cost_gap_ppm / 1_000_000,
    )
    packing = better_of(program, packing, found, problem)
    bound = max(0, int(np.ceil(found.bound * COST_SCALE - 1.0))) if np.isfinite(found.bound) else 0
    is_near = packing.cost(problem) <= bound * (1 + TOLERANCE) + 1
    return Settled(
        packing,
        bound,
        is_optimal=found.is_optimal and is_count_proven and is_near,
        method="integer program",
    )
