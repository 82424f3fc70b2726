"""Nominated node: where room is kept for a pod is where it goes while it can.

kube-scheduler tries that node before all others.
"""

import numpy as np

from scheduler.placement.batch import Batch, PendingClass
from scheduler.placement.bounds import Reach
from scheduler.placement.cost.model import Units

ELSEWHERE_PRICE = 20_000_000
"""Twice the price of leaving the cloud: no preference outweighs the room that was made."""


class NominatedCost:
    """`ELSEWHERE_PRICE` on all nodes but the nominated one."""

    def arc_costs(self, batch: Batch, pending: PendingClass, reach: Reach) -> Units | None:
        """Return the price of going elsewhere."""
        del reach
        node = batch.table.index.get(pending.pod_class.nominated_node)
        if node is None:
            return None
        price = np.full(len(batch.table), ELSEWHERE_PRICE, dtype=np.int64)
        price[node] = 0
        return price
