"""The flow solver against networkx on thousands of random graphs, certificate included."""

import networkx as nx
import numpy as np
import pytest

from scheduler.domain.errors import SolverError
from scheduler.flow.network import Network
from scheduler.flow.solver import solve

GRAPHS_A_BLOCK = 250


def random_network(rng: np.random.Generator) -> Network:
    n = int(rng.integers(2, 14))
    m = int(rng.integers(1, 50))
    tail, head = rng.integers(0, n, m), rng.integers(0, n, m)
    real = tail != head
    tail, head = tail[real], head[real]
    supply = np.zeros(n, dtype=np.int64)
    for _ in range(int(rng.integers(1, 4))):
        source, sink = rng.choice(n, 2, replace=False)
        units = int(rng.integers(0, 5))
        supply[source] += units
        supply[sink] -= units
    capacity = rng.integers(0, 9, len(tail))
    cost = rng.integers(0, 1_000, len(tail))
    return Network(n, tail, head, capacity, cost, supply)


def optimum(network: Network) -> int | None:
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(
        (i, {"demand": -int(network.supply[i])}) for i in range(network.n_vertices)
    )
    for tail, head, capacity, cost in zip(
        network.tail.tolist(),
        network.head.tolist(),
        network.capacity.tolist(),
        network.cost.tolist(),
        strict=True,
    ):
        graph.add_edge(tail, head, capacity=capacity, weight=cost)
    try:
        return int(nx.network_simplex(graph)[0])
    except nx.NetworkXUnfeasible:
        return None


@pytest.mark.parametrize("block", range(12))
def test_the_flow_has_the_cost_that_networkx_finds(block: int) -> None:
    rng = np.random.default_rng(block)
    for _ in range(GRAPHS_A_BLOCK):
        network = random_network(rng)
        wanted = optimum(network)
        if wanted is None:
            with pytest.raises(SolverError):
                solve(network)
            continue

        answer = solve(network)

        assert answer.cost == wanted
        net = np.zeros(network.n_vertices, dtype=np.int64)
        np.add.at(net, network.tail, answer.flow)
        np.subtract.at(net, network.head, answer.flow)
        assert (net == network.supply).all()
        assert ((answer.flow >= 0) & (answer.flow <= network.capacity)).all()
        reduced = network.cost + answer.potential[network.tail] - answer.potential[network.head]
        assert (reduced[answer.flow < network.capacity] >= 0).all()
        assert (reduced[answer.flow > 0] <= 0).all()


def test_supplies_that_do_not_balance_are_refused() -> None:
    arc = np.array([0]), np.array([1]), np.array([5]), np.array([1])
    with pytest.raises(SolverError, match="balance"):
        solve(Network(2, *arc, np.array([2, -1])))


def test_costs_that_could_overflow_are_refused() -> None:
    arc = np.array([0]), np.array([1]), np.array([1 << 30]), np.array([1 << 50])
    with pytest.raises(SolverError, match="exact integers"):
        solve(Network(2, *arc, np.array([1 << 30, -(1 << 30)])))


def test_a_negative_cost_is_refused() -> None:
    arc = np.array([0]), np.array([1]), np.array([1]), np.array([-1])
    with pytest.raises(SolverError, match="negative"):
        solve(Network(2, *arc, np.array([1, -1])))
