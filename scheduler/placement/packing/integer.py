"""A stage as an integer program: x[class, node] counts, rooms, convex load and spread.

Every candidate node of a class is a column; rows keep rooms and counts; convex prices become
bounded steps, which fill in order by themselves because they rise.
"""

from dataclasses import dataclass

import numpy as np

from scheduler.flow.program import INFINITY, Floats, Program
from scheduler.placement.packing.problem import Ints, Packing, Problem, SpreadLevel

COST_SCALE = 1_000.0
"""Cost units per unit of the objective: milliseconds keep HiGHS's tolerances meaningful."""

PRICE_OF_WAITING = 20.0
"""In the relaxation a pod left out costs this many times the dearest column: enough to place it by
moving twenty others, and small enough to keep floating point exact to the unit."""

RANK_STEP = 8.0
"""How much more a rank weighs than the next in the relaxation, which only guides."""

RANK_SPAN = 4.0
"""Steps between the first rank and the last at most: of forty ranks each weighs a little more than
the next, for floating point could not tell the costs beside prices of forty steps."""

LARGEST_ENTRY = 1e6
"""Rows with larger entries are scaled to this: HiGHS keeps rows to a fixed tolerance, and refuses
entries beyond 1e15. What fits is decided in exact integers afterwards."""


class _Rows:
    """Rows under construction."""

    def __init__(self) -> None:
        self.row: list[Ints] = []
        self.column: list[Ints] = []
        self.value: list[Floats] = []
        self.lower: list[Floats] = []
        self.upper: list[Floats] = []
        self.count = 0

    def add(self, lower: Floats, upper: Floats) -> int:
        first = self.count
        self.lower.append(lower)
        self.upper.append(upper)
        self.count += len(upper)
        return first

    def entries(self, row: Ints, column: Ints, value: Floats) -> None:
        self.row.append(np.asarray(row, dtype=np.int64))
        self.column.append(np.asarray(column, dtype=np.int64))
        self.value.append(np.asarray(value, dtype=np.float64))


@dataclass(frozen=True, slots=True, eq=False)
class StageProgram:
    """A stage's program.

    The first ``len(g)`` variables are the columns: pods of class ``g[k]`` on node ``n[k]``. `cost`
    has an entry for each variable, the steps of convex prices included.
    """

    problem: Problem
    g: Ints
    n: Ints
    upper: Floats
    cost: Floats
    rows: _Rows

    def program(self, objective: Floats, floors: list[tuple[int, int]]) -> Program:
        """Return the program with an objective and, by rank, the least pods placed."""
        rows, columns, values = list(self.rows.row), list(self.rows.column), list(self.rows.value)
        lower, upper = list(self.rows.lower), list(self.rows.upper)
        number = self.rows.count
        for rank, least in floors:
            members = np.flatnonzero(self.problem.rank[self.g] == rank)
            rows.append(np.full(len(members), number))
            columns.append(members)
            values.append(np.ones(len(members)))
            lower.append(np.array([float(least)]))
            upper.append(np.array([INFINITY]))
            number += 1
        is_integer = np.zeros(len(self.cost), dtype=np.bool_)
        is_integer[: len(self.g)] = True
        return Program(
            objective,
            self.upper,
            is_integer,
            np.concatenate(rows),
            np.concatenate(columns),
            np.concatenate(values),
            np.concatenate(lower),
            np.concatenate(upper),
        )

    def priced(self) -> Floats:
        """Return cost less the price of waiting, for every variable."""
        problem = self.problem
        out = self.cost.copy()
        top = PRICE_OF_WAITING * max(1.0, float(self.cost.max(initial=0.0)))
        step = (problem.ranks - 1 - problem.rank[self.g]).astype(np.float64)
        narrowed = min(1.0, RANK_SPAN / max(1, problem.ranks - 1))
        out[: len(self.g)] -= top * RANK_STEP ** (step * narrowed)
        return out

    def count_objective(self, rank: int) -> Floats:
        """Return the objective "most pods of a rank"."""
        out = np.zeros(len(self.cost))
        out[: len(self.g)] = -(self.problem.rank[self.g] == rank).astype(np.float64)
        return out

    def packing(self, values: Floats) -> Packing:
        """Return the whole-numbered packing of a solution."""
        pods = np.zeros(self.problem.feasible.shape, dtype=np.int32)
        pods[self.g, self.n] = np.rint(values[: len(self.g)]).astype(np.int32)
        return Packing(pods)

    def start(self, packing: Packing) -> Floats:
        """Return a packing as a starting point, the steps of convex prices filled in order."""
        values = np.zeros(len(self.cost))
        values[: len(self.g)] = packing.pods[self.g, self.n]
        if len(self.cost) > len(self.g):
            self._fill_steps(values)
        return values

    def _fill_steps(self, values: Floats) -> None:
        entries = self.rows
        row = np.concatenate(entries.row)
        column = np.concatenate(entries.column)
        value = np.concatenate(entries.value)
        is_step = column >= len(self.g)
        totals = np.zeros(entries.count)
        np.add.at(totals, row[~is_step], values[column[~is_step]] * value[~is_step])
        steps: dict[int, list[int]] = {}
        for r, c in zip(row[is_step].tolist(), column[is_step].tolist(), strict=True):
            steps.setdefault(r, []).append(c)
        for r, members in steps.items():
            left = totals[r]
            for c in sorted(members, key=lambda k: (self.cost[k], k)):
                values[c] = min(left, self.upper[c])
                left -= values[c]


