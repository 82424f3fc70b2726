"""Delays: which nodes are within the budgets, on measured round-trip times only.

A pair that was never measured is not feasible until it is: an estimate may rank, never admit.
"""

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.delay import DelayConstraint, Quantifier, format_ms
from scheduler.domain.reasons import Cause
from scheduler.domain.snapshot import NodeTable
from scheduler.placement.distances import Distances, RttRow
from scheduler.placement.feasibility.verdict import Mask, Verdict
from telemetry.model import UNKNOWN_US


def deciding(
    distances: Distances, quantifier: Quantifier, sources: NDArray[np.int64]
) -> tuple[RttRow, NDArray[np.int64]]:
    """Return for each node the RTT that decides, and the reference's node it is measured from.

    For ``any`` the nearest of `sources`, for ``all`` the farthest. Where there is but one source,
    the second array holds just that.
    """
    if len(sources) == 1:
        return distances.from_node(int(sources[0])), sources
    if quantifier is Quantifier.ANY:
        return distances.nearest(sources)
    return distances.farthest(sources)


def within(row: RttRow, within_us: int) -> Mask:
    """Whether each RTT is known and within a budget; equality holds."""
    return np.asarray((row != UNKNOWN_US) & (row <= within_us))


def delay(
    table: NodeTable, constraint: DelayConstraint, row: RttRow, usable: Mask
) -> tuple[Verdict, Verdict]:
    """Return the verdicts "too far" and "not measured" of one constraint.

    Parameters
    ----------
    row
        The deciding RTTs, shape ``(n,)``, microseconds.
    usable
        Nodes that nothing else rules out: the nearest of them is named in the text.
    """
    unknown = row == UNKNOWN_US
    far = ~unknown & (row > constraint.within_us)
    name = str(constraint.reference)
    text = (
        f"node(s) exceeded delay to {name} ({constraint.within_ms}{_nearest(table, row, usable)})"
    )
    too_far = Verdict(Cause.DELAY, ~far, [(text, far)])
    missing = Verdict(
        Cause.DELAY_UNKNOWN, ~unknown, [(f"node(s) had no measured delay to {name}", unknown)]
    )
    return too_far, missing


def _nearest(table: NodeTable, row: RttRow, usable: Mask) -> str:
    candidates = np.flatnonzero(usable & (row != UNKNOWN_US))
    if not len(candidates):
        return ""
    best = candidates[int(row[candidates].argmin())]
    return f"; nearest {table.nodes[best].name} {format_ms(int(row[best]))}"
