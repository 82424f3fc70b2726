"""Whether the hard delays of pods with a new backup would hold there.

References are taken as they stand once the plan is carried out, but for the pod itself, which would
not be where it is any more.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.delay import DelayConstraint, Quantifier, format_ms
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.planning.check.cover_backups import NewBackups
from scheduler.planning.check.ledger import Decided
from scheduler.planning.check.replicas import Replicas, Resolved
from scheduler.planning.check.spread import RttView
from telemetry.model import UNKNOWN_US

_FAR = np.int64(1) << 40
_BLOCK = 1 << 20
"""Pairs of a pod and a replica looked at together: 8 MB an array."""

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class _Want:
    """A hard delay, the rows of the pods that have it, and what it is measured from."""

    delay: DelayConstraint
    rows: Rows
    resolved: Resolved


@dataclass(frozen=True, slots=True, eq=False)
class _Askers:
    """Pods with a new backup, once for each of their delays; ``w`` of them.

    `first_of` and `count_of`, of shape ``(w,)`` like all but the last two, tell which of
    `references` each asks about: nodes with replicas, `replicas` on each. `is_self` marks pods that
    are themselves replicas, `is_all` those for which each replica has to be within the budget.
    """

    want_of: Rows
    row_of: Rows
    is_self: NDArray[np.bool_]
    is_all: NDArray[np.bool_]
    first_of: Rows
    count_of: Rows
    references: Rows
    replicas: Rows


def too_far(snapshot: ClusterSnapshot, decided: Decided, backups: NewBackups) -> Iterator[str]:
    """Yield the hard delays that would not hold on the backup."""
    there = backups.there
    if not any(pod_class.hard_delays for pod_class in there.classes):
        return
    resolve = cache(Replicas(snapshot, _asking(decided, there)).resolve)
    wants: list[_Want] = []
    for pod_class, rows in zip(there.classes, there.rows_of, strict=True):
        for delay in pod_class.hard_delays:
            resolved = resolve(delay.reference)
            if resolved is not None:
                wants.append(_Want(delay, rows, resolved))
                continue
            for row in rows.tolist():
                yield _said(snapshot, backups, row, delay, f"nothing is named {delay.reference}")
    if wants:
        yield from _beyond(snapshot, backups, wants)


def _asking(decided: Decided, there: Decided) -> Decided:
    """Return the decided pods and those with a new backup once more, nowhere.

    Those that were placed before are counted where they are; their delays, too, may name pods.
    """
    nowhere = np.full(len(there.pods), -1, dtype=np.int64)
    return Decided(
        decided.pods + there.pods,
        decided.assignments + there.assignments,
        np.concatenate([decided.node_of, nowhere]),
        decided.classes + there.classes,
        decided.rows_of + tuple(rows + len(decided.pods) for rows in there.rows_of),
    )


def _beyond(
    snapshot: ClusterSnapshot, backups: NewBackups, wants: Sequence[_Want]
) -> Iterator[str]:
    askers = _askers(backups, wants)
    within_us = np.array([want.delay.within_us for want in wants], dtype=np.int64)[askers.want_of]
    rtt_us, has_replica = _deciding(RttView(snapshot), backups, askers)
    holds = (rtt_us != UNKNOWN_US) & (rtt_us <= within_us)
    # The only replica of a workload that refers to itself has nothing to be near.
    holds |= askers.is_self & ~has_replica
    for k in np.flatnonzero(~holds).tolist():
        delay = wants[askers.want_of[k]].delay
        if not has_replica[k]:
            detail = f"no pod of {delay.reference} is placed"
        elif rtt_us[k] == UNKNOWN_US:
            detail = f"an RTT from {delay.reference} is not measured"
        else:
            detail = f"{format_ms(int(rtt_us[k]))} from {delay.reference}"
        yield _said(snapshot, backups, int(askers.row_of[k]), delay, detail)


def _askers(backups: NewBackups, wants: Sequence[_Want]) -> _Askers:
    """Return the pods of all wants; classes that refer to the same share its replicas."""
    number: dict[int, int] = {}
    of = [number.setdefault(id(want.resolved), len(number)) for want in wants]
    all_resolved = list({id(want.resolved): want.resolved for want in wants}.values())
    counts = np.array([len(resolved.node_of) for resolved in all_resolved], dtype=np.int64)
    sizes = [len(want.rows) for want in wants]
    resolved_of = np.repeat(np.array(of, dtype=np.int64), sizes)
    pods = backups.there.pods
    selves = [want.resolved.includes(pods[row]) for want in wants for row in want.rows.tolist()]
    is_self = np.array(selves, dtype=np.bool_)
    # Unless it says, all count only among the pod's own fellows.
    said_all = np.array([want.delay.quantifier is Quantifier.ALL for want in wants], dtype=np.bool_)
    says = np.array([want.delay.quantifier is not None for want in wants], dtype=np.bool_)
    return _Askers(
        want_of=np.repeat(np.arange(len(wants), dtype=np.int64), sizes),
        row_of=np.concatenate([want.rows for want in wants]),
        is_self=is_self,
        is_all=np.where(np.repeat(says, sizes), np.repeat(said_all, sizes), is_self),
        first_of=(np.cumsum(counts) - counts)[resolved_of],
        count_of=counts[resolved_of],
        references=np.concatenate([resolved.node_of for resolved in all_resolved]),
        replicas=np.concatenate([resolved.replicas for resolved in all_resolved]),
    )


def _deciding(rtt: RttView, backups: NewBackups, askers: _Askers) -> tuple[Rows, NDArray[np.bool_]]:
    """Return the RTT that decides for each asker, and whether there is another replica at all.

    Of any replica the nearest decides, of all the farthest; `UNKNOWN_US` where one that has to hold
    is not known.
    """
    rtt_us = np.full(len(askers.row_of), np.int64(UNKNOWN_US))
    has_replica = np.zeros(len(askers.row_of), dtype=np.bool_)
    some = np.flatnonzero(askers.count_of)
    block_of = np.cumsum(askers.count_of[some]) // _BLOCK
    for part in np.split(some, np.flatnonzero(np.diff(block_of)) + 1):
        if not len(part):
            continue
        counts = askers.count_of[part]
        starts = np.cumsum(counts) - counts
        asker = np.repeat(part, counts)
        at = np.arange(len(asker), dtype=np.int64) + np.repeat(
            askers.first_of[part] - starts, counts
        )
        row, reference = askers.row_of[asker], askers.references[at]
        values = rtt.between(reference, backups.there.node_of[row])
        # Where one replica runs, the pod itself may be that one.
        may_be = askers.is_self[asker] & backups.is_living[row] & (askers.replicas[at] == 1)
        is_other = ~(may_be & (reference == backups.host_of[row]))
        known = is_other & (values != UNKNOWN_US)
        nearest = np.minimum.reduceat(np.where(known, values, _FAR), starts)
        farthest = np.maximum.reduceat(np.where(known, values, UNKNOWN_US), starts)
        has_unknown = np.logical_or.reduceat(is_other & ~known, starts)
        is_all, is_any_known = askers.is_all[part], nearest != _FAR
        is_known = is_any_known & ~(is_all & has_unknown)
        rtt_us[part[is_known]] = np.where(is_all, farthest, nearest)[is_known]
        has_replica[part] = np.logical_or.reduceat(is_other, starts)
    return rtt_us, has_replica


def _said(
    snapshot: ClusterSnapshot, backups: NewBackups, row: int, delay: DelayConstraint, detail: str
) -> str:
    backup = snapshot.nodes.nodes[backups.there.node_of[row]].name
    return backups.said(row, backup, f"{detail}, budget {delay.within_ms}")
