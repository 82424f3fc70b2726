"""A flow network as parallel integer arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Nodes ``0 .. n_vertices - 1`` and ``m`` arcs.

    Parameters
    ----------
    n_vertices
        Number of vertices.
    tail, head, capacity, cost
        Shape ``(m,)``, int64. Parallel arcs are allowed; capacities are not negative.
    supply
        Shape ``(n_vertices,)``, int64, positive at sources, negative at sinks, sum 0.
    """

    n_vertices: int
    tail: IntArray
    head: IntArray
    capacity: IntArray
    cost: IntArray
    supply: IntArray


class NetworkBuilder:
    """Collects arcs in blocks, so that a network is made of a few array operations."""

    def __init__(self) -> None:
        self.n_vertices = 0
        self.n_arcs = 0
        self._blocks: list[tuple[IntArray, IntArray, IntArray, IntArray]] = []
        self._supply: list[IntArray] = []

    def vertices(self, supply: IntArray) -> int:
        """Add one vertex per entry of `supply` and return the number of the first."""
        first = self.n_vertices
        self.n_vertices += len(supply)
        self._supply.append(np.asarray(supply, dtype=np.int64))
        return first

    def arcs(
        self, tail: IntArray, head: IntArray | int, capacity: IntArray | int, cost: IntArray | int
    ) -> slice:
        """Add arcs and return where they stand in the network's arrays."""
        tail = np.asarray(tail, dtype=np.int64)
        shape = tail.shape
        block = (
            tail,
            np.broadcast_to(np.asarray(head, dtype=np.int64), shape),
            np.broadcast_to(np.asarray(capacity, dtype=np.int64), shape),
            np.broadcast_to(np.asarray(cost, dtype=np.int64), shape),
        )
        self._blocks.append(block)
        where = slice(self.n_arcs, self.n_arcs + len(tail))
        self.n_arcs += len(tail)
        return where

    def network(self) -> Network:
        """Return the network as it stands."""
        empty = np.zeros(0, dtype=np.int64)
        tail, head, capacity, cost = (
            np.concatenate([block[k] for block in self._blocks]) if self._blocks else empty
            for k in range(4)
        )
        supply = np.concatenate(self._supply) if self._supply else empty
        return Network(self.n_vertices, tail, head, capacity, cost, supply)
