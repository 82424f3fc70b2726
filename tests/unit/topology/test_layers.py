"""Zone trees: which node is in which zone, and what the zones are called."""

from pathlib import Path

import numpy as np
import pytest

from scheduler.domain.zone import Layer, ZoneTree
from scheduler.topology.layers import zone_tree
from scheduler.topology.zoning import zone_facts
from telemetry.model import RttMatrix, empty_rtt
from tests.builders import line_rtt, rtt_ms

PLANETLAB = Path("simulator/data/planetlab490_rtt_us.npz")


def zones(layer: Layer, tree: ZoneTree) -> dict[str, str]:
    """Return the zone's name of each node that has one."""
    return {
        node: layer.names[zone]
        for node, zone in zip(tree.nodes, layer.zone_of.tolist(), strict=True)
        if zone >= 0
    }


def test_zones_are_named_by_diameter_and_the_node_in_the_middle() -> None:
    tree = zone_tree(line_rtt(("a", "b", "c"), step_ms=1), [2_500])
    assert tree.layers[0].names == ("z2.5-b",)


def test_a_long_node_name_gives_a_zone_name_a_label_can_hold() -> None:
    names = (f"edge-{'x' * 240}-1", f"edge-{'x' * 240}-2")
    tree = zone_tree(line_rtt(names, step_ms=100), [25_000])
    assert [len(name) <= 63 for name in tree.layers[0].names] == [True, True]
    assert len(set(tree.layers[0].names)) == 2


def test_a_node_nobody_measured_is_in_no_zone() -> None:
    rtt = rtt_ms(("a", "b", "c"), [[0, 1, -1], [1, 0, -1], [-1, -1, 0]])
    assert zone_tree(rtt, [5_000]).layers[0].zone_of.tolist() == [0, 0, -1]


def test_no_nodes_make_no_zones() -> None:
    tree = zone_tree(empty_rtt(), [5_000, 25_000])
    assert [layer.names for layer in tree.layers] == [(), ()]


@pytest.mark.parametrize("diameters_us", [[0], [-5], [5, 5], [25, 5]])
def test_diameters_must_be_positive_and_ascend(diameters_us: list[int]) -> None:
    with pytest.raises(ValueError, match="ascending"):
        zone_tree(empty_rtt(), diameters_us)


def test_the_slower_direction_counts() -> None:
    tree = zone_tree(rtt_ms(("a", "b"), [[0, 1], [9, 0]]), [5_000])
    assert tree.layers[0].zone_of.tolist() == [0, 1]


def test_a_node_that_is_slow_but_within_the_tolerance_stays() -> None:
    before = zone_tree(rtt_ms(("a", "b"), [[0, 5], [5, 0]]), [5_000])
    after = zone_tree(rtt_ms(("a", "b"), [[0, 5.5], [5.5, 0]]), [5_000], before)
    assert zones(after.layers[0], after) == zones(before.layers[0], before)


def test_a_node_beyond_the_tolerance_gets_a_zone_of_its_own() -> None:
    before = zone_tree(rtt_ms(("a", "b"), [[0, 5], [5, 0]]), [5_000])
    after = zone_tree(rtt_ms(("a", "b"), [[0, 5.6], [5.6, 0]]), [5_000], before)
    assert zones(after.layers[0], after) == {"a": "z5-a", "b": "z5-b"}


def test_a_pair_that_is_not_measured_for_a_while_moves_nobody() -> None:
    names = ("a", "b", "c")
    before = zone_tree(line_rtt(names), [5_000])
    gap = rtt_ms(names, [[0, 1, -1], [1, 0, 1], [-1, 1, 0]])
    after = zone_tree(gap, [5_000], before)
    assert after.layers[0].names == before.layers[0].names


def site_moves(at_ms: list[float]) -> RttMatrix:
    """Return RTTs of nodes on a line, at given places."""
    names = tuple(f"n{k}" for k in range(len(at_ms)))
    at = np.array(at_ms)
    return rtt_ms(names, np.abs(at[:, None] - at[None, :]).tolist())


def test_a_site_that_drifts_away_moves_as_one_and_keeps_its_name() -> None:
    diameters = [5_000, 50_000]
    before = zone_tree(site_moves([0, 1, 2, 40, 41]), diameters)
    after = zone_tree(site_moves([0, 1, 2, 140, 141]), diameters, before)
    small, large = after.layers
    assert zones(small, after) == zones(before.layers[0], before)
    assert len(set(large.zone_of.tolist())) == 2


def test_a_site_that_drifts_to_another_joins_it_as_one() -> None:
    diameters = [5_000, 50_000]
    before = zone_tree(site_moves([0, 1, 2, 40, 41, 200, 201, 202]), diameters)
    after = zone_tree(site_moves([0, 1, 2, 240, 241, 200, 201, 202]), diameters, before)
    assert zones(after.layers[0], after) == zones(before.layers[0], before)
    large = zones(after.layers[1], after)
    assert large["n3"] == large["n4"] == large["n5"] == zones(before.layers[1], before)["n5"]


def test_a_name_outlives_the_node_it_was_made_from_and_is_not_given_away() -> None:
    before = zone_tree(site_moves([0, 1, 2]), [5_000])
    assert before.layers[0].names == ("z5-n1",)
    after = zone_tree(site_moves([0, 60, 2]), [5_000], before)
    assert zones(after.layers[0], after) == {"n0": "z5-n1", "n2": "z5-n1", "n1": "z5-n1-2"}


def test_a_network_that_is_another_one_is_clustered_anew_and_keeps_names_by_overlap() -> None:
    n = 200
    near = site_moves([0.0] * n)
    far = site_moves([float(k % 2) * 100 for k in range(n)])
    before = zone_tree(near, [5_000])
    after = zone_tree(far, [5_000], before)
    assert len(after.layers[0].names) == 2
    assert after.layers[0].names.count(before.layers[0].names[0]) == 1


def test_facts_say_who_is_in_the_middle_and_how_wide_a_zone_is() -> None:
    rtt = line_rtt(("a", "b", "c"))
    tree = zone_tree(rtt, [5_000])
    facts = zone_facts(rtt, tree, tree.layers[0])
    assert [(f.name, f.nodes, f.medoid, f.width_us) for f in facts] == [
        ("z5-b", ("a", "b", "c"), "b", 2_000)
    ]


def test_at_most_half_a_percent_of_nodes_move_a_snapshot_on_planetlab() -> None:
    """The recording: 18 snapshots of 490 hosts over nine days (its README has the source)."""
    stored = np.load(PLANETLAB)
    series = np.vstack([stored["first"][None], stored["delta"]]).cumsum(0)
    names = tuple(f"host-{k}" for k in range(490))
    upper = np.triu_indices(490, 1)
    moved = np.zeros(3)
    tree: ZoneTree | None = None
    for snapshot in series:
        rtt_us = np.zeros((490, 490), dtype=np.int32)
        rtt_us[upper] = snapshot
        after = zone_tree(RttMatrix(names, rtt_us + rtt_us.T), [5_000, 25_000, 100_000], tree)
        for k in range(3) if tree is not None else ():
            assert tree is not None
            was, now = zones(tree.layers[k], tree), zones(after.layers[k], after)
            moved[k] += sum(was[name] != now[name] for name in names) / 490
        tree = after
    assert (moved / (len(series) - 1)).max() <= 0.005
