"""Windows: re-decide a few nodes at a time exactly, the rest standing still.

Large-neighbourhood search (Shaw, "Using constraint programming and local search methods to solve
vehicle routing problems", 1998): a window is a node and those that share most candidates with it;
all pods on it, and all that wait and could use it, are placed anew by the integer program. A window
never makes the whole worse. Work is bounded by simplex pivots.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.flow.program import Program, ProgramSolution, solve_integer
from scheduler.placement.packing.integer import StageProgram, stage_program
from scheduler.placement.packing.problem import Ints, Packing, Problem, SpreadLevel

WINDOW_NODES = 8
"""Nodes a window spans: eight took 7 to 100 ms and gained as much as fourteen at a fifth."""

WINDOW_GAP = 1e-4
"""How near a window's proven bound is near enough."""

WINDOW_BRANCHES = 20
"""Most branch-and-bound nodes of one window."""


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """A window's nodes, the classes in it, and the stage that they make."""

    nodes: Ints
    classes: Ints
    problem: Problem


def improve_in_windows(problem: Problem, packing: Packing, pivots: int) -> Packing:
    """Return a packing no worse, after windows over all nodes until the pivots are spent.

    Nodes that pods left out could use come first, then the nodes whose pods cost most.
    """
    pods = packing.pods.copy()
    near = shared_candidates(problem)
    while pivots > 0:
        before = Packing(pods).value(problem)
        for node in _seeds(problem, pods, near).tolist():
            if pivots <= 0:
                break
            window = window_of(problem, pods, nodes_around(near, node, WINDOW_NODES))
            pivots -= _improve(window, pods)
        if Packing(pods).value(problem) >= before:
            break
    return Packing(pods)


def shared_candidates(problem: Problem) -> NDArray[np.float64]:
    """Return how much two nodes are candidates of the same classes, shape ``(n, n)``, cosine."""
    feasible = problem.feasible.astype(np.float32)
    shared = feasible.T @ feasible
    norm = np.sqrt(np.maximum(1.0, np.diag(shared)))
    return np.asarray(shared / norm[:, None] / norm[None, :], dtype=np.float64)


def _seeds(problem: Problem, pods: NDArray[np.int32], near: NDArray[np.float64]) -> Ints:
    """Return nodes by what could be gained around them: pods left out, then pods kept away.

    A pod that stands dearer than its cheapest node counts there as well as where it stands, and for
    the neighbours of both: often a third node has to take a pod for two others to gain.
    """
    left = problem.count - pods.sum(axis=1)
    wanted = (problem.feasible * left[:, None]).sum(axis=0)
    cost = np.where(problem.feasible, problem.cost, np.iinfo(np.int64).max)
    cheapest = cost.argmin(axis=1)
    least = cost[np.arange(len(cost)), cheapest]
    regret = np.where(pods > 0, (problem.cost - least[:, None]) * pods, 0)
    gain = regret.sum(axis=0)
    np.add.at(gain, cheapest, regret.sum(axis=1))
    around = np.round(near @ gain.astype(np.float64))
    order = np.lexsort((np.arange(len(gain)), -around, -wanted))
    return np.asarray(order[(wanted[order] > 0) | (around[order] > 0)])


def nodes_around(near: NDArray[np.float64], node: int, most: int) -> Ints:
    """Return a node and those that share most candidates with it, in node order."""
    score = near[node].copy()
    score[node] = 2.0
    order = np.argsort(-score, kind="stable")[:most]
    return np.sort(order[score[order] > 0])


def window_of(problem: Problem, pods: NDArray[np.int32], nodes: Ints) -> Window:
    """Return the stage that a window's nodes make while all others stand still."""
    left = problem.count - pods.sum(axis=1)
    could_enter = (left > 0) & problem.feasible[:, nodes].any(axis=1)
    classes = np.flatnonzero(pods[:, nodes].any(axis=1) | could_enter)
    inside = np.zeros(len(problem.free), dtype=np.bool_)
    inside[nodes] = True
    standing = np.where(inside[None, :], 0, pods[classes])
    at = np.ix_(classes, nodes)
    part = Problem(
        demand=problem.demand[classes],
        count=problem.count[classes] - standing.sum(axis=1),
        rank=problem.rank[classes],
        free=problem.free[nodes],
        feasible=problem.feasible[at],
        cost=problem.cost[at],
        load_cost=problem.load_cost[nodes],
        spread=tuple(
            tuple(_inside(level, nodes, standing[k]) for level in problem.spread[g])
            for k, g in enumerate(classes.tolist())
        ),
        load_widths=problem.load_widths,
    )
    return Window(nodes, classes, part)


def _inside(level: SpreadLevel, nodes: Ints, standing: NDArray[np.int32]) -> SpreadLevel:
    """Return a level as the window sees it: replicas that stand outside exist already."""
    counted = level.group >= 0
    outside = np.bincount(
        level.group[counted], weights=standing[counted], minlength=len(level.existing)
    ).astype(np.int64)
    return SpreadLevel(level.group[nodes], level.existing + outside, level.weight)


def _improve(window: Window, pods: NDArray[np.int32]) -> int:
    """Place a window anew where that is better; return the pivots spent."""
    problem = window.problem
    at = np.ix_(window.classes, window.nodes)
    now = Packing(pods[at])
    # Load is a tie-break: its steps would be most of a window's variables. It still decides, in
    # the end, whether the answer is taken.
    program = stage_program(problem.without_load(), problem.feasible)
    if not len(program.g):
        return 1
    found = solve_integer(
        _posed(program, now),
        nodes=WINDOW_BRANCHES,
        start=program.start(now),
        relative_gap=WINDOW_GAP,
    )
    pods[at] = better_of(program, now, found, problem).pods
    return 1 + found.pivots


def _posed(program: StageProgram, now: Packing) -> Program:
    """Ask for the least cost where all are placed, else weigh pods left out against cost."""
    left = now.unplaced(program.problem)
    if left.any():
        return program.program(program.priced(), [])
    floors = [
        (rank, int(program.problem.count[program.problem.rank == rank].sum()))
        for rank in range(program.problem.ranks)
    ]
    return program.program(program.cost, floors)


def better_of(
    program: StageProgram, packing: Packing, found: ProgramSolution, problem: Problem
) -> Packing:
    """Return the better of a packing and a solver's answer by `problem`; the answer must fit."""
    if found.values is None:
        return packing
    other = program.packing(found.values)
    is_whole = (other.pods >= 0).all() and (other.pods.sum(axis=1) <= problem.count).all()
    if not is_whole or not other.fits(problem):
        return packing
    return min(packing, other, key=lambda p: p.value(problem))
