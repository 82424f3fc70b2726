"""References between pods of one batch, as rows of an integer program.

For ``any``: a pod stands on a node only with a replica within the budget, which its share ``w`` of
latency is paid to. For ``all``: no replica stands beyond the budget; ``z`` says which nodes a class
uses, ``f`` pays the farthest.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.delay import Quantifier
from scheduler.flow.program import INFINITY, Floats, Program
from scheduler.placement.batch import Batch
from scheduler.placement.feasibility.verdict import Mask
from scheduler.placement.packing.integer import COST_SCALE, StageProgram
from scheduler.placement.references import Target


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """Class `g` refers to the classes `others` of the batch.

    `holds` (shape ``(n,)``) says where replicas that stand already satisfy it (``any``) or allow it
    (``all``); None where none stands.
    """

    g: int
    target: Target
    others: tuple[int, ...]
    holds: Mask | None


class Links:
    """A stage's program with the rows and variables that its links need."""

    def __init__(self, batch: Batch, program: StageProgram, links: tuple[Link, ...]) -> None:
        self.program = program
        self._batch = batch
        self._column = np.full(program.problem.feasible.shape, -1, dtype=np.int64)
        self._column[program.g, program.n] = np.arange(len(program.g))
        self._entries: list[tuple[int, int, float]] = []
        self._lower: list[float] = []
        self._upper: list[float] = []
        self._cost: list[float] = []
        self._top: list[float] = []
        self._whole: list[bool] = []
        self._used: dict[tuple[int, int], int] = {}
        for link in links:
            if link.target.quantifier is Quantifier.ANY:
                self._any(link)
            else:
                self._all(link)

    def extended(
        self, objective: Floats, floors: list[tuple[int, int]], *, with_latency: bool = False
    ) -> Program:
        """Return the program with the links; their latency counts only for the least cost."""
        base = self.program.program(objective, floors)
        rows = len(base.row_lower)
        row, column, value = zip(*self._entries, strict=True) if self._entries else ((), (), ())
        cost = np.array(self._cost) if with_latency else np.zeros(len(self._cost))
        return Program(
            np.concatenate([base.objective, cost]),
            np.concatenate([base.upper, np.array(self._top)]),
            np.concatenate([base.is_integer, np.array(self._whole, dtype=np.bool_)]),
            np.concatenate([base.entry_row, np.array(row, dtype=np.int64) + rows]),
            np.concatenate([base.entry_column, np.array(column, dtype=np.int64)]),
            np.concatenate([base.entry_value, np.array(value, dtype=np.float64)]),
            np.concatenate([base.row_lower, np.array(self._lower)]),
            np.concatenate([base.row_upper, np.array(self._upper)]),
        )

    def _variable(self, top: float, cost: float, *, is_whole: bool) -> int:
        self._top.append(top)
        self._cost.append(cost)
        self._whole.append(is_whole)
        return len(self.program.cost) + len(self._top) - 1

    def _row(self, terms: list[tuple[int, float]], lower: float, upper: float) -> None:
        self._entries.extend((len(self._lower), column, value) for column, value in terms)
        self._lower.append(lower)
        self._upper.append(upper)

    def _nodes(self, g: int) -> list[int]:
        return [int(i) for i in np.flatnonzero(self._column[g] >= 0)]

    def _replicas(self, link: Link) -> list[tuple[int, int]]:
        """Return the columns of the classes referred to: class and node."""
        return [(d, r) for d in link.others for r in self._nodes(d)]

    def _is_used(self, d: int, r: int) -> int:
        """Return the variable that is 1 exactly when class `d` uses node `r`."""
        known = self._used.get((d, r))
        if known is None:
            x = int(self._column[d, r])
            known = self._used[d, r] = self._variable(1.0, 0.0, is_whole=True)
            count = float(self.program.problem.count[d])
            self._row([(x, 1.0), (known, -count)], -INFINITY, 0.0)
            self._row([(known, 1.0), (x, -1.0)], -INFINITY, 0.0)
        return known

    def _rtt(self, r: int) -> NDArray[np.int32]:
        return self._batch.distances.from_node(r)

    def _price(self, rtt_us: int) -> float:
        return self._batch.settings.cost.latency_weight * rtt_us / COST_SCALE

    def _any(self, link: Link) -> None:
        """x[g, n] = sum of shares w[g, n, r] over nodes r within the budget that are used."""
        count = float(self.program.problem.count[link.g])
        is_self = link.g in link.others
        alone = self._alone(link) if is_self else -1
        for n in self._nodes(link.g):
            x = int(self._column[link.g, n])
            if link.holds is not None and link.holds[n]:
                continue
            near: dict[int, list[int]] = {}
            for d, r in self._replicas(link):
                rtt_us = int(self._rtt(r)[n])
                if 0 <= rtt_us <= link.target.constraint.within_us:
                    near.setdefault(r, []).append(int(self._column[d, r]))
            if is_self:
                # Another than itself: two replicas near, unless it is the only one.
                terms = [(c, 1.0) for columns in near.values() for c in columns]
                used = self._is_used(link.g, n)
                self._row([*terms, (used, -2.0), (alone, 1.0)], 0.0, INFINITY)
                continue
            shares = []
            for r, columns in near.items():
                w = self._variable(count, self._price(int(self._rtt(r)[n])), is_whole=False)
                self._row([(w, 1.0), *((c, -count) for c in columns)], -INFINITY, 0.0)
                shares.append((w, -1.0))
            self._row([(x, 1.0), *shares], 0.0, 0.0)

    def _alone(self, link: Link) -> int:
        """Return a variable that may be 1 only while at most one replica stands at all."""
        alone = self._variable(0.0 if link.holds is not None else 1.0, 0.0, is_whole=True)
        terms = [(int(self._column[d, r]), 1.0) for d, r in self._replicas(link)]
        most = float(self.program.problem.count[list(link.others)].sum())
        self._row([*terms, (alone, most)], -INFINITY, most + 1.0)
        return alone

    def _all(self, link: Link) -> None:
        """No replica beyond the budget of a node in use; at least one replica somewhere."""
        count = float(self.program.problem.count[link.g])
        replicas = self._replicas(link)
        for n in self._nodes(link.g):
            x = int(self._column[link.g, n])
            if link.holds is None and link.g not in link.others:
                terms = [(int(self._column[d, r]), -count) for d, r in replicas]
                self._row([(x, 1.0), *terms], -INFINITY, 0.0)
            farthest = self._variable(INFINITY, 1.0, is_whole=False)
            here = self._is_used(link.g, n)
            for d, r in replicas:
                if (d, r) == (link.g, n):
                    continue
                rtt_us = int(self._rtt(r)[n])
                there = self._is_used(d, r)
                if not 0 <= rtt_us <= link.target.constraint.within_us:
                    self._row([(here, 1.0), (there, 1.0)], -INFINITY, 1.0)
                elif link.g not in link.others:
                    price = self._price(rtt_us) * count
                    terms = [(farthest, 1.0), (there, -price), (x, -self._price(rtt_us))]
                    self._row(terms, -price, INFINITY)
