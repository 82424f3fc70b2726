"""Estimates of pairs nobody measured, on PlanetLab and on little tables."""

import numpy as np
import pytest
from numpy.typing import NDArray

from simulator.planetlab import load_snapshots
from telemetry.estimate import Estimates, RobustFactors, calibrated, nearest_unmeasured
from telemetry.model import MAX_RTT_US, UNKNOWN_US, RttMatrix, empty_rtt
from tests.builders import rtt_ms

SEED = 7


def sparse(truth_us: NDArray[np.int32], probes: int, seed: int) -> RttMatrix:
    """Return what so many random probes a node see of a matrix."""
    rng = np.random.default_rng(seed)
    n = len(truth_us)
    is_seen = np.zeros((n, n), dtype=np.bool_)
    for i in range(n):
        is_seen[i, rng.choice(n, probes, replace=False)] = True
    seen_us = np.where(is_seen, truth_us, UNKNOWN_US).astype(np.int32)
    return RttMatrix(tuple(f"n{k}" for k in range(n)), seen_us)


def all_rows(estimates: Estimates) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    rows = [estimates.row(i) for i in range(len(estimates.nodes))]
    return np.array([row[0] for row in rows]), np.array([row[1] for row in rows])


@pytest.fixture(scope="module")
def planetlab() -> NDArray[np.int32]:
    snapshot: NDArray[np.int32] = load_snapshots()[9]
    return snapshot


@pytest.mark.parametrize(("probes", "most"), [(8, 0.15), (16, 0.09), (32, 0.06)])
def test_on_planetlab_half_of_the_unmeasured_pairs_are_estimated_within_a_few_percent(
    planetlab: NDArray[np.int32], probes: int, most: float
) -> None:
    rtt = sparse(planetlab, probes, SEED)

    guess, upper = all_rows(RobustFactors().fit(rtt, np.random.default_rng(SEED)))

    gaps = (rtt.rtt_us == UNKNOWN_US) & (rtt.rtt_us.T == UNKNOWN_US)
    truth = planetlab[gaps]
    assert np.median(np.abs(guess[gaps] - truth) / truth) < most
    # Five percent may miss; half the band is what calibration on some pairs and not all costs.
    assert 0.935 < (truth <= upper[gaps]).mean() < 0.98


def test_measured_pairs_are_returned_as_measured(planetlab: NDArray[np.int32]) -> None:
    rtt = sparse(planetlab[:80, :80], 10, SEED)
    estimates = RobustFactors().fit(rtt, np.random.default_rng(SEED))
    for i in range(80):
        measured = rtt.from_node(i)
        known = measured != UNKNOWN_US
        for values in estimates.row(i):
            assert (values[known] == measured[known]).all()


def test_estimates_do_not_depend_on_the_direction(planetlab: NDArray[np.int32]) -> None:
    guess, upper = all_rows(
        RobustFactors().fit(sparse(planetlab[:80, :80], 10, SEED), np.random.default_rng(SEED))
    )
    assert (guess == guess.T).all()
    assert (upper == upper.T).all()


def test_a_bound_is_never_below_its_estimate(planetlab: NDArray[np.int32]) -> None:
    guess, upper = all_rows(
        RobustFactors().fit(sparse(planetlab[:80, :80], 10, SEED), np.random.default_rng(SEED))
    )
    assert (upper >= guess).all()
    assert guess.min() >= 0
    assert upper.max() <= MAX_RTT_US


def test_of_a_node_nobody_measured_there_is_no_estimate(planetlab: NDArray[np.int32]) -> None:
    seen_us = sparse(planetlab[:60, :60], 20, SEED).rtt_us.copy()
    seen_us[7], seen_us[:, 7] = UNKNOWN_US, UNKNOWN_US
    rtt = RttMatrix(tuple(f"n{k}" for k in range(60)), seen_us)

    estimates = RobustFactors().fit(rtt, np.random.default_rng(SEED))

    others = np.arange(60) != 7
    for i, values in ((0, estimates.row(0)[0][7:8]), (7, estimates.row(7)[0][others])):
        assert (values == UNKNOWN_US).all(), i
    assert (estimates.row(0)[0][others] != UNKNOWN_US).all()


def test_with_few_pairs_there_is_no_bound() -> None:
    rtt = rtt_ms(("a", "b", "c"), [[0, 1, -1], [1, 0, 2], [-1, 2, 0]])
    guess, upper = RobustFactors().fit(rtt, np.random.default_rng(SEED)).row(0)
    assert guess[2] > 0
    assert upper.tolist() == [0, 1_000, UNKNOWN_US]


@pytest.mark.parametrize("rtt", [empty_rtt(), rtt_ms(("a", "b"), [[0, -1], [-1, 0]])])
def test_a_table_without_measurements_is_estimated_by_nothing(rtt: RttMatrix) -> None:
    guess, upper = all_rows(RobustFactors().fit(rtt, np.random.default_rng(SEED)))
    assert guess.tolist() == upper.tolist() == rtt.rtt_us.tolist()


def test_a_pair_that_measured_nothing_at_all_is_no_distance_to_divide_by() -> None:
    rows = [[0, 0, 4, 4], [0, 0, 4, -1], [4, 4, 0, 1], [4, -1, 1, 0]]
    rtt = rtt_ms(("a", "b", "c", "d"), rows)
    guess, _ = RobustFactors().fit(rtt, np.random.default_rng(SEED)).row(1)
    assert guess[:3].tolist() == [0, 0, 4_000]
    assert guess[3] > 0


def test_the_same_seed_gives_the_same_estimates(planetlab: NDArray[np.int32]) -> None:
    rtt = sparse(planetlab[:80, :80], 10, SEED)
    one, other = (RobustFactors().fit(rtt, np.random.default_rng(3)) for _ in range(2))
    assert (all_rows(one)[0] == all_rows(other)[0]).all()


def test_the_bound_of_each_size_of_estimate_is_its_own() -> None:
    guess = np.repeat([10.0, 1_000.0], 60)
    truth = np.concatenate([np.full(60, 30.0), np.full(60, 1_100.0)])

    bound = calibrated(guess, truth, 0.05)

    assert bound.over(np.array([10.0, 1_000.0])).tolist() == [30, 1_100]


def test_of_a_nodes_gaps_those_believed_nearest_are_probed_first(
    planetlab: NDArray[np.int32],
) -> None:
    rtt = sparse(planetlab, 32, SEED)
    estimates = RobustFactors().fit(rtt, np.random.default_rng(SEED))

    order = nearest_unmeasured(estimates, rtt, 0)

    assert sorted(order.tolist()) == np.flatnonzero(rtt.from_node(0) == UNKNOWN_US).tolist()
    truth = planetlab[0, order]
    nearest = set(np.argsort(truth, kind="stable")[:40].tolist())
    # At random a fifth of the forty nearest would be among the first eighty.
    assert len(nearest & set(range(80))) > 28
