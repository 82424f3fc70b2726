"""Why a class waits: nodes counted per reason, and the smallest change that would admit it.

Families are asked in kube-scheduler's order and a node counts under the first that rules it out
(under several reasons of that family), as its filters do.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from scheduler.domain.delay import format_ms
from scheduler.domain.reasons import Cause, NodeReason, PodCause, PodReason, Refusal
from scheduler.domain.resources import amount_text
from scheduler.placement.batch import Batch, PendingClass
from scheduler.placement.between.rules import ClassRules
from scheduler.placement.bounds import Reach
from scheduler.placement.feasibility.delay import delay, within
from scheduler.placement.feasibility.room import fits, room
from scheduler.placement.feasibility.state import declared_features
from scheduler.placement.feasibility.verdict import Mask, Verdict
from scheduler.placement.packing.problem import Ints
from scheduler.placement.placing import Placing
from scheduler.placement.reach import reach

NO_ARRANGEMENT = "no arrangement of the pods that refer to each other keeps every delay"
NO_BACKUP = (
    "nodes with room are left, but no second one, that does not fail with the first, has room for "
    "its backup (cover.mode is required)"
)
RESERVED = "node(s) kept their room for pods of a node that fails"
KEPT_APART = "not beside what was placed at the same time; it is tried again once that stands"


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What a refusal is made from."""

    batch: Batch
    pending: PendingClass
    within: Reach
    free: Ints
    rules: ClassRules | None
    reserved: Ints | None = None


def refuse(
    batch: Batch, pending: PendingClass, placing: Placing, *, must_cover: bool = False
) -> Refusal:
    """Return why the pods of a class that are left over wait.

    With `must_cover` they are placed only where a second node is left for their backup.
    """
    total = len(batch.table)
    if total == 0:
        reason = PodReason(PodCause.NO_NODES, "no nodes available to schedule pods")
        return Refusal(0, (*pending.problems, reason))
    if pending.problems:
        return Refusal(total, pending.problems)
    near = reach(batch, pending, placing.pods)
    rules = placing.rules.of.get(pending.number)
    free = batch.free_for(pending.pod_class.priority, placing.free)
    view = View(batch, pending, near, free, rules, placing.kept)
    if near.problems:
        if not _is_in_circle(batch, pending):
            return Refusal(total, near.problems)
        reason = PodReason(PodCause.CROWDED_OUT, NO_ARRANGEMENT)
        return Refusal(total, (reason,), _counted(view)[0])
    reasons, left = _counted(view)
    if left.any():
        return Refusal(total, (_why_left(view, must_cover=must_cover),), reasons)
    return Refusal(total, (), reasons, _remedy(view))


def _why_left(view: View, *, must_cover: bool) -> PodReason:
    """Return why a pod waits that nothing rules out on some nodes."""
    if must_cover:
        return PodReason(PodCause.NOT_COVERED, NO_BACKUP)
    what = NO_ARRANGEMENT if _is_linked(view.batch, view.pending) else KEPT_APART
    return PodReason(PodCause.CROWDED_OUT, f"nodes with room are left, but {what}")


def _is_in_circle(batch: Batch, pending: PendingClass) -> bool:
    """Whether a class waits for a reference that, in the end, waits for the class itself."""
    tried = {c.pod_class: c for c in batch.classes if not c.problems}
    seen: set[int] = set()
    ahead = [pending]
    while ahead:
        here = ahead.pop()
        for target in here.targets:
            for other in (tried[k] for k in target.classes & tried.keys()):
                if other is not here and other.number not in seen:
                    seen.add(other.number)
                    ahead.append(other)
    return pending.number in seen


def _is_linked(batch: Batch, pending: PendingClass) -> bool:
    """Whether a class refers to pods, or pods that are decided on refer to it."""
    if any(target.node < 0 for target in pending.targets):
        return True
    return any(pending.pod_class in t.classes for c in batch.classes for t in c.targets)


