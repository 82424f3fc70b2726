"""What a class would rather have of other pods: preferred affinity, soft topology spread.

Scored as kube-scheduler's InterPodAffinity and PodTopologySpread plugins do, 0 to 100, over the
nodes that are in question.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.node import HOSTNAME_LABEL
from scheduler.placement.feasibility.counters import Counter
from scheduler.placement.packing.problem import Ints

MOST = 100
"""``MaxNodeScore``."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SoftSkew:
    """One soft constraint: pods that it selects, by domain of eligible nodes.

    `domain` (shape ``(n,)``) is -1 for nodes that lack one of the labels spread over.
    """

    topology_key: str
    domain: NDArray[np.int32]
    counter: Counter
    max_skew: int

    def score(self, nodes: Ints) -> Floats:
        """Return what kube-scheduler adds up for each of `nodes`: the more pods, the more."""
        domain = self.domain[nodes]
        if self.topology_key == HOSTNAME_LABEL:
            size = int((domain >= 0).sum())
        else:
            size = len(np.unique(domain[domain >= 0]))
        return np.asarray(self.counter.counts[domain] * math.log(size + 2) + (self.max_skew - 1))


@dataclass(slots=True, eq=False)
class ClassWishes:
    """What one class wishes. `near` counts weights of pods by domain: the more, the better."""

    near: tuple[Counter, ...] = ()
    skews: tuple[SoftSkew, ...] = ()
    is_live: bool = False

    def counters(self) -> list[Counter]:
        """Return all that it counts."""
        return [*self.near, *(skew.counter for skew in self.skews)]

    def unmet(self, nodes: Ints, affinity_weight: int, spread_weight: int) -> Ints:
        """Return what is missing to the best, in weighted points of kube-scheduler's scores."""
        missing = np.zeros(len(nodes), dtype=np.int64)
        if not len(nodes):
            return missing
        if self.near:
            missing += affinity_weight * (MOST - self._affinity(nodes))
        if self.skews:
            missing += spread_weight * (MOST - self._spread(nodes))
        return missing

    def _affinity(self, nodes: Ints) -> Ints:
        raw = np.zeros(len(nodes), dtype=np.int64)
        for counter in self.near:
            raw += counter.counts[counter.domain[nodes]]
        low, high = int(raw.min()), int(raw.max())
        if low == high:
            return np.full(len(nodes), MOST, dtype=np.int64)
        return np.asarray(MOST * (raw - low) // (high - low))

    def _spread(self, nodes: Ints) -> Ints:
        is_scored = np.ones(len(nodes), dtype=np.bool_)
        raw = np.zeros(len(nodes), dtype=np.float64)
        for skew in self.skews:
            is_scored &= skew.domain[nodes] >= 0
            raw += skew.score(nodes)
        whole = np.rint(raw).astype(np.int64)
        if not is_scored.any():
            return np.zeros(len(nodes), dtype=np.int64)
        low, high = int(whole[is_scored].min()), int(whole[is_scored].max())
        if not high:
            return np.where(is_scored, MOST, 0)
        return np.where(is_scored, MOST * (high + low - whole) // high, 0)
