"""How far zones are from each other: what is kept of most pairs where not all of them fit.

Above `telemetry.denseNodes` nodes a table keeps the rows of reference nodes. Of all other
measurements the median of the last five by pair of zones remains: 2 MB at 300 zones, where 12,500
nodes have 156 million pairs. At `ZONES_AT_MOST` they take 20 MB; zones beyond have none, for where
zones are so many they are hardly more than single nodes. A median ranks what to measure and where
to look first; it is nobody's distance and never enters a table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from telemetry.model import UNKNOWN_US

_KEPT = 5

ZONES_AT_MOST = 1_000
"""The largest number of zones; `_KEPT` medians of each pair take four bytes each."""


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
    _zones: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self._zones = {n: zone for n, zone in self.zone_of.items() if 0 <= zone < ZONES_AT_MOST}
        count = max(self._zones.values(), default=-1) + 1
        self._last_us = np.full((_KEPT, count, count), UNKNOWN_US, dtype=np.int32)

    def add(self, node: str, peers: list[str], rtt_us: NDArray[np.int32]) -> None:
        """Take in what a node measured of peers; `UNKNOWN_US` is passed over."""
        zone = self._zones.get(node, -1)
        if zone < 0:
            return
        zones = np.array([self._zones.get(name, -1) for name in peers], dtype=np.int64)
        known = (zones >= 0) & (rtt_us != UNKNOWN_US)
        others, medians_us = _medians(zones[known], rtt_us[known])
        self._last_us[:-1, zone, others] = self._last_us[1:, zone, others]
        self._last_us[-1, zone, others] = medians_us

    def nearest(self, node: str, among: Sequence[str], count: int) -> list[str]:
        """Return those of some nodes whose zones are nearest to a node's zone, nearest first.

        Nodes of whose zone nothing is known are left out.
        """
        zone = self._zones.get(node, -1)
        if zone < 0:
            return []
        both_us = np.concatenate([self._last_us[:, zone, :], self._last_us[:, :, zone]])
        far = np.iinfo(np.int32).max
        ranks = np.sort(np.where(both_us == UNKNOWN_US, far, both_us), axis=0)
        known = np.count_nonzero(ranks != far, axis=0)
        median_us = ranks[np.maximum(known - 1, 0) // 2, np.arange(ranks.shape[1])]
        ranked = [(median_us[self._zones[n]], n) for n in among if n in self._zones]
        return [name for rtt_us, name in sorted(ranked)[:count] if rtt_us < far]

    def median_us(self, node: str, other: str) -> int:
        """Return the median RTT between the zones of two nodes; `UNKNOWN_US` where there is none.

        Read in both directions: zones are measured from either.
        """
        i, j = self._zones.get(node, -1), self._zones.get(other, -1)
        if i < 0 or j < 0:
            return UNKNOWN_US
        both = np.concatenate([self._last_us[:, i, j], self._last_us[:, j, i]])
        known = both[both != UNKNOWN_US]
        return int(np.median(known)) if len(known) else UNKNOWN_US


def _medians(
    zones: NDArray[np.int64], rtt_us: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return each zone once, and the median of its values; of an even count the mean of two."""
    order = np.lexsort((rtt_us, zones))
    found, start, count = np.unique(zones[order], return_index=True, return_counts=True)
    values = rtt_us[order].astype(np.int64)
    low, high = values[start + (count - 1) // 2], values[start + count // 2]
    return found, ((low + high) // 2).astype(np.int32)
