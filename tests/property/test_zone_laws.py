"""Laws of zones, on random directed matrices with gaps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from scheduler.domain.zone import ZoneTree
from scheduler.topology import clustering, rows
from scheduler.topology.clustering import cluster_by_rtt
from scheduler.topology.layers import zone_tree
from telemetry.model import UNKNOWN_US, RttMatrix

DIAMETERS_US = (4_000, 9_000, 20_000)


@st.composite
def matrices(draw: st.DrawFn, n: int | None = None) -> RttMatrix:
    """Draw nodes on a plane with noise, directions that differ, and gaps."""
    size = n if n is not None else draw(st.integers(2, 14))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    at = rng.integers(0, 15_000, (size, 2))
    far = np.linalg.norm(at[:, None] - at[None, :], axis=2) + rng.integers(0, 900, (size, size))
    far[rng.random((size, size)) < draw(st.sampled_from([0.0, 0.0, 0.2, 0.5]))] = UNKNOWN_US
    return RttMatrix(tuple(f"n{k}" for k in range(size)), far.astype(np.int32))


def named(tree: ZoneTree, layer: int) -> dict[str, str]:
    at = tree.layers[layer]
    return {
        node: at.names[zone] if zone >= 0 else ""
        for node, zone in zip(tree.nodes, at.zone_of.tolist(), strict=True)
    }


def part(rtt: RttMatrix, kept: list[int]) -> RttMatrix:
    return RttMatrix(tuple(rtt.nodes[k] for k in kept), rtt.rtt_us[np.ix_(kept, kept)])


def widest(rtt: RttMatrix, tree: ZoneTree, layer: int) -> int:
    zone_of = tree.layers[layer].zone_of
    mates = (zone_of[:, None] == zone_of[None, :]) & (zone_of[:, None] >= 0)
    return int(rtt.symmetric()[mates].max(initial=0))


def nests(tree: ZoneTree) -> bool:
    return all(
        len({(a, b) for a, b in zip(inner.zone_of, outer.zone_of, strict=True)})
        == len(set(inner.zone_of.tolist()))
        for inner, outer in zip(tree.layers, tree.layers[1:], strict=False)
    )


def labels_are_equal(a: NDArray[np.int64], b: NDArray[np.int32]) -> bool:
    same_a, same_b = a[:, None] == a[None, :], b[:, None] == b[None, :]
    return bool((same_a == same_b).all())


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 40), max_rtt_us=st.integers(1, 2_000))
def test_labels_are_those_of_scipy(seed: int, n: int, max_rtt_us: int) -> None:
    # All pairs differ: with ties, more than one clustering is right.
    condensed = np.random.default_rng(seed).permutation(2 * n * n)[: n * (n - 1) // 2] + 1
    ours = cluster_by_rtt(squareform(condensed), max_rtt_us=max_rtt_us)
    oracle = fcluster(linkage(condensed, "complete"), max_rtt_us, "distance")
    assert labels_are_equal(ours, oracle)


@given(rtt=matrices())
def test_every_pair_in_a_zone_is_within_the_diameter(rtt: RttMatrix) -> None:
    tree = zone_tree(rtt, DIAMETERS_US)
    known = rtt.symmetric() != UNKNOWN_US
    for layer, diameter_us in enumerate(DIAMETERS_US):
        zone_of = tree.layers[layer].zone_of
        mates = (zone_of[:, None] == zone_of[None, :]) & (zone_of[:, None] >= 0)
        assert known[mates].all()
        assert widest(rtt, tree, layer) <= diameter_us


@given(rtt=matrices())
def test_layers_nest_and_names_are_unique(rtt: RttMatrix) -> None:
    tree = zone_tree(rtt, DIAMETERS_US)
    names = [name for layer in tree.layers for name in layer.names]
    assert nests(tree)
    assert len(set(names)) == len(names)


@given(rtt=matrices(), seed=st.integers(0, 2**32 - 1))
def test_noise_within_the_tolerance_moves_nobody(rtt: RttMatrix, seed: int) -> None:
    before = zone_tree(rtt, DIAMETERS_US)
    grown = rtt.rtt_us * np.random.default_rng(seed).uniform(0.5, 1.1, rtt.rtt_us.shape)
    noisy = RttMatrix(
        rtt.nodes, np.where(rtt.rtt_us == UNKNOWN_US, UNKNOWN_US, grown).astype(np.int32)
    )
    after = zone_tree(noisy, DIAMETERS_US, before)
    assert [named(after, k) for k in range(3)] == [named(before, k) for k in range(3)]


@given(rtt=matrices(n=12), n_old=st.integers(7, 12))
def test_a_node_that_joins_moves_nobody_else(rtt: RttMatrix, n_old: int) -> None:
    known = part(rtt, list(range(n_old)))
    before = zone_tree(known, DIAMETERS_US)
    after = zone_tree(rtt, DIAMETERS_US, before)
    for k in range(3):
        was, now = named(before, k), named(after, k)
        assert {node: now[node] for node in was if was[node]} == {n: z for n, z in was.items() if z}


@given(rtt=matrices(n=10), gone=st.sets(st.integers(0, 9), max_size=8))
def test_a_node_that_leaves_moves_nobody_else(rtt: RttMatrix, gone: set[int]) -> None:
    before = zone_tree(rtt, DIAMETERS_US)
    rest = part(rtt, [k for k in range(10) if k not in gone])
    after = zone_tree(rest, DIAMETERS_US, before)
    for k in range(3):
        was = named(before, k)
        assert all(zone in ("", was[node]) for node, zone in named(after, k).items())


@given(first=matrices(n=12), then=st.lists(matrices(n=12), min_size=1, max_size=3))
def test_whatever_happens_zones_nest_and_stay_within_1_1_diameters(
    first: RttMatrix, then: list[RttMatrix]
) -> None:
    tree = zone_tree(first, DIAMETERS_US)
    for rtt in then:
        tree = zone_tree(rtt, DIAMETERS_US, tree)
        assert nests(tree)
        for layer, diameter_us in enumerate(DIAMETERS_US):
            assert widest(rtt, tree, layer) <= diameter_us * 11 // 10


@given(first=matrices(n=12), second=matrices(n=12), is_afresh=st.booleans())
def test_a_name_goes_only_to_a_zone_that_shares_a_node_with_its_bearer(
    first: RttMatrix, second: RttMatrix, *, is_afresh: bool
) -> None:
    before = zone_tree(first, DIAMETERS_US)
    after = zone_tree(second, DIAMETERS_US, before, is_afresh=is_afresh)
    for k in range(3):
        was, now = named(before, k), named(after, k)
        kept = {name for node, name in now.items() if was[node] == name}
        assert (set(now.values()) & set(was.values())) - {""} <= kept


@given(rtt=matrices())
def test_clustering_the_same_matrix_afresh_changes_nothing(rtt: RttMatrix) -> None:
    before = zone_tree(rtt, DIAMETERS_US)
    after = zone_tree(rtt, DIAMETERS_US, before, is_afresh=True)
    assert [named(after, k) for k in range(3)] == [named(before, k) for k in range(3)]


@given(rtt=matrices(n=14), direct=st.integers(2, 5))
def test_cells_and_rows_read_singly_keep_the_diameter_and_the_nesting(
    rtt: RttMatrix, direct: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "DENSE_NODES", 3)
        patch.setattr(clustering, "DIRECT_ITEMS", direct)
        tree = zone_tree(rtt, DIAMETERS_US)
    assert nests(tree)
    assert [widest(rtt, tree, k) <= d for k, d in enumerate(DIAMETERS_US)] == [True] * 3


@given(rtt=matrices(n=14))
def test_rows_read_singly_give_the_zones_of_rows_held(rtt: RttMatrix) -> None:
    kept = zone_tree(rtt, DIAMETERS_US)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "DENSE_NODES", 3)
        read = zone_tree(rtt, DIAMETERS_US)
    assert [named(read, k) for k in range(3)] == [named(kept, k) for k in range(3)]
