"""Spreading: replicas of a workload over failure domains, then zones, then nodes.

Convex: the k-th replica of a group costs ``weight * (k - 1)``, existing replicas counted, so that
an even spread is cheapest.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from scheduler.domain.workload import PodClass
from scheduler.placement.batch import Batch, PendingClass
from scheduler.placement.packing.problem import Ints, SpreadLevel


def spread_levels(batch: Batch, pending: PendingClass, existing: Ints) -> tuple[SpreadLevel, ...]:
    """Return the levels a class spreads over, outermost first; none for a lone pod.

    Parameters
    ----------
    existing
        Shape ``(n,)``: replicas of the workload on each node already.
    """
    groups = spread_groups(batch, pending, int(existing.sum()))
    return tuple(_level(group, existing, weight) for group, _, weight in groups)


def spread_groups(
    batch: Batch, pending: PendingClass, existing: int
) -> list[tuple[Ints, int, int]]:
    """Return each node's group, the number of groups and the weight of each level.

    Outermost first, the nodes last; none for a lone pod. `existing` counts replicas that stand.
    """
    if pending.pod_class.workload is None or (len(pending.pods) < 2 and not existing):  # noqa: PLR2004 - two make a pair
        return []
    weights = batch.settings.cost
    domain, zone, node = batch.groups
    levels = []
    if weights.spread_domain_weight and len(batch.table.domain_names) > 1:
        levels.append((domain, len(batch.table.domain_names), weights.spread_domain_weight))
    if weights.spread_zone_weight and zone is not None:
        levels.append((zone, int(zone.max(initial=-1)) + 1, weights.spread_zone_weight))
    levels.append((node, len(batch.table), weights.spread_node_weight))
    return levels


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
    standing = batch.standing.nodes(batch.standing.book.owned.get(owner, ()), staying=True)
    new = [
        node
        for fellow in batch.fellows.get(owner, ())
        for node, _ in placing.get(fellow.pod_class, ())
    ]
    return np.concatenate([standing.astype(np.int64), np.array(new, dtype=np.int64)])
