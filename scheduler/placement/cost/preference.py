"""Preferred node affinity and PreferNoSchedule taints, as costs.

kube-scheduler adds the weights of matching terms to a node's score; a cost is what is missing to
the best possible sum, so that it is never negative.
"""

import numpy as np

from scheduler.placement.batch import Batch, PendingClass
from scheduler.placement.bounds import Reach
from scheduler.placement.cost.model import Units

SOFT_TAINT_WEIGHT = 100
"""A PreferNoSchedule taint weighs as much as the strongest preferred term."""


class PreferenceCost:
    """``preferred_weight`` per unit of unmet preference."""

    def arc_costs(self, batch: Batch, pending: PendingClass, reach: Reach) -> Units:
        """Return the price of unmet preferences."""
        del reach
        unmet = SOFT_TAINT_WEIGHT * batch.soft_taints(pending.pod_class)
        for preferred in pending.pod_class.preferred_nodes:
            unmet = unmet + preferred.weight * ~batch.labels.term(preferred.term)
        return np.asarray(batch.settings.cost.preferred_weight * unmet, dtype=np.int64)
