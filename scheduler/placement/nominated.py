"""Room that is kept for pods that wait for it: those with a nominated node.

As kube-scheduler: a pod has to fit beside the nominated pods of its own priority and above; others
do not count. Only their rooms are kept, which is what a preemptor waits for.
"""

import numpy as np

from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.placement.packing.problem import Ints


class Nominated:
    """Pods with a nominated node that are not up for decision themselves."""

    def __init__(self, snapshot: ClusterSnapshot) -> None:
        index = snapshot.nodes.index
        self._table = snapshot.nodes
        self._pods = [pod for pod in snapshot.held if pod.nominated_node in index]

    def __bool__(self) -> bool:
        return bool(self._pods)

    def room(self, priority: int) -> Ints:
        """Return the room kept from pods of a priority, shape ``(n, r)``."""
        kept = np.zeros(self._table.allocatable.shape, dtype=np.int64)
        for pod in self._pods:
            if pod.pod_class.priority >= priority:
                kept[self._table.index[pod.nominated_node]] += self._table.demand(pod.pod_class)
        return kept
