"""Ejection chains: place a pod by moving others, cheapest chain first.

A pod that fits nowhere takes the room of another, which takes the room of a third, until one fits:
Dijkstra over "whose pod is homeless now", as in Glover, "Ejection chains, reference structures and
alternating path methods", 1996. No pod is ever dropped, so the number placed only rises, and a
chain is only taken when it pays.
"""

import heapq
from bisect import bisect_right
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.placement.packing.problem import Packing, Problem

NO_LIMIT = 1 << 62


@dataclass(frozen=True, slots=True)
class _Step:
    """Class `g` goes to `node`; one pod of `ejected` (-1: nobody) leaves it."""

    g: int
    node: int
    ejected: int
    before: "_Step | None"


class ChainSearch:
    """A packing that is improved in place.

    Parameters
    ----------
    problem
        The stage.
    packing
        A packing that fits.
    steps
        Most chain steps looked at in one search: the bound on work.
    """

    def __init__(self, problem: Problem, packing: Packing, steps: int = 4_000) -> None:
        self._problem = problem
        self._steps = steps
        self.steps_taken = 0
        self._demand: list[list[int]] = problem.demand.tolist()
        self._asked = [[k for k, d in enumerate(row) if d > 0] for row in self._demand]
        self._pods = packing.pods.copy()
        self._hosted: list[dict[int, int]] = [{} for _ in range(problem.free.shape[0])]
        for g, node in zip(*np.nonzero(self._pods), strict=True):
            self._hosted[int(node)][int(g)] = int(self._pods[g, node])
        used = self._pods.T.astype(np.int64) @ problem.demand
        self._free: list[list[int]] = (problem.free - used).tolist()
        self._columns = [self._sorted_columns(g) for g in range(len(problem.count))]
        self._load: list[list[int]] = problem.load_cost.tolist()
        self._load_starts: list[int] = problem.load_starts.tolist()
        self._new = self._pods.sum(axis=0).tolist()

    def _sorted_columns(self, g: int) -> list[tuple[int, int]]:
        nodes = np.flatnonzero(self._problem.feasible[g])
        costs = self._problem.cost[g, nodes]
        order = np.argsort(costs, kind="stable")
        return list(zip(costs[order].tolist(), nodes[order].tolist(), strict=True))

    @property
    def packing(self) -> Packing:
        """The packing as it stands."""
        return Packing(self._pods.copy())

    def place_missing(self, urge: NDArray[np.float64] | None = None) -> int:
        """Place pods that are left out; return how many.

        Higher ranks go first; within a rank classes of greater `urge` (shape ``(g,)``: the share a
        relaxation would place), then larger pods.
        """
        problem = self._problem
        left = problem.count - self._pods.sum(axis=1)
        share = (problem.demand / np.maximum(1, problem.free.max(axis=0))).max(axis=1)
        wanted = np.zeros(len(left)) if urge is None else np.round(urge, 3)
        placed = 0
        for g in np.lexsort((-share, -wanted, problem.rank)).tolist():
            for _ in range(int(left[g])):
                chain = self._search(g, NO_LIMIT)
                if chain is None:
                    break
                self._apply(chain)
                placed += 1
        return placed

    def improve(self, work: int) -> None:
        """Take pods out and put them back by the cheapest chain, until nothing is gained.

        Parameters
        ----------
        work
            Most steps looked at in all searches together. Pods that stand farthest above their
            cheapest node come first.
        """
        least = np.where(self._problem.feasible, self._problem.cost, NO_LIMIT).min(axis=1)
        end = self.steps_taken + work
        gained = True
        while gained:
            gained = False
            g, nodes = np.nonzero(self._pods)
            regret = self._problem.cost[g, nodes] - least[g]
            for k in np.argsort(-regret, kind="stable").tolist():
                if self.steps_taken >= end:
                    return
                is_settled = regret[k] <= 0 and not self._problem.spread[g[k]]
                if self._pods[g[k], nodes[k]] and not is_settled:
                    gained |= self._reinsert(int(g[k]), int(nodes[k]))

    def _reinsert(self, g: int, node: int) -> bool:
        self._remove(g, node)
        now = self._price(g, node) + self._load_price(node)
        chain = self._search(g, now)
        if chain is None:
            self._put(g, node)
            return False
        self._apply(chain)
        return True

    def _load_price(self, node: int) -> int:
        """Return what one more pod on `node` adds to its load price."""
        return self._load[node][bisect_right(self._load_starts, self._new[node]) - 1]

    def _price(self, g: int, node: int) -> int:
        """Return what one more pod of `g` on `node` costs, its load apart."""
        price = int(self._problem.cost[g, node])
        for level in self._problem.spread[g]:
            group = int(level.group[node])
            if group >= 0:
                here = int(self._pods[g, level.group == group].sum())
                price += level.weight * (int(level.existing[group]) + here)
        return price

    def _fits(self, g: int, node: int, without: int = -1) -> bool:
        free, demand = self._free[node], self._demand[g]
        if without < 0:
            return all(free[k] >= demand[k] for k in self._asked[g])
        back = self._demand[without]
        return all(free[k] + back[k] >= demand[k] for k in self._asked[g])

    def _search(self, g: int, limit: int) -> _Step | None:
        """Return the cheapest chain that houses one pod of `g` for less than `limit`."""
        best: _Step | None = None
        bound = limit
        settled: set[int] = set()
        heap: list[tuple[int, int, int, _Step | None]] = [(0, 0, g, None)]
        tick = 0
        while heap and tick < self._steps and heap[0][0] < bound:
            spent, _, homeless, chain = heapq.heappop(heap)
            if homeless in settled:  # reached more cheaply before
                continue
            settled.add(homeless)
            visited = _nodes(chain)
            for cost, node in self._columns[homeless]:
                if node in visited:
                    continue
                tick += 1
                spreads = bool(self._problem.spread[homeless])
                there = spent + (self._price(homeless, node) if spreads else cost)
                if self._fits(homeless, node):
                    if there + self._load_price(node) < bound:
                        bound = there + self._load_price(node)
                        best = _Step(homeless, node, -1, chain)
                    continue
                tick += len(self._hosted[node])
                for other in self._ejectable(homeless, node, settled):
                    # One comes and one goes: the node's load price stays.
                    earned = there - int(self._problem.cost[other, node])
                    step = _Step(homeless, node, other, chain)
                    heapq.heappush(heap, (earned, tick, other, step))
        self.steps_taken += tick
        return best

    def _ejectable(self, g: int, node: int, settled: set[int]) -> list[int]:
        """Return the classes on a node of which one pod's room is enough for `g`."""
        return [
            other
            for other in self._hosted[node]
            if other not in settled and self._fits(g, node, other)
        ]

    def _apply(self, last: _Step) -> None:
        step: _Step | None = last
        while step is not None:
            if step.ejected >= 0:
                self._remove(step.ejected, step.node)
            self._put(step.g, step.node)
            step = step.before

    def _put(self, g: int, node: int) -> None:
        self._pods[g, node] += 1
        self._hosted[node][g] = self._hosted[node].get(g, 0) + 1
        self._new[node] += 1
        for k, d in enumerate(self._demand[g]):
            self._free[node][k] -= d

    def _remove(self, g: int, node: int) -> None:
        self._pods[g, node] -= 1
        left = self._hosted[node][g] - 1
        if left:
            self._hosted[node][g] = left
        else:
            del self._hosted[node][g]
        self._new[node] -= 1
        for k, d in enumerate(self._demand[g]):
            self._free[node][k] += d


def _nodes(chain: _Step | None) -> set[int]:
    out = set()
    while chain is not None:
        out.add(chain.node)
        chain = chain.before
    return out
