"""The core's front door: decide, cover, check independently, hand out.

A plan that the checker does not accept is never handed out: nothing of it may be bound.
"""

from collections.abc import Callable

from scheduler.domain.errors import PlanRejected
from scheduler.domain.plan import Plan
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.placement.decide import decide
from scheduler.placement.settings import PlacementSettings
from scheduler.planning.check import CoverRules, violations
from scheduler.reliability.cover.covering import cover
from scheduler.reliability.cover.kept import kept_room
from scheduler.reliability.cover.settings import NO_COVER, CoverSettings
from scheduler.reliability.cover.units import failure_units


def plan(
    snapshot: ClusterSnapshot,
    settings: PlacementSettings,
    covering: CoverSettings = NO_COVER,
    is_over: Callable[[], bool] = lambda: False,
) -> Plan:
    """Return the plan for a snapshot.

    A pure function: the same snapshot and settings give the same plan, unless `is_over` cuts the
    search for smaller reserves short; then the plan says so.

    Raises
    ------
    PlanRejected
        If the independent check finds a violation: a bug, reported with what was violated.
    """
    is_off = covering.mode == "off"
    kept = kept_room(snapshot, None if is_off else failure_units(snapshot, covering.unit))
    decision = decide(snapshot, settings, kept)
    if is_off or not len(snapshot.nodes):
        decided = decision.plan()
    else:
        decided = decision.plan(cover(decision, covering, is_over))
    found = violations(
        snapshot,
        decided,
        may_overflow=settings.cloud.overflow == "allow",
        cover=CoverRules(covering.mode, covering.unit, covering.everyone),
    )
    if found:
        raise PlanRejected(found)
    return decided
