"""Failure units: what is lost at once."""

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.cover import FailureUnit
from scheduler.domain.snapshot import ClusterSnapshot


def failure_units(snapshot: ClusterSnapshot, unit: FailureUnit) -> NDArray[np.int64]:
    """Return the failure unit of each node, shape ``(n,)``, numbers below ``2 n``.

    A node without a domain, or in no zone, fails alone.
    """
    n = len(snapshot.nodes)
    alone = np.arange(n, dtype=np.int64)
    if unit == "node":
        return alone
    group = snapshot.nodes.domain.astype(np.int64) if unit == "domain" else _zones(snapshot)
    return np.where(group >= 0, n + group, alone)


def _zones(snapshot: ClusterSnapshot) -> NDArray[np.int64]:
    tree = snapshot.zones
    if not tree.layers:
        return np.full(len(snapshot.nodes), -1, dtype=np.int64)
    row = {name: i for i, name in enumerate(tree.nodes)}
    rows = np.array([row.get(node.name, -1) for node in snapshot.nodes.nodes], dtype=np.int64)
    return np.where(rows >= 0, tree.layers[0].zone_of[rows], -1).astype(np.int64)
