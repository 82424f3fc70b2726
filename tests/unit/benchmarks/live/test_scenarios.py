"""How many pods of which kind a scenario has, what they ask, and where presets may be."""

from collections import Counter

import msgspec
import pytest

from benchmarks.live.between import broken_rules
from benchmarks.live.kinds import namespace_of, node_numbers, pod_body
from benchmarks.live.scenarios import (
    SCENARIOS,
    TURNS,
    Scenario,
    never_fitting_of,
    pods_of,
    presets_of,
    sequence,
)
from benchmarks.live.wanted import PRESET_NAMESPACE, node_body, node_name
from tests.real.api import Object

NODES = 60


def presets(scenario: Scenario) -> list[Object]:
    """Return the bound presets of a scenario, as the load client makes them."""
    kinds = sequence(TURNS[scenario].preset, presets_of(scenario, NODES))
    made = []
    for turn, (kind, at) in enumerate(zip(kinds, node_numbers(kinds, NODES), strict=True)):
        pod = msgspec.json.decode(pod_body(turn, "nobody", kind))
        pod["metadata"]["namespace"] = PRESET_NAMESPACE
        pod["spec"]["nodeName"] = node_name(at)
        made.append(pod)
    return made


@pytest.mark.parametrize(
    ("scenario", "few", "many"),
    [
        ("plain", (500, 2_500), (1_000, 2_500)),
        ("spread", (1_000, 1_500), (5_000, 1_500)),
        ("antiaffinity", (200, 700), (1_000, 1_500)),
        ("affinity", (1_000, 1_500), (5_000, 1_500)),
        ("prefanti", (1_000, 1_500), (5_000, 1_500)),
        ("mixed", (1_000, 1_500), (5_000, 1_500)),
        ("unschedulable", (0, 1_500), (0, 1_500)),
    ],
)
def test_each_scenario_has_its_own_numbers(
    scenario: Scenario, few: tuple[int, int], many: tuple[int, int]
) -> None:
    found = [(presets_of(scenario, n), pods_of(scenario, n, 0)) for n in (1_000, 5_000)]

    assert found == [few, many]


def test_a_number_that_is_asked_for_holds_while_it_fits() -> None:
    assert [pods_of("mixed", 100, asked) for asked in (50, 5_000)] == [50, 200]


def test_kinds_come_in_turn() -> None:
    counts = Counter(sequence(TURNS["mixed"].measured, 600))

    assert counts == dict.fromkeys(TURNS["mixed"].measured, 100)


def test_pods_that_fit_nowhere_are_evenly_between_the_others() -> None:
    kinds = sequence(("plain",), 15, 5)

    assert kinds == ["plain", "plain", "plain", "huge"] * 5


def test_only_one_scenario_has_pods_that_fit_nowhere_and_they_are_kept_apart() -> None:
    assert {s: never_fitting_of(s) for s in SCENARIOS if never_fitting_of(s)} == {
        "unschedulable": 100
    }
    assert (namespace_of("huge"), namespace_of("plain")) == ("never", "bench")


def test_a_pod_that_fits_nowhere_asks_for_more_than_a_node_has() -> None:
    node, pod = msgspec.json.decode(node_body(0)), msgspec.json.decode(pod_body(0, "x", "huge"))

    asked = int(pod["spec"]["containers"][0]["resources"]["requests"]["cpu"])

    assert asked > int(node["status"]["allocatable"]["cpu"])


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_presets_are_bound_by_the_rules_of_their_kinds(scenario: Scenario) -> None:
    nodes = [msgspec.json.decode(node_body(number)) for number in range(NODES)]

    assert broken_rules(nodes, presets(scenario)) == []


def test_presets_that_want_no_other_leave_nodes_for_those_measured() -> None:
    for nodes in (100, 1_000, 5_000):
        alone = presets_of("antiaffinity", nodes) + pods_of("antiaffinity", nodes, 10**6)
        mixed = presets_of("mixed", nodes) + pods_of("mixed", nodes, 10**6)

        assert alone <= nodes
        assert mixed / len(TURNS["mixed"].measured) <= nodes
