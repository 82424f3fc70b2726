"""Random stages, and an exact program over each, written from the meaning of its arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_matrix

from scheduler.placement.packing.problem import LOAD_WIDTHS, Packing, Problem, SpreadLevel


@dataclass(frozen=True)
class Shape:
    """How large and how tight a random stage is."""

    classes: int
    nodes: int
    resources: int
    count: int
    ranks: int = 1
    is_spread: bool = False


def random_stage(rng: np.random.Generator, shape: Shape) -> Problem:
    """Return a stage: the first resource counts pods, the others are odd numbers of bytes."""
    g, n = shape.classes, shape.nodes
    demand = rng.integers(1, 60, (g, shape.resources)) * 16_777_213
    demand[rng.random(demand.shape) < 0.15] = 0
    demand[:, 0] = 1
    free = rng.integers(60, 240, (n, shape.resources)) * 16_777_259
    free[:, 0] = rng.integers(2, 12, n)
    free[rng.random(free.shape) < 0.05] *= -1
    feasible = rng.random((g, n)) < 0.6
    asked = demand > 0
    feasible &= np.array(
        [(free[:, a] >= d[a]).all(axis=1) for a, d in zip(asked, demand, strict=True)]
    )
    kept = feasible.any(axis=1)
    feasible, demand = feasible[kept], demand[kept]
    g = len(feasible)
    rank = np.sort(rng.integers(0, shape.ranks, g))
    _, rank = np.unique(rank, return_inverse=True)
    return Problem(
        demand=demand,
        count=rng.integers(1, shape.count + 1, g),
        rank=rank.astype(np.int64),
        free=free,
        feasible=feasible,
        cost=rng.integers(0, 50, (g, n)) * int(rng.choice([1, 1_000, 400_000])),
        load_cost=np.cumsum(rng.integers(0, 40, (n, len(LOAD_WIDTHS))), axis=1),
        spread=tuple(_levels(rng, n) if shape.is_spread else () for _ in range(g)),
    )


def _levels(rng: np.random.Generator, n: int) -> tuple[SpreadLevel, ...]:
    if rng.random() < 0.3:
        return ()
    outer = rng.integers(-1, 2, n)
    existing = rng.integers(0, 3, n)
    totals = np.array([existing[outer == k].sum() for k in range(2)])
    node = np.arange(n)
    return (
        SpreadLevel(outer, totals, 900),
        SpreadLevel(node, existing, int(rng.choice([200, 5_000]))),
    )


def slots_only(problem: Problem) -> Problem:
    """Return the stage with its first resource alone: what a flow can say exactly."""
    return Problem(
        problem.demand[:, :1],
        problem.count,
        problem.rank,
        np.abs(problem.free[:, :1]),
        problem.feasible,
        problem.cost,
        problem.load_cost,
        problem.spread,
    )


class ExactStage:
    """Variables: pods of each class on each node, then one for each unit of a convex price."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._cells = problem.feasible.size
        self._cost = [float(c) for c in np.where(problem.feasible, problem.cost, 0).ravel()]
        self._top = [float(c) for c in (problem.feasible * problem.count[:, None]).ravel()]
        self._rows: list[tuple[list[int], list[float], float, float]] = []
        g, n = problem.feasible.shape
        cells = np.arange(self._cells).reshape(g, n)
        for k in range(g):
            self._row(cells[k], np.ones(n), 0, int(problem.count[k]))
        for i in range(n):
            for r in range(problem.demand.shape[1]):
                room = max(0, int(problem.free[i, r]))
                # In shares of the room: bytes are too large for floating point rows.
                self._row(cells[:, i], problem.demand[:, r] / max(room, 1), 0, 1 if room else 0)
            self._units(cells[:, i], self._load_prices(i))
        for k, levels in enumerate(problem.spread):
            for level in levels:
                for group in range(len(level.existing)):
                    rises = level.weight * (level.existing[group] + np.arange(problem.count[k]))
                    self._units(cells[k, level.group == group], rises.tolist())

    def _load_prices(self, node: int) -> list[int]:
        most = int(self.problem.count.sum())
        widths = np.minimum(self.problem.load_widths, most)
        return [int(p) for p in np.repeat(self.problem.load_cost[node], widths)[:most]]

    def _row(
        self, columns: NDArray[np.int64], values: NDArray[np.float64], lower: float, upper: float
    ) -> None:
        self._rows.append((columns.tolist(), values.tolist(), lower, upper))

    def _units(self, columns: NDArray[np.int64], prices: list[int]) -> None:
        first = len(self._cost)
        self._cost.extend(prices)
        self._top.extend([1.0] * len(prices))
        units = np.arange(first, first + len(prices))
        values = np.concatenate([np.ones(len(columns)), -np.ones(len(units))])
        self._row(np.concatenate([columns, units]), values, 0, 0)

    def solve(self) -> tuple[tuple[int, ...], int]:
        """Return the most pods placed by rank, and the least cost of placing them."""
        placed = []
        for rank in range(self.problem.ranks):
            member = np.zeros(len(self._cost))
            member[: self._cells] = np.repeat(self.problem.rank == rank, len(self.problem.free))
            most = round(-self._run(-member))
            placed.append(most)
            self._row(np.flatnonzero(member), np.ones(int(member.sum())), most, np.inf)
        return tuple(placed), round(self._run(np.array(self._cost) / 1_000) * 1_000)

    def _run(self, objective: NDArray[np.float64]) -> float:
        row = np.repeat(np.arange(len(self._rows)), [len(r[0]) for r in self._rows])
        column = np.concatenate([r[0] for r in self._rows]).astype(int)
        value = np.concatenate([r[1] for r in self._rows])
        shape = (len(self._rows), len(self._cost))
        answer = milp(
            objective,
            constraints=LinearConstraint(
                coo_matrix((value, (row, column)), shape=shape).tocsr(),
                [r[2] for r in self._rows],
                [r[3] for r in self._rows],
            ),
            integrality=np.ones(len(objective), dtype=np.int64),
            bounds=Bounds(0.0, np.array(self._top)),
            options={"mip_rel_gap": 0.0},
        )
        assert answer.x is not None
        return float(answer.fun)


def placed_by_rank(problem: Problem, packing: Packing) -> tuple[int, ...]:
    """Return the pods a packing places, by rank."""
    placed = packing.pods.sum(axis=1)
    return tuple(int(placed[problem.rank == rank].sum()) for rank in range(problem.ranks))
