"""How many pods of a class a domain takes before its rules must be looked at anew."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.placement.feasibility.podspread import SkewRule
from scheduler.placement.problem import Ints, SpreadLevel
from scheduler.placement.rules import Rules


@dataclass(frozen=True, slots=True, eq=False)
class Quota:
    """One way a class disturbs itself.

    `domain` has shape ``(n,)``, -1 for nodes without limit; `size` is the number of domains. A
    domain takes one pod a round, or as many as `skew` has room for.
    """

    domain: NDArray[np.int32] | Ints
    size: int
    skew: SkewRule | None = None

    def room(self, domains: NDArray[np.int32] | Ints) -> Ints:
        """Return what each of some domains takes in a round."""
        if self.skew is None:
            return np.ones(len(domains), dtype=np.int64)
        return np.maximum(self.skew.room()[domains], 0)


def quotas_of(rules: Rules, number: int, levels: Sequence[SpreadLevel]) -> list[Quota]:
    """Return all ways in which pods of a class disturb each other.

    A rule that does not count the class's own pods does not limit a round.
    """
    out = [
        Quota(level.group, len(level.existing))
        for level in levels
        if level.weight and len(level.existing) < len(level.group)
    ]
    mine, wishes = rules.of.get(number), rules.wishes.get(number)
    if wishes is not None and wishes.is_live:
        soft = [*wishes.near, *(skew.counter for skew in wishes.skews)]
        out += [Quota(c.domain, len(c.counts) - 1) for c in soft if rules.own(number, c)]
    if mine is None or not mine.is_live:
        return out
    # A port needs no quota: a round puts no two pods on one node.
    away = (*mine.affinity.away, *mine.affinity.kept)
    out += [Quota(c.domain, len(c.counts) - 1) for c in away if rules.own(number, c)]
    out += [
        Quota(skew.counter.domain, len(skew.is_domain), skew)
        for skew in mine.spread.skews
        if rules.own(number, skew.counter)
    ]
    return out


def within_quotas(quotas: Sequence[Quota], nodes: Ints, order: Ints) -> Ints:
    """Return the part of `order`, places in `nodes`, that keeps within all quotas, in order.

    A node that one quota leaves out still counts in the others: fewer may be taken than could be,
    never more; the first always is.
    """
    keep = np.ones(len(order), dtype=np.bool_)
    for quota in quotas:
        domain = quota.domain[nodes[order]]
        is_limited = domain >= 0
        keep &= ~is_limited | (_rank(domain) < quota.room(domain))
    return order[keep]


def _rank(domain: NDArray[np.int32] | Ints) -> Ints:
    """Return how many of the same domain come before each, shape as `domain`."""
    by_domain = np.argsort(domain, kind="stable")
    ordered = domain[by_domain]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    lengths = np.diff(np.concatenate([starts, [len(domain)]]))
    rank = np.empty(len(domain), dtype=np.int64)
    rank[by_domain] = np.arange(len(domain)) - np.repeat(starts, lengths)
    return rank
