"""Which nodes no longer fit the zone they are in."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scheduler.topology.rows import FAR_US, MeasuredRows

TOLERANCE_PERCENT = 110
"""A node stays until it is 1.1 diameters away: on PlanetLab's drift this leaves 0.1 to 0.3 % of
nodes moving from one snapshot to the next, where clustering anew moves 4 to 28 %."""

_MOST_PAIRS = 64
"""Broken pairs a node, on average, beyond which the network is another one: cluster anew."""

Pairs = list[tuple[int, int]]


def broken_pairs(
    rows: MeasuredRows, zone_of: Sequence[NDArray[np.int64]], diameters_us: Sequence[int]
) -> list[Pairs] | None:
    """Return, per layer, the pairs of one zone that are beyond 1.1 diameters; None if too many.

    A pair that is not measured at present breaks nothing: that is no news of a distance.

    Parameters
    ----------
    rows
        RTTs of ``m`` nodes.
    zone_of
        Per layer, shape ``(m,)``; -1 for a node without a zone.
    diameters_us
        Per layer, microseconds.
    """
    found: list[Pairs] = [[] for _ in diameters_us]
    budget = _MOST_PAIRS * len(rows) * len(diameters_us)
    for i in range(len(rows)):
        row = rows(i)
        for layer, diameter_us in enumerate(diameters_us):
            limit = diameter_us * TOLERANCE_PERCENT // 100
            zone = zone_of[layer]
            if zone[i] < 0:
                continue
            apart = (row[i + 1 :] > limit) & (row[i + 1 :] < FAR_US)
            mates = np.flatnonzero(apart & (zone[i + 1 :] == zone[i])) + i + 1
            found[layer].extend((i, j) for j in mates.tolist())
            budget -= len(mates)
        if budget < 0:
            return None
    return found


def ejected(pairs: Pairs) -> list[int]:
    """Return few nodes whose leaving resolves all `pairs`: those in most of them first.

    Ties go to the later node, so that the outcome does not depend on anything else.
    """
    partners: defaultdict[int, set[int]] = defaultdict(set)
    for i, j in pairs:
        partners[i].add(j)
        partners[j].add(i)
    count = Counter({node: len(others) for node, others in partners.items()})
    # Nodes by how many pairs they break, so that the next worst is found without searching.
    by_count: defaultdict[int, set[int]] = defaultdict(set)
    for node, times in count.items():
        by_count[times].add(node)
    out: list[int] = []
    for times in range(max(count.values(), default=0), 0, -1):
        while by_count[times]:
            worst = max(by_count[times])
            by_count[times].remove(worst)
            out.append(worst)
            for other in partners.pop(worst):
                partners[other].discard(worst)
                by_count[count[other]].discard(other)
                count[other] -= 1
                by_count[count[other]].add(other)
    return sorted(out)
