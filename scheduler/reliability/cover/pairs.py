"""Pairs of host and backup: what stays the same of their prices while pods come and go."""

from dataclasses import dataclass

import numpy as np

from scheduler.reliability.cover.problem import Amounts, CoverProblem, Nodes

IMPOSSIBLE = 1e12
"""Price of what cannot be; no sum of prices comes near it."""

POSSIBLE = 1e11
"""Prices below this are of what can be."""

NONE = -1
"""Stands for the scarcest resource where none is limited."""

TIE = 1e-3
"""Share of the smallest pod's reserve that decides between what is else alike."""

SAME_DOMAIN = 4.0
"""Smallest pods' reserves it may cost to have a backup in another failure domain than the host."""


@dataclass(frozen=True, slots=True, eq=False)
class PairTable:
    """The pairs of one class; all that `Arrangement.insert` needs to look at.

    `index` has shape ``(hosts, backups)``: where the load of each pair is in a flat table of units
    by nodes. `fixed` has that shape too: the price that does not change, `IMPOSSIBLE` for a host
    and a backup of one failure unit. `scarcest` is the resource that weighs most.
    """

    wants: bool
    hosts: Nodes
    backups: Nodes
    host_list: list[int]
    backup_list: list[int]
    host_cost: Amounts
    sizes: tuple[float, ...]
    index: Nodes
    fixed: Amounts
    group: int
    scarcest: int

    def base_cost(self) -> Amounts:
        """Return a copy of the price that does not change."""
        return self.fixed.copy()


class Pairs:
    """The tables of all classes, and of each pinned pod one of its own."""

    def __init__(self, problem: CoverProblem) -> None:
        self._problem = problem
        self.ranks = max((c.rank for c in problem.classes), default=0) + 1
        self._tables: dict[tuple[int, int], PairTable] = {}
        self._welcome = _welcome(problem)
        self._key = list(zip(problem.class_of.tolist(), problem.pinned.tolist(), strict=True))
        self._price = [
            dict(zip(c.hosts.tolist(), c.host_cost.tolist(), strict=True)) for c in problem.classes
        ]

    def of(self, pod: int) -> PairTable:
        """Return the pairs of a pod."""
        return self._known(self._key[pod])

    def at(self, pod: int, host: int) -> PairTable:
        """Return the pairs of a pod that stays on a host."""
        return self._known((self._key[pod][0], host))

    def _known(self, key: tuple[int, int]) -> PairTable:
        table = self._tables.get(key)
        if table is None:
            table = self._tables[key] = self._table(*key)
        return table

    def largest(self) -> int:
        """Return the most pairs a pod has to choose from."""
        return max(
            (max(t.fixed.size, len(t.hosts)) for t in map(self.of, range(len(self._key)))),
            default=0,
        )

    def price_of(self, number: int, host: int) -> float:
        """Return what a host costs a class beside its reserve."""
        return float(self._price[number].get(host, 0.0))

    def _table(self, number: int, pinned: int) -> PairTable:
        problem, made = self._problem, self._problem.classes[number]
        hosts, host_cost = made.hosts, made.host_cost
        if pinned >= 0:
            hosts, host_cost = np.array([pinned], dtype=np.int64), np.zeros(1)
        backups = made.backups if made.wants else made.backups[:0]
        return PairTable(
            wants=made.wants,
            hosts=hosts,
            backups=backups,
            host_list=hosts.tolist(),
            backup_list=backups.tolist(),
            host_cost=host_cost,
            sizes=tuple(made.demand.tolist()),
            index=problem.unit[hosts][:, None] * len(problem.unit) + backups[None, :],
            fixed=_fixed(problem, hosts, backups, host_cost) - self._welcome[backups],
            group=made.group if pinned < 0 else -1,
            scarcest=int((made.demand * problem.weight).argmax()) if len(made.demand) else NONE,
        )


def _welcome(problem: CoverProblem) -> Amounts:
    """Return the price by which a backup that many pods could use is preferred, shape ``(n,)``."""
    many = np.zeros(len(problem.room))
    for number, pods in zip(*np.unique(problem.class_of, return_counts=True), strict=True):
        if problem.classes[number].wants:
            many[problem.classes[number].backups] += pods
    return np.asarray(TIE * problem.unit_price * many / max(many.max(initial=0.0), 1.0))


def _fixed(problem: CoverProblem, hosts: Nodes, backups: Nodes, host_cost: Amounts) -> Amounts:
    out = np.repeat(host_cost[:, None], len(backups), axis=1)
    domain = problem.domain
    near = (domain[hosts][:, None] == domain[backups][None, :]) & (domain[hosts] >= 0)[:, None]
    out[near] += SAME_DOMAIN * problem.unit_price
    out[problem.unit[hosts][:, None] == problem.unit[backups][None, :]] = IMPOSSIBLE
    return out
