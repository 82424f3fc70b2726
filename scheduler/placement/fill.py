"""Filling: a class is placed a round at a time, each on the cheapest nodes that take it.

For stages too large for a flow, and for classes whose rules change with what is placed, which no arc can say: their own anti-affinity,
spread and affinity, ports of the host. A round takes as many pods as cannot disturb each other: of
a domain no more than its rule has room for, one a node; then the rules are looked at anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from scheduler.placement.batch import Batch, PendingClass
from scheduler.placement.cost.load import FULL, fullness
from scheduler.placement.cost.spread import existing_replicas, spread_levels
from scheduler.placement.cost.wish import wish_costs
from scheduler.placement.feasibility.room import fits
from scheduler.placement.lookahead import lookahead
from scheduler.placement.placing import Placing
from scheduler.placement.problem import Ints, SpreadLevel
from scheduler.placement.quotas import Quota, quotas_of, within_quotas
from scheduler.placement.reach import reach
from scheduler.placement.rules import ClassRules
from scheduler.placement.stage import arc_costs

SPARE_NODES = 64
"""Candidates beyond the pods to be placed: the cheapest may be ruled out on the way."""

FEW_DOMAINS = 32
"""Of so many domains each has its own cheapest nodes among the candidates."""

NO_HOME = 1 << 40
"""Cost units a pod that a first pod's domain has no room for: more than any node costs."""


def fill(
    batch: Batch,
    pending: PendingClass,
    placing: Placing,
    dependants: Sequence[PendingClass] = (),
) -> int:
    """Place what is left of a class as far as its rules and rooms allow; return the cost.

    `dependants` are pending classes that refer to it.
    """
    filling = _Filling(batch, pending, placing)
    if not filling.base.any():
        return 0
    if dependants:
        own = (filling.base, filling.cost)
        filling.cost = filling.cost + lookahead(batch, pending, dependants, own, placing)
    return filling.run()


@dataclass(slots=True, eq=False)
class _Candidates:
    """Nodes looked at, with what does not change while the class is filled; all ``(k,)``."""

    nodes: Ints
    cost: Ints
    load: Ints
    slots: Ints
    quotas: list[Quota] = field(default_factory=list)
    is_all: bool = True


