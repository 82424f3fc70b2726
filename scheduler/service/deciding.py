"""What an assignment rests on as things stand now: references, their RTTs, the pairs that count."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.plan import Assignment, Measured
from scheduler.placement.reference_nodes import ReferenceNodes
from telemetry.dated import Ages
from telemetry.model import UNKNOWN_US, RttTable
from telemetry.stamps import Origin


@dataclass(frozen=True, slots=True, order=True)
class Pair:
    """A reference's node, and the node it is measured to."""

    reference: str
    node: str


@dataclass(frozen=True, slots=True)
class Standing:
    """An assignment whose hard delays hold by a table: what is measured, and by which pairs."""

    measured: tuple[Measured, ...]
    pairs: tuple[Pair, ...]


def as_it_stands(assignment: Assignment, nodes: ReferenceNodes, rtt: RttTable) -> Standing | None:
    """Return how an assignment stands; None where one of its hard delays does not hold.

    Of ``any`` the nearest replica decides, of ``all`` each does; a pod is no reference of its own.

    Parameters
    ----------
    assignment
        Of a pod that is assumed, so that it is placed in what `nodes` looks at.
    nodes
        Where references run now.
    rtt
        As it is now.
    """
    measured, pairs = [], set[Pair]()
    for asked in assignment.measured:
        delay = asked.constraint
        if delay.is_soft:
            measured.append(asked)
            continue
        names = nodes.of_others(assignment.pod, delay)
        if not names:
            if not nodes.is_own(assignment.pod.pod_class, delay):
                return None
            measured.append(replace(asked, reference_node=assignment.node, rtt_us=0))
            continue
        rtts_us = rtts_from(rtt, names, assignment.node)
        is_all = nodes.must_all_hold(assignment.pod.pod_class, delay)
        far = np.where(rtts_us == UNKNOWN_US, np.iinfo(np.int32).max, rtts_us)
        best = int(far.argmax() if is_all else far.argmin())
        now = replace(asked, reference_node=names[best], rtt_us=int(rtts_us[best]))
        if not now.holds:
            return None
        measured.append(now)
        pairs.update(Pair(name, assignment.node) for name in (names if is_all else [names[best]]))
    return Standing(tuple(measured), tuple(sorted(p for p in pairs if p.reference != p.node)))


def rtts_from(rtt: RttTable, names: Sequence[str], node: str) -> NDArray[np.int32]:
    """Return the RTT from each of `names` to a node, microseconds; 0 from itself."""
    rows = np.array([rtt.index.get(name, -1) for name in names], dtype=np.int64)
    column = rtt.index.get(node, -1)
    out = np.full(len(names), UNKNOWN_US, dtype=np.int32)
    known = rows >= 0
    if column >= 0 and known.any():
        out[known] = rtt.between(rows[known], np.full(int(known.sum()), column))
    out[[name == node for name in names]] = 0
    return out


def is_old(pair: Pair, rtt: RttTable, *, now_s: float, max_age_s: float) -> bool:
    """Whether a pair was measured too long ago to bind on it unasked.

    What a file says counts as old, whenever it was read: nobody knows when it was measured.

    Parameters
    ----------
    pair
        Known in the table.
    rtt
        A table without ages is never old.
    now_s
        The clock the table was made by; it has aged since.
    max_age_s
        Limit, seconds.
    """
    if not isinstance(rtt, Ages):
        return False
    i, j = rtt.index.get(pair.reference), rtt.index.get(pair.node)
    if i is None or j is None:
        return True
    at = np.array([i]), np.array([j])
    age_s = float(rtt.age_s(*at)[0]) + max(0.0, now_s - rtt.made_s)
    return age_s > max_age_s or int(rtt.origin(*at)[0]) == Origin.FILE
