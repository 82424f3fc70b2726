"""Room: what a pod asks for against what is left, in exact integers.

As kube-scheduler's NodeResourcesFit: a resource the pod does not ask for is not looked at, so that
a node over-committed in it still takes the pod.
"""

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.reasons import Cause
from scheduler.domain.resources import PODS
from scheduler.domain.snapshot import NodeTable
from scheduler.placement.feasibility.verdict import Mask, Verdict


def fits(demand: NDArray[np.int64], free: NDArray[np.int64]) -> Mask:
    """Return the nodes with room for one pod of `demand` (shape ``(r,)``); `free` ``(n, r)``."""
    mask = np.ones(len(free), dtype=np.bool_)
    for k in np.flatnonzero(demand > 0).tolist():
        mask &= free[:, k] >= demand[k]
    return mask


def room(table: NodeTable, demand: NDArray[np.int64], free: NDArray[np.int64]) -> Verdict:
    """Nodes with room, and for the others each resource that is short."""
    texts = []
    passes = np.ones(len(table), dtype=np.bool_)
    for k, name in enumerate(table.resources):
        if demand[k] > 0:
            short = free[:, k] < demand[k]
            passes &= ~short
            texts.append(("Too many pods" if name == PODS else f"Insufficient {name}", short))
    return Verdict(Cause.RESOURCE, passes, texts)


def fitting(free: NDArray[np.int64], demand: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Return how many pods of a demand each row of `free` holds, `most` at the most."""
    out = np.full(len(free), most, dtype=np.int64)
    for k in np.flatnonzero(demand > 0).tolist():
        np.minimum(out, free[:, k] // demand[k], out=out)
    return out
