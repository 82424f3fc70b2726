"""Detours that are faster than the direct way: what keeps RTTs from being distances."""

from dataclasses import dataclass

import numpy as np

from scheduler.topology.rows import FAR_US, MeasuredRows
from telemetry.model import RttTable

LARGEST = 1_000
"""Most nodes looked at: the work is cubic, 2 s at 1,000 nodes."""


@dataclass(frozen=True, slots=True)
class Triangle:
    """A pair of nodes that is nearer by way of a third."""

    source: str
    target: str
    via: str
    direct_us: int
    detour_us: int

    @property
    def ratio(self) -> float:
        """How many times longer the direct way is."""
        return self.direct_us / max(1, self.detour_us)


def worst_triangles(rtt: RttTable, count: int) -> tuple[Triangle, ...]:
    """Return the pairs whose best detour saves most, by ratio, the larger direction counting.

    Parameters
    ----------
    rtt
        Of at most `LARGEST` nodes.
    count
        Most triangles returned; at most one a node and the nodes after it.

    Raises
    ------
    ValueError
        If there are more nodes than `LARGEST`.
    """
    if len(rtt.nodes) > LARGEST:
        raise ValueError(f"{len(rtt.nodes)} nodes are more than {LARGEST}")
    rows = MeasuredRows(rtt)
    m = len(rows)
    names = [rtt.nodes[i] for i in rows.nodes.tolist()]
    ways = np.array([rows(i) for i in range(m)], dtype=np.int64).reshape(m, m)
    direct = ways.copy()
    np.fill_diagonal(ways, FAR_US)  # a way through oneself is no detour
    found: list[Triangle] = []
    for i in range(m - 1):
        totals = ways[i][:, None] + ways[:, i + 1 :]
        via = totals.argmin(axis=0)
        detour = totals[via, np.arange(m - i - 1)]
        straight = direct[i, i + 1 :]
        saves = (straight < FAR_US) & (detour < straight)
        ratio = np.where(saves, straight / np.maximum(detour, 1), 0.0)
        j = int(ratio.argmax())
        if saves[j]:
            parts = (names[i], names[i + 1 + j], names[int(via[j])])
            found.append(Triangle(*parts, int(straight[j]), int(detour[j])))
    return tuple(sorted(found, key=lambda t: (-t.ratio, t.source, t.target))[:count])
