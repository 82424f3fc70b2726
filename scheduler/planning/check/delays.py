"""Whether every hard delay holds by the snapshot's RTTs.

References are taken as they stand once the plan is carried out, so that pods placed in one plan are
held against each other, in both directions.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.delay import DelayConstraint, Reference, format_ms
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.planning.check.ledger import Decided
from scheduler.planning.check.quotes import Quotes
from scheduler.planning.check.replicas import Replicas
from scheduler.planning.check.spread import RttView, Spread, spread_of
from telemetry.model import UNKNOWN_US


@dataclass(frozen=True, slots=True, eq=False)
class _Want:
    """One delay of one class and the rows of the class's pods."""

    delay: DelayConstraint
    rows: NDArray[np.int64]


def broken_delays(snapshot: ClusterSnapshot, decided: Decided) -> list[str]:
    """Return the hard delays that would not hold, and the RTTs quoted that are not so."""
    wants: dict[Reference, list[_Want]] = {}
    for pod_class, rows in zip(decided.classes, decided.rows_of, strict=True):
        for delay in pod_class.delays:
            wants.setdefault(delay.reference, []).append(_Want(delay, rows))
    replicas, rtt = Replicas(snapshot, decided), RttView(snapshot)
    quotes = Quotes(snapshot.nodes, decided)
    found = list(quotes.foreign())
    for reference, group in wants.items():
        resolved = replicas.resolve(reference)
        if resolved is None:
            found += _unresolved(decided, quotes, group)
            continue
        # One pass over the reference's RTT rows serves every class that refers to it.
        rows = np.concatenate([want.rows for want in group])
        spread = spread_of(rtt, resolved, decided, rows)
        start = 0
        for want in group:
            part = spread.part(start, start + len(want.rows))
            start += len(want.rows)
            found += _beyond_budget(decided, want, part)
            found += quotes.misquoted(want.delay, want.rows.tolist(), resolved, part)
    found += quotes.untrue(rtt)
    return found


def _beyond_budget(decided: Decided, want: _Want, spread: Spread) -> Iterator[str]:
    if want.delay.is_soft:
        return
    rtt_us = spread.deciding_us(want.delay)
    holds = (rtt_us != UNKNOWN_US) & (rtt_us <= want.delay.within_us)
    # The first replica of a workload that refers to itself has nothing to be near.
    holds |= spread.is_self & ~spread.has_replica
    for k in np.flatnonzero(~holds).tolist():
        if not spread.has_replica[k]:
            detail = f"no pod of {want.delay.reference} is placed"
        elif rtt_us[k] == UNKNOWN_US:
            detail = f"an RTT from {want.delay.reference} is not measured"
        else:
            detail = f"{format_ms(int(rtt_us[k]))} from {want.delay.reference}"
        yield _said(decided, int(want.rows[k]), want.delay, detail)


def _unresolved(decided: Decided, quotes: Quotes, group: list[_Want]) -> Iterator[str]:
    for want in group:
        rows = want.rows.tolist()
        if not want.delay.is_soft:
            for row in rows:
                detail = f"nothing is named {want.delay.reference}"
                yield _said(decided, row, want.delay, detail)
        yield from quotes.made_up(want.delay, rows)


def _said(decided: Decided, row: int, delay: DelayConstraint, detail: str) -> str:
    on = decided.assignments[row].node
    return f"delay: {decided.pods[row].key} on {on}: {detail}, budget {delay.within_ms}"
