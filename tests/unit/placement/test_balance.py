"""Load: plain pods fill nodes evenly, and latency comes first."""

from collections import Counter

import pytest

from scheduler.domain.plan import Plan
from scheduler.domain.snapshot import build_snapshot
from scheduler.placement.settings import CostSettings, EffortSettings, PlacementSettings
from scheduler.planning.plan import plan
from tests.builders import line_rtt, node, pod, within

SETTINGS = PlacementSettings()


def per_node(made: Plan) -> list[int]:
    return sorted(Counter(made.placement.values()).values())


@pytest.mark.parametrize("cpu_milli", [4_000, 64_000, 1_000_000])
@pytest.mark.parametrize(("count", "nodes"), [(12, 4), (40, 4), (30, 10), (37, 5), (39, 3)])
def test_plain_pods_fill_equal_nodes_evenly(count: int, nodes: int, cpu_milli: int) -> None:
    hosts = [node(f"n{i}", cpu_milli=cpu_milli) for i in range(nodes)]

    made = plan(build_snapshot(hosts, [pod(f"p{i}") for i in range(count)]), SETTINGS)

    assert per_node(made) == sorted(count // nodes + (i < count % nodes) for i in range(nodes))


def test_plain_pods_spread_over_more_nodes_than_a_class_starts_with() -> None:
    hosts = [node(f"n{i}") for i in range(40)]
    few = PlacementSettings(effort=EffortSettings(columns_per_class=3))

    made = plan(build_snapshot(hosts, [pod(f"p{i}") for i in range(40)]), few)

    assert per_node(made) == [1] * 40
    assert made.stats.is_optimal


@pytest.mark.parametrize("cpu_milli", [4_000, 64_000, 1_000_000])
def test_pods_that_come_one_by_one_do_not_pile_up_on_one_node(cpu_milli: int) -> None:
    hosts = [node(f"n{i}", cpu_milli=cpu_milli) for i in range(4)]
    one = pod("next", cpu_milli=cpu_milli // 20)
    running = [(pod(f"p{i}", cpu_milli=cpu_milli // 20), f"n{i}") for i in (0, 1, 3)]

    made = plan(build_snapshot(hosts, [one], placed=running), SETTINGS)

    assert set(made.placement.values()) == {"n2"}


def test_the_fullest_resource_of_a_node_decides_its_load() -> None:
    hosts = [node("many-pods", pods=10), node("much-cpu", pods=100)]
    running = [(pod(f"p{i}", cpu_milli=0), "many-pods") for i in range(8)]
    running += [(pod("big", cpu_milli=2_000), "much-cpu")]

    made = plan(build_snapshot(hosts, [pod("next")], placed=running), SETTINGS)

    assert set(made.placement.values()) == {"much-cpu"}


def test_a_millisecond_of_rtt_outweighs_any_load() -> None:
    names = ["near", "far"]
    hosts = [node(name, cpu_milli=1_000) for name in names]
    pods = [pod(f"p{i}", delays=(within(9, "near"),)) for i in range(10)]

    made = plan(build_snapshot(hosts, pods, rtt=line_rtt(names)), SETTINGS)

    assert set(made.placement.values()) == {"near"}


def test_without_the_balance_weight_load_costs_nothing() -> None:
    hosts = [node(f"n{i}") for i in range(3)]
    silent = PlacementSettings(cost=CostSettings(balance_weight=0))

    made = plan(build_snapshot(hosts, [pod(f"p{i}") for i in range(9)]), silent)

    assert made.stats.cost == 0