def _counted(view: View) -> tuple[tuple[NodeReason, ...], Mask]:
    """Return the reasons and the nodes that nothing rules out."""
    alive = np.ones(len(view.batch.table), dtype=np.bool_)
    reasons: list[NodeReason] = []
    for family in families(view):
        passes = alive.copy()
        for verdict in family:
            reasons.extend(verdict.reasons(alive))
            passes &= verdict.passes
        alive = passes
    return tuple(reasons), alive


def families(view: View) -> Iterator[list[Verdict]]:
    """Yield the verdicts of each family of rules, in the order of kube-scheduler's filters."""
    batch, rules = view.batch, view.rules
    yield from ([verdict] for verdict in batch.verdicts(view.pending.pod_class))
    yield _delay_verdicts(view)
    if rules is not None and rules.ports:
        yield [rules.ports.verdict()]
    yield _room_verdicts(view)
    if rules is not None:
        yield from rules.volumes.families() if rules.volumes is not None else ()
        if rules.spread:
            yield [rules.spread.verdict()]
        if rules.affinity:
            yield [rules.affinity.verdict()]
    yield [declared_features(batch.table, view.pending.pod_class.features)]


def _room_verdicts(view: View) -> list[Verdict]:
    table, demand = view.batch.table, view.pending.demand
    if view.reserved is None:
        return [room(table, demand, view.free)]
    unreserved = room(table, demand, view.free + view.reserved)
    is_kept = unreserved.passes & ~fits(demand, view.free)
    kept = Verdict(Cause.RESERVED, ~is_kept, [(RESERVED, is_kept)])
    return [unreserved, kept]


def _delay_verdicts(view: View) -> list[Verdict]:
    out: list[Verdict] = []
    for bound in view.within.hard:
        usable = _usable(view, without=bound.target.constraint)
        out.extend(delay(view.batch.table, bound.target.constraint, bound.row, usable))
    return out


def _usable(view: View, without: object) -> Mask:
    """Return the nodes that everything but one constraint admits."""
    mask = view.pending.mask & fits(view.pending.demand, view.free)
    if view.rules is not None:
        mask &= view.rules.admits()
    for other in view.within.hard:
        if other.target.constraint is not without:
            mask &= within(other.row, other.target.constraint.within_us)
    return mask


def _remedy(view: View) -> str:
    """Return the smallest change, by share of what was asked, that admits one pod."""
    changes = [*_larger_budgets(view), *_smaller_requests(view)]
    return min(changes)[1] if changes else ""


def _larger_budgets(view: View) -> list[tuple[float, str]]:
    names = view.batch.table.nodes
    out = []
    for bound in view.within.hard:
        constraint = bound.target.constraint
        usable = np.flatnonzero(_usable(view, without=constraint) & (bound.row >= 0))
        if len(usable):
            best = int(usable[int(bound.row[usable].argmin())])
            rtt_us = int(bound.row[best])
            text = (
                f"a delay of {format_ms(rtt_us)} instead of {constraint.within_ms} to "
                f"{constraint.reference} would admit it on {names[best].name}"
            )
            out.append((rtt_us / constraint.within_us - 1.0, text))
    return out


def _smaller_requests(view: View) -> list[tuple[float, str]]:
    """Return for the node that is least short what is missing there."""
    mask = view.pending.mask & view.within.mask
    near = np.flatnonzero(mask if view.rules is None else mask & view.rules.admits())
    demand = view.pending.demand
    if not len(near):
        return []
    short = np.maximum(demand[None, :] - view.free[near], 0) * (demand > 0)
    share = (short / np.maximum(demand, 1)).max(axis=1)
    best = int(share.argmin())
    missing = [
        amount_text(name, int(short[best, k]))
        for k, name in enumerate(view.batch.table.resources)
        if short[best, k]
    ]
    node = view.batch.table.nodes[int(near[best])].name
    return [(float(share[best]), f"{' and '.join(missing)} more on {node} would admit it")]
