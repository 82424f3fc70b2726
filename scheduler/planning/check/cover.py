"""Whether the backups and reserves of a plan are what was asked for, and what it says they are.

A backup is a node on which a pod could run when what its own node fails with is gone. The reserve
of a node is the most that any one such failure would bring there.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from scheduler.domain.cover import CoverMode, FailureUnit
from scheduler.domain.plan import Plan
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.planning.check.cover_backups import backed_before, new_backups
from scheduler.planning.check.cover_places import broken_places, failing_together
from scheduler.planning.check.cover_reserves import without_room
from scheduler.planning.check.ledger import Decided


@dataclass(frozen=True, slots=True)
class CoverRules:
    """What is asked of cover.

    `unit` is what fails at once; pods with a hard delay are to be covered, or `everyone`.
    """

    mode: CoverMode = "off"
    unit: FailureUnit = "node"
    everyone: bool = False


def broken_cover(
    snapshot: ClusterSnapshot,
    plan: Plan,
    decided: Decided,
    rules: CoverRules,
    *,
    may_overflow: bool = True,
) -> list[str]:
    """Return the backups that are none, the reserves without room, and what is said wrongly."""
    if rules.mode == "off":
        return list(_unasked(plan))
    unit_of = failing_together(snapshot, rules.unit)
    backups, found = new_backups(snapshot, plan, decided)
    found += broken_places(snapshot, decided, backups, unit_of, may_overflow=may_overflow)
    found += without_room(snapshot, decided, backups, unit_of)
    found += _uncovered(plan, decided, rules)
    _, is_lost = backed_before(snapshot)
    covered = int(np.count_nonzero(~is_lost)) + len(backups.there.pods)
    if plan.stats.cover.covered != covered:
        said = plan.stats.cover.covered
        found.append(f"cover: {said} pods are said to be covered, {covered} are")
    return found


def _unasked(plan: Plan) -> Iterator[str]:
    for made in plan.assignments:
        if made.backup:
            yield f"cover: {made.pod.key} on {made.backup} as a backup: cover is off"
    for key, backup in plan.cover.backups.items():
        yield f"cover: {key} on {backup} as a backup: cover is off"


def _uncovered(plan: Plan, decided: Decided, rules: CoverRules) -> Iterator[str]:
    """Yield the pods without a backup that have to have one, and those that are said wrongly."""
    listed = {uncovered.pod.key for uncovered in plan.cover.uncovered}
    for pod_class, rows in zip(decided.classes, decided.rows_of, strict=True):
        is_wanting = rules.everyone or bool(pod_class.hard_delays)
        for row in rows.tolist():
            made, is_listed = decided.assignments[row], decided.pods[row].key in listed
            if made.backup and is_listed:
                yield decided.breaks("cover", row, "it has a backup and is said to be uncovered")
            elif is_wanting and not (made.backup or is_listed):
                yield decided.breaks("cover", row, "it has no backup and is not said to have none")
            if rules.mode == "required" and is_wanting and not (made.backup or made.replaces):
                yield decided.breaks("cover", row, "it has to have a backup and has none")
    for key in sorted(plan.cover.backups.keys() & listed):
        yield f"cover: {key} has a new backup and is said to be uncovered"
