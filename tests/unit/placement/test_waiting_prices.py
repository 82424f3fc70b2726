"""What it costs to leave a pod out: more than any place, so that nobody waits without need."""

from dataclasses import replace

import numpy as np

from scheduler.domain.snapshot import build_snapshot
from scheduler.placement.settings import EffortSettings, PlacementSettings
from scheduler.planning.plan import plan
from tests.builders import cloud_node, line_rtt, node, pod, within, workload

SETTINGS = PlacementSettings()
FEW_COLUMNS = PlacementSettings(effort=EffortSettings(columns_per_class=2))


def test_pods_overflow_to_the_edge_although_their_cheapest_columns_are_all_in_the_cloud() -> None:
    clouds = [cloud_node(f"cloud-{i}", cpu_milli=1_000) for i in range(48)]
    edges = [node(f"edge-{i}", cpu_milli=1_000) for i in range(12)]
    snapshot = build_snapshot(clouds + edges, [pod(f"p{i}", cpu_milli=1_000) for i in range(60)])

    made = plan(snapshot, SETTINGS)

    assert not made.unplaced
    assert made.stats.is_optimal


def test_a_pod_takes_a_far_node_rather_than_wait_when_the_near_ones_are_full() -> None:
    names = [f"n{i}" for i in range(6)]
    nodes = [node(name, cpu_milli=1_000) for name in names]
    rtt = line_rtt(names, step_ms=100.0)
    pods = [pod(f"p{i}", cpu_milli=1_000, delays=(within(1_000, "n0"),)) for i in range(6)]

    made = plan(build_snapshot(nodes, pods, rtt=rtt), FEW_COLUMNS)

    assert sorted(made.placement.values()) == names


def test_a_thousand_priorities_are_ranked_in_one_flow() -> None:
    nodes = [node(f"n{i}", cpu_milli=1_000) for i in range(5)]
    rng = np.random.default_rng(3)
    pods = [pod(f"p{k}", cpu_milli=1_000, priority=int(k)) for k in rng.permutation(1_000)]

    made = plan(build_snapshot(nodes, pods), SETTINGS)

    assert sorted(made.placement) == [f"default/p{k}" for k in range(995, 1_000)]
    assert made.stats.is_optimal


def test_a_spread_that_costs_more_than_the_rtt_leaves_nobody_out() -> None:
    names = [f"n{i}" for i in range(4)]
    nodes = [node(name, cpu_milli=1_000) for name in names]
    running = pod("old", cpu_milli=0, workload=workload("web"))
    pods = [
        pod(f"web-{i}", cpu_milli=50, workload=workload("web"), delays=(within(5, "n0"),))
        for i in range(80)
    ]
    placed = [(replace(running, name=f"old-{i}"), "n0") for i in range(30)]

    made = plan(build_snapshot(nodes, pods, placed=placed, rtt=line_rtt(names)), FEW_COLUMNS)

    assert len(made.assignments) == 80
