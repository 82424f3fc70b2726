"""How many pods of a class a domain takes before its rules must be looked at anew."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.placement.between.rules import Rules
from scheduler.placement.feasibility.podspread import SkewRule
from scheduler.placement.packing.problem import Ints

FEW = 64
"""Domains that are filled level by level; more of them take a pod each a round."""

Domain = NDArray[np.int32] | Ints


@dataclass(frozen=True, slots=True, eq=False)
class Quota:
    """One way a class disturbs itself.

    `domain` has shape ``(n,)``, -1 for nodes without limit; `counts` what is counted in each domain
    and one entry more. Without a `skew` pods had better lie evenly; `is_lone` lets a domain take
    one at all.
    """

    domain: Domain
    counts: Ints
    skew: SkewRule | None = None
    is_lone: bool = False

    @property
    def size(self) -> int:
        """Number of domains."""
        return len(self.counts) - 1

    def one_by_one(self, domains: Domain) -> Ints:
        """Return what each of some domains takes, whatever the others do."""
        if self.skew is None:
            return np.ones(len(domains), dtype=np.int64)
        return np.maximum(self.skew.room()[domains], 0)

    def levelled(self, domains: Domain, left: int) -> Ints | None:
        """Return what each domain takes of `left` pods for all to lie evenly, shape ``(d + 1,)``.

        None where that cannot be said. A domain takes no more than it has nodes among `domains`,
        one entry a node in order of preference.
        """
        if self.is_lone or self.size > FEW:
            return None
        counts = self.counts[:-1]
        usable = np.bincount(domains + 1, minlength=self.size + 1)[1:]
        top = counts + usable
        level = _level(counts, usable, left)
        if self.skew is not None:
            level = min(level, self._highest(top))
        quota = np.zeros(self.size + 1, dtype=np.int64)
        quota[:-1] = np.clip(np.minimum(level, top) - counts, 0, None)
        spare = left - int(quota.sum())
        if spare > 0 and (self.skew is None or level < self._highest(top)):
            _hand_out(quota, domains, (top > level) & (counts <= level), spare)
        quota[-1] = left
        return quota

    def _highest(self, top: Ints) -> int:
        """Return how high any domain may be filled, given how high the others can."""
        if self.skew is None:
            return int(top.max(initial=0))
        counted = top[self.skew.is_domain]
        least = int(counted.min()) if len(counted) >= self.skew.min_domains else 0
        return least + self.skew.max_skew - self.skew.own + 1

    def keeps(self, domains: Domain) -> bool:
        """Whether pods added to `domains`, all together, leave the skew within its limit."""
        if self.skew is None:
            return True
        counts = (
            self.counts + np.bincount(domains + 1, minlength=self.size + 1)[_shifted(self.size)]
        )
        counted = counts[:-1][self.skew.is_domain]
        least = int(counted.min()) if len(counted) >= self.skew.min_domains else 0
        touched = domains[domains >= 0]
        return not len(touched) or int(counts[touched].max()) - least <= self.skew.max_skew


def _shifted(size: int) -> Ints:
    """Return where each domain, and last the nodes of none, are after counting from -1."""
    return np.concatenate([np.arange(1, size + 1), [0]])


def _level(counts: Ints, usable: Ints, left: int) -> int:
    """Return the highest level to which domains can all be filled with `left` pods."""
    low, high = int(counts.min(initial=0)), int((counts + usable).max(initial=0))
    while low < high:
        middle = (low + high + 1) // 2
        needed = int(np.clip(np.minimum(middle, counts + usable) - counts, 0, None).sum())
        if needed <= left:
            low = middle
        else:
            high = middle - 1
    return low


def _hand_out(quota: Ints, domains: Domain, takes: NDArray[np.bool_], spare: int) -> None:
    """Give one pod more to the domains whose nodes come first."""
    first, where = np.unique(domains[domains >= 0], return_index=True)
    for domain in first[np.argsort(where, kind="stable")].tolist():
        if spare and takes[domain]:
            quota[domain] += 1
            spare -= 1


def quotas_of(rules: Rules, number: int) -> list[Quota]:
    """Return all ways in which hard rules and wishes make pods of a class disturb each other.

    A rule that does not count the class's own pods does not limit a round. A port needs no quota: a
    round puts no two pods on one node.
    """
    mine, wishes = rules.of.get(number), rules.wishes.get(number)
    out = []
    if wishes is not None and wishes.is_live:
        # Pods that wish to be near each other do not disturb each other.
        soft = [c for c in wishes.near if rules.own(number, c) < 0]
        soft += [skew.counter for skew in wishes.skews if rules.own(number, skew.counter)]
        out = [Quota(counter.domain, counter.counts) for counter in soft]
    if mine is None or not mine.is_live:
        return out
    away = (*mine.affinity.away, *mine.affinity.kept)
    out += [Quota(c.domain, c.counts, is_lone=True) for c in away if rules.own(number, c)]
    out += [
        Quota(skew.counter.domain, skew.counter.counts, skew)
        for skew in mine.spread.skews
        if rules.own(number, skew.counter)
    ]
    return out


def within_quotas(
    quotas: Sequence[Quota], nodes: Ints, order: Ints, left: int, *, is_even: bool
) -> Ints:
    """Return the part of `order`, places in `nodes`, that keeps within all quotas, in order.

    A node that one quota leaves out still counts in the others: fewer may be taken than could be,
    never more; the first always is. With `is_even` domains are filled to one level at once, where
    that holds in the end.
    """
    if not quotas:
        return order[:left]
    if is_even:
        taken = _taken(quotas, nodes, order, left, is_even=True)
        if len(taken) and all(quota.keeps(quota.domain[nodes[taken]]) for quota in quotas):
            return taken
    return _taken(quotas, nodes, order, left, is_even=False)


def _taken(quotas: Sequence[Quota], nodes: Ints, order: Ints, left: int, *, is_even: bool) -> Ints:
    keep = np.ones(len(order), dtype=np.bool_)
    at = nodes[order]
    for quota in quotas:
        domain = quota.domain[at]
        levelled = quota.levelled(domain, left) if is_even else None
        room = quota.one_by_one(domain) if levelled is None else levelled[domain]
        keep &= (domain < 0) | (_rank(domain) < room)
    return order[keep][:left]


def _rank(domain: Domain) -> Ints:
    """Return how many of the same domain come before each, shape as `domain`."""
    by_domain = np.argsort(domain, kind="stable")
    ordered = domain[by_domain]
    is_first = np.empty(len(domain), dtype=np.bool_)
    is_first[:1] = True
    np.not_equal(ordered[1:], ordered[:-1], out=is_first[1:])
    starts = np.flatnonzero(is_first)
    rank = np.empty(len(domain), dtype=np.int64)
    places = np.arange(len(domain))
    rank[by_domain] = places - np.repeat(starts, np.diff(np.append(starts, len(domain))))
    return rank
