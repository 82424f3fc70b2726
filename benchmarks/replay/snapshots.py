"""The 18 PlanetLab snapshots as tables: what the cluster's RTTs were, one moment after another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from simulator.planetlab import NODES, load_snapshots
from telemetry.model import RttMatrix
from telemetry.stamps import Origin

STEP_S = 3_600.0
"""From one snapshot to the next, for the clocks; really some fourteen hours."""

NAMES = tuple(f"n{k:03d}" for k in range(NODES))


@dataclass(frozen=True, slots=True, eq=False)
class AgedMatrix(RttMatrix):
    """A matrix as agents measure it, again and again: pairs have ages, all one step."""

    @property
    def made_s(self) -> float:
        """When it was made: just now, by a clock that stands."""
        return 0.0

    def age_s(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return how old each pair is, seconds."""
        return np.full(np.broadcast(rows, columns).shape, STEP_S)

    def origin(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return what measured each: an agent."""
        return np.full(np.broadcast(rows, columns).shape, int(Origin.AGENT))

    @override
    def with_pairs(self, pairs: Mapping[tuple[int, int], int]) -> "AgedMatrix":
        """Return a copy in which the directed `pairs` have other values, microseconds."""
        return AgedMatrix(self.nodes, RttMatrix.with_pairs(self, pairs).rtt_us, self.source)


@cache
def truths() -> tuple[NDArray[np.int32], ...]:
    """Return the RTTs of each snapshot, shape ``(490, 490)`` each, microseconds."""
    return tuple(load_snapshots())


def matrix(rtt_us: NDArray[np.int32]) -> AgedMatrix:
    """Return a table of the nodes."""
    return AgedMatrix(NAMES, rtt_us, "PlanetLab")


def sustained_us(tables: Sequence[NDArray[np.int32]], now: int) -> NDArray[np.int32] | None:
    """Return the median of a snapshot and the two after it; None without two after it."""
    if now + 2 >= len(tables):
        return None
    return np.asarray(np.sort(np.stack(tables[now : now + 3]), axis=0)[1])
