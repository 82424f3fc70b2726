"""Synthetic metros: nodes in cities on a plane, for clusters larger than any measured matrix."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from telemetry.model import MetroRtt

MAX_NODES = 12_500
_NODES_A_METRO = 25
_PLANE_KM = (8_000.0, 4_000.0)
# Light in fibre covers 200 km a millisecond: 10 µs of round trip a kilometre. Paths are 1.5 times
# as long as the straight line (the usual stretch of wide-area routes).
_RTT_US_A_KM = 15.0
_METRO_US = 600  # between two nodes of one metro, access aside
_ACCESS_US = 1_000.0  # mean delay of a node's access line, at each end
_LONGEST_ACCESS_US = 4_000
_JITTER_US = 150.0  # mean of what a drift period adds to an access line


@dataclass(frozen=True, slots=True, eq=False)
class Metros:
    """A plan of metros.

    Parameters
    ----------
    metro
        Shape ``(n,)``: the metro of each node, 0 the largest.
    metro_rtt_us
        Shape ``(m, m)``, symmetric, microseconds.
    access_us
        Shape ``(n,)``, microseconds added at each end.
    seed
        Of the jitter.
    """

    metro: NDArray[np.int32]
    metro_rtt_us: NDArray[np.int32]
    access_us: NDArray[np.int32]
    seed: int

    def table(self, nodes: tuple[str, ...], period: int) -> MetroRtt:
        """Return the RTTs in a drift period; each period has its own jitter, the first has none."""
        access_us = self.access_us
        if period:
            rng = np.random.default_rng([self.seed, period])
            jitter_us = rng.exponential(_JITTER_US, size=len(access_us))
            access_us = (access_us + jitter_us).astype(np.int32)
        return MetroRtt(nodes, self.metro, self.metro_rtt_us, access_us)


def make_metros(n: int, seed: int) -> Metros:
    """Lay out `n` nodes in metros of different sizes; nodes come ordered by metro.

    Raises
    ------
    ValueError
        If `n` is not between 1 and `MAX_NODES`.
    """
    if not 1 <= n <= MAX_NODES:
        raise ValueError(f"between 1 and {MAX_NODES} nodes, not {n}")
    rng = np.random.default_rng(seed)
    m = -(-n // _NODES_A_METRO)
    places = rng.uniform((0.0, 0.0), _PLANE_KM, size=(m, 2))
    distance_km = np.hypot(*(places[:, None, :] - places[None, :, :]).transpose(2, 0, 1))
    metro_rtt_us = (_METRO_US + distance_km * _RTT_US_A_KM).astype(np.int32)
    weights = rng.uniform(0.4, 1.6, size=m)
    extra = rng.choice(m, size=n - m, p=weights / weights.sum())
    sizes = np.sort(1 + np.bincount(extra, minlength=m))[::-1]
    access_us = np.minimum(rng.exponential(_ACCESS_US, size=n), _LONGEST_ACCESS_US)
    return Metros(
        metro=np.repeat(np.arange(m, dtype=np.int32), sizes),
        metro_rtt_us=metro_rtt_us,
        access_us=access_us.astype(np.int32),
        seed=seed,
    )
