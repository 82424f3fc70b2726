"""Cover that stands: what the backups of placed pods keep reserved."""

import numpy as np

from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.reliability.cover.loads import Ints, Loads, loads_of
from scheduler.reliability.failover.losses import dead_rows


def standing_loads(snapshot: ClusterSnapshot, unit: Ints) -> Loads | None:
    """Return the loads of placed pods that have a backup, on living nodes; None where none has.

    Parameters
    ----------
    snapshot
        What is known.
    unit
        Shape ``(n,)``: the failure unit of each node.
    """
    rows = covered_rows(snapshot)
    if not len(rows):
        return None
    placed = snapshot.placed
    host = placed.node_of[rows].astype(np.int64)
    backup = placed.backup_of[rows].astype(np.int64)
    return loads_of(unit[host], backup, demands(snapshot, rows))


def covered_rows(snapshot: ClusterSnapshot) -> Ints:
    """Return the rows of placed pods with a backup, on nodes that are there and alive.

    What a dead node's pods have reserved is promised, and kept apart.
    """
    placed = snapshot.placed
    if not len(placed.backup_of):
        return np.zeros(0, dtype=np.int64)
    rows = np.flatnonzero((placed.backup_of >= 0) & (placed.node_of >= 0))
    if not len(rows):
        return rows
    is_dead = dead_rows(snapshot)
    return rows[~is_dead[placed.node_of[rows]]] if is_dead.any() else rows


def demands(snapshot: ClusterSnapshot, rows: Ints) -> Ints:
    """Return what the pods of some rows take, shape ``(len(rows), r)``."""
    table, placed = snapshot.nodes, snapshot.placed
    numbers, which = np.unique(placed.class_of[rows], return_inverse=True)
    known: dict[object, Ints] = table.memo.setdefault("demands", {})
    by_class = np.zeros((len(numbers), len(table.resources)), dtype=np.int64)
    for i, number in enumerate(numbers.tolist()):
        pod_class = placed.classes[number]
        demand = known.get(pod_class)
        if demand is None or len(demand) != len(table.resources):
            demand = known[pod_class] = table.demand(pod_class)
        by_class[i] = demand
    return np.asarray(by_class[which])
