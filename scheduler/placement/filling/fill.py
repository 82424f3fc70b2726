"""Filling: a class is placed a round at a time, each on the cheapest nodes that take it.

For stages too large for a flow, and for classes whose rules change with what is placed, which no
arc can say: their own anti-affinity, spread and affinity, ports of the host. A round takes as many
pods as cannot disturb each other: of a domain no more than its rule has room for, one a node; then
the rules are looked at anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scheduler.placement.batch import Batch, PendingClass
from scheduler.placement.cost.load import fullness
from scheduler.placement.cost.spread import replica_nodes, spread_groups
from scheduler.placement.cost.wish import wish_costs
from scheduler.placement.feasibility.room import fits, fitting
from scheduler.placement.filling.candidates import Asked, Candidates, Priced, choose
from scheduler.placement.filling.quotas import FEW, Quota, quotas_of, within_quotas
from scheduler.placement.lookahead import lookahead
from scheduler.placement.packing.problem import Ints
from scheduler.placement.placing import Placing
from scheduler.placement.reach import reach
from scheduler.placement.stage import node_costs

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
        cost = filling.cost
        if cost is None:
            cost = np.zeros(len(batch.table), dtype=np.int64)
        own = (filling.base, cost)
        filling.cost = cost + lookahead(batch, pending, dependants, own, placing)
    return filling.run()


@dataclass(frozen=True, slots=True, eq=False)
class _Level:
    """One level that replicas spread over: each node's group, replicas by group, weight."""

    group: Ints
    counts: Ints
    weight: int
    is_nodes: bool


