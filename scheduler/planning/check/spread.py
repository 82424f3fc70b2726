"""How far the replicas of a reference are from the nodes a plan assigns."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.delay import DelayConstraint, Quantifier
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.planning.check.ledger import Decided
from scheduler.planning.check.replicas import Resolved
from telemetry.model import UNKNOWN_US

_FAR = np.int64(1) << 40
_BLOCK = 1 << 20
"""Pairs looked at together: 8 MB an array."""


class RttView:
    """RTTs between nodes of the table, by their rows in it."""

    def __init__(self, snapshot: ClusterSnapshot) -> None:
        index = snapshot.rtt.index
        self._table = snapshot.rtt
        memo = snapshot.nodes.memo
        known = memo.get(("check", "rtt"))
        if index and known is not None and known[0] is index:
            self._columns = known[1]
        elif index:
            self._columns = np.array(
                [index.get(n.name, -1) for n in snapshot.nodes.nodes], np.int64
            )
            memo["check", "rtt"] = (index, self._columns)
        else:
            self._columns = np.full(len(snapshot.nodes.nodes), -1, np.int64)

    def between(self, references: NDArray[np.int64], nodes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return RTTs measured from `references` to `nodes`, broadcast; `UNKNOWN_US` if not known.

        A node is at 0 from itself, measured or not.
        """
        rows, columns = np.broadcast_arrays(self._columns[references], self._columns[nodes])
        known = (rows >= 0) & (columns >= 0)
        out = np.full(known.shape, UNKNOWN_US, dtype=np.int64)
        out[known] = self._table.between(rows[known], columns[known])
        return np.where(references == nodes, np.int64(0), out)


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
    step = max(1, _BLOCK // max(1, len(rows)))
    for start in range(0, len(resolved.node_of), step):
        references = resolved.node_of[start : start + step, None]
        values = rtt.between(references, nodes[None, :])
        # Where one replica runs, the pod itself may be that one.
        is_alone = resolved.replicas[start : start + step, None] == 1
        counted = ~(is_alone & is_self & (references == nodes))
        known = counted & (values != UNKNOWN_US)
        nearest = np.minimum(nearest, np.where(known, values, _FAR).min(axis=0))
        farthest = np.maximum(farthest, np.where(known, values, UNKNOWN_US).max(axis=0))
        has_unknown |= (counted & ~known).any(axis=0)
        has_replica |= counted.any(axis=0)
    nearest[nearest == _FAR] = UNKNOWN_US
    return Spread(nearest, farthest, has_unknown, has_replica, is_self)
