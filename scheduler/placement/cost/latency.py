"""Latency: the RTT to each reference; exceeding a soft delay costs extra.

Source: "least latency" is the third of the design's promises; the RTT is what a user asked about.
"""

import numpy as np

from scheduler.placement.batch import Batch, PendingClass
from scheduler.placement.bounds import Bound, Reach
from scheduler.placement.cost.model import Units
from telemetry.model import UNKNOWN_US


class LatencyCost:
    """``latency_weight * rtt_us`` for each delay, plus ``soft_delay_weight`` per µs of excess.

    A hard delay to the pod's own workload bounds how far its replicas spread and costs nothing
    more: within the budget spreading decides.
    """

    def arc_costs(self, batch: Batch, pending: PendingClass, reach: Reach) -> Units | None:
        """Return the latency cost of each node."""
        del pending
        if not (reach.hard or reach.soft):
            return None
        weights = batch.settings.cost
        total = np.zeros(len(batch.table), dtype=np.int64)
        for bound in reach.hard:
            if bound.target.is_self:
                continue
            total += weights.latency_weight * np.maximum(bound.row.astype(np.int64), 0)
        for bound in reach.soft:
            total += self._soft(bound, weights.latency_weight, weights.soft_delay_weight)
        return total

    def _soft(self, bound: Bound, latency_weight: int, excess_weight: int) -> Units:
        """Price a soft delay; a pair nobody measured counts as far: it may rank, last."""
        within_us = bound.target.constraint.within_us
        row = bound.row.astype(np.int64)
        assumed = max(int(row.max(initial=0)), within_us + within_us // 2)
        rtt_us = np.where(row == UNKNOWN_US, assumed, row)
        return np.asarray(
            latency_weight * rtt_us + excess_weight * np.maximum(rtt_us - within_us, 0)
        )