class _Filling:
    def __init__(self, batch: Batch, pending: PendingClass, placing: Placing) -> None:
        self._batch, self._pending, self._placing = batch, pending, placing
        near = reach(batch, pending, placing.pods)
        self._rules = placing.rules.of.get(pending.number)
        self._wishes = placing.rules.wishes.get(pending.number)
        self.base = pending.mask & near.mask & fits(pending.demand, placing.free)
        self.cost = node_costs(batch, pending, near)
        self._levels = [] if pending.pod_class.spread else self._spread()
        quotas = [Quota(v.group, v.counts) for v in self._levels if v.weight and not v.is_nodes]
        self._quotas = [*quotas, *quotas_of(placing.rules, pending.number)]

    def _spread(self) -> list[_Level]:
        """Return the levels, with what stands counted."""
        replicas = replica_nodes(self._batch, self._pending, self._placing.pods)
        out = []
        for group, size, weight in spread_groups(self._batch, self._pending, len(replicas)):
            counts = np.bincount(group[replicas] + 1, minlength=size + 1)
            counts = np.concatenate([counts[1:], [0]]).astype(np.int64)
            out.append(_Level(group, counts, weight, size == len(self._batch.table)))
        return out

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

    def _candidates(self, left: int, *, is_all: bool) -> Candidates:
        base = self.base
        if self._rules is not None and not (is_all or self._rules.spread):
            base = base & self._rules.admits()
        domains = [(quota.domain, quota.size) for quota in self._quotas]
        price = None
        if self.cost is not None or self._wishes is not None:
            nodes = np.flatnonzero(base)
            price = Priced(nodes, self._full_price(nodes), self._step())
        asked = Asked(base, domains, left, is_all)
        nodes, is_all = choose(self._batch.emptiest, asked, self._placing.free, price)
        free, demand = self._placing.free[nodes], self._pending.demand
        load = fullness(self._batch.table.allocatable[nodes], free, demand)
        # Nodes that differ only in where pods of the class are, and in how full they are.
        is_uniform = not self._draws and self._is_flat(nodes)
        return Candidates(nodes, load, fitting(free, demand, left), is_all, is_uniform)

    @property
    def _draws(self) -> bool:
        """Whether wishes draw the class to some nodes, beside keeping it even."""
        return self._wishes is not None and bool(self._wishes.near)

    def _is_flat(self, nodes: Ints) -> bool:
        if self.cost is None or not len(nodes):
            return True
        cost = self.cost[nodes]
        return bool((cost == cost[0]).all())

    # Rounds

    def _round(self, candidates: Candidates, left: int) -> tuple[Ints, int]:
        """Return candidates by their places that take a pod each now, and what they cost."""
        usable = candidates.slots > 0
        if self._rules is not None:
            usable &= self._rules.admits(candidates.nodes)
        at = np.flatnonzero(usable)
        if not len(at):
            return at, 0
        nodes, load = candidates.nodes[at], candidates.load[at]
        is_uniform = candidates.is_uniform
        main = self._node_price(nodes) if is_uniform else self._full_price(nodes)
        most = left
        if self._rules is not None and self._rules.affinity.is_first:
            main = main + self._home_price(nodes, left)
            most = 1
        if self._rules is not None and self._rules.volumes is not None:
            most = 1  # a claim that is taken, or bound to a node, is so for the next pod
        if most == 1:
            best = _least(main, load)
            return at[best : best + 1], int(main[best])
        order = np.lexsort((load, main))
        if not is_uniform:
            order = order[: np.searchsorted(main[order], int(main[order[0]]) + self._step())]
        order = within_quotas(self._quotas, nodes, order, left, is_even=is_uniform)
        return at[order], int(main[order].sum())

    def _node_price(self, nodes: Ints) -> Ints:
        """Return what each of some nodes costs where groups are kept even by quotas."""
        price = np.zeros(len(nodes), dtype=np.int64) if self.cost is None else self.cost[nodes]
        for level in self._levels:
            if level.is_nodes:
                price = price + level.weight * level.counts[level.group[nodes]]
        weight = self._batch.settings.cost.score_weight
        for skew in self._wishes.skews if self._wishes is not None else ():
            if len(skew.counter.counts) > FEW:
                price = price + weight * skew.counter.at(nodes)
        return price

    def _full_price(self, nodes: Ints) -> Ints:
        """Return what each of some nodes costs now, its load apart."""
        price = np.zeros(len(nodes), dtype=np.int64) if self.cost is None else self.cost[nodes]
        for level in self._levels:
            price = price + level.weight * level.counts[level.group[nodes]]
        if self._wishes is not None:
            price = price + wish_costs(self._wishes, nodes, self._batch.settings.cost)
        return price

    def _step(self) -> int:
        """Return from which price on a node waits for the next round.

        A pod more in a group makes it dearer by its weight: what costs less than that more comes
        before a second one there.
        """
        if self._wishes is not None and self._wishes.is_live:
            return 1
        return min((level.weight for level in self._levels if level.weight), default=NO_HOME)

    def _home_price(self, nodes: Ints, left: int) -> Ints:
        """Return what a first pod's nodes cost for want of room for its fellows beside it.

        Its affinity binds them to its domain, whose room they share.
        """
        out = np.zeros(len(nodes), dtype=np.int64)
        if self._rules is None or left == 1:
            return out
        everywhere = np.flatnonzero(self.base & self._rules.admits())
        slots = fitting(self._placing.free[everywhere], self._pending.demand, left)
        for counter in self._rules.affinity.near:
            domain = counter.domain
            room = np.bincount(domain[everywhere] + 1, weights=slots, minlength=len(counter.counts))
            here = np.minimum(room[domain[nodes] + 1], left).astype(np.int64)
            out += NO_HOME * (left - here)
        return out

    def _put(self, candidates: Candidates, picked: Ints) -> None:
        nodes = candidates.nodes[picked]
        self._placing.put(self._pending, nodes.tolist())
        self._batch.emptiest.placed(len(nodes))
        candidates.slots[picked] -= 1
        for level in self._levels:
            np.add.at(level.counts, level.group[nodes], 1)
            level.counts[-1] = 0
        free, allocatable = self._placing.free[nodes], self._batch.table.allocatable[nodes]
        candidates.load[picked] = fullness(allocatable, free, self._pending.demand)


def _least(main: Ints, load: Ints) -> int:
    """Return the place of the least price; of equal ones that of the least load, then the first."""
    cheapest = np.flatnonzero(main == main.min())
    return int(cheapest[int(load[cheapest].argmin())])
