"""Hard topology spread, as kube-scheduler's PodTopologySpread plugin filters.

A node passes where the pods of its domain, the newcomer included, are at most ``maxSkew`` more than
those of the emptiest domain. Domains are those of *eligible* nodes alone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.reasons import Cause
from scheduler.placement.feasibility.counters import ALL, At, Counter
from scheduler.placement.feasibility.verdict import Mask, Verdict

UNEVEN = "node(s) didn't match pod topology spread constraints"
NO_LABEL = f"{UNEVEN} (missing required label)"


@dataclass(frozen=True, slots=True, eq=False)
class SkewRule:
    """One constraint of one class.

    `domain` (shape ``(n,)``) is each node's domain, -1 without the label. `counter` counts over
    eligible nodes alone, and `is_domain` (shape ``(d,)``) says which domains have any. `own` is 1
    where the constraint selects the class's own pods.
    """

    domain: NDArray[np.int32]
    counter: Counter
    is_domain: NDArray[np.bool_]
    max_skew: int
    min_domains: int
    own: int

    @property
    def least(self) -> int:
        """Pods in the emptiest domain, or 0 while there are fewer domains than asked for."""
        counts = self.counter.counts[:-1][self.is_domain]
        return int(counts.min()) if len(counts) >= self.min_domains else 0

    def room(self) -> NDArray[np.int64]:
        """Return how many pods of the class each domain takes now, shape ``(d + 1,)``.

        Not above 0 where it takes none.
        """
        return np.asarray(self.max_skew + self.least - self.counter.counts - self.own + 1)

    def admits(self, nodes: At = ALL) -> Mask:
        """Return which nodes' domains take a pod; that of one without the label does not."""
        domain = self.domain[nodes]
        return np.asarray((self.room() > 0)[domain] & (domain >= 0))


@dataclass(frozen=True, slots=True, eq=False)
class PodSpreadRule:
    """All hard constraints of one class."""

    n: int
    skews: tuple[SkewRule, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.skews)

    def admits(self, nodes: At = ALL) -> Mask:
        """Return which of some nodes all constraints admit."""
        passes = np.ones(self.n if isinstance(nodes, slice) else len(nodes), dtype=np.bool_)
        for skew in self.skews:
            passes &= skew.admits(nodes)
        return passes

    def verdict(self) -> Verdict:
        """Return the nodes admitted; a node counts under the first constraint that fails."""
        left = np.ones(self.n, dtype=np.bool_)
        unlabelled = np.zeros(self.n, dtype=np.bool_)
        for skew in self.skews:
            unlabelled |= left & (skew.domain < 0)
            left &= skew.admits()
        return Verdict(Cause.SPREAD, left, [(UNEVEN, ~left & ~unlabelled), (NO_LABEL, unlabelled)])
