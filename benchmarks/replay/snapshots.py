"""The 18 PlanetLab snapshots as tables: what the cluster's RTTs were, one moment after another."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from simulator.planetlab import NODES, load_snapshots
from telemetry.model import RttMatrix

NAMES = tuple(f"n{k:03d}" for k in range(NODES))


@cache
def truths() -> tuple[NDArray[np.int32], ...]:
    """Return the RTTs of each snapshot, shape ``(490, 490)`` each, microseconds."""
    return tuple(load_snapshots())


def matrix(rtt_us: NDArray[np.int32]) -> RttMatrix:
    """Return a table of the nodes."""
    return RttMatrix(NAMES, rtt_us, "PlanetLab")


def sustained_us(tables: Sequence[NDArray[np.int32]], now: int) -> NDArray[np.int32] | None:
    """Return the median of a snapshot and the two after it; None without two after it."""
    if now + 2 >= len(tables):
        return None
    return np.asarray(np.sort(np.stack(tables[now : now + 3]), axis=0)[1])
