"""The median of several tables, and tables of one RTT a pair."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.distance import squareform

from telemetry.median import KEPT, median_rtt
from telemetry.model import UNKNOWN_US, RttMatrix, empty_rtt
from telemetry.symmetric import SymmetricRtt, symmetric
from tests.builders import rtt_ms


def matrix(seed: int, n: int, gaps: float) -> RttMatrix:
    rng = np.random.default_rng(seed)
    values = rng.integers(1, 900, (n, n)).astype(np.int32)
    values[rng.random((n, n)) < gaps] = UNKNOWN_US
    return RttMatrix(tuple(f"n{k}" for k in range(n)), values)


def whole(rtt: SymmetricRtt) -> NDArray[np.int32]:
    return np.array([rtt.farther(i) for i in range(len(rtt.nodes))], dtype=np.int32)


def middle(values: list[int]) -> int:
    known = sorted(value for value in values if value != UNKNOWN_US)
    return known[(len(known) - 1) // 2] if known else UNKNOWN_US


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(2, 7),
    count=st.integers(1, KEPT),
    gaps=st.sampled_from([0.0, 0.3, 0.9]),
)
def test_each_pair_is_the_median_of_what_is_known(
    seed: int, n: int, count: int, gaps: float
) -> None:
    tables = [matrix(seed + k, n, gaps) for k in range(count)]

    found = whole(median_rtt(tables))

    larger = [table.symmetric() for table in tables]
    for i in range(n):
        for j in range(n):
            assert found[i, j] == middle([int(values[i, j]) for values in larger])


def test_the_nodes_are_those_of_the_newest_table_in_whatever_order_the_others_have_them() -> None:
    old = rtt_ms(("gone", "b", "a"), [[0, 9, 9], [9, 0, 3], [9, 3, 0]])
    new = rtt_ms(("a", "new", "b"), [[0, 1, 5], [1, 0, -1], [5, -1, 0]])

    found = median_rtt([old, new])

    assert found.nodes == ("a", "new", "b")
    assert whole(found).tolist() == [[0, 1_000, 3_000], [1_000, 0, -1], [3_000, -1, 0]]


def test_one_spike_in_five_tables_is_not_seen() -> None:
    calm = rtt_ms(("a", "b"), [[0, 4], [4, 0]])
    spike = rtt_ms(("a", "b"), [[0, 900], [900, 0]])
    assert median_rtt([calm, spike, calm, spike, calm]).farther(0).tolist() == [0, 4_000]


@pytest.mark.parametrize("count", [0, KEPT + 1])
def test_no_table_or_too_many_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match=f"a median of {count} tables"):
        median_rtt([empty_rtt()] * count)


def test_a_table_without_nodes_has_a_median_without_nodes() -> None:
    assert median_rtt([empty_rtt(), empty_rtt()]).nodes == ()


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 7))
def test_one_rtt_a_pair_reads_as_the_larger_direction_however_it_is_asked(
    seed: int, n: int
) -> None:
    rtt = matrix(seed, n, 0.3)
    half = symmetric(rtt)
    every = np.arange(n)
    for i in range(n):
        for row in (half.farther(i), half.from_node(i), half.to_node(i)):
            assert row.tolist() == rtt.farther(i).tolist()
    assert (half.between(every[:, None], every[None, :]) == rtt.symmetric()).all()
    assert half.pairs_us.tolist() == squareform(rtt.symmetric(), checks=False).tolist()


def test_too_few_pairs_for_the_nodes_are_refused() -> None:
    with pytest.raises(ValueError, match="2 nodes"):
        SymmetricRtt(("a", "b"), np.zeros(3, dtype=np.int32))
