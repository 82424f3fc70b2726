"""A cycle of the benchmark of rules: what is timed, and how it leaves the cluster."""

import pytest

from benchmarks.bench_rules import Laps, one_cycle
from benchmarks.busy_cluster import BusyCluster, Size
from benchmarks.rule_floor import make_floor

SIZE = Size(nodes=100, running=1_000, pods=40, classes=20)


def test_a_cycle_is_all_its_steps() -> None:
    laps = Laps(freeze=[1.0, 2.0], decide=[10.0, 20.0], check=[0.5, 0.5], assume=[0.1, 0.2])

    assert laps.cycle == pytest.approx([11.6, 22.7])


def test_after_a_cycle_as_many_pods_run_as_before() -> None:
    cluster, laps = BusyCluster(make_floor(SIZE.nodes, 1), SIZE, 1), Laps()

    one_cycle(cluster, laps)

    assert cluster.cache.pods.placed_count == SIZE.running
    assert 0 < laps.placed[0] <= SIZE.pods
