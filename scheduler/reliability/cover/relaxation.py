"""The linear relaxation of cover: hosts, backups, levels of reserve, and what each failure brings.

Only pods that are to be covered are in it, and all of them may be left out, so that it bounds every
plan of the problem: others, and pods without the cover they want, only take room away.

    y[j, n]         pods of kind j hosted on n, and covered
    w[j, m]         pods of kind j backed up on m; each kind has as many hosts as backups
    R[k, m]         reserve of resource k on m above what stands there
    x[k, m, l]      whether that reserve is at least level l, where a pod backed up there takes l
    q[g, k, u, m]   amount of resource k that pods of group g bring to m when unit u fails

With one kind to a group, q is the z[c, f, m] of the exact program; larger groups relax which pod
brings what, and need fewer columns. Where there would still be too many, what is backed up on a
node is no more than all units together could bring. The levels are what facility location has
(w <= x, Balinski 1965): a fraction of a pod needs its fraction of a whole slot.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.flow.program import Floats, Program
from scheduler.reliability.cover.kinds import Kinds, groups_of, kinds_of, pairs_of
from scheduler.reliability.cover.problem import Amounts, CoverProblem
from scheduler.reliability.cover.sheet import Ids, Sheet, numbered


@dataclass(frozen=True, slots=True, eq=False)
class Scaled:
    """A problem's amounts in small numbers.

    Parameters
    ----------
    step
        Shape ``(r,)``: all amounts of pods and standing loads are multiples of it.
    scale
        Shape ``(r,)``: the amount that is 1 here.
    base
        Shape ``(r, u, n)``: standing loads.
    stands
        Shape ``(n, r)``: reserves that stand, the largest of `base`.
    room
        Shape ``(n, r)``: never less than what stands.
    kinds
        Of pods, with demands in these numbers.
    """

    step: Amounts
    scale: Amounts
    base: Amounts
    stands: Amounts
    room: Amounts
    kinds: Kinds


COARSE = 1_000
"""Steps in the largest pod up to which one step is 1; with more, the largest pod is `LARGE`."""

LARGE = 16.0

COARSEST = 1.5
"""Times as many columns the coarsest form may have: without balances of failures they cost less."""


def scaled(problem: CoverProblem) -> Scaled:
    """Return a problem's amounts in small numbers, and the kinds of its pods."""
    wants = np.array([made.wants for made in problem.classes], dtype=np.bool_)
    demand = np.array([made.demand for made in problem.classes])[wants]
    r = problem.room.shape[1]
    step, scale = np.ones(r), np.ones(r)
    for k in range(r):
        whole = np.concatenate([demand[:, k], problem.base_load[k].ravel()]).astype(np.int64)
        step[k] = float(max(int(np.gcd.reduce(whole)), 1))
        largest = max(float(demand[:, k].max(initial=0.0)), step[k])
        scale[k] = step[k] if largest <= COARSE * step[k] else largest / LARGE
    stands = problem.base_load.max(axis=1, initial=0.0).T
    many = np.bincount(problem.class_of, minlength=len(wants))[wants]
    total = many @ demand
    room = np.minimum(problem.room, stands + 2 * total)
    room = np.maximum(np.floor(room / step) * step, stands)
    kinds = kinds_of(problem, room)
    return Scaled(
        step,
        scale,
        problem.base_load / scale[:, None, None],
        stands / scale,
        room / scale,
        Kinds(kinds.many, kinds.demand / scale, kinds.is_pinned, kinds.may_host, kinds.may_back),
    )


