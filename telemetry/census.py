"""How many pairs are known, by what measured them and how old that is."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from telemetry.dated import DatedRtt
from telemetry.model import UNKNOWN_US
from telemetry.stamps import TICK_S, Origin, origins, ticks


@dataclass(frozen=True, slots=True)
class Census:
    """Directed pairs of two nodes, counted.

    `believed` holds, by origin, how many pairs are believed and the median of their ages in
    seconds; `stale` pairs were measured, but too long ago, or are cut; `unknown` ones never. A pair
    is counted as it is read: one end's measurement stands for both directions.
    """

    believed: Mapping[Origin, tuple[int, float]]
    stale: int
    unknown: int

    @property
    def pairs(self) -> int:
        """All directed pairs."""
        return sum(count for count, _ in self.believed.values()) + self.stale + self.unknown


def census(rtt: DatedRtt) -> Census:
    """Count all directed pairs.

    Notes
    -----
    O(n²): for a thread, not for the event loop. What a file alone knows counts as the file's.
    """
    stale = unknown = 0
    ages: dict[Origin, list[NDArray[np.float64]]] = {}
    for row in range(len(rtt.nodes)):
        origin, age_s = _as_read(rtt, row)
        others = np.arange(len(rtt.nodes)) != row
        is_nobodys = others & (origin == Origin.NONE)
        was_measured = rtt.was_measured(row)
        stale += int(np.count_nonzero(is_nobodys & was_measured))
        unknown += int(np.count_nonzero(is_nobodys & ~was_measured))
        for kind in Origin:
            here = others & (origin == kind)
            if kind is not Origin.NONE and here.any():
                ages.setdefault(kind, []).append(age_s[here])
    joined = {kind: np.concatenate(parts) for kind, parts in ages.items()}
    return Census({k: (len(v), float(np.median(v))) for k, v in joined.items()}, stale, unknown)


def _as_read(rtt: DatedRtt, row: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return what tells of each pair from a node, as `Origin` numbers, and how old it is."""
    stamps = rtt.stamps_from(row)
    origin = origins(stamps)
    age_s = np.maximum(0.0, rtt.now_s - (ticks(stamps) - 1) * TICK_S)
    if rtt.beneath is not None:
        from_file = (origin == Origin.NONE) & (rtt.beneath_row(row) != UNKNOWN_US)
        origin = np.where(from_file, int(Origin.FILE), origin)
        age_s = np.where(from_file, rtt.now_s - rtt.beneath.taken_s, age_s)
    return origin, age_s
