"""A decision's delays held against what was measured since."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from scheduler.domain.plan import Assignment, Measured
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.service.cache import Cache
from telemetry.model import UNKNOWN_US, RttTable


@dataclass(frozen=True, slots=True, order=True)
class DecidingPair:
    """A pair that a decision rests on, and the budget it has to keep."""

    reference: str
    node: str
    within_us: int

    def holds(self, rtt: RttTable) -> bool:
        """Whether it is known and within the budget."""
        return 0 <= rtt_between(rtt, self.reference, self.node) <= self.within_us


def measured_anew(
    assignment: Assignment, pairs: Iterable[DecidingPair], rtt: RttTable
) -> tuple[Measured, ...] | None:
    """Return the delays of a decision with the RTTs of now; None where one does not hold.

    Parameters
    ----------
    assignment
        As it was decided.
    pairs
        What was measured anew.
    rtt
        As it is now.
    """
    out = []
    for measured in assignment.measured:
        fresh = measured
        if measured.reference_node and not measured.constraint.is_soft:
            rtt_us = rtt_between(rtt, measured.reference_node, assignment.node)
            fresh = replace(measured, rtt_us=rtt_us)
            if not fresh.holds:
                return None
        out.append(fresh)
    return tuple(out) if all(pair.holds(rtt) for pair in pairs) else None


def still_holds(assignment: Assignment, snapshot: ClusterSnapshot, cache: Cache) -> bool:
    """Whether a decision made on `snapshot` is right by what the cache has learnt since."""
    row = snapshot.nodes.index.get(assignment.node)
    if row is None or cache.node(assignment.node) != snapshot.nodes.nodes[row]:
        return False
    if not cache.has_room(assignment.pod, assignment.node):
        return False
    return cache.rtt is snapshot.rtt or measured_anew(assignment, (), cache.rtt) is not None


def rtt_between(rtt: RttTable, reference: str, node: str) -> int:
    """Return the RTT of a pair by name, microseconds; `UNKNOWN_US` where it is not known."""
    if reference == node:
        return 0
    i, j = rtt.index.get(reference), rtt.index.get(node)
    if i is None or j is None:
        return UNKNOWN_US
    return int(rtt.between(np.array([i]), np.array([j]))[0])