class Relaxation:
    """The relaxation of one problem, as a program for each question.

    Parameters
    ----------
    problem
        What is relaxed.
    columns
        Most columns it may have with what each failure brings.

    Attributes
    ----------
    is_too_large
        Whether it has more than `COARSEST` times as many even without.
    """

    def __init__(self, problem: CoverProblem, columns: int) -> None:
        self.amounts = scaled(problem)
        self._unit, kinds = problem.unit, self.amounts.kinds
        self._sheet = Sheet()
        r = problem.room.shape[1]
        self._host_kind, self._host = _where(kinds.may_host)
        self._back_kind, self._back = _where(kinds.may_back)
        self._y = self._sheet.add_columns(kinds.many[self._host_kind])
        self._w = self._sheet.add_columns(kinds.many[self._back_kind])
        over = self.amounts.room - self.amounts.stands
        self._reserve = self._sheet.add_columns(over.T.reshape(-1)).reshape(r, -1)
        self._kind_rows()
        for k in range(r):
            self._level_rows(k)
            self._room_rows(k)
        self.is_too_large = self._sheet.columns > COARSEST * columns
        group = groups_of(kinds, problem.unit, (columns - self._sheet.columns) // max(r, 1))
        if group is None:
            self._sum_rows()
        else:
            self._apart_rows()
            self._failure_rows(group)
        self._covered = self._sheet.add_rows(1, least=0.0)
        self._sheet.put(np.repeat(self._covered, len(self._w)), self._w, 1.0)

    def most_program(self) -> Program:
        """Return the program whose objective is minus the pods covered."""
        objective = np.zeros(self._sheet.columns)
        objective[self._w] = -1.0
        return self._sheet.program(objective)

    def least_program(self, covered: int, resource: int) -> Program:
        """Return the program whose objective is the reserve above what stands, in `scale`.

        Parameters
        ----------
        covered
            At least so many pods are.
        resource
            Which reserve.
        """
        objective = np.zeros(self._sheet.columns)
        objective[self._reserve[resource]] = 1.0
        program = self._sheet.program(objective)
        program.row_lower[self._covered] = float(covered)
        return program

    # Rows

    def _kind_rows(self) -> None:
        """As many hosts as backups, and no more than there are pods."""
        sheet, kinds = self._sheet, self.amounts.kinds
        rows = sheet.add_rows(len(kinds.many), least=0.0, most=0.0)
        sheet.put(rows[self._host_kind], self._y, -1.0)
        sheet.put(rows[self._back_kind], self._w, 1.0)
        rows = sheet.add_rows(len(kinds.many), most=kinds.many)
        sheet.put(rows[self._back_kind], self._w, 1.0)

    def _apart_rows(self) -> None:
        """No pod has its host and its backup in one unit: one, the other or neither."""
        sheet, kinds = self._sheet, self.amounts.kinds
        kind = np.concatenate([self._host_kind, self._back_kind])
        unit = self._unit[np.concatenate([self._host, self._back])]
        number, (of_kind, _) = numbered(kind, unit)
        hosts = len(self._host_kind)
        has_host = np.bincount(number[:hosts], minlength=len(of_kind)) > 0
        has_back = np.bincount(number[hosts:], minlength=len(of_kind)) > 0
        both = has_host & has_back
        rows = np.zeros(len(of_kind), dtype=np.int64)
        rows[both] = sheet.add_rows(int(both.sum()), most=kinds.many[of_kind[both]])
        used = both[number]
        sheet.put(rows[number[used]], np.concatenate([self._y, self._w])[used], 1.0)

    def _level_rows(self, k: int) -> None:
        """Let a reserve reach the size of each pod backed up there, as far as the pod is there."""
        sheet, kinds = self._sheet, self.amounts.kinds
        stands = self.amounts.stands[:, k]
        size = kinds.demand[self._back_kind, k]
        above = np.flatnonzero(size > stands[self._back])
        if not len(above):
            return
        sizes, which = np.unique(size[above], return_inverse=True)
        number, (node, level) = numbered(self._back[above], which.astype(np.int64))
        x = sheet.add_columns(np.ones(len(node)))
        rows = sheet.add_rows(len(above), most=0.0)
        sheet.put(rows, self._w[above], 1.0)
        sheet.put(rows, x[number], -kinds.many[self._back_kind[above]])
        has_lower = np.concatenate([[False], node[1:] == node[:-1]])
        upper = np.flatnonzero(has_lower)
        chain = sheet.add_rows(len(upper), most=0.0)
        sheet.put(chain, x[upper], 1.0)
        sheet.put(chain, x[upper - 1], -1.0)
        below = np.where(has_lower, sizes[np.roll(level, 1)], stands[node])
        at, (nodes,) = numbered(node)
        reach = sheet.add_rows(len(nodes), most=0.0)
        sheet.put(reach[at], x, sizes[level] - below)
        sheet.put(reach, self._reserve[k, nodes], -1.0)

    def _room_rows(self, k: int) -> None:
        """Let pods and reserves share the room of each node; who is pinned takes none of it."""
        sheet, kinds = self._sheet, self.amounts.kinds
        room = self.amounts.room[:, k] - self.amounts.stands[:, k]
        size = np.where(kinds.is_pinned, 0.0, kinds.demand[:, k])[self._host_kind]
        takes = size > 0
        rows = sheet.add_rows(len(room), most=room)
        sheet.put(rows[self._host[takes]], self._y[takes], size[takes])
        sheet.put(rows, self._reserve[k], 1.0)

    def _sum_rows(self) -> None:
        """Let no node back up more than its reserve, once for each unit that could need it."""
        sheet, amounts = self._sheet, self.amounts
        one = np.zeros(len(amounts.kinds.many), dtype=np.int64)
        reach = (pairs_of(amounts.kinds, one, self._unit) or [np.zeros((0, 0), dtype=np.bool_)])[0]
        for k in range(len(self._reserve)):
            stands, base = amounts.stands[:, k], amounts.base[k, : len(reach)]
            spare = np.where(reach, stands[None, :] - base, 0.0).sum(axis=0)
            rows = sheet.add_rows(len(stands), most=spare)
            size = amounts.kinds.demand[self._back_kind, k]
            sheet.put(rows[self._back], self._w, size)
            sheet.put(rows, self._reserve[k], -reach.sum(axis=0).astype(np.float64))

    def _failure_rows(self, group: NDArray[np.int64]) -> None:
        """Have each group bring to its backups what its hosts lose, unit by unit."""
        pairs = pairs_of(self.amounts.kinds, group, self._unit)
        where = [np.nonzero(pair) for pair in pairs]
        many = [len(unit) for unit, _ in where]
        of_group = np.repeat(np.arange(len(where), dtype=np.int64), many)
        none = np.zeros(0, dtype=np.int64)
        unit = np.concatenate([none, *[unit for unit, _ in where]])
        back = np.concatenate([none, *[back for _, back in where]])
        for k in range(len(self._reserve)):
            self._failures_of(k, group, (of_group, unit, back))

    def _failures_of(self, k: int, group: NDArray[np.int64], pair: tuple[Ids, Ids, Ids]) -> None:
        sheet, amounts = self._sheet, self.amounts
        asked = np.zeros(int(group.max(initial=-1)) + 1, dtype=np.bool_)
        np.logical_or.at(asked, group, amounts.kinds.demand[:, k] > 0)
        of_group, unit, back = (part[asked[pair[0]]] for part in pair)
        room = amounts.room[:, k] - amounts.stands[:, k]
        spare = amounts.stands[back, k] - amounts.base[k, unit, back]
        q = sheet.add_columns(room[back] + spare)
        number, (units, backs) = numbered(unit, back)
        most = amounts.stands[backs, k] - amounts.base[k, units, backs]
        rows = sheet.add_rows(len(units), most=most)
        sheet.put(rows[number], q, 1.0)
        sheet.put(rows, self._reserve[k, backs], -1.0)
        size = amounts.kinds.demand[:, k]
        hosts = group[self._host_kind], self._unit[self._host], self._y, size[self._host_kind]
        backs_of = group[self._back_kind], self._back, self._w, size[self._back_kind]
        self._balance((of_group, unit, q), hosts)
        self._balance((of_group, back, q), backs_of)

    def _balance(self, flow: tuple[Ids, Ids, Ids], pods: tuple[Ids, Ids, Ids, Floats]) -> None:
        """Have flows and pods of one group at one place come to the same amount."""
        takes = pods[3] > 0
        group = np.concatenate([flow[0], pods[0][takes]])
        place = np.concatenate([flow[1], pods[1][takes]])
        number, (known, _) = numbered(group, place)
        rows = self._sheet.add_rows(len(known), least=0.0, most=0.0)
        self._sheet.put(rows[number[: len(flow[2])]], flow[2], 1.0)
        self._sheet.put(rows[number[len(flow[2]) :]], pods[2][takes], -pods[3][takes])


def _where(table: NDArray[np.bool_]) -> tuple[Ids, Ids]:
    rows, columns = np.nonzero(table)
    return rows.astype(np.int64), columns.astype(np.int64)
