"""One stage of the decision as arrays: what is asked, what is free, what each choice costs."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

LOAD_WIDTHS = np.array([1, 1, 2, 4, 8, 16, 1 << 40], dtype=np.int64)
"""Pods per step of a node's load cost by default: single pods first, where balance is decided."""


@dataclass(frozen=True, slots=True, eq=False)
class SpreadLevel:
    """One level replicas spread over: failure domains, zones or nodes.

    `group` has shape ``(n,)``, the group of each node, -1 where spreading says nothing. `existing`
    counts the workload's replicas in each group. The k-th replica of a group costs
    ``weight * (existing + k - 1)`` units: convex, so that the second costs more than the first.
    """

    group: Ints
    existing: Ints
    weight: int


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """``g`` classes to place on ``n`` nodes with ``r`` resources.

    Parameters
    ----------
    demand
        Shape ``(g, r)``: what one pod takes.
    count
        Shape ``(g,)``: pods of the class.
    rank
        Shape ``(g,)``: 0 for the highest rank among the classes, then 1, ….
    free
        Shape ``(n, r)``: room before the stage.
    feasible
        Shape ``(g, n)``.
    cost
        Shape ``(g, n)``, cost units, not negative; meaningless where not feasible.
    load_cost
        Shape ``(n, s)``: cost units a pod adds within each step of `load_widths`, not decreasing.
    spread
        For each class its levels, outermost first; nested: a later level's groups lie within an
        earlier level's.
    load_widths
        Shape ``(s,)``: pods each step of `load_cost` stands for.
    """

    demand: Ints
    count: Ints
    rank: Ints
    free: Ints
    feasible: NDArray[np.bool_]
    cost: Ints
    load_cost: Ints
    spread: tuple[tuple[SpreadLevel, ...], ...]
    load_widths: Ints = field(default_factory=LOAD_WIDTHS.copy)

    @property
    def load_starts(self) -> Ints:
        """Return the pods on a node before each step of `load_cost`, shape ``(s,)``."""
        return np.cumsum(self.load_widths) - self.load_widths

    def without_load(self) -> "Problem":
        """Return the problem with the tie-break left out: far fewer variables, nearly the cost."""
        return replace(self, load_cost=np.zeros_like(self.load_cost))

    @property
    def ranks(self) -> int:
        """Number of priority ranks."""
        return int(self.rank.max()) + 1 if len(self.rank) else 0


@dataclass(frozen=True, slots=True, eq=False)
class Packing:
    """A solution: pods of each class on each node, shape ``(g, n)``."""

    pods: NDArray[np.int32]

    def unplaced(self, problem: Problem) -> Ints:
        """Return the pods left out by rank, shape ``(ranks,)``."""
        left = problem.count - self.pods.sum(axis=1)
        return np.bincount(problem.rank, weights=left, minlength=problem.ranks).astype(np.int64)

    def fits(self, problem: Problem) -> bool:
        """Whether no node is over-committed in a resource that a pod placed on it asks for."""
        return not overcommitted(problem, self).any()

    def cost(self, problem: Problem) -> int:
        """Return the exact cost in units, without the price of pods left out."""
        total = int((problem.cost * self.pods).sum())
        on_node = self.pods.sum(axis=0).astype(np.int64)
        total += int(load_prices(problem, on_node).sum())
        for g, levels in enumerate(problem.spread):
            for level in levels:
                total += spread_price(level, self.pods[g])
        return total

    def value(self, problem: Problem) -> tuple[int, ...]:
        """Return what is compared, smaller is better: pods left out by rank, then cost."""
        return (*self.unplaced(problem).tolist(), self.cost(problem))


def load_prices(problem: Problem, on_node: Ints) -> Ints:
    """Return each node's load cost with `on_node` new pods, shape ``(n,)``."""
    start = problem.load_starts
    steps = np.clip(on_node[:, None] - start[None, :], 0, problem.load_widths[None, :])
    return np.asarray((steps * problem.load_cost).sum(axis=1))


def spread_price(level: SpreadLevel, pods: NDArray[np.int32]) -> int:
    """Return what one level of one class costs, given its pods on each node."""
    counted = level.group >= 0
    new = np.bincount(
        level.group[counted], weights=pods[counted], minlength=len(level.existing)
    ).astype(np.int64)
    return int(level.weight * (new * level.existing + new * (new - 1) // 2).sum())


def overcommitted(problem: Problem, packing: Packing) -> NDArray[np.bool_]:
    """Return the nodes on which the packing takes more than is free, shape ``(n,)``.

    A node short of a resource beforehand is no offence while the packing asks for none of it.
    """
    used = packing.pods.T.astype(np.int64) @ problem.demand
    return np.asarray(((used > problem.free) & (used > 0)).any(axis=1))
