"""Machines in any number at recorded sites: dev mode on measured RTTs beyond the measured nodes.

The first machines are the recorded nodes themselves, with the RTTs that were recorded between
them. Every further one stands beside one of them, on its local network: to its neighbours it has a
fraction of a millisecond, to all others what its neighbour has and a little more.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.sites import by_size, find_sites
from telemetry.model import MetroRtt

MAX_NODES = 50_000
_INSIDE_US = (100, 500)
"""Round trip between two machines on one local network: switches, and two kernels."""

_ACCESS_US = 100.0  # mean of what a machine adds to every RTT of its own, at each end
_LONGEST_ACCESS_US = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class Machines:
    """Machines at the places of recorded nodes.

    Parameters
    ----------
    place
        Shape ``(n,)``: the recorded node that each machine is, or stands beside.
    rtt_us
        Shape ``(periods, m, m)``, symmetric, microseconds: between places. The diagonal is the RTT
        between two machines of one place.
    access_us
        Shape ``(n,)``, microseconds added at each end; 0 for the recorded nodes themselves.
    site
        Shape ``(n,)``: the site (see `simulator.sites`) of each machine, 0 the largest.
    """

    place: NDArray[np.int32]
    rtt_us: NDArray[np.int32]
    access_us: NDArray[np.int32]
    site: NDArray[np.int64]

    @property
    def periods(self) -> int | None:
        """How many different tables there are."""
        return len(self.rtt_us)

    def table(self, nodes: tuple[str, ...], period: int) -> MetroRtt:
        """Return the RTTs of a period."""
        return MetroRtt(nodes, self.place, self.rtt_us[period], self.access_us)

    def centrality_us(self) -> NDArray[np.float64]:
        """Return the median RTT of each machine to the places, shape ``(n,)``."""
        between_us = np.median(self.rtt_us[0], axis=1)
        return np.asarray(between_us[self.place] + self.access_us, dtype=np.float64)


def make_machines(rtt_us: NDArray[np.int32], n: int, seed: int) -> Machines:
    """Set up `n` machines at recorded places.

    Fewer than were recorded are those of the largest sites; more are drawn, some places having four
    times as many as others.

    Parameters
    ----------
    rtt_us
        Shape ``(periods, m, m)``, symmetric and complete, microseconds.
    n
        Number of machines.
    seed
        Of everything drawn.

    Raises
    ------
    ValueError
        If `n` is not between 1 and `MAX_NODES`.
    """
    if not 1 <= n <= MAX_NODES:
        raise ValueError(f"between 1 and {MAX_NODES} nodes, not {n}")
    m = rtt_us.shape[1]
    rng = np.random.default_rng(seed)
    inside_us = rng.integers(*_INSIDE_US, size=m, endpoint=True)
    weights = np.asarray(rng.uniform(0.4, 1.6, size=m))
    site = find_sites(rtt_us[0])
    recorded = np.lexsort((np.arange(m), site))[:n]
    more = rng.choice(m, size=max(n - m, 0), p=weights / weights.sum())
    place = np.concatenate((np.sort(recorded), np.sort(more))).astype(np.int32)
    access_us = np.minimum(rng.exponential(_ACCESS_US, size=n), _LONGEST_ACCESS_US)
    access_us[: len(recorded)] = 0
    between_us = rtt_us.copy()
    between_us[:, np.arange(m), np.arange(m)] = inside_us
    return Machines(place, between_us, access_us.astype(np.int32), by_size(site[place]))
