"""Inter-pod affinity and anti-affinity, as kube-scheduler's InterPodAffinity plugin filters.

Counted by topology domain: of the newcomer's affinity, pods that meet *all* its terms; of its
anti-affinity, pods that meet each term; and pods that stand whose own anti-affinity keeps it away.
"""

from dataclasses import dataclass

import numpy as np

from scheduler.domain.reasons import Cause
from scheduler.placement.feasibility.counters import ALL, At, Counter
from scheduler.placement.feasibility.verdict import Mask, Verdict

NO_AFFINITY = "node(s) didn't match pod affinity rules"
NO_ANTI_AFFINITY = "node(s) didn't match pod anti-affinity rules"
KEPT_AWAY = "node(s) didn't satisfy existing pods anti-affinity rules"


@dataclass(frozen=True, slots=True, eq=False)
class PodAffinityRule:
    """One class's counters. `is_self` says that its pods meet all their own affinity terms.

    `near` has one counter a required affinity term, `away` one a required anti-affinity term;
    `kept` one a label, of pods that stand and keep the class away.
    """

    n: int
    near: tuple[Counter, ...] = ()
    is_self: bool = False
    away: tuple[Counter, ...] = ()
    kept: tuple[Counter, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.near or self.away or self.kept)

    @property
    def is_first(self) -> bool:
        """Whether a pod would be the first of a group that is near itself: it may go anywhere."""
        return self.is_self and not any(counter.counts.any() for counter in self.near)

    def admits(self, nodes: At = ALL) -> Mask:
        """Return which of some nodes all of it admits."""
        return self._has_affinity(nodes) & self._is_free((*self.away, *self.kept), nodes)

    def verdict(self) -> Verdict:
        """Return the nodes admitted; a node counts under the first of the three that fails."""
        left = self._has_affinity(ALL)
        texts = [(NO_AFFINITY, ~left)]
        for text, counters in ((NO_ANTI_AFFINITY, self.away), (KEPT_AWAY, self.kept)):
            passes = self._is_free(counters, ALL)
            texts.append((text, left & ~passes))
            left = left & passes
        return Verdict(Cause.POD_AFFINITY, left, texts)

    def _has_affinity(self, nodes: At) -> Mask:
        passes = self._all(nodes)
        is_first = self.is_first
        for counter in self.near:
            passes &= counter.domain[nodes] >= 0
            if not is_first:
                passes &= counter.at(nodes) > 0
        return passes

    def _is_free(self, counters: tuple[Counter, ...], nodes: At) -> Mask:
        passes = self._all(nodes)
        for counter in counters:
            passes &= counter.at(nodes) <= 0
        return passes

    def _all(self, nodes: At) -> Mask:
        size = self.n if isinstance(nodes, slice) else len(nodes)
        return np.ones(size, dtype=np.bool_)
