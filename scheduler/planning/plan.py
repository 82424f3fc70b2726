"""The core's front door: decide, cover, check independently, hand out.

A plan that the checker does not accept is never handed out: nothing of it may be bound.
"""

from collections.abc import Callable

from scheduler.domain.cover import KeptRoom
from scheduler.domain.errors import PlanRejected
from scheduler.domain.plan import Plan
from scheduler.domain.pod_group import NO_GROUPS
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.placement.decide import decide
from scheduler.placement.gangs.admission import incomplete
from scheduler.placement.gangs.gang import gangs_of
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
    if is_off or not len(snapshot.nodes):
        decided = decide(snapshot, settings, kept).plan()
    else:
        decided = _covered(snapshot, settings, (covering, kept), is_over)
    found = violations(
        snapshot,
        decided,
        may_overflow=settings.cloud.overflow == "allow",
        cover=CoverRules(covering.mode, covering.unit, covering.everyone),
    )
    if found:
        raise PlanRejected(found)
    return decided


def _covered(
    snapshot: ClusterSnapshot,
    settings: PlacementSettings,
    keeping: tuple[CoverSettings, KeptRoom | None],
    is_over: Callable[[], bool],
) -> Plan:
    """Decide and cover; a group of which a pod is taken back, for want of cover, waits whole."""
    covering, kept = keeping
    barred = NO_GROUPS
    while True:
        decision = decide(snapshot, settings, kept, barred)
        backing = cover(decision, covering, is_over)
        short = incomplete(decision, gangs_of(decision.batch.snapshot).values())
        if not short:
            return decision.plan(backing)
        barred |= {gang.ref for gang in short}
