"""Whether what a decision places stands as a whole: each pod by its rules, given all others.

Classes are placed one after the other, each by what stands before it. What comes later may break a
rule that an earlier one kept: pods that a spread constraint counts, say, of a class that could not
go first. A pod that would not stand is taken back; the next decision finds the others standing.
"""

import numpy as np
from numpy.typing import NDArray

from scheduler.placement.batch import Batch, PendingClass
from scheduler.placement.between.rules import ClassRules, Rules
from scheduler.placement.feasibility.counters import Counter
from scheduler.placement.feasibility.podaffinity import PodAffinityRule
from scheduler.placement.feasibility.podspread import SkewRule
from scheduler.placement.feasibility.verdict import Mask
from scheduler.placement.packing.problem import Ints
from scheduler.placement.placing import Placing


def take_back_broken(batch: Batch, placing: Placing) -> int:
    """Take back pods until all that are placed keep their rules; return how many were.

    Those of low priority, and of them the last, go first.
    """
    if not placing.rules.has_live:
        return 0
    classes = sorted(batch.classes, key=lambda c: (c.pod_class.priority, -c.number))
    taken = 0
    while True:
        for pending in classes:
            broken = _broken(placing, pending)
            if len(broken):
                placing.take_back(pending, int(broken[-1]))
                taken += 1
                break
        else:
            return taken


def _broken(placing: Placing, pending: PendingClass) -> Ints:
    """Return which placed pods of a class would not stand, by their place in it."""
    rules = placing.rules.of.get(pending.number)
    spots = placing.pods.get(pending.pod_class)
    if rules is None or not rules.is_live or not spots:
        return np.zeros(0, dtype=np.int64)
    nodes = np.array([node for node, _ in spots], dtype=np.int64)
    return np.flatnonzero(~_Standing(placing.rules, pending.number).holds(rules, nodes))


class _Standing:
    """Judges pods of one class where they stand, each without itself."""

    def __init__(self, rules: Rules, number: int) -> None:
        self._rules = rules
        self._number = number

    def holds(self, rules: ClassRules, nodes: Ints) -> Mask:
        passes = self._near(rules.affinity, nodes)
        away = [*rules.affinity.away, *rules.affinity.kept]
        if rules.ports.holders is not None:
            away.append(rules.ports.holders)
        for counter in away:
            passes &= self._others(counter, nodes) <= 0
        for skew in rules.spread.skews:
            passes &= self._skew(skew, nodes)
        return passes

    def _mine(self, counter: Counter, nodes: Ints) -> NDArray[np.int64]:
        """Return what each pod itself adds to what is counted in its domain."""
        amount = self._rules.own(self._number, counter)
        return np.where(counter.domain[nodes] >= 0, amount, 0)

    def _others(self, counter: Counter, nodes: Ints) -> NDArray[np.int64]:
        return np.asarray(counter.at(nodes) - self._mine(counter, nodes))

    def _near(self, rule: PodAffinityRule, nodes: Ints) -> Mask:
        passes = np.ones(len(nodes), dtype=np.bool_)
        labelled = np.ones(len(nodes), dtype=np.bool_)
        total = np.zeros(len(nodes), dtype=np.int64)
        for counter in rule.near:
            labelled &= counter.domain[nodes] >= 0
            passes &= self._others(counter, nodes) > 0
            total += int(counter.counts.sum()) - self._mine(counter, nodes)
        if rule.is_self:
            passes |= total == 0
        return passes & labelled

    def _skew(self, skew: SkewRule, nodes: Ints) -> Mask:
        others = self._others(skew.counter, nodes)
        least = np.full(len(nodes), skew.least, dtype=np.int64)
        if int(skew.is_domain.sum()) >= skew.min_domains:
            is_counted = skew.counter.domain[nodes] >= 0
            least = np.where(is_counted, np.minimum(least, others), least)
        is_even = others + skew.own - least <= skew.max_skew
        return np.asarray(is_even & (skew.domain[nodes] >= 0))
