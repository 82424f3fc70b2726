"""Margin: a node near the edge of a budget costs more, where the RTTs are measured again and again.

On PlanetLab a budget that was kept with a tenth to spare is broken less than half as often as one
kept by a hair (1.0 against 2.4 in 1,000 looks at a pair, each confirmed three times). A matrix in a
file does not drift, so there it costs nothing.
"""

import numpy as np

from scheduler.placement.batch import Batch, PendingClass
from scheduler.placement.bounds import Reach
from scheduler.placement.cost.model import Units
from telemetry.dated import Ages

MARGIN_SHARE = 0.1


class MarginCost:
    """``margin_weight`` per µs of RTT above nine tenths of a hard budget; never a filter."""

    def arc_costs(self, batch: Batch, pending: PendingClass, reach: Reach) -> Units | None:
        """Return the price of each node's nearness to the edge."""
        del pending
        weight = batch.settings.cost.margin_weight
        if not weight or not reach.hard or not isinstance(batch.snapshot.rtt, Ages):
            return None
        total = np.zeros(len(batch.table), dtype=np.int64)
        for bound in reach.hard:
            if bound.target.is_self:
                continue
            edge_us = round((1 - MARGIN_SHARE) * bound.target.constraint.within_us)
            total += weight * np.maximum(bound.row.astype(np.int64) - edge_us, 0)
        return total
