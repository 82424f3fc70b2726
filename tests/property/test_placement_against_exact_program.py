"""Whole placements against an exact integer program on small random clusters."""

from dataclasses import replace

import numpy as np
import pytest

from scheduler.domain.delay import DelayConstraint, Reference
from scheduler.domain.node import FAILURE_DOMAIN_LABEL, Node
from scheduler.domain.resources import CPU, MEMORY, PODS, resources
from scheduler.domain.snapshot import ClusterSnapshot, build_snapshot
from scheduler.domain.workload import Pod, PodClass, WorkloadRef
from scheduler.placement.settings import CostSettings, PlacementSettings
from scheduler.planning.plan import plan
from telemetry.model import RttMatrix
from tests.property.exact_program import ExactProgram

# Load is a tie-break of the order of the tolerance; a test of its own holds it.
SETTINGS = PlacementSettings(cost=CostSettings(balance_weight=0, spread_zone_weight=0))
CLUSTERS_A_BLOCK = 25


def random_cluster(rng: np.random.Generator) -> ClusterSnapshot:
    n = int(rng.integers(2, 7))
    names = tuple(f"n{i}" for i in range(n))
    at = rng.uniform(0, 40_000, (n, 2))
    rtt_us = np.rint(np.linalg.norm(at[:, None] - at[None, :], axis=2)).astype(np.int32)
    domains = int(rng.integers(1, 4))
    nodes = [
        Node(
            name,
            {CPU: int(rng.integers(2, 9)) * 500, MEMORY: int(rng.integers(2, 9)) << 28, PODS: 6},
            {FAILURE_DOMAIN_LABEL: f"d{i % domains}"}
            | ({"kubernetes.io/role": "cloud"} if rng.random() < 0.15 else {}),
        )
        for i, name in enumerate(names)
    ]
    pods: list[Pod] = []
    for k in range(int(rng.integers(1, 6))):
        pods.extend(random_pods(k, names, rng))
    return build_snapshot(nodes, pods, rtt=RttMatrix(names, rtt_us))


def random_pods(k: int, names: tuple[str, ...], rng: np.random.Generator) -> list[Pod]:
    delays = tuple(
        DelayConstraint(Reference("auto", str(rng.choice(names)), "default"), int(budget))
        for budget in rng.uniform(1_000, 40_000, int(rng.choice([0, 1, 1, 2])))
    )
    wanted = {CPU: int(rng.integers(1, 5)) * 250, MEMORY: int(rng.integers(1, 5)) << 27}
    pod_class = PodClass(
        workload=WorkloadRef("Deployment", "default", f"w{k}"),
        labels=(("app", f"w{k}"),),
        requests=resources(wanted),
        delays=delays,
        priority=int(rng.choice([0, 0, 0, 10])),
    )
    return [Pod(f"w{k}-{i}", pod_class) for i in range(int(rng.integers(1, 5)))]


@pytest.mark.parametrize("block", range(8))
def test_as_many_pods_are_placed_and_within_half_a_percent_of_the_least_cost(block: int) -> None:
    rng = np.random.default_rng(1_000 + block)
    for _ in range(CLUSTERS_A_BLOCK):
        snapshot = random_cluster(rng)
        placed, cost = ExactProgram(snapshot, SETTINGS).solve()

        made = plan(snapshot, SETTINGS)

        assert placed_by_priority(snapshot, made.placement) == placed
        assert made.stats.cost <= cost * 1.005 + 1
        if made.stats.is_optimal:
            assert made.stats.bound <= cost + 1


def placed_by_priority(snapshot: ClusterSnapshot, placement: object) -> tuple[int, ...]:
    assert isinstance(placement, dict)
    priorities = sorted({p.pod_class.priority for p in snapshot.pending}, reverse=True)
    return tuple(
        sum(p.pod_class.priority == priority and p.key in placement for p in snapshot.pending)
        for priority in priorities
    )


def test_the_order_of_pods_of_equal_rank_does_not_change_how_many_are_placed() -> None:
    rng = np.random.default_rng(7)
    for _ in range(20):
        snapshot = random_cluster(rng)
        shuffled = replace(
            snapshot,
            pending=tuple(snapshot.pending[i] for i in rng.permutation(len(snapshot.pending))),
        )

        assert len(plan(snapshot, SETTINGS).assignments) == len(
            plan(shuffled, SETTINGS).assignments
        )
