"""The protocol of a cost model: what an arc from a class to a node costs.

As Firmament's cost models separate price from graph (Gog et al., OSDI 2016), with one function for
all nodes at once.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from scheduler.placement.batch import Batch, PendingClass
from scheduler.placement.bounds import Reach

Units = NDArray[np.int64]


class CostModel(Protocol):
    """What it costs to run one pod of a class on each node."""

    def arc_costs(self, batch: Batch, pending: PendingClass, reach: Reach) -> Units | None:
        """Return cost units, shape ``(n,)``, not negative; infeasible nodes may hold anything.

        None where no node costs anything.
        """
        ...