def stage_program(
    problem: Problem, offered: "np.ndarray[tuple[int, int], np.dtype[np.bool_]]"
) -> StageProgram:
    """Return the program over the offered columns, a subset of the feasible ones."""
    g, n = np.nonzero(offered & problem.feasible)
    rows = _Rows()
    k = np.arange(len(g))
    upper = np.minimum(problem.count[g], _fitting(problem, g, n)).astype(np.float64)
    first = rows.add(np.full(len(problem.count), -INFINITY), problem.count.astype(np.float64))
    rows.entries(first + g, k, np.ones(len(g)))
    _add_rooms(problem, g, n, rows)
    cost = [problem.cost[g, n] / COST_SCALE]
    uppers = [upper]
    variables = len(g)
    if problem.load_cost.any():
        variables += _add_load(problem, n, rows, (cost, uppers), variables)
    for number, levels in enumerate(problem.spread):
        members = np.flatnonzero(g == number) if levels else k[:0]
        for level in levels:
            count = int(problem.count[number])
            where = (members, n[members])
            variables += _add_spread(level, count, where, rows, (cost, uppers), variables)
    return StageProgram(problem, g, n, np.concatenate(uppers), np.concatenate(cost), rows)


def _fitting(problem: Problem, g: Ints, n: Ints) -> Ints:
    """Return how many pods of a class fit on a node alone, for each column."""
    demand = problem.demand[g]
    room = np.maximum(problem.free[n], 0)
    each = np.where(demand > 0, room // np.maximum(demand, 1), 1 << 40)
    return np.asarray(each.min(axis=1))


def _add_rooms(problem: Problem, g: Ints, n: Ints, rows: _Rows) -> None:
    """One row per node and resource that the offered columns could exceed."""
    for r in range(problem.demand.shape[1]):
        takes = problem.demand[g, r] > 0
        most = np.zeros(len(problem.free), dtype=np.float64)
        np.add.at(most, n[takes], (problem.demand[g, r] * problem.count[g])[takes].astype(float))
        tight = np.flatnonzero(most > problem.free[:, r])
        if not len(tight):
            continue
        row_of = np.full(len(problem.free), -1, dtype=np.int64)
        free = np.maximum(problem.free[tight, r], 0)
        unit = max(1, int(np.gcd.reduce(problem.demand[g[takes], r])))
        # Whole units of the greatest common divisor: small numbers, and a tighter relaxation.
        units = (free // unit).astype(np.float64)
        scale = np.ones(len(problem.free))
        scale[tight] = np.minimum(1.0, LARGEST_ENTRY / np.maximum(units, 1.0))
        first = rows.add(np.full(len(tight), -INFINITY), units * scale[tight])
        row_of[tight] = first + np.arange(len(tight))
        used = np.flatnonzero(takes & (row_of[n] >= 0))
        rows.entries(row_of[n[used]], used, problem.demand[g[used], r] / unit * scale[n[used]])


_Columns = tuple[list[Floats], list[Floats]]


def _add_load(problem: Problem, n: Ints, rows: _Rows, columns: _Columns, first: int) -> int:
    nodes = np.unique(n)
    row_of = np.full(len(problem.free), -1, dtype=np.int64)
    row_of[nodes] = rows.add(np.zeros(len(nodes)), np.zeros(len(nodes))) + np.arange(len(nodes))
    rows.entries(row_of[n], np.arange(len(n)), np.ones(len(n)))
    widths = problem.load_widths
    steps = len(widths)
    number = first + np.arange(len(nodes) * steps)
    rows.entries(np.repeat(row_of[nodes], steps), number, -np.ones(len(number)))
    columns[0].append((problem.load_cost[nodes] / COST_SCALE).ravel())
    most = float(problem.count.sum())
    columns[1].append(np.tile(np.minimum(widths, most), len(nodes)).astype(np.float64))
    return len(number)


def _add_spread(
    level: SpreadLevel,
    count: int,
    members: tuple[Ints, Ints],
    rows: _Rows,
    columns: _Columns,
    first: int,
) -> int:
    own, nodes = members
    group = level.group[nodes]
    counted = group >= 0
    groups = np.unique(group[counted])
    if not len(groups):
        return 0
    row_of = {int(v): k for k, v in enumerate(groups)}
    base = rows.add(np.zeros(len(groups)), np.zeros(len(groups)))
    rows.entries(
        base + np.array([row_of[int(v)] for v in group[counted]], dtype=np.int64),
        own[counted],
        np.ones(int(counted.sum())),
    )
    price = level.weight * (level.existing[groups][:, None] + np.arange(count)[None, :])
    number = first + np.arange(price.size)
    rows.entries(np.repeat(base + np.arange(len(groups)), count), number, -np.ones(price.size))
    columns[0].append((price / COST_SCALE).ravel())
    columns[1].append(np.ones(price.size))
    return int(price.size)
