"""Placed pods that have volumes: few, as a rule, of very many."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.snapshot import PlacedPods
from scheduler.domain.workload import Pod
from scheduler.placement.feasibility.volume.positions import Positions


class VolumeUsers:
    """The placed pods with volumes, found when first asked for; those whose node is gone left out.

    Parameters
    ----------
    placed
        All placed pods.
    count
        The number of nodes.
    """

    def __init__(self, placed: PlacedPods, count: int) -> None:
        self._placed = placed
        self._count = count

    @cached_property
    def pods(self) -> Sequence[Pod]:
        """The pods."""
        return [self._placed.pods[k] for k in self._numbers]

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """Their nodes."""
        return self._placed.node_of[self._numbers].astype(np.int64)

    def on(self, node: int) -> Sequence[Pod]:
        """Return the pods of a node."""
        return [self.pods[k] for k in self._by_node.of(node).tolist()]

    @cached_property
    def _numbers(self) -> list[int]:
        placed = self._placed
        return [
            k
            for k, pod in enumerate(placed.pods)
            if (pod.volumes.claims or pod.volumes.disks) and placed.node_of[k] >= 0
        ]

    @cached_property
    def _by_node(self) -> Positions:
        return Positions(self.rows, self._count)
