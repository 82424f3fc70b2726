"""Clusters of bounded diameter."""

import numpy as np
import pytest

from scheduler.topology.clustering import cluster_by_rtt


def test_a_pair_at_exactly_the_diameter_shares_a_zone() -> None:
    rtt = np.array([[0, 25_000], [25_000, 0]])
    assert cluster_by_rtt(rtt, max_rtt_us=25_000).tolist() == [0, 0]


def test_a_pair_a_microsecond_beyond_the_diameter_does_not() -> None:
    rtt = np.array([[0, 25_001], [25_001, 0]])
    assert cluster_by_rtt(rtt, max_rtt_us=25_000).tolist() == [0, 1]


def test_a_chain_of_near_pairs_is_not_one_zone() -> None:
    at = np.arange(3) * 20
    rtt = np.abs(at[:, None] - at[None, :])
    assert len(set(cluster_by_rtt(rtt, max_rtt_us=25).tolist())) == 2


def test_average_linkage_bounds_the_mean_pair_only() -> None:
    rtt = np.array([[0, 10, 30], [10, 0, 18], [30, 18, 0]])
    assert cluster_by_rtt(rtt, max_rtt_us=25, linkage="average").tolist() == [0, 0, 0]


def test_an_unknown_pair_is_farther_than_anything() -> None:
    rtt = np.array([[0, -1], [-1, 0]])
    assert cluster_by_rtt(rtt, max_rtt_us=600_000_000).tolist() == [0, 1]


def test_labels_are_numbered_by_first_node() -> None:
    rtt = np.array([[0, 90, 90, 1], [90, 0, 1, 90], [90, 1, 0, 90], [1, 90, 90, 0]])
    assert cluster_by_rtt(rtt, max_rtt_us=5).tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize("n", [0, 1])
def test_nothing_to_cluster_is_no_error(n: int) -> None:
    assert cluster_by_rtt(np.zeros((n, n), dtype=np.int32), max_rtt_us=5).tolist() == [0] * n


@pytest.mark.parametrize(("shape", "max_rtt_us"), [((2, 3), 5), ((2, 2), 0), ((2, 2), -1)])
def test_what_is_no_matrix_or_no_diameter_is_refused(
    shape: tuple[int, int], max_rtt_us: int
) -> None:
    with pytest.raises(ValueError, match="not"):
        cluster_by_rtt(np.zeros(shape, dtype=np.int32), max_rtt_us=max_rtt_us)
