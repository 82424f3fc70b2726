"""Balance: the fuller a node, the dearer; a tie-break beside latency.

A node's load price is ``balance_weight * u^2`` of its fullest resource's utilisation u, so filling
evenly is cheapest; its rise per pod is a step function that never falls (convex).
"""

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.resources import UNLIMITED
from scheduler.placement.problem import LOAD_WIDTHS, Ints


def load_costs(
    allocatable: Ints, free: Ints, demand: Ints, count: Ints, weight: int
) -> NDArray[np.int64]:
    """Return each node's price per pod within each step, shape ``(n, s)``, not decreasing.

    Parameters
    ----------
    allocatable, free
        Shape ``(n, r)``; unlimited resources do not count.
    demand, count
        Shapes ``(g, r)`` and ``(g,)``: the mean pod is what a step is priced for.
    weight
        Cost units from an empty to a full node.
    """
    mean = (demand * count[:, None]).sum(axis=0) / max(1, int(count.sum()))
    limited = (allocatable > 0) & (allocatable < UNLIMITED // 2)
    size = np.where(limited, allocatable, 1).astype(np.float64)
    used = np.where(limited, np.clip(1.0 - free / size, 0.0, 1.0), 0.0)
    share = np.where(limited, np.minimum(mean[None, :] / size, 1.0), 0.0)
    fullest = used.max(axis=1, initial=0.0)
    step = share.max(axis=1, initial=0.0)
    start = np.concatenate([[0], np.cumsum(LOAD_WIDTHS)[:-1]]).astype(np.float64)
    middle = start + (np.minimum(LOAD_WIDTHS, 32) - 1) / 2
    # d/dk of (u + k s)^2 at the middle of each step of k pods.
    rise = 2 * step[:, None] * (fullest[:, None] + (middle[None, :] + 0.5) * step[:, None])
    return np.asarray(np.rint(weight * rise), dtype=np.int64)
