"""The most pods that can be placed where pods come in gangs, by an integer program of the whole.

Each gang is of one class: its first pods all together or none, its spare ones only with them. One
resource, nodes that differ in room and in label; strict priority by solving rank after rank, what
was won of higher ranks kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array


@dataclass(frozen=True)
class Kind:
    """Pods alike: `count` of them, of which `least` all or none (0 for pods of no gang)."""

    name: str
    size: int
    count: int
    least: int
    priority: int
    nodes: tuple[int, ...]


def most_placed(kinds: Sequence[Kind], room: Sequence[int]) -> dict[int, int]:
    """Return how many pods of each priority the best choice places, the highest first."""
    where = [(k, n) for k, kind in enumerate(kinds) for n in kind.nodes]
    many = len(where) + len(kinds)  # pods of a kind on a node; whether a gang runs
    rows: list[dict[int, float]] = []
    low: list[float] = []
    high: list[float] = []

    def rule(row: dict[int, float], least: float, most: float) -> None:
        rows.append(row)
        low.append(least)
        high.append(most)

    for n, free in enumerate(room):
        rule({i: kinds[k].size for i, (k, m) in enumerate(where) if m == n}, -np.inf, free)
    for k, kind in enumerate(kinds):
        own = {i: 1.0 for i, (j, _) in enumerate(where) if j == k}
        gate = len(where) + k
        rule(own | {gate: -float(kind.count)}, -np.inf, 0.0)
        rule(own | {gate: -float(kind.least)}, 0.0, np.inf)
    upper = [float(kinds[k].count) for k, _ in where] + [1.0] * len(kinds)
    won: dict[int, int] = {}
    for priority in sorted({kind.priority for kind in kinds}, reverse=True):
        of_rank = {i: 1.0 for i, (k, _) in enumerate(where) if kinds[k].priority == priority}
        cost = np.zeros(many)
        cost[list(of_rank)] = -1.0
        found = milp(
            cost,
            integrality=np.ones(many, dtype=np.int64),
            bounds=Bounds(0, upper),
            constraints=LinearConstraint(_matrix(rows, many), low, high),
        )
        assert found.status == 0, found.message
        won[priority] = round(-found.fun)
        rule(of_rank, won[priority], np.inf)
    return won


def _matrix(rows: Sequence[dict[int, float]], columns: int) -> csr_array:
    at = [(r, c, value) for r, row in enumerate(rows) for c, value in row.items()]
    r, c, values = zip(*at, strict=True)
    return csr_array((values, (r, c)), shape=(len(rows), columns))
