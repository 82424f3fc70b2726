"""The cluster of the benchmark of rules: what it holds, and how it stays as large as it is."""

from collections import Counter

import numpy as np
import pytest

from benchmarks.busy_cluster import BusyCluster, Places, Size
from benchmarks.rule_classes import KINDS, make_classes
from benchmarks.rule_floor import Floor, make_floor
from scheduler.domain.plan import Assignment, Plan, Unplaced
from scheduler.domain.reasons import Refusal

SEED = 5
SIZE = Size(nodes=300, running=4_500, pods=80, classes=40)


@pytest.fixture(scope="module")
def floor() -> Floor:
    return make_floor(SIZE.nodes, SEED)


@pytest.fixture
def cluster(floor: Floor) -> BusyCluster:
    return BusyCluster(floor, SIZE, SEED)


def test_every_kind_of_pod_is_among_few_classes(floor: Floor) -> None:
    assert {made.kind for made in make_classes(floor, 20, SEED)} == set(KINDS)


def test_every_class_has_a_node_that_allows_it(floor: Floor) -> None:
    assert all(made.homes.any() for made in make_classes(floor, 200, SEED))


def test_as_many_pods_run_as_were_asked_for_and_no_node_has_too_many(cluster: BusyCluster) -> None:
    frozen = cluster.cache.freeze((), 0.0)

    assert len(frozen.placed.pods) == SIZE.running
    assert (frozen.nodes.free >= 0).all()


def test_no_two_running_pods_that_want_a_node_each_share_one(cluster: BusyCluster) -> None:
    alone = [made.pod_class for made in cluster.classes if made.wants_own_node]

    shared = [
        count
        for pod_class in alone
        for count in Counter(node for _, node in cluster.running[pod_class]).values()
    ]

    assert set(shared) == {1}


def test_running_pods_of_a_hard_spread_are_even_over_the_zones(floor: Floor) -> None:
    made = next(m for m in make_classes(floor, 20, SEED) if m.kind == "hard spread")

    rows = Places(floor, np.random.default_rng(SEED)).take(made, 100)

    assert Counter(floor.zone_of[rows].tolist()) == dict.fromkeys(range(10), 10)


def test_pods_arrive_in_all_classes_evenly(cluster: BusyCluster) -> None:
    pods = cluster.arrive()

    assert Counter(Counter(pod.pod_class for pod in pods).values()) == {2: SIZE.classes}
    assert all(cluster.cache.pods.is_pending(pod) for pod in pods)


def test_for_each_pod_that_is_placed_one_of_its_class_finishes(
    floor: Floor, cluster: BusyCluster
) -> None:
    first, *others = cluster.arrive()
    oldest, _ = cluster.running[first.pod_class][0]
    waits = tuple(Unplaced(pod, Refusal(SIZE.nodes)) for pod in others)
    cluster.cache.pods.assume(first, floor.nodes[0].name)

    cluster.settle(Plan((Assignment(first, floor.nodes[0].name),), waits))

    assert cluster.cache.pods.placed_count == SIZE.running
    assert cluster.cache.pods.get(oldest.key) is None
    assert cluster.cache.pods.get(others[0].key) is None


def test_a_changed_node_is_another_to_the_next_decision(cluster: BusyCluster) -> None:
    before = cluster.cache.freeze((), 0.0).nodes.nodes[7]

    cluster.relabel_a_node(7)

    assert cluster.cache.freeze((), 0.0).nodes.nodes[7] != before
