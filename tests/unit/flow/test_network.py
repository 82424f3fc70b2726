"""Networks are built in blocks and say where their arcs stand."""

import numpy as np
import pytest

from scheduler.domain.errors import SolverError
from scheduler.flow.network import Network, NetworkBuilder
from scheduler.flow.solver import solve


def test_blocks_say_where_their_arcs_stand() -> None:
    builder = NetworkBuilder()
    sources = builder.vertices(np.array([2, 1]))
    sink = builder.vertices(np.array([-3]))

    near = builder.arcs(sources + np.arange(2), sink, 1, 5)
    far = builder.arcs(sources + np.arange(2), sink, np.array([9, 9]), np.array([7, 8]))
    answer = solve(builder.network())

    assert (near, far) == (slice(0, 2), slice(2, 4))
    assert answer.flow[near].tolist() == [1, 1]
    assert answer.flow[far].tolist() == [1, 0]
    assert answer.cost == 17


def test_an_empty_network_is_solved() -> None:
    answer = solve(NetworkBuilder().network())

    assert answer.cost == 0


def test_a_network_without_supplies_is_solved_at_no_cost() -> None:
    builder = NetworkBuilder()
    builder.vertices(np.zeros(3, dtype=np.int64))

    assert solve(builder.network()).cost == 0


def test_supplies_without_arcs_are_refused() -> None:
    builder = NetworkBuilder()
    builder.vertices(np.array([1, -1]))

    with pytest.raises(SolverError, match="no arcs"):
        solve(builder.network())


def test_supplies_beyond_the_capacities_are_refused() -> None:
    arc = np.array([0]), np.array([1]), np.array([1]), np.array([1])

    with pytest.raises(SolverError, match="no feasible flow"):
        solve(Network(2, *arc, np.array([2, -2])))


def test_the_order_of_arcs_does_not_change_the_cost() -> None:
    rng = np.random.default_rng(5)
    tail, head = rng.integers(0, 6, 40), rng.integers(6, 12, 40)
    capacity, cost = rng.integers(1, 9, 40), rng.integers(0, 99, 40)
    supply = np.zeros(12, dtype=np.int64)
    np.add.at(supply, tail, 1)
    np.subtract.at(supply, head, 1)
    order = rng.permutation(40)

    one = solve(Network(12, tail, head, capacity, cost, supply))
    other = solve(Network(12, tail[order], head[order], capacity[order], cost[order], supply))

    assert one.cost == other.cost
