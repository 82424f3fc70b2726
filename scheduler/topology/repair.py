"""Zones that stay put: yesterday's, less what no longer fits, plus what is new.

Worked from the largest diameter down, so that every zone has a parent before its nodes are sorted
and layers nest whatever happens. A zone's members that leave together stay together below.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scheduler.topology.breaks import broken_pairs, ejected
from scheduler.topology.clustering import cluster_items
from scheduler.topology.rows import MeasuredRows

_NOBODY = -1


def repaired(
    rows: MeasuredRows, previous: Sequence[NDArray[np.int64]], diameters_us: Sequence[int]
) -> list[NDArray[np.int64]] | None:
    """Return zones as near as can be to `previous`, or None if that is not worth while.

    Every measured pair of a zone is within 1.1 diameters afterwards, and every node that joined one
    was within the diameter of all who were there.

    Parameters
    ----------
    rows
        RTTs of ``m`` nodes.
    previous
        Per layer, smallest diameter first, shape ``(m,)``: zone ids, -1 for a node that is new.
        Ids that are kept are the same zones; higher ids are new ones.
    diameters_us
        Per layer, microseconds, ascending.
    """
    n_new = max((int((zone < 0).sum()) for zone in previous), default=0)
    breaks = broken_pairs(rows, previous, diameters_us)
    if breaks is None or 2 * n_new > len(rows):
        return None
    out = [zone.copy() for zone in previous]
    parent = np.zeros(len(rows), dtype=np.int64)
    for layer in reversed(range(len(out))):
        zone = out[layer]
        _split_by_parent(zone, parent)
        zone[ejected([(i, j) for i, j in breaks[layer] if zone[i] == zone[j] >= 0])] = _NOBODY
        below = out[layer - 1] if layer else np.full(len(rows), _NOBODY, dtype=np.int64)
        next_id = int(previous[layer].max(initial=_NOBODY)) + 1
        homeless = _units(rows, zone, parent, below, diameters_us[layer])
        _rehouse(rows, zone, parent, homeless, diameters_us[layer], next_id)
        parent = zone
    return out


def _split_by_parent(zone: NDArray[np.int64], parent: NDArray[np.int64]) -> None:
    """Leave each zone to those of its members who are under the parent that most are under."""
    housed = np.flatnonzero(zone >= 0)
    pairs, count = np.unique(np.stack([zone[housed], parent[housed]]), axis=1, return_counts=True)
    keeper: dict[int, int] = {}
    # Most members first; between equals the older parent.
    for k in np.lexsort((pairs[1], -count)).tolist():
        keeper.setdefault(int(pairs[0, k]), int(pairs[1, k]))
    for k in range(pairs.shape[1]):
        if keeper[int(pairs[0, k])] != pairs[1, k]:
            zone[(zone == pairs[0, k]) & (parent == pairs[1, k])] = _NOBODY


def _rehouse(
    rows: MeasuredRows,
    zone: NDArray[np.int64],
    parent: NDArray[np.int64],
    units: list[NDArray[np.int64]],
    diameter_us: int,
    next_id: int,
) -> None:
    """Give every homeless unit a zone under its parent: one that is there, else a new one."""
    waiting: dict[int, list[NDArray[np.int64]]] = {}
    for unit in units:
        under = int(parent[unit[0]])
        found = _nearest_zone(_farthest(rows, unit), zone, parent, under)
        if found is not None and found[1] <= diameter_us:
            zone[unit] = found[0]
        else:
            waiting.setdefault(under, []).append(unit)
    for _, group in sorted(waiting.items()):
        labels = _clustered(rows, group, diameter_us)
        for unit, label in zip(group, labels.tolist(), strict=True):
            zone[unit] = next_id + label
        next_id += int(labels.max()) + 1


def _units(
    rows: MeasuredRows,
    zone: NDArray[np.int64],
    parent: NDArray[np.int64],
    below: NDArray[np.int64],
    diameter_us: int,
) -> list[NDArray[np.int64]]:
    """Return the homeless: those of one parent who share a zone below together, if they fit."""
    groups: dict[tuple[int, int, int], list[int]] = {}
    for node in np.flatnonzero(zone < 0).tolist():
        alone = node if below[node] < 0 else _NOBODY
        groups.setdefault((int(parent[node]), int(below[node]), alone), []).append(node)
    out: list[NDArray[np.int64]] = []
    for group in groups.values():
        unit = np.array(group, dtype=np.int64)
        # The zone below is yesterday's still, and may have come apart since.
        is_whole = max(int(rows(node)[unit].max()) for node in group) <= diameter_us
        out.extend([unit] if is_whole else [unit[k : k + 1] for k in range(len(unit))])
    return out


def _farthest(rows: MeasuredRows, unit: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the distances from a group of nodes to each node: to its farthest member."""
    far = rows(int(unit[0])).copy()
    for node in unit[1:].tolist():
        np.maximum(far, rows(node), out=far)
    return far


def _nearest_zone(
    far: NDArray[np.int32], zone: NDArray[np.int64], parent: NDArray[np.int64], under: int
) -> tuple[int, int] | None:
    """Return the zone under a parent whose farthest node is nearest, and how far that is."""
    members = np.flatnonzero((zone >= 0) & (parent == under))
    if not len(members):
        return None
    ids, inverse = np.unique(zone[members], return_inverse=True)
    reach = np.zeros(len(ids), dtype=np.int32)
    np.maximum.at(reach, inverse, far[members])
    best = int(reach.argmin())
    return int(ids[best]), int(reach[best])


def _clustered(
    rows: MeasuredRows, units: list[NDArray[np.int64]], diameter_us: int
) -> NDArray[np.int64]:
    nodes = np.concatenate(units)
    starts = np.cumsum([0, *(len(unit) for unit in units[:-1])])

    def row_of(k: int) -> NDArray[np.int32]:
        out = np.maximum.reduceat(_farthest(rows, units[k])[nodes], starts)
        out[k] = 0
        return out

    return cluster_items(row_of, len(units), diameter_us)
