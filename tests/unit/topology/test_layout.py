"""Places on a plane."""

import numpy as np
import pytest
from numpy.typing import NDArray

from scheduler.topology import layout
from scheduler.topology.layout import laid_out
from simulator.metros import make_metros
from telemetry.model import RttMatrix, empty_rtt
from tests.builders import rtt_ms


def plane(n: int, seed: int) -> RttMatrix:
    """Return the RTTs of nodes on a plane, where a map can be exact."""
    at = np.random.default_rng(seed).uniform(0, 100, (n, 2))
    far = np.hypot(*(at[:, None] - at[None, :]).transpose(2, 0, 1))
    return rtt_ms(tuple(f"n{k}" for k in range(n)), far.tolist())


def distances(at: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.hypot(*(at[:, None] - at[None, :]).transpose(2, 0, 1)))


def test_what_fits_a_plane_is_drawn_true() -> None:
    rtt = plane(30, 3)
    found = laid_out(rtt, np.random.default_rng(0))
    assert found.median_error < 0.01
    assert np.abs(distances(found.at_ms) - rtt.rtt_us / 1000).max() < 2.0


def test_nodes_beyond_the_pivots_are_drawn_true_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "_PIVOTS", 12)
    rtt = plane(60, 4)
    found = laid_out(rtt, np.random.default_rng(0))
    off = np.abs(distances(found.at_ms) - rtt.rtt_us / 1000)
    assert np.median(off) < 1.0
    assert found.median_error < 0.02


def test_nodes_nobody_measured_are_not_drawn() -> None:
    rtt = rtt_ms(("a", "b", "lost", "c"), [[0, 3, -1, 5], [3, 0, -1, 4], [-1] * 4, [5, 4, -1, 0]])
    found = laid_out(rtt, np.random.default_rng(0))
    assert found.rows.tolist() == [0, 1, 3]
    assert distances(found.at_ms)[0, 1:].tolist() == pytest.approx([3, 5], abs=0.05)


def test_one_node_seconds_away_does_not_make_a_dot_of_the_others() -> None:
    near = plane(120, 5).rtt_us.copy()
    near[0], near[:, 0] = 5_000_000, 5_000_000
    found = laid_out(RttMatrix(tuple(f"n{k}" for k in range(120)), near), np.random.default_rng(0))
    assert 50 < found.cap_ms < 200
    assert np.ptp(found.at_ms, axis=0).max() < 400


def test_the_same_table_gives_the_same_places() -> None:
    rtt = make_metros(50, 1).table(tuple(f"n{k}" for k in range(50)), 0)
    one, other = (laid_out(rtt, np.random.default_rng(0)) for _ in range(2))
    assert (one.at_ms == other.at_ms).all()


@pytest.mark.parametrize("rtt", [empty_rtt(), rtt_ms(("a",), [[0]])])
def test_without_pairs_there_is_nothing_to_draw(rtt: RttMatrix) -> None:
    assert len(laid_out(rtt, np.random.default_rng(0)).rows) == 0


def test_nodes_that_are_all_at_no_distance_are_on_one_spot() -> None:
    rtt = rtt_ms(("a", "b", "c"), [[0, 0, 0]] * 3)
    found = laid_out(rtt, np.random.default_rng(0))
    assert np.abs(distances(found.at_ms)).max() < 0.1
