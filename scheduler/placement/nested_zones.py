"""Zones that nest in failure domains, as the flow needs them to spread replicas."""

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.snapshot import ClusterSnapshot


def nested_zones(snapshot: ClusterSnapshot) -> NDArray[np.int64] | None:
    """Return each node's zone of the smallest layer within its failure domain, shape ``(n,)``.

    -1 for none; None without zones. Worked out once for a tree.
    """
    known = snapshot.nodes.memo.get("zones")
    if known is None or known[0] is not snapshot.zones:
        known = snapshot.nodes.memo["zones"] = (snapshot.zones, _nested_zones(snapshot))
    zones: NDArray[np.int64] | None = known[1]
    return zones


def _nested_zones(snapshot: ClusterSnapshot) -> NDArray[np.int64] | None:
    tree = snapshot.zones
    if not tree.layers:
        return None
    row = {name: i for i, name in enumerate(tree.nodes)}
    rows = np.array([row.get(node.name, -1) for node in snapshot.nodes.nodes], dtype=np.int64)
    zone = np.where(rows >= 0, tree.layers[0].zone_of[rows], -1).astype(np.int64)
    if not (zone >= 0).any():
        return None
    domain = snapshot.nodes.domain.astype(np.int64)
    pair = np.where(zone >= 0, zone * (int(domain.max(initial=0)) + 2) + domain + 1, -1)
    _, nested = np.unique(pair, return_inverse=True)
    return np.where(zone >= 0, nested, -1).astype(np.int64)
