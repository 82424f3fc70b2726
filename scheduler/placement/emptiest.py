"""Nodes in order of how full they are, worked out once in a while and not for each class."""

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.resources import UNLIMITED
from scheduler.domain.snapshot import NodeTable
from scheduler.placement.packing.problem import Ints

STALE = 0.25
"""Pods placed a node since the order was made, from which on it is made anew."""


class EmptiestFirst:
    """All nodes, the emptiest first, whole and by domain."""

    def __init__(self, table: NodeTable) -> None:
        self._size = table.allocatable.astype(np.float64)
        self._limited = (self._size > 0) & (self._size < UNLIMITED // 2)
        self._size[~self._limited] = 1.0
        self._order: Ints | None = None
        self._parts: dict[int, tuple[object, list[Ints]]] = {}
        self._placed = 0

    def placed(self, count: int) -> None:
        """Take note that pods were placed."""
        self._placed += count

    def nodes(self, free: Ints) -> Ints:
        """Return the nodes in order; `free` has shape ``(n, r)``."""
        if self._order is None or self._placed > STALE * len(free):
            used = np.where(self._limited, 1.0 - free / self._size, 0.0)
            self._order = np.argsort(used.max(axis=1, initial=0.0), kind="stable")
            self._parts.clear()
            self._placed = 0
        return self._order

    def of_domains(self, free: Ints, domain: NDArray[np.int32] | Ints, size: int) -> list[Ints]:
        """Return the nodes of each domain in order; `domain` has shape ``(n,)``."""
        order = self.nodes(free)
        known = self._parts.get(id(domain))
        if known is None:
            here = domain[order]
            parts = [order[here == d] for d in range(-1, size)]
            # The array is kept with its parts, so that its id stays its own.
            known = self._parts[id(domain)] = (domain, parts)
        return known[1]
