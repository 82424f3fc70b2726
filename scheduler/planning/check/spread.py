"""How far the replicas of a reference are from the nodes a plan assigns."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.delay import DelayConstraint, Quantifier
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.planning.check.ledger import Decided
from scheduler.planning.check.replicas import Resolved
from telemetry.model import UNKNOWN_US

_FAR = np.int64(1) << 40
_ROWS_KEPT = 512
"""RTT rows kept: 25 MB at 12,500 nodes, and most references are used by neighbouring classes."""


class RttView:
    """RTTs between nodes of the table, by their rows in it."""

    def __init__(self, snapshot: ClusterSnapshot) -> None:
        index = snapshot.rtt.index
        self._columns = np.array([index.get(n.name, -1) for n in snapshot.nodes.nodes], np.int64)
        self._row = lru_cache(maxsize=_ROWS_KEPT)(snapshot.rtt.from_node)

    def between(self, reference: int, nodes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return RTTs measured from `reference` to each of `nodes`; `UNKNOWN_US` if not known."""
        row = int(self._columns[reference])
        columns = self._columns[nodes]
        out = np.full(len(nodes), UNKNOWN_US, dtype=np.int64)
        if row >= 0:
            known = columns >= 0
            out[known] = self._row(row)[columns[known]]
        out[nodes == reference] = 0
        return out


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """The replicas of one reference as seen from ``t`` pods at their nodes; all of shape ``(t,)``.

    `nearest_us` and `farthest_us` are over the known pairs, `UNKNOWN_US` where there is none.
    `is_self` marks pods that are replicas of their own reference; they do not count for themselves.
    """

    nearest_us: NDArray[np.int64]
    farthest_us: NDArray[np.int64]
    has_unknown: NDArray[np.bool_]
    has_replica: NDArray[np.bool_]
    is_self: NDArray[np.bool_]

    def part(self, start: int, stop: int) -> "Spread":
        """Return the pods from `start` to before `stop`."""
        s = slice(start, stop)
        return Spread(
            self.nearest_us[s],
            self.farthest_us[s],
            self.has_unknown[s],
            self.has_replica[s],
            self.is_self[s],
        )

    def deciding_us(self, delay: DelayConstraint) -> NDArray[np.int64]:
        """Return the RTT that decides; `UNKNOWN_US` where one that has to hold is not known.

        Of any replica the nearest decides, of all the farthest; by default all count only among
        the pod's own fellows.
        """
        is_all = np.full(len(self.is_self), delay.quantifier is Quantifier.ALL)
        if delay.quantifier is None:
            is_all = self.is_self
        farthest = np.where(self.has_unknown, np.int64(UNKNOWN_US), self.farthest_us)
        return np.where(is_all, farthest, self.nearest_us)


def spread_of(
    rtt: RttView, resolved: Resolved, decided: Decided, rows: NDArray[np.int64]
) -> Spread:
    """Return how far the reference is from each of the decided pods in `rows`."""
    nodes = decided.node_of[rows]
    is_self = np.array([resolved.includes(decided.pods[row]) for row in rows], dtype=np.bool_)
    nearest = np.full(len(rows), _FAR)
    farthest = np.full(len(rows), np.int64(UNKNOWN_US))
    has_unknown = np.zeros(len(rows), dtype=np.bool_)
    has_replica = np.zeros(len(rows), dtype=np.bool_)
    for reference, replicas in zip(
        resolved.node_of.tolist(), resolved.replicas.tolist(), strict=True
    ):
        values = rtt.between(reference, nodes)
        counted = np.ones(len(rows), dtype=np.bool_)
        if replicas == 1:  # the only replica there is the pod itself, if it is one
            counted = ~(is_self & (nodes == reference))
        known = counted & (values != UNKNOWN_US)
        nearest = np.where(known & (values < nearest), values, nearest)
        farthest = np.where(known & (values > farthest), values, farthest)
        has_unknown |= counted & ~known
        has_replica |= counted
    nearest[nearest == _FAR] = UNKNOWN_US
    return Spread(nearest, farthest, has_unknown, has_replica, is_self)
