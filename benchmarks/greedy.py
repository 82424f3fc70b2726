"""A plain greedy as a reference: pod by pod in queue order, the nearest node that fits.

References must be nodes; spreading, ranks, taints and the cloud role are not looked at. Written for
speed, as a reference should be: masks and costs once a class, a few vector operations a pod.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import Pod, PodClass

_NEVER = np.iinfo(np.int64).max


def greedy(snapshot: ClusterSnapshot) -> Mapping[str, str]:
    """Return pod key to node name for the pods that found a node.

    A pod without a delay goes to the node with the most room of the first resource it asks for.
    """
    table = snapshot.nodes
    free = table.free.copy()
    costs: dict[PodClass, NDArray[np.int64]] = {}
    demands: dict[PodClass, NDArray[np.int64]] = {}
    placement: dict[str, str] = {}
    for pod in snapshot.pending:
        kind = pod.pod_class
        if kind not in costs:
            costs[kind] = _distance(snapshot, pod)
            demands[kind] = table.demand(kind)
        demand = demands[kind]
        asked = np.flatnonzero(demand)
        fits = (free[:, asked] >= demand[asked]).all(axis=1)
        cost = np.where(fits, costs[kind], _NEVER)
        node = int(cost.argmin())
        if cost[node] == _NEVER:
            continue
        if not kind.delays:
            node = int(np.where(fits, free[:, asked[0]], -1).argmax())
        free[node] -= demand
        placement[pod.key] = table.nodes[node].name
    return placement


def _distance(snapshot: ClusterSnapshot, pod: Pod) -> NDArray[np.int64]:
    """Return the summed RTT to a pod's references, shape ``(n,)``, beyond every sum if too far."""
    total = np.zeros(len(snapshot.nodes), dtype=np.int64)
    is_far = np.zeros(len(total), dtype=np.bool_)
    for delay in pod.pod_class.hard_delays:
        rtt_us = snapshot.rtt_from(delay.reference.name)
        total += rtt_us
        is_far |= (rtt_us < 0) | (rtt_us > delay.within_us)
    total[is_far] = _NEVER
    return total
