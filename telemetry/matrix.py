"""Readings of single pairs become a matrix; what nobody measured stays unknown."""

from collections.abc import Iterable, Sequence

import numpy as np

from telemetry.model import MAX_RTT_US, UNKNOWN_US, RttMatrix
from telemetry.readings import Outcome, PairReading


def matrix_from_pairs(
    nodes: Sequence[str],
    pairs: Iterable[PairReading],
    *,
    source: str = "",
    admit_below_resolution: bool = False,
) -> RttMatrix:
    """Return the matrix of `nodes` that `pairs` fill.

    The two directions are kept apart. Where a pair was read several times (a pod that came back
    with another address has two series), the largest measurement counts. A pair of a node with
    itself, or of a node that is not in `nodes`, is left out.

    Parameters
    ----------
    nodes
        Unique names, in the order of rows.
    pairs
        Readings in any order.
    source
        Where they came from, for people.
    admit_below_resolution
        Enter a pair that answered faster than its source can tell at the source's resolution, which
        is an upper bound, in place of leaving it unknown.

    Raises
    ------
    ValueError
        If a node name is repeated or an RTT is larger than `MAX_RTT_US`.
    """
    index = {name: row for row, name in enumerate(nodes)}
    values = np.full((len(nodes), len(nodes)), UNKNOWN_US, dtype=np.int32)
    for pair in pairs:
        i, j = index.get(pair.measured_from), index.get(pair.measured_to)
        if i is None or j is None or i == j:
            continue
        rtt_us = pair.rtt_us
        if admit_below_resolution and pair.outcome is Outcome.BELOW_RESOLUTION:
            rtt_us = pair.resolution_us
        if rtt_us > MAX_RTT_US:
            raise ValueError(f"{pair.measured_from} to {pair.measured_to}: {rtt_us} microseconds")
        values[i, j] = max(int(values[i, j]), rtt_us)
    return RttMatrix(tuple(nodes), values, source)
