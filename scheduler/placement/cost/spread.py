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
    counts = np.zeros(len(batch.table), dtype=np.int64)
    owner = pending.pod_class.workload
    if owner is None:
        return counts
    placed = batch.snapshot.placed
    same = np.array([c.workload == owner for c in placed.classes], dtype=np.bool_)
    if same.any():
        rows = same[placed.class_of] & (placed.node_of >= 0) & ~placed.is_terminating
        counts += np.bincount(placed.node_of[rows], minlength=len(counts))
    for pod_class, where in placing.items():
        if pod_class.workload == owner:
            for i, _ in where:
                counts[i] += 1
    return counts
