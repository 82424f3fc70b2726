"""Replicas spread over failure domains, then zones, then nodes, existing ones counted."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from scheduler.domain.node import FAILURE_DOMAIN_LABEL, Node
from scheduler.domain.plan import Plan
from scheduler.domain.snapshot import build_snapshot
from scheduler.domain.workload import Pod
from scheduler.domain.zone import Layer, ZoneTree
from scheduler.placement.settings import CostSettings, PlacementSettings
from scheduler.planning.plan import plan
from tests.builders import line_rtt, node, pod, within, workload

SETTINGS = PlacementSettings()
NO_LOAD = PlacementSettings(cost=CostSettings(balance_weight=0))


def in_domains(*domains: str, cpu_milli: int = 100_000) -> list[Node]:
    return [
        node(f"n{i}", cpu_milli=cpu_milli, pods=1_000, labels={FAILURE_DOMAIN_LABEL: domain})
        for i, domain in enumerate(domains)
    ]


def replicas(count: int, owner: str = "web", start: int = 0) -> list[Pod]:
    return [pod(f"{owner}-{i}", workload=workload(owner)) for i in range(start, start + count)]


def per_domain(made: Plan, nodes: Sequence[Node]) -> dict[str, int]:
    domain = {n.name: n.failure_domain for n in nodes}
    return dict(Counter(domain[on] for on in made.placement.values()))


def per_node(placement: Mapping[str, str]) -> list[int]:
    return sorted(Counter(placement.values()).values())


def test_replicas_go_to_different_domains_before_a_second_node_of_one() -> None:
    nodes = in_domains("a", "a", "a", "b")

    made = plan(build_snapshot(nodes, replicas(2)), SETTINGS)

    assert per_domain(made, nodes) == {"a": 1, "b": 1}


def test_within_a_domain_replicas_go_to_different_nodes() -> None:
    nodes = in_domains("a", "a", "b", "b")

    made = plan(build_snapshot(nodes, replicas(4)), SETTINGS)

    assert per_node(made.placement) == [1, 1, 1, 1]


def test_within_a_domain_replicas_go_to_different_zones_before_nodes() -> None:
    nodes = [node(f"n{i}") for i in range(4)]
    names = tuple(n.name for n in nodes)
    zone_of = np.array([0, 0, 0, 1], dtype=np.int32)
    zones = ZoneTree(names, (Layer(5_000, zone_of, ("left", "right")),))

    made = plan(build_snapshot(nodes, replicas(2), zones=zones), SETTINGS)

    assert "n3" in made.placement.values()


def test_a_node_that_the_zones_do_not_know_yet_takes_replicas_all_the_same() -> None:
    nodes = [node(f"n{i}") for i in range(3)]
    zones = ZoneTree(("n0",), (Layer(5_000, np.array([0], dtype=np.int32), ("left",)),))

    made = plan(build_snapshot(nodes, replicas(3), zones=zones), SETTINGS)

    assert per_node(made.placement) == [1, 1, 1]


def test_replicas_that_run_already_are_counted() -> None:
    nodes = in_domains("a", "b", "c")
    running = [(one, on) for one, on in zip(replicas(2), ("n0", "n1"), strict=True)]

    made = plan(build_snapshot(nodes, replicas(1, start=2), placed=running), SETTINGS)

    assert set(made.placement.values()) == {"n2"}


def test_a_replica_on_its_way_out_is_not_counted() -> None:
    nodes = in_domains("a", "b")
    running = [(one, on) for one, on in zip(replicas(3), ("n0", "n0", "n1"), strict=True)]
    leaving = frozenset({"default/web-0", "default/web-1"})

    made = plan(
        build_snapshot(nodes, replicas(1, start=3), placed=running, terminating=leaving), SETTINGS
    )

    assert set(made.placement.values()) == {"n0"}


def test_replicas_of_another_workload_are_not_counted() -> None:
    nodes = in_domains("a", "b", "b")
    running = [(one, "n0") for one in replicas(5, owner="other")]

    made = plan(build_snapshot(nodes, replicas(2), placed=running), SETTINGS)

    assert per_domain(made, nodes) == {"a": 1, "b": 1}


def test_a_workload_of_the_same_name_in_another_namespace_is_not_counted() -> None:
    nodes = in_domains("a", "b")
    elsewhere = pod("x", namespace="other", workload=workload("web", namespace="other"))

    made = plan(build_snapshot(nodes, replicas(2), placed=[(elsewhere, "n0")]), SETTINGS)

    assert per_domain(made, nodes) == {"a": 1, "b": 1}


def test_a_node_without_a_failure_domain_takes_replicas_too() -> None:
    nodes = [*in_domains("a", "b"), node("n2", cpu_milli=100_000)]

    made = plan(build_snapshot(nodes, replicas(3)), SETTINGS)

    assert per_node(made.placement) == [1, 1, 1]


def test_replicas_share_a_domain_where_the_budget_leaves_nothing_else() -> None:
    nodes = in_domains("a", "a", "b")
    names = [n.name for n in nodes]
    near = [pod(f"web-{i}", workload=workload("web"), delays=(within(1, "n0"),)) for i in range(3)]

    made = plan(build_snapshot(nodes, near, rtt=line_rtt(names)), SETTINGS)

    assert set(made.placement.values()) == {"n0", "n1"}


@pytest.mark.parametrize(("count", "domains"), [(7, 3), (40, 4), (100, 4), (101, 7), (250, 2)])
def test_many_replicas_spread_evenly_over_domains_and_over_their_nodes(
    count: int, domains: int
) -> None:
    nodes = in_domains(*[f"d{i % domains}" for i in range(2 * domains)])

    made = plan(build_snapshot(nodes, replicas(count)), SETTINGS)

    by_domain = per_domain(made, nodes).values()
    assert max(by_domain) - min(by_domain) <= 1
    by_node = per_node(made.placement)
    assert max(by_node) - min(by_node) <= 1
    assert made.stats.is_optimal


@pytest.mark.parametrize("seed", range(20))
def test_the_price_of_spreading_is_the_least_there_is_and_a_proof_is_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, count = int(rng.integers(2, 6)), int(rng.integers(20, 120))
    room = rng.integers(count // n, count + 1, n)
    room[0] = count
    nodes = [node(f"n{i}", cpu_milli=100 * int(r) + 4_000, pods=1_000) for i, r in enumerate(room)]
    there = rng.integers(0, 40, n).tolist()
    running = [
        (pod(f"old-{i}-{k}", cpu_milli=100, workload=workload("web")), f"n{i}")
        for i in range(n)
        for k in range(there[i])
    ]

    made = plan(build_snapshot(nodes, replicas(count), placed=running), NO_LOAD)

    slots = [(int(r) * 100 + 4_000 - 100 * t) // 100 for r, t in zip(room, there, strict=True)]
    least = least_price(count, there, slots)
    assert len(made.assignments) == count
    assert made.stats.cost <= least * 1.005
    assert made.stats.bound <= least or not made.stats.is_optimal


def least_price(count: int, existing: list[int], slots: list[int]) -> int:
    """Put each replica where the next one is cheapest: exact for one level of convex prices."""
    now, total = [0] * len(existing), 0
    for _ in range(count):
        here = min(
            (i for i in range(len(now)) if now[i] < slots[i]), key=lambda i: existing[i] + now[i]
        )
        total += 20_000 * (existing[here] + now[here])
        now[here] += 1
    return total
