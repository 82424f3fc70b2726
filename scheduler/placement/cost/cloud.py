"""Cloud role: a pod without a delay prefers a cloud node to any edge node while one fits."""

import numpy as np

from scheduler.placement.batch import Batch, PendingClass
from scheduler.placement.bounds import Reach
from scheduler.placement.cost.model import Units

EDGE_PRICE = 10_000_000
"""Ten seconds of RTT: no latency, balance or spreading outweighs the preference for the cloud."""


class CloudCost:
    """`EDGE_PRICE` on edge nodes for pods without a delay, where there is a cloud at all."""

    def arc_costs(self, batch: Batch, pending: PendingClass, reach: Reach) -> Units | None:
        """Return the price of not being in the cloud."""
        del reach
        is_cloud = batch.table.is_cloud
        if pending.pod_class.delays or not is_cloud.any():
            return None
        return np.where(is_cloud, 0, EDGE_PRICE).astype(np.int64)