class _Filling:
    def __init__(self, batch: Batch, pending: PendingClass, placing: Placing) -> None:
        self._batch, self._pending, self._placing = batch, pending, placing
        near = reach(batch, pending, placing.pods)
        self._rules: ClassRules | None = placing.rules.of.get(pending.number)
        self._wishes = placing.rules.wishes.get(pending.number)
        self.base = pending.mask & near.mask & fits(pending.demand, placing.free)
        self.cost = arc_costs(batch, pending, near)
        self._levels: tuple[SpreadLevel, ...] = ()
        if not pending.pod_class.spread:
            existing = existing_replicas(batch, pending, placing.pods)
            self._levels = spread_levels(batch, pending, existing)
        self._new = [np.zeros(len(level.existing) + 1, dtype=np.int64) for level in self._levels]

    def run(self) -> int:
        """Place what can be placed; return the cost."""
        total = 0
        candidates = self._candidates(self._placing.left(self._pending), is_all=False)
        while left := self._placing.left(self._pending):
            picked, price = self._round(candidates, left)
            if len(picked):
                total += price
                self._put(candidates, picked)
            elif candidates.is_all:
                break
            else:
                candidates = self._candidates(left, is_all=True)
        return total

    # Candidates

    def _candidates(self, left: int, *, is_all: bool) -> _Candidates:
        base = self.base & fits(self._pending.demand, self._placing.free)
        if self._rules is not None and not (is_all or self._rules.spread):
            base &= self._rules.admits()
        nodes = np.flatnonzero(base)
        quotas = quotas_of(self._placing.rules, self._pending.number, self._levels)
        if not is_all and len(nodes) > 2 * (left + SPARE_NODES):
            nodes = self._fewer(nodes, quotas, left)
        else:
            is_all = True
        cost = self.cost[nodes]
        free = self._placing.free[nodes]
        table = self._batch.table
        load = fullness(table.allocatable[nodes], free, self._pending.demand)
        slots = _slots(free, self._pending.demand, left)
        return _Candidates(nodes, cost, load, slots, quotas, is_all)

    def _fewer(self, nodes: Ints, quotas: list[Quota], left: int) -> Ints:
        """Return the cheapest nodes, and the cheapest of each domain where domains are few."""
        table, free = self._batch.table, self._placing.free[nodes]
        load = fullness(table.allocatable[nodes], free, self._pending.demand)
        price = self.cost[nodes] + load / (2 * FULL)
        most = left + SPARE_NODES
        parts = [nodes[np.argpartition(price, most - 1)[:most]]]
        for quota in quotas:
            if quota.size > FEW_DOMAINS:
                continue
            domain = quota.domain[nodes]
            for d in range(quota.size):
                mine = np.flatnonzero(domain == d)
                if len(mine) > most:
                    mine = mine[np.argpartition(price[mine], most - 1)[:most]]
                parts.append(nodes[mine])
        return np.unique(np.concatenate(parts))

    # Rounds

    def _round(self, candidates: _Candidates, left: int) -> tuple[Ints, int]:
        """Return candidates by their places that take a pod each now, and what they cost."""
        nodes = candidates.nodes
        usable = candidates.slots > 0
        if self._rules is not None:
            usable &= self._rules.admits(nodes)
        at = np.flatnonzero(usable)
        if not len(at):
            return at, 0
        main = self._main_price(candidates, at)
        most = left
        if self._rules is not None and self._rules.affinity.is_first:
            main = main + self._home_price(candidates, at, left)
            most = 1
        if self._rules is not None and self._rules.volumes is not None:
            most = 1  # a claim that is taken, or bound to a node, is so for the next pod
        if most == 1:
            best = _least(main, candidates.load[at])
            return at[best : best + 1], int(main[best])
        order = np.lexsort((candidates.load[at], main))
        order = order[: np.searchsorted(main[order], int(main[order[0]]) + self._step())]
        order = within_quotas(candidates.quotas, nodes[at], order)[:most]
        return at[order], int(main[order].sum())

    def _main_price(self, candidates: _Candidates, at: Ints) -> Ints:
        """Return what each node costs now, its load apart."""
        nodes = candidates.nodes[at]
        price = candidates.cost[at].copy()
        for level, new in zip(self._levels, self._new, strict=True):
            group = level.group[nodes]
            standing = np.where(group >= 0, level.existing[np.maximum(group, 0)] + new[group], 0)
            price += level.weight * standing
        if self._wishes is not None:
            price += wish_costs(self._wishes, nodes, self._batch.settings.cost)
        return price

    def _step(self) -> int:
        """Return from which price on a node waits for the next round.

        A pod more in a group makes it dearer by its weight: what costs less than that more comes
        before a second one there.
        """
        if self._wishes is not None and self._wishes.is_live:
            return 1
        return min((level.weight for level in self._levels if level.weight), default=NO_HOME)

    def _home_price(self, candidates: _Candidates, at: Ints, left: int) -> Ints:
        """Return what a first pod's nodes cost for want of room for its fellows beside it.

        Its affinity binds them to its domain, whose room they share.
        """
        out = np.zeros(len(at), dtype=np.int64)
        if self._rules is None or left == 1:
            return out
        base = self.base & self._rules.admits()
        nodes = np.flatnonzero(base)
        slots = _slots(self._placing.free[nodes], self._pending.demand, left)
        for counter in self._rules.affinity.near:
            domain = counter.domain
            room = np.bincount(domain[nodes] + 1, weights=slots, minlength=len(counter.counts))
            here = np.minimum(room[domain[candidates.nodes[at]] + 1], left).astype(np.int64)
            out += NO_HOME * (left - here)
        return out

    def _put(self, candidates: _Candidates, picked: Ints) -> None:
        nodes = candidates.nodes[picked]
        self._placing.put(self._pending, nodes.tolist())
        candidates.slots[picked] -= 1
        for level, new in zip(self._levels, self._new, strict=True):
            np.add.at(new, level.group[nodes], 1)
            new[-1] = 0
        free, allocatable = self._placing.free[nodes], self._batch.table.allocatable[nodes]
        candidates.load[picked] = fullness(allocatable, free, self._pending.demand)


def _slots(free: Ints, demand: Ints, most: int) -> Ints:
    """Return how many pods of a demand each row of `free` holds, `most` at the most."""
    asked = demand > 0
    if not asked.any():
        return np.full(len(free), most, dtype=np.int64)
    return np.asarray(np.minimum((free[:, asked] // demand[asked]).min(axis=1), most))


def _least(main: Ints, load: Ints) -> int:
    """Return the place of the least price; of equal ones that of the least load, then the first."""
    cheapest = np.flatnonzero(main == main.min())
    return int(cheapest[int(load[cheapest].argmin())])
