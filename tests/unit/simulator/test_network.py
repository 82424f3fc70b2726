"""RTTs over virtual time."""

import numpy as np
import pytest

from simulator.metros import MAX_NODES, make_metros
from simulator.network import MetroTerrain, Network, Slowdown, Snapshots
from simulator.planetlab import NODES, SNAPSHOTS, load_snapshots
from telemetry.model import RttTable


def rtt(table: RttTable, a: str, b: str) -> int:
    return int(table.from_node(table.index[a])[table.index[b]])


@pytest.fixture
def network() -> Network:
    """Three nodes; the link a-b takes 10, 20, 30 ms in turn, all others 5 ms."""
    rtt_us = np.full((3, 3, 3), 5_000, dtype=np.int32)
    for period, value in enumerate((10_000, 20_000, 30_000)):
        rtt_us[period, 0, 1] = rtt_us[period, 1, 0] = value
    return Network(("a", "b", "c"), Snapshots(rtt_us, "test"), drift_s=60)


def test_snapshots_follow_each_other_and_start_again(network: Network) -> None:
    seen = [rtt(network.table(now_s), "a", "b") for now_s in (0, 59.9, 60, 120, 179.9, 180)]

    assert seen == [10_000, 10_000, 20_000, 30_000, 30_000, 10_000]


def test_without_drift_the_first_snapshot_stays() -> None:
    rtt_us = np.stack([np.full((2, 2), v, dtype=np.int32) for v in (1_000, 2_000)])
    network = Network(("a", "b"), Snapshots(rtt_us, "test"), drift_s=0)

    assert rtt(network.table(1e6), "a", "b") == 1_000
    assert network.next_change_s(0) is None


def test_a_slow_link_is_slow_both_ways_for_its_time(network: Network) -> None:
    network.slow(Slowdown("a", "c", to_us=80_000, from_s=10, until_s=20))

    assert rtt(network.table(9), "a", "c") == 5_000
    for now_s in (10, 19.9):
        table = network.table(now_s)
        assert (rtt(table, "a", "c"), rtt(table, "c", "a")) == (80_000, 80_000)
        assert rtt(table, "a", "b") == 10_000
    assert rtt(network.table(20), "a", "c") == 5_000


def test_a_slow_node_is_slow_on_every_link(network: Network) -> None:
    network.slow(Slowdown("a", factor=3.0))

    table = network.table(0)
    assert [rtt(table, "a", "b"), rtt(table, "b", "a")] == [30_000, 30_000]
    assert [rtt(table, "a", "c"), rtt(table, "b", "c")] == [15_000, 5_000]
    assert rtt(table, "a", "a") == 0


def test_two_slowdowns_of_one_link_act_together(network: Network) -> None:
    network.slow(Slowdown("a", factor=2.0))
    network.slow(Slowdown("b", factor=3.0))

    assert rtt(network.table(0), "a", "b") == 60_000


def test_directions_are_slowed_apart() -> None:
    rtt_us = np.array([[[0, 1_000], [4_000, 0]]], dtype=np.int32)
    network = Network(("a", "b"), Snapshots(rtt_us, "test"), drift_s=0)
    network.slow(Slowdown("a", factor=2.0))

    table = network.table(0)
    assert (rtt(table, "a", "b"), rtt(table, "b", "a")) == (2_000, 8_000)


def test_what_was_never_measured_stays_unknown() -> None:
    rtt_us = np.array([[[0, -1], [-1, 0]]], dtype=np.int32)
    network = Network(("a", "b"), Snapshots(rtt_us, "test"), drift_s=0)
    network.slow(Slowdown("a", to_us=5))

    assert rtt(network.table(0), "a", "b") == -1


def test_the_next_change_is_a_drift_or_an_end_of_a_slowdown(network: Network) -> None:
    network.slow(Slowdown("a", "c", factor=2.0, from_s=10, until_s=70))

    changes, now_s = [], 0.0
    while (later := network.next_change_s(now_s)) is not None and later <= 130:
        changes.append(now_s := later)

    assert changes == [10, 60, 70, 120]


def test_an_unknown_node_cannot_be_slowed(network: Network) -> None:
    with pytest.raises(KeyError):
        network.slow(Slowdown("nowhere", factor=2.0))


def test_the_measured_data_is_whole() -> None:
    rtt_us = load_snapshots()

    assert rtt_us.shape == (SNAPSHOTS, NODES, NODES)
    assert (rtt_us == rtt_us.transpose(0, 2, 1)).all()
    assert (np.diagonal(rtt_us, axis1=1, axis2=2) == 0).all()
    off = rtt_us[:, ~np.eye(NODES, dtype=bool)]
    assert (off.min(), off.max()) == (64, 7_892_800)  # as counted in the source


def test_metros_are_near_inside_and_far_outside() -> None:
    metros = make_metros(500, seed=1)
    network = Network([f"n{k}" for k in range(500)], MetroTerrain(metros), drift_s=60)

    table = network.table(0)
    inside = [int(r) for r in table.from_node(0)[metros.metro == 0]]
    assert max(inside) <= 10_000
    assert np.median(table.from_node(0)) > 20_000
    assert rtt(table, "n3", "n400") == rtt(table, "n400", "n3")


def test_metros_of_one_seed_are_the_same() -> None:
    one, two, other = make_metros(300, 7), make_metros(300, 7), make_metros(300, 8)

    assert (one.access_us == two.access_us).all()
    assert (one.metro_rtt_us == two.metro_rtt_us).all()
    assert not (one.access_us == other.access_us).all()


def test_metros_drift_and_a_period_is_always_the_same() -> None:
    network = Network([f"n{k}" for k in range(60)], MetroTerrain(make_metros(60, 1)), drift_s=60)

    first, later, again = network.table(0), network.table(60), network.table(119)
    assert rtt(first, "n0", "n50") < rtt(later, "n0", "n50")
    assert rtt(later, "n0", "n50") == rtt(again, "n0", "n50")


def test_a_slow_link_between_metros_works_as_any_other() -> None:
    network = Network([f"n{k}" for k in range(60)], MetroTerrain(make_metros(60, 1)), drift_s=0)
    before = rtt(network.table(0), "n0", "n50")
    network.slow(Slowdown("n0", factor=2.0))

    assert rtt(network.table(0), "n50", "n0") == 2 * before


@pytest.mark.parametrize("n", [0, MAX_NODES + 1])
def test_no_metros_for_an_impossible_number(n: int) -> None:
    with pytest.raises(ValueError, match="between 1 and 12500"):
        make_metros(n, 1)
