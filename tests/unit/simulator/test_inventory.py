"""Names, sites, roles and sizes of nodes."""

import numpy as np
import pytest

from scheduler.domain.errors import InputError
from simulator.inventory import inventory_of_matrix, inventory_of_metros, node_objects
from simulator.metros import make_metros
from simulator.planetlab import load_snapshots
from simulator.sites import SITE_DIAMETER_US, find_sites, site_names


def test_nodes_of_a_site_are_within_its_diameter() -> None:
    rtt_us = load_snapshots()[0]

    sites = find_sites(rtt_us)

    for site in range(sites.max() + 1):
        members = np.flatnonzero(sites == site)
        assert rtt_us[np.ix_(members, members)].max() <= SITE_DIAMETER_US


def test_sites_are_numbered_from_the_largest() -> None:
    sizes = np.bincount(find_sites(load_snapshots()[0]))

    assert (np.diff(sizes) <= 0).all()
    assert sizes.sum() == 490


def test_unknown_pairs_are_in_different_sites() -> None:
    rtt_us = np.array([[0, 1_000, -1], [1_000, 0, 1_000], [-1, 1_000, 0]], dtype=np.int32)

    assert find_sites(rtt_us).tolist() == [0, 0, 1]


def test_site_names_differ_however_many_are_wanted() -> None:
    names = site_names(900)

    assert len(set(names)) == len(names) == 900
    assert list(site_names(3)) == list(names[:3])


def test_the_measured_nodes_are_484_at_the_edge_and_6_in_the_cloud() -> None:
    inventory = inventory_of_matrix(load_snapshots()[0], {})

    names = [place.name for place in inventory.places]
    edges, clouds = [f"edge-{k}" for k in range(1, 485)], [f"cloud-{k}" for k in range(1, 7)]
    assert names == edges + clouds
    assert len({place.site for place in inventory.places if place.is_cloud}) == 6
    assert [inventory.rows[place.row] for place in inventory.places] == names


def test_edge_1_always_has_neighbours_within_25_ms() -> None:
    snapshots = load_snapshots()
    inventory = inventory_of_matrix(snapshots[0], {})
    row = inventory.rows.index("edge-1")

    assert ((snapshots[:, row] <= 25_000).sum(axis=1) > 50).all()


def test_node_objects_carry_site_role_and_size() -> None:
    places = inventory_of_matrix(load_snapshots()[0], {}).places

    nodes = node_objects(places, np.random.default_rng(1))

    edge, cloud = nodes[0], nodes[-1]
    assert edge["metadata"]["labels"]["topology.kubernetes.io/zone"] == places[0].site
    assert edge["metadata"]["labels"]["kubernetes.io/hostname"] == "edge-1"
    assert "kubernetes.io/role" not in edge["metadata"]["labels"]
    assert cloud["metadata"]["labels"]["kubernetes.io/role"] == "cloud"
    assert {n["status"]["allocatable"]["cpu"] for n in nodes} == {"2", "4", "8", "64"}
    addresses = {n["status"]["addresses"][0]["address"] for n in nodes}
    assert len(addresses) == len(nodes)


def test_a_seed_decides_the_sizes() -> None:
    places = inventory_of_metros(make_metros(50, 1), {}).places

    one, two = (node_objects(places, np.random.default_rng(3)) for _ in range(2))
    other = node_objects(places, np.random.default_rng(4))

    assert one == two != other


def test_a_node_can_have_another_name() -> None:
    long_name = "edge-2." + "x" * 50 + ".example.net"
    inventory = inventory_of_metros(make_metros(50, 1), {"edge-2": long_name})

    assert inventory.places[1].name == long_name
    node = node_objects(inventory.places, np.random.default_rng(1))[1]
    assert len(node["metadata"]["labels"]["kubernetes.io/hostname"]) <= 63


@pytest.mark.parametrize(
    ("renamed", "said"),
    [
        ({"edge-99": "x"}, "there is no node edge-99"),
        ({"edge-1": "edge-2"}, "edge-2 would name two nodes"),
        ({"edge-1": "x", "edge-2": "x"}, "x would name two nodes"),
    ],
)
def test_a_bad_name_is_refused(renamed: dict[str, str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        inventory_of_metros(make_metros(20, 1), renamed)


@pytest.mark.parametrize("n", [1, 2, 3, 30])
def test_small_clusters_have_an_edge_and_from_two_nodes_a_cloud(n: int) -> None:
    places = inventory_of_metros(make_metros(n, 1), {}).places

    assert [place.name for place in places if place.is_cloud] == (["cloud-1"] if n > 1 else [])
    assert len(places) == n


def test_rows_may_keep_their_names() -> None:
    rtt_us = np.full((3, 3), 50_000, dtype=np.int32)

    inventory = inventory_of_matrix(rtt_us, {}, ("oslo", "rome", "kyiv"))

    assert inventory.rows == ("oslo", "rome", "kyiv")
