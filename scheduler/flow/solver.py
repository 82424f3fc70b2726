"""Min-cost flow by network simplex: the only door to ``pylmcf`` (LEMON's implementation).

Király and Kovács, "Efficient implementations of minimum-cost flow algorithms", 2012.
"""

from dataclasses import dataclass

import numpy as np
import pylmcf

from scheduler.domain.errors import SolverError
from scheduler.flow.network import IntArray, Network

LARGEST_COST = 1 << 60
"""Total costs stay below this, so that int64 sums inside the solver cannot wrap."""


@dataclass(frozen=True, slots=True, eq=False)
class FlowSolution:
    """An optimal flow and its certificate.

    `flow` has shape ``(m,)``, `potential` shape ``(n_vertices,)``; for every arc with room left,
    ``cost + potential[tail] - potential[head] >= 0``.
    """

    flow: IntArray
    potential: IntArray
    cost: int


def solve(network: Network) -> FlowSolution:
    """Return a minimum-cost flow that serves all supplies.

    Raises
    ------
    SolverError
        If the network is not balanced, a cost is negative or could overflow int64, or no flow
        serves
        the supplies.
    """
    if int(network.supply.sum()) != 0:
        raise SolverError("supplies and demands of the flow network do not balance")
    if network.n_vertices == 0 or len(network.tail) == 0:
        return _trivial(network)
    if int(network.cost.min()) < 0:
        raise SolverError("the flow network has a negative cost")
    total = int(network.supply[network.supply > 0].sum())
    if float(np.abs(network.cost).max()) * max(total, network.n_vertices) > LARGEST_COST:
        raise SolverError("costs of the flow network are too large for exact integers")
    order = np.lexsort((network.head, network.tail))
    graph = pylmcf.Graph(network.n_vertices, network.tail[order], network.head[order])
    graph.set_node_supply(network.supply)
    graph.set_edge_capacities(network.capacity[order])
    graph.set_edge_costs(network.cost[order])
    try:
        graph.solve()
    except RuntimeError as error:
        raise SolverError(f"the flow network has no feasible flow: {error}") from error
    flow = np.empty(len(order), dtype=np.int64)
    flow[order] = graph.result()
    # The library's potentials satisfy cost + p[tail] - p[head] >= 0 on arcs with room left.
    potential = np.asarray(graph.potentials(), dtype=np.int64)
    return FlowSolution(flow, potential, int(flow @ network.cost))


def _trivial(network: Network) -> FlowSolution:
    if network.supply.any():
        raise SolverError("the flow network has supplies but no arcs")
    return FlowSolution(
        np.zeros(len(network.tail), dtype=np.int64),
        np.zeros(network.n_vertices, dtype=np.int64),
        0,
    )
