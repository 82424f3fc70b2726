"""Small problems as one integer program, from the arrangement found to the best there is.

    z[j, h, m]  pods of sort j hosted on h and backed up on m, whole
    v[j, h]     pods of sort j hosted on h without a backup
    R[k, m]     reserve of resource k on m above what stands there

One goal after the other, each held while the next is sought: fewest pods left out, then fewest
without the cover they want, rank by rank, then the least price of reserves. What hosts cost is no
goal of the program.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scheduler.flow.program import Floats, Program, solve_integer
from scheduler.reliability.cover.arrangement import Arrangement
from scheduler.reliability.cover.pairs import Pairs
from scheduler.reliability.cover.problem import NOWHERE, CoverProblem
from scheduler.reliability.cover.sheet import Ids, Sheet, numbered

COLUMNS_A_NODE = 30
"""Columns of the program for each branch-and-bound node that an effort allows."""

Spot = tuple[int, int, int]
"""Sort, host and backup (or `NOWHERE`) of a column."""


@dataclass(frozen=True, slots=True, eq=False)
class _Sort:
    """Pods of one class, and of one host where that is fixed."""

    pods: list[int]
    number: int
    pinned: int


def solve_exactly(
    problem: CoverProblem, pairs: Pairs, found: Arrangement, nodes: int
) -> tuple[Arrangement, bool]:
    """Return an arrangement, never worse than the one found, and whether none is better.

    Parameters
    ----------
    problem, pairs
        What is to be arranged.
    found
        Where to start.
    nodes
        Most branch-and-bound nodes for each goal; large problems are not tried.

    Notes
    -----
    "Better" is by pods placed, pods covered and price of reserves: of hosts that differ only in
    what they cost, the program knows nothing.
    """
    sorts = _sorts(problem)
    if not problem.room.size or _many_spots(problem, sorts) > nodes * COLUMNS_A_NODE:
        return found, False
    spots = _spots(problem, sorts)
    if not spots:
        return found, True
    exact = _Exact(problem, sorts, spots)
    counts, is_optimal = exact.best(exact.counts(found), nodes)
    other = exact.arranged(counts, pairs)
    if other is None:
        return found, False
    value, best = found.value(found.missing()), other.value(other.missing())
    if not (is_optimal and _same_goals(found, other)):
        is_optimal = is_optimal and best < value
    return (other if best < value else found), is_optimal


def _same_goals(found: Arrangement, other: Arrangement) -> bool:
    one, two = found.value(found.missing()), other.value(other.missing())
    near = abs(found.reserve_price() - other.reserve_price()) <= 1e-9 * (1 + one[-1])
    return one[:-1] == two[:-1] and near


class _Exact:
    def __init__(
        self, problem: CoverProblem, sorts: Sequence[_Sort], spots: Sequence[Spot]
    ) -> None:
        self._problem, self._sorts, self._spots = problem, sorts, spots
        self._sort, self._host, self._back = np.array(spots, dtype=np.int64).T
        self._ranks = max(made.rank for made in problem.classes) + 1
        number = np.array([one.number for one in sorts], dtype=np.int64)[self._sort]
        self._demand = np.array([made.demand for made in problem.classes])[number]
        self._rank = np.array([made.rank for made in problem.classes])[number]
        self._wants = np.array([made.wants for made in problem.classes])[number]
        self._is_free = np.array([one.pinned < 0 for one in sorts])[self._sort]
        self._scale = np.maximum(self._demand.max(axis=0, initial=0.0), 1.0) / 8.0
        self._stands = problem.base_load.max(axis=1, initial=0.0).T
        self._sheet = Sheet()
        self._write()

    def counts(self, found: Arrangement) -> Floats:
        """Return an arrangement as values of the columns."""
        at = {spot: i for i, spot in enumerate(self._spots)}
        out = np.zeros(self._sheet.columns)
        for j, one in enumerate(self._sorts):
            for pod in one.pods:
                spot = (j, found.host[pod], found.backup[pod])
                if spot in at:
                    out[at[spot]] += 1
        out[len(self._spots) :] = ((found.reserve - self._stands) / self._scale).T.reshape(-1)
        return out

    def best(self, start: Floats, nodes: int) -> tuple[Floats, bool]:
        """Return the best values of the columns, and whether all goals were proven."""
        is_optimal = True
        for objective in self._goals():
            answer = solve_integer(self._program(objective), nodes=nodes, start=start)
            if answer.values is None:
                return start, False
            is_optimal &= answer.is_optimal
            start = answer.values.copy()
            start[: len(self._spots)] = np.rint(start[: len(self._spots)])
            used = np.flatnonzero(objective)
            row = self._sheet.add_rows(1, most=float(objective @ start) + 1e-6)
            self._sheet.put(np.repeat(row, len(used)), used, objective[used])
        return start, is_optimal

    def arranged(self, counts: Floats, pairs: Pairs) -> Arrangement | None:
        """Return the arrangement that some values are; None where it does not fit after all."""
        out = Arrangement(self._problem, pairs)
        left = [list(one.pods) for one in self._sorts]
        for (j, host, back), many in zip(self._spots, np.rint(counts).tolist(), strict=False):
            for _ in range(int(many)):
                if not left[j] or not out.put(left[j].pop(0), host, back):
                    return None
        return out

    # Inside

    def _program(self, objective: Floats) -> Program:
        return self._sheet.program(objective)

    def _goals(self) -> list[Floats]:
        """Return what is minimised, the most important first."""
        goals = []
        many = self._sheet.columns
        covered = self._back != NOWHERE
        placed = -1.0 * self._is_free
        bare = np.where(self._is_free, 1.0 * (self._wants & ~covered), -1.0 * covered)
        for counts in (placed, bare):
            for rank in range(self._ranks):
                goal = np.zeros(many)
                goal[: len(self._spots)] = np.where(self._rank == rank, counts, 0.0)
                if goal.any():
                    goals.append(goal)
        price = self._problem.weight * self._scale
        goal = np.zeros(many)
        goal[len(self._spots) :] = np.repeat(
            price / max(float(price.max()), 1e-12), len(self._stands)
        )
        return [*goals, goal]

    def _write(self) -> None:
        problem, sheet = self._problem, self._sheet
        many = np.array([float(len(one.pods)) for one in self._sorts])
        spots = sheet.add_columns(many[self._sort], is_whole=True)
        rows = sheet.add_rows(len(many), most=many)
        sheet.put(rows[self._sort], spots, 1.0)
        n, r = problem.room.shape
        roof = np.maximum(problem.room - self._stands, 0.0)
        roof = np.minimum(roof, many @ self._demand_by_sort()) / self._scale
        reserve = sheet.add_columns(roof.T.reshape(-1)).reshape(r, n)
        for k in range(r):
            self._room_rows(k, spots, reserve[k])
            self._failure_rows(k, spots, reserve[k])

    def _demand_by_sort(self) -> Floats:
        return np.array([self._problem.classes[one.number].demand for one in self._sorts])

    def _room_rows(self, k: int, spots: Ids, reserve: Ids) -> None:
        size = np.where(self._is_free, self._demand[:, k], 0.0) / self._scale[k]
        room = np.maximum(self._problem.room[:, k] - self._stands[:, k], 0.0) / self._scale[k]
        rows = self._sheet.add_rows(len(room), most=room)
        takes = size > 0
        self._sheet.put(rows[self._host[takes]], spots[takes], size[takes])
        self._sheet.put(rows, reserve, 1.0)

    def _failure_rows(self, k: int, spots: Ids, reserve: Ids) -> None:
        brings = np.flatnonzero((self._back >= 0) & (self._demand[:, k] > 0))
        number, (unit, back) = numbered(self._problem.unit[self._host[brings]], self._back[brings])
        spare = self._stands[back, k] - self._problem.base_load[k, unit, back]
        rows = self._sheet.add_rows(len(unit), most=spare / self._scale[k])
        self._sheet.put(rows[number], spots[brings], self._demand[brings, k] / self._scale[k])
        self._sheet.put(rows, reserve[back], -1.0)


def _sorts(problem: CoverProblem) -> list[_Sort]:
    out: dict[tuple[int, int], _Sort] = {}
    keys = zip(problem.class_of.tolist(), problem.pinned.tolist(), strict=True)
    for pod, (number, pinned) in enumerate(keys):
        out.setdefault((number, pinned), _Sort([], number, pinned)).pods.append(pod)
    return list(out.values())


def _many_spots(problem: CoverProblem, sorts: Sequence[_Sort]) -> int:
    """Return how many columns there are at most."""
    return sum(
        (len(made.hosts) if one.pinned < 0 else 1) * (1 + len(made.backups) * made.wants)
        for one, made in ((one, problem.classes[one.number]) for one in sorts)
    )


def _spots(problem: CoverProblem, sorts: Sequence[_Sort]) -> list[Spot]:
    """Return the columns of pods: with a backup, and, where that is allowed, without."""
    unit = problem.unit.tolist()
    out: list[Spot] = []
    for j, one in enumerate(sorts):
        made = problem.classes[one.number]
        hosts = made.hosts.tolist() if one.pinned < 0 else [one.pinned]
        backups = made.backups.tolist() if made.wants else []
        for host in hosts:
            out += [(j, host, back) for back in backups if unit[back] != unit[host]]
            if one.pinned < 0 and not (made.wants and problem.must_cover):
                out.append((j, host, NOWHERE))
    return out
