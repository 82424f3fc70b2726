"""How far zones are from each other: what is kept of most pairs where not all of them fit.

Above `telemetry.denseNodes` nodes a table keeps the rows of reference nodes. Of all other
measurements the median of the last five by pair of zones remains: 2 MB at 300 zones, where 12,500
nodes have 156 million pairs. A median ranks what to measure and where to look first; it is nobody's
distance and never enters a table.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from telemetry.model import UNKNOWN_US

_KEPT = 5


@dataclass(slots=True, eq=False)
class ZoneMedians:
    """The last medians by directed pair of zones.

    Parameters
    ----------
    zone_of
        Number of each node's zone, by name; nodes of no zone are left out.
    """

    zone_of: Mapping[str, int]
    _last_us: NDArray[np.int32] = field(init=False)

    def __post_init__(self) -> None:
        count = max(self.zone_of.values(), default=-1) + 1
        self._last_us = np.full((_KEPT, count, count), UNKNOWN_US, dtype=np.int32)

    def add(self, node: str, peers: list[str], rtt_us: NDArray[np.int32]) -> None:
        """Take in what a node measured of peers; `UNKNOWN_US` is passed over."""
        zone = self.zone_of.get(node, -1)
        if zone < 0:
            return
        zones = np.array([self.zone_of.get(name, -1) for name in peers], dtype=np.int64)
        known = (zones >= 0) & (rtt_us != UNKNOWN_US)
        for other in np.unique(zones[known]).tolist():
            median_us = int(np.median(rtt_us[known & (zones == other)]))
            self._last_us[:-1, zone, other] = self._last_us[1:, zone, other]
            self._last_us[-1, zone, other] = median_us

    def median_us(self, node: str, other: str) -> int:
        """Return the median RTT between the zones of two nodes; `UNKNOWN_US` where there is none.

        Read in both directions: zones are measured from either.
        """
        i, j = self.zone_of.get(node, -1), self.zone_of.get(other, -1)
        if i < 0 or j < 0:
            return UNKNOWN_US
        both = np.concatenate([self._last_us[:, i, j], self._last_us[:, j, i]])
        known = both[both != UNKNOWN_US]
        return int(np.median(known)) if len(known) else UNKNOWN_US
