"""A decision held against what was learnt since."""

from scheduler.domain.plan import Assignment
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.service.cache import Cache
from scheduler.service.deciding import rtts_from
from telemetry.model import RttTable


def still_holds(assignment: Assignment, snapshot: ClusterSnapshot, cache: Cache) -> bool:
    """Whether a decision made on `snapshot` is right by what the cache has learnt since."""
    row = snapshot.nodes.index.get(assignment.node)
    if row is None or cache.node(assignment.node) != snapshot.nodes.nodes[row]:
        return False
    if not cache.has_room(assignment.pod, assignment.node):
        return False
    if not cache.storage.is_as_in(snapshot.storage, assignment.pod, assignment.volumes):
        return False
    return cache.rtt is snapshot.rtt or keeps_budgets(assignment, cache.rtt)


def keeps_budgets(assignment: Assignment, rtt: RttTable) -> bool:
    """Whether each hard delay still holds from the node that decided it."""
    for measured in assignment.measured:
        if measured.constraint.is_soft or not measured.reference_node:
            continue
        rtt_us = int(rtts_from(rtt, (measured.reference_node,), assignment.node)[0])
        if not 0 <= rtt_us <= measured.constraint.within_us:
            return False
    return True
