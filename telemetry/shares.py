"""Which part of all pairs of nodes is not known now, and why."""

from dataclasses import dataclass

import numpy as np

from telemetry.dated import DatedRtt
from telemetry.model import UNKNOWN_US, RttTable


@dataclass(frozen=True, slots=True)
class PairShares:
    """Shares of all pairs of two nodes, whichever direction was measured.

    `unknown` pairs were never measured; `stale` ones were, but too long ago, or are cut. None where
    a table has no ages: what a file holds has the file's.
    """

    unknown: float
    stale: float | None


def pair_shares(rtt: RttTable) -> PairShares:
    """Count the pairs of a table.

    Notes
    -----
    O(n²) time.
    """
    n = len(rtt.nodes)
    pairs = max(1, n * (n - 1))
    unknown = stale = 0
    for i in range(n):
        gaps = rtt.farther(i) == UNKNOWN_US
        gaps[i] = False
        unknown += int(np.count_nonzero(gaps))
        if isinstance(rtt, DatedRtt):
            stale += int(np.count_nonzero(gaps & rtt.was_measured(i)))
    if not isinstance(rtt, DatedRtt):
        return PairShares(unknown / pairs, None)
    return PairShares((unknown - stale) / pairs, stale / pairs)
