"""A decision held against what was learnt since: at the assumption, and at the binding."""

from scheduler.domain.plan import Assignment, Measured
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
    return keeps_budgets(assignment, cache)


def may_be_sent(assignment: Assignment, cache: Cache) -> bool:
    """Whether an assumed pod may still be bound: its node is not over-full, and its budgets hold.

    Between the assumption and the binding it is measured for, and waits for notes; others bind too.
    """
    if not (cache.holds(assignment.pod, assignment.node) and keeps_budgets(assignment, cache)):
        return False
    return all(
        _is_there(one, assignment, cache) for one in assignment.measured if one.reference_node
    )


def _is_there(measured: Measured, assignment: Assignment, cache: Cache) -> bool:
    """Whether what a hard delay was measured from still is where it was: a node, or a pod there.

    A pod that is told to go is no reference any more, though it is there for a while.
    """
    reference = measured.constraint.reference
    if measured.constraint.is_soft or reference.kind == "node":
        return True
    if reference.kind == "auto" and cache.node(reference.name) is not None:
        return True
    return any(
        not record.is_terminating
        and record.pod.key != assignment.pod.key
        and cache.goes_by(record.pod, reference)
        for record in cache.pods.on(measured.reference_node)
    )


def keeps_budgets(assignment: Assignment, cache: Cache) -> bool:
    """Whether each hard delay still holds from the node that decided it, and that node is there."""
    deciding = [m.reference_node for m in assignment.measured if not m.constraint.is_soft]
    # Nobody is near what is gone.
    is_there = all(cache.node(name) is not None for name in deciding if name)
    return is_there and within_budgets(assignment, cache.rtt)


def within_budgets(assignment: Assignment, rtt: RttTable) -> bool:
    """Whether each hard delay holds by a table, from the node that decided it."""
    for measured in assignment.measured:
        if measured.constraint.is_soft or not measured.reference_node:
            continue
        rtt_us = int(rtts_from(rtt, (measured.reference_node,), assignment.node)[0])
        if not 0 <= rtt_us <= measured.constraint.within_us:
            return False
    return True
