"""Numbers that floating point and solvers dislike: many ranks, odd bytes, enormous rooms."""

from dataclasses import replace

import numpy as np
import pytest

from scheduler.domain.node import Node
from scheduler.domain.resources import CPU, MEMORY, PODS, resources
from scheduler.domain.snapshot import ClusterSnapshot, build_snapshot
from scheduler.domain.workload import NodeTerm, Pod, PreferredTerm, Requirement
from scheduler.placement.settings import CostSettings, EffortSettings, PlacementSettings
from scheduler.planning.plan import plan
from tests.builders import pod

QUICK = PlacementSettings(
    effort=EffortSettings(program_nodes=2, window_pivots=100, fullest_pivots=500)
)


def contested(seed: int, ranks: int, unit: int = 1) -> ClusterSnapshot:
    rng = np.random.default_rng(seed)
    nodes = [
        Node(
            f"n{i}",
            {
                CPU: int(rng.integers(3_000, 9_000)),
                MEMORY: int(rng.integers(8 * 10**9, 24 * 10**9)) * unit,
                PODS: 110,
            },
        )
        for i in range(6)
    ]
    pods = []
    for i in range(40):
        wanted = {
            CPU: int(rng.integers(500, 2_500)),
            MEMORY: int(rng.integers(10**9, 9 * 10**9)) * unit,
        }
        pods.append(pod(f"p{i}", requests=resources(wanted), priority=i % ranks))
    return build_snapshot(nodes, pods)


@pytest.mark.parametrize("ranks", [1, 8, 40])
def test_contested_rooms_are_settled_under_any_number_of_ranks(ranks: int) -> None:
    snapshot = contested(3, ranks)

    made = plan(snapshot, QUICK)

    placed = {a.pod.pod_class.priority for a in made.assignments}
    left = [u.pod.pod_class.priority for u in made.unplaced]
    assert left
    assert ranks == 1 or max(placed) == ranks - 1 > min(left)


@pytest.mark.parametrize("unit", [1, 1_000_003, 10**8])
def test_the_unit_of_a_resource_does_not_change_how_many_pods_fit(unit: int) -> None:
    few, many = (plan(contested(4, 1, unit=u), QUICK) for u in (1, unit))

    assert len(many.assignments) == len(few.assignments)


def test_rooms_beyond_what_floating_point_can_count_are_kept_exactly() -> None:
    nodes = [Node("free", {}, is_unlimited=True), Node("big", {MEMORY: (1 << 59) + 1, PODS: 9})]
    pods = [
        pod(f"p{i}", cpu_milli=0, requests=resources({CPU: i + 1, MEMORY: (1 << 57) * (i + 1) + i}))
        for i in range(8)
    ]

    made = plan(build_snapshot(nodes, pods), QUICK)

    assert 0 < len(made.assignments) < 8


def test_costs_beyond_the_solver_still_end_in_a_plan() -> None:
    huge = PlacementSettings(cost=CostSettings(score_weight=10**13), effort=QUICK.effort)
    snapshot = contested(6, 1)
    liked = PreferredTerm(100, NodeTerm((Requirement("moon", "Exists"),)))
    pods = [
        Pod(p.name, replace(p.pod_class, preferred_nodes=(liked,))) for p in snapshot.pending[:12]
    ]
    nodes = snapshot.nodes.nodes[:3]

    made = plan(build_snapshot(nodes, pods), huge)

    assert made.assignments
    assert made.unplaced
