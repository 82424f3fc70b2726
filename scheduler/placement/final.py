"""Whether what a decision places stands as a whole: each pod by its rules, given all others.

Classes are placed one after the other, each by what stands before it. What comes later may break a
rule that an earlier one kept: pods that a spread constraint counts, say, of a class that could not
go first. Who came later, of the same priority or a lower one, and is in the way is taken back, else
the pod that would not stand; then what refers to it. The next decision finds the others standing.
"""

from collections.abc import Sequence

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
from scheduler.placement.reach import keeps_delays


def take_back_broken(batch: Batch, placing: Placing, *, is_shaken: bool = False) -> int:
    """Take back pods until all that are placed keep their rules; return how many were.

    Those of low priority, and of them the last, go first. With `is_shaken` others were taken back
    already, and delays to them may not hold any more.
    """
    if not (placing.rules.has_live or is_shaken):
        return 0
    classes = sorted(batch.classes, key=lambda c: (c.pod_class.priority, -c.number))
    taken = 0
    while True:
        found = _first_broken(placing, classes)
        if found is None and (taken or is_shaken):
            found = _first_beyond(batch, placing, classes)
        if found is None:
            return taken
        placing.take_back(*found)
        taken += 1


_One = tuple[PendingClass, int]
"""A placed pod: its class and its place in it."""


def _first_broken(placing: Placing, classes: Sequence[PendingClass]) -> _One | None:
    for pending in classes:
        broken = _broken(placing, pending)
        if len(broken):
            last = int(broken[-1])
            return _in_its_way(placing, classes, pending, last) or (pending, last)
    return None


def _first_beyond(batch: Batch, placing: Placing, classes: Sequence[PendingClass]) -> _One | None:
    """Return a pod whose delay does not hold any more, now that others were taken back."""
    for pending in classes:
        if pending.targets:
            holds = keeps_delays(batch, pending, placing.pods)
            if not holds.all():
                return pending, int(np.flatnonzero(~holds)[-1])
    return None


def _in_its_way(
    placing: Placing, classes: Sequence[PendingClass], pending: PendingClass, index: int
) -> _One | None:
    """Return a pod that made a domain have too many for another, and has to give way to it.

    It is of lower priority, or was placed after it.
    """
    before = list(placing.pods)
    before = before[: before.index(pending.pod_class) + 1]
    rules = placing.rules.of[pending.number]
    node = placing.pods[pending.pod_class][index][0]
    standing = _Standing(placing.rules, pending.number)
    here = np.array([node], dtype=np.int64)
    for skew in rules.spread.skews:
        if standing.is_even(skew, here).all():
            continue
        of = skew.counter.domain
        for other in classes:
            priority = other.pod_class.priority
            if priority > pending.pod_class.priority:
                break
            if priority == pending.pod_class.priority and other.pod_class in before:
                continue
            if placing.rules.own(other.number, skew.counter) and of[node] >= 0:
                spots = placing.pods.get(other.pod_class, [])
                near = [i for i, (n, _) in enumerate(spots) if of[n] == of[node]]
                if near:
                    return other, near[-1]
    return None


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
            passes &= self.is_even(skew, nodes)
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

    def is_even(self, skew: SkewRule, nodes: Ints) -> Mask:
        """Return which pods keep a spread constraint."""
        others = self._others(skew.counter, nodes)
        least = np.full(len(nodes), skew.least, dtype=np.int64)
        if int(skew.is_domain.sum()) >= skew.min_domains:
            is_counted = skew.counter.domain[nodes] >= 0
            least = np.where(is_counted, np.minimum(least, others), least)
        is_even = others + skew.own - least <= skew.max_skew
        return np.asarray(is_even & (skew.domain[nodes] >= 0))
