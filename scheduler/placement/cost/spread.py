"""Spreading: replicas of a workload over failure domains, then zones, then nodes.

Convex: the k-th replica of a group costs ``weight * (k - 1)``, existing replicas counted, so that
an even spread is cheapest.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from scheduler.domain.workload import PodClass
from scheduler.placement.batch import Batch, PendingClass
from scheduler.placement.problem import Ints, SpreadLevel


def spread_levels(batch: Batch, pending: PendingClass, existing: Ints) -> tuple[SpreadLevel, ...]:
    """Return the levels a class spreads over, outermost first; none for a lone pod.

    Parameters
    ----------
    existing
        Shape ``(n,)``: replicas of the workload on each node already.
    """
    if pending.pod_class.workload is None or (len(pending.pods) < 2 and not existing.any()):  # noqa: PLR2004 - two make a pair
        return ()
    weights = batch.settings.cost
    n = len(batch.table)
    levels = []
    if weights.spread_domain_weight and len(batch.table.domain_names) > 1:
        domain = batch.table.domain.astype(np.int64)
        levels.append(_level(domain, existing, weights.spread_domain_weight))
    nested = batch.nested_zones
    if weights.spread_zone_weight and nested is not None:
        levels.append(_level(nested, existing, weights.spread_zone_weight))
    levels.append(_level(np.arange(n, dtype=np.int64), existing, weights.spread_node_weight))
    return tuple(levels)


def _level(group: Ints, existing: Ints, weight: int) -> SpreadLevel:
    counted = group >= 0
    size = int(group.max(initial=-1)) + 1
    totals = np.bincount(group[counted], weights=existing[counted], minlength=size)
    return SpreadLevel(group, totals.astype(np.int64), weight)


def existing_replicas(
    batch: Batch, pending: PendingClass, placing: Mapping[PodClass, Sequence[tuple[int, str]]]
) -> Ints:
    """Return the replicas of the class's workload on each node, shape ``(n,)``."""
    nodes = replica_nodes(batch, pending, placing)
    return np.bincount(nodes, minlength=len(batch.table)).astype(np.int64)


def replica_nodes(
    batch: Batch, pending: PendingClass, placing: Mapping[PodClass, Sequence[tuple[int, str]]]
) -> Ints:
    """Return the node of each replica of the class's workload, those placed so far included."""
    owner = pending.pod_class.workload
    if owner is None:
        return np.zeros(0, dtype=np.int64)
    standing = batch.standing.nodes(batch.standing.owned.get(owner, ()), staying=True)
    new = [
        node
        for fellow in batch.fellows.get(owner, ())
        for node, _ in placing.get(fellow.pod_class, ())
    ]
    return np.concatenate([standing.astype(np.int64), np.array(new, dtype=np.int64)])
