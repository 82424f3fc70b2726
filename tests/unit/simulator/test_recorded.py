"""Machines in any number at recorded sites."""

import numpy as np
import pytest

from simulator.inventory import inventory_of_machines
from simulator.planetlab import NODES, load_snapshots
from simulator.recorded import MAX_NODES, Machines, make_machines
from telemetry.model import MetroRtt

RECORDED = load_snapshots()


def tabled(machines: Machines, period: int = 0) -> MetroRtt:
    return machines.table(tuple(f"n{k}" for k in range(len(machines.place))), period)


def test_the_first_machines_are_the_recorded_nodes_with_their_own_round_trip_times() -> None:
    table = tabled(make_machines(RECORDED, 2_000, seed=3), period=5)

    for row in (0, 17, 489):
        assert np.array_equal(table.from_node(row)[:NODES], RECORDED[5, row])


def test_a_further_machine_is_beside_one_of_them_and_a_little_farther_from_all_others() -> None:
    machines = make_machines(RECORDED, 2_000, seed=3)
    table = tabled(machines)

    for row in range(NODES, 2_000, 97):
        place = int(machines.place[row])
        rtt_us = table.from_node(row)
        assert 100 <= rtt_us[place] <= 1_500
        others = np.arange(NODES) != place
        more_us = (rtt_us[:NODES] - RECORDED[0, place])[others]
        assert more_us.min() >= 0
        assert more_us.max() <= 1_000


def test_neighbours_are_of_one_site() -> None:
    machines = make_machines(RECORDED, 1_500, seed=3)

    for place in (0, 100, 480):
        assert len(set(machines.site[machines.place == place].tolist())) == 1
    sizes = np.bincount(machines.site)
    assert (np.diff(sizes) <= 0).all()


def test_every_node_has_machines_beside_it_and_some_have_many_more() -> None:
    counts = np.bincount(make_machines(RECORDED, 12_500, seed=1).place, minlength=NODES)

    assert counts.min() >= 2
    assert counts.max() >= 2 * counts.min()


def test_one_seed_sets_up_the_same_machines() -> None:
    one, two, other = (make_machines(RECORDED, 800, seed=seed) for seed in (1, 1, 2))

    assert np.array_equal(one.place, two.place)
    assert np.array_equal(one.access_us, two.access_us)
    assert not np.array_equal(one.access_us, other.access_us)


def test_fewer_than_were_recorded_are_those_of_the_largest_sites() -> None:
    machines = make_machines(RECORDED, 40, seed=1)

    assert len(set(machines.place.tolist())) == 40
    assert not machines.access_us.any()
    assert machines.site.max() <= 2


@pytest.mark.parametrize("n", [1, 2, 491, 5_000])
def test_any_number_is_named(n: int) -> None:
    machines = make_machines(RECORDED, n, seed=1)

    places = inventory_of_machines(machines, {}).places

    assert len({place.name for place in places}) == n
    assert places[0].name == "edge-1"


@pytest.mark.parametrize("n", [0, MAX_NODES + 1])
def test_an_impossible_number_is_refused(n: int) -> None:
    with pytest.raises(ValueError, match="between 1 and"):
        make_machines(RECORDED, n, seed=1)
