"""Pods counted by topology domain, kept in step with what a decision places."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.snapshot import PlacedPods

At = NDArray[np.int64] | slice
"""Some nodes, by their numbers, or `ALL` of them."""

ALL = slice(None)

_FEW_CLASSES = 1 << 16
"""numpy sorts 16-bit numbers by radix, ten times as fast."""


@dataclass(slots=True, eq=False)
class Counter:
    """Pods, or their weights, in each domain of one label.

    `domain` has shape ``(n,)``, -1 for nodes that do not count; `counts` one entry a domain and, at
    the end, one that stays 0 and stands for those nodes.
    """

    domain: NDArray[np.int32]
    counts: NDArray[np.int64]

    def at(self, nodes: At = ALL) -> NDArray[np.int64]:
        """Return what is counted in the domain of each node."""
        return np.asarray(self.counts[self.domain[nodes]])

    def add(self, node: int, amount: int) -> None:
        """Count something that was placed on a node."""
        domain = self.domain[node]
        if domain >= 0:
            self.counts[domain] += amount


class PlacedRows:
    """Rows of the placed pods by class; pods whose node is gone are in no domain."""

    def __init__(self, placed: PlacedPods) -> None:
        class_of = placed.class_of
        if len(placed.classes) < _FEW_CLASSES:
            class_of = class_of.astype(np.uint16)
        self._order = np.argsort(class_of, kind="stable")
        numbers = np.arange(len(placed.classes) + 1)
        self._starts = np.searchsorted(placed.class_of[self._order], numbers)
        self._node_of = placed.node_of
        self._is_terminating = placed.is_terminating
        self._has_terminating = bool(placed.is_terminating.any())

    def nodes(self, classes: Iterable[int], *, staying: bool = False) -> NDArray[np.int32]:
        """Return the node of each pod of some classes; of those that stay only, if asked."""
        parts = [self._order[self._starts[c] : self._starts[c + 1]] for c in classes]
        if not parts:
            return np.zeros(0, dtype=np.int32)
        rows = parts[0] if len(parts) == 1 else np.concatenate(parts)
        if staying and self._has_terminating:
            rows = rows[~self._is_terminating[rows]]
        nodes = self._node_of[rows]
        return nodes[nodes >= 0]


def counted(
    domain: NDArray[np.int32], size: int, nodes: Sequence[tuple[NDArray[np.int32], int]]
) -> Counter:
    """Return a counter over `size` domains of pods on `nodes`, each part with its weight."""
    counts = np.zeros(size + 1, dtype=np.int64)
    for on, weight in nodes:
        if len(on):
            counts += weight * np.bincount(domain[on] + 1, minlength=size + 1)[_shifted(size)]
    counts[size] = 0
    return Counter(domain, counts)


def _shifted(size: int) -> NDArray[np.int64]:
    """Return where domain k and, at the end, the nodes of no domain are after counting from -1."""
    return np.concatenate([np.arange(1, size + 1), [0]])
