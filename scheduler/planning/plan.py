"""The core's front door: decide, check independently, hand out.

A plan that the checker does not accept is never handed out: nothing of it may be bound.
"""

from scheduler.domain.errors import PlanRejected
from scheduler.domain.plan import Plan
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.placement.decide import decide
from scheduler.placement.settings import PlacementSettings
from scheduler.planning.check import violations


def plan(snapshot: ClusterSnapshot, settings: PlacementSettings) -> Plan:
    """Return the plan for a snapshot.

    A pure function: the same snapshot and settings give the same plan.

    Raises
    ------
    PlanRejected
        If the independent check finds a violation: a bug, reported with what was violated.
    """
    decided = decide(snapshot, settings)
    found = violations(snapshot, decided, may_overflow=settings.cloud.overflow == "allow")
    if found:
        raise PlanRejected(found)
    return decided
