"""Balance: the fuller a node, the dearer; a tie-break beside latency.

A pod pays ``balance_weight * u``, where u is the utilisation of the fullest resource with the pod
there: nothing on an empty node, the whole weight on a full one. So filling evenly is cheapest.
The price rises by a unit a pod at least, or pods that are tiny beside their nodes would pile up.
"""

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.resources import UNLIMITED
from scheduler.placement.packing.problem import LOAD_WIDTHS, Ints

_MOST_ARCS = 50_000
"""Steps times nodes; beyond it steps are wider."""


def load_widths(feasible: NDArray[np.bool_], count: Ints) -> Ints:
    """Return how many pods each step of the load prices stands for, shape ``(s,)``.

    Single pods up to twice the largest even share of any node, where balance is decided.
    """
    n = feasible.shape[1]
    usable = feasible.sum(axis=1)
    share = (feasible * (count / np.maximum(usable, 1))[:, None]).sum(axis=0)
    singles = min(2 * int(np.ceil(share.max(initial=0.0))), _MOST_ARCS // max(1, n))
    if singles <= 1:
        return LOAD_WIDTHS
    return np.concatenate([np.ones(singles - 1, dtype=np.int64), LOAD_WIDTHS])


def load_costs(
    allocatable: Ints,
    free: Ints,
    demand: Ints,
    count: Ints,
    weight: int,
    widths: Ints = LOAD_WIDTHS,
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
    widths
        Shape ``(s,)``: pods a step stands for.
    """
    mean = (demand * count[:, None]).sum(axis=0) / max(1, int(count.sum()))
    limited = (allocatable > 0) & (allocatable < UNLIMITED // 2)
    size = np.where(limited, allocatable, 1).astype(np.float64)
    used = np.where(limited, np.clip(1.0 - free / size, 0.0, 1.0), 0.0)
    share = np.where(limited, np.minimum(mean[None, :] / size, 1.0), 0.0)
    start = np.concatenate([[0], np.cumsum(widths)[:-1]]).astype(np.float64)
    middle = start + (np.minimum(widths, 32) - 1) / 2
    prices = np.zeros((len(allocatable), len(widths)))
    for k in range(allocatable.shape[1]):
        with_pods = used[:, k, None] + (middle[None, :] + 1.0) * share[:, k, None]
        prices = np.maximum(prices, np.minimum(with_pods, 1.0))
    if not weight:
        return np.zeros(prices.shape, dtype=np.int64)
    steps = np.arange(len(widths), dtype=np.int64)
    whole = np.rint(weight * prices).astype(np.int64)
    return np.asarray(np.maximum.accumulate(whole - steps, axis=1) + steps)


FULL = 1_000_000_000
"""A full node, as `fullness` counts: fine enough to tell nodes apart that hold a tiny pod more."""


def fullness(allocatable: Ints, free: Ints, demand: Ints) -> Ints:
    """Return how full each of some nodes would be with one pod more, shape ``(k,)``, of `FULL`.

    Parameters
    ----------
    allocatable, free
        Shape ``(k, r)``; unlimited resources do not count.
    demand
        Shape ``(r,)``.
    """
    asked = np.flatnonzero(demand > 0)
    size = allocatable[:, asked].astype(np.float64)
    limited = (size > 0) & (size < UNLIMITED // 2)
    used = (size - free[:, asked] + demand[asked]) / np.where(limited, size, 1.0)
    share = np.where(limited, np.clip(used, 0.0, 1.0), 0.0)
    return np.asarray(np.rint(FULL * share.max(axis=1, initial=0.0)), dtype=np.int64)
