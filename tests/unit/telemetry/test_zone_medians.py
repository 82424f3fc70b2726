"""Medians between zones: what they are of, and how many there may be."""

import numpy as np

from telemetry.keeping import KeepSettings
from telemetry.model import UNKNOWN_US
from telemetry.stamps import MaxAges
from telemetry.store import RttStore
from telemetry.zone_medians import ZONES_AT_MOST, ZoneMedians
from tests.true_network import measured_row


def add(medians: ZoneMedians, node: str, rtt_us: dict[str, int]) -> None:
    medians.add(node, list(rtt_us), np.array(list(rtt_us.values()), dtype=np.int32))


def test_each_zone_has_the_median_of_its_nodes_and_the_last_five_reports() -> None:
    medians = ZoneMedians({"a": 0, "b": 1, "c": 1, "d": 1, "e": 2, "x": -1})
    add(medians, "a", {"e": 9_000, "b": 1_000, "x": 1, "c": 5_000, "d": 4_000, "stranger": 1})
    assert medians.median_us("a", "b") == 4_000
    assert medians.median_us("e", "a") == 9_000
    add(medians, "a", {"b": 10_000, "c": 21_000, "d": UNKNOWN_US})
    assert medians.median_us("c", "a") == (4_000 + 15_500) // 2
    for _ in range(5):
        add(medians, "b", {"a": 2_000})
        add(medians, "a", {"b": 2_000})
    assert medians.median_us("a", "d") == 2_000
    assert medians.median_us("a", "x") == UNKNOWN_US
    assert medians.median_us("b", "e") == UNKNOWN_US


def test_zones_beyond_the_largest_number_are_left_out_and_cost_nothing() -> None:
    names = [f"n{k}" for k in range(3 * ZONES_AT_MOST)]
    medians = ZoneMedians({name: k for k, name in enumerate(names)})
    add(medians, "n0", dict.fromkeys(names[1:], 7_000))
    add(medians, names[-1], dict.fromkeys(names[:-1], 7_000))
    assert medians.median_us("n0", "n1") == 7_000
    assert medians.median_us("n0", names[-1]) == UNKNOWN_US


def test_where_every_pair_is_kept_no_medians_are() -> None:
    store = RttStore(KeepSettings(MaxAges(), 3), lambda: 0.0)
    zone_of = {name: k for k, name in enumerate("abcd")}
    store.know("abc")
    store.set_zones(zone_of)
    store.know("abcd")
    store.take(measured_row("a", {"b": 5_000}))
    assert store.first_to_measure("a", 9) == []
    store.set_zones(zone_of)
    store.take(measured_row("a", {"b": 5_000}))
    assert store.first_to_measure("c", 9) == []
    store.take(measured_row("a", {"d": 9_000}))
    assert store.first_to_measure("a", 1) == ["b"]
