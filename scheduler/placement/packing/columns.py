"""Column generation: start with each class's cheapest nodes, let duals bring in the rest.

A column left out would lower the cost only if its price is below what the class gains and the node
gives up: when no such column is left, the optimum of the full graph is proven.
"""

import numpy as np
from numpy.typing import NDArray

from scheduler.placement.packing.graph import FlowAnswer, slots, solve_flow
from scheduler.placement.packing.problem import Problem
from scheduler.placement.settings import EffortSettings

_MOST_DOUBLINGS = 16
"""Beyond any number of nodes."""


def cheapest(problem: Problem, per_class: int) -> NDArray[np.bool_]:
    """Return the `per_class` cheapest feasible columns of each class, shape ``(g, n)``.

    Load counts, and equal nodes are taken in an order of the class's own: classes that all started
    with the same nodes would crowd there, and the others would have to be priced in.
    """
    if problem.feasible.shape[1] <= per_class:
        return problem.feasible.copy()
    dearest = np.iinfo(np.int64).max
    n = problem.feasible.shape[1]
    turns = np.arange(2 * n) % n
    price = (problem.cost + problem.load_cost[None, :, 0]) * n
    for g in range(len(price)):
        start = n - (g * per_class) % n
        price[g] += turns[start : start + n]
    cost = np.where(problem.feasible, price, dearest)
    first = np.argpartition(cost, per_class - 1, axis=1)[:, :per_class]
    out = np.zeros_like(problem.feasible)
    np.put_along_axis(out, first, values=True, axis=1)
    return out & problem.feasible


def solve_columns(
    problem: Problem, effort: EffortSettings
) -> tuple[FlowAnswer, NDArray[np.bool_], int, bool]:
    """Return the flow optimum, the columns offered, the rounds, and whether it is proven."""
    offered = cheapest(problem, effort.columns_per_class)
    limits = slots(problem)
    rounds = 0
    while True:
        rounds += 1
        answer = solve_flow(problem, offered, limits)
        missing = problem.feasible & ~offered
        reduced = _reduced_cost(problem, answer)
        wanted = missing & (reduced < 0)
        if not wanted.any():
            return answer, offered, rounds, answer.is_exact
        if rounds >= effort.pricing_rounds:
            return answer, offered, rounds, False
        # Twice as many each round: where thousands of pods are alike, one would be a slow walk.
        offered |= _best(reduced, wanted, effort.columns_per_class << min(rounds, _MOST_DOUBLINGS))


def _reduced_cost(problem: Problem, answer: FlowAnswer) -> NDArray[np.int64]:
    """Return a lower bound on each column's reduced cost, shape ``(g, n)``.

    For a class that spreads, what its groups already cost is left out, which can only lower the
    value: a column may be brought in for nothing, but none that helps is missed.
    """
    return np.asarray(problem.cost + answer.class_price[:, None] - answer.node_price[None, :])


def _best(
    reduced: NDArray[np.int64], wanted: NDArray[np.bool_], per_class: int
) -> NDArray[np.bool_]:
    """Return the wanted columns with the lowest reduced cost, at most `per_class` a class."""
    reduced = np.where(wanted, reduced, np.iinfo(np.int64).max)
    if wanted.shape[1] <= per_class:
        return wanted
    first = np.argpartition(reduced, per_class - 1, axis=1)[:, :per_class]
    out = np.zeros_like(wanted)
    np.put_along_axis(out, first, values=True, axis=1)
    return out & wanted
