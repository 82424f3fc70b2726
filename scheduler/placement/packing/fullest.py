"""The most pods: windows that widen until the relaxation's bound is met.

A window around nodes that pods left out could use is first asked for its bound, which is cheap;
only where that promises a pod more is it decided exactly. Small windows first: they are solved in
milliseconds, and most of what is missing is missing locally.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.flow.program import ProgramSolution, solve_integer, solve_linear
from scheduler.placement.packing.integer import StageProgram, stage_program
from scheduler.placement.packing.problem import Packing, Problem
from scheduler.placement.packing.windows import (
    better_of,
    nodes_around,
    shared_candidates,
    window_of,
)
from scheduler.placement.settings import EffortSettings

SIZES = (16, 32, 64, 128)
"""Nodes of a window, in the order tried; at last all nodes at once."""

WINDOW_BRANCHES = 5
"""Most branch-and-bound nodes of one window: what its root does not find is left to a wider one."""

SMALL_COLUMNS = 10_000
"""A program of fewer columns may branch as many times more: its nodes are that much cheaper."""

SEEDS = 24
"""Windows of one size: their centres are the nodes most asked for."""

_WHOLE = 1e-6


@dataclass(slots=True)
class _Budget:
    """Simplex pivots left."""

    pivots: int


def most_pods(
    program: StageProgram, packing: Packing, effort: EffortSettings
) -> tuple[Packing, bool]:
    """Raise the number placed, rank by rank; return whether it is proven to be the most.

    Parameters
    ----------
    program
        The whole stage.
    packing
        Where to start: never made worse.
    effort
        Bounds on the work.
    """
    problem = program.problem
    floors: list[tuple[int, int]] = []
    is_proven = True
    budget = _Budget(effort.fullest_pivots)
    for rank in range(problem.ranks):
        total = int(problem.count[problem.rank == rank].sum())
        if packing.unplaced(problem)[rank]:
            asked = program.program(program.count_objective(rank), floors)
            most = _at_most(solve_linear(asked), total)
            packing, least_left = _fill(program, packing, rank, most, (floors, budget, effort))
            is_proven &= total - int(packing.unplaced(problem)[rank]) >= least_left
        floors.append((rank, total - int(packing.unplaced(problem)[rank])))
    return packing, is_proven


def _at_most(relaxed: ProgramSolution, total: int) -> int:
    """Return how many of `total` pods a relaxation leaves possible."""
    return int(min(total, np.floor(-relaxed.bound + _WHOLE)))


def _fill(
    program: StageProgram,
    packing: Packing,
    rank: int,
    most: int,
    means: tuple[list[tuple[int, int]], _Budget, EffortSettings],
) -> tuple[Packing, int]:
    """Return a fuller packing and the proven most of the rank."""
    floors, budget, effort = means
    problem = program.problem
    pods = packing.pods.copy()
    near = shared_candidates(problem)
    total = int(problem.count[problem.rank == rank].sum())
    for size in SIZES:
        if size < len(problem.free):
            _widen(problem, pods, rank, (near, size, most), budget)
    packing = Packing(pods)
    placed = total - int(packing.unplaced(problem)[rank])
    if placed >= most or budget.pivots <= 0:
        return packing, most
    found = solve_integer(
        program.program(program.count_objective(rank), floors),
        nodes=effort.program_nodes * max(1, SMALL_COLUMNS // max(1, len(program.g))),
        start=program.start(packing),
        gap=1.0 - _WHOLE,
    )
    budget.pivots -= found.pivots
    packing = better_of(program, packing, found, problem)
    placed = total - int(packing.unplaced(problem)[rank])
    return packing, placed if found.is_optimal else most


def _widen(
    problem: Problem,
    pods: NDArray[np.int32],
    rank: int,
    scope: tuple[NDArray[np.float64], int, int],
    budget: _Budget,
) -> None:
    """Try windows of one size around the nodes most asked for, in place."""
    near, size, most = scope
    is_rank = problem.rank == rank
    tried = np.zeros(len(problem.free), dtype=np.bool_)
    for _ in range(SEEDS):
        left = np.where(is_rank, problem.count - pods.sum(axis=1), 0)
        is_full = int(pods[is_rank].sum()) >= most
        wanted = near @ (problem.feasible * left[:, None]).sum(axis=0).astype(np.float64)
        wanted[tried] = 0.0
        if is_full or budget.pivots <= 0 or not wanted.any():
            return
        seed = int(wanted.argmax())
        nodes = nodes_around(near, seed, size)
        # Neighbouring centres make nearly the same window: skip those well inside this one.
        tried[nodes_around(near, seed, max(1, size // 4))] = True
        window = window_of(problem, pods, nodes)
        at = np.ix_(window.classes, window.nodes)
        pods[at] = _fuller(window.problem, Packing(pods[at]), rank, budget).pods


def _fuller(problem: Problem, now: Packing, rank: int, budget: _Budget) -> Packing:
    """Return a window's packing with more pods of a rank and no fewer of the higher ones."""
    program = stage_program(problem.without_load(), problem.feasible)
    if not len(program.g):
        return now
    of_rank = [now.pods[problem.rank == k].sum() for k in range(rank + 1)]
    floors = [(k, int(of_rank[k])) for k in range(rank)]
    asked = program.program(program.count_objective(rank), floors)
    relaxed = solve_linear(asked)
    budget.pivots -= relaxed.pivots
    total = int(problem.count[problem.rank == rank].sum())
    if _at_most(relaxed, total) <= of_rank[rank]:
        return now
    found = solve_integer(asked, nodes=WINDOW_BRANCHES, start=program.start(now), gap=1.0 - _WHOLE)
    budget.pivots -= found.pivots
    return better_of(program, now, found, problem)
