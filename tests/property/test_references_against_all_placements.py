"""Pods that refer to each other, against every placement there is of tiny clusters."""

import itertools

import numpy as np
import pytest

from scheduler.domain.delay import DelayConstraint, Quantifier, Reference
from scheduler.domain.node import Node
from scheduler.domain.plan import Assignment, Plan, Unplaced
from scheduler.domain.reasons import Refusal
from scheduler.domain.resources import CPU, PODS, resources
from scheduler.domain.snapshot import ClusterSnapshot, build_snapshot
from scheduler.domain.workload import Pod, PodClass, WorkloadRef
from scheduler.placement.settings import CostSettings, PlacementSettings
from scheduler.planning.check import violations
from scheduler.planning.plan import plan
from telemetry.model import RttMatrix

LATENCY_ALONE = PlacementSettings(
    cost=CostSettings(
        balance_weight=0, spread_zone_weight=0, spread_domain_weight=0, spread_node_weight=0
    )
)
CLUSTERS_A_BLOCK = 12


def random_cluster(rng: np.random.Generator) -> ClusterSnapshot:
    n = int(rng.integers(2, 5))
    names = tuple(f"n{i}" for i in range(n))
    at = rng.uniform(0, 30_000, (n, 2))
    rtt_us = np.rint(np.linalg.norm(at[:, None] - at[None], axis=2)).astype(np.int32)
    nodes = [Node(x, {CPU: int(rng.integers(1, 4)) * 500, PODS: 3}) for x in names]
    workloads = int(rng.integers(2, 5))
    pods: list[Pod] = []
    for k in range(workloads):
        pod_class = PodClass(
            workload=WorkloadRef("Deployment", "default", f"w{k}"),
            labels=(("app", f"w{k}"),),
            requests=resources({CPU: int(rng.integers(1, 4)) * 250}),
            delays=random_delays(workloads, names, rng),
        )
        pods.extend(Pod(f"w{k}-{i}", pod_class) for i in range(int(rng.choice([1, 1, 2]))))
    return build_snapshot(nodes, pods[:5], rtt=RttMatrix(names, rtt_us))


def random_delays(
    workloads: int, names: tuple[str, ...], rng: np.random.Generator
) -> tuple[DelayConstraint, ...]:
    out = []
    for _ in range(int(rng.choice([0, 1, 1, 2]))):
        name = f"w{rng.integers(workloads)}" if rng.random() < 0.7 else str(rng.choice(names))
        quantifier = (None, Quantifier.ANY, Quantifier.ALL)[int(rng.integers(3))]
        within_us = int(rng.uniform(3_000, 30_000))
        out.append(DelayConstraint(Reference("auto", name, "default"), within_us, quantifier))
    return tuple(out)


def best_of_all(snapshot: ClusterSnapshot) -> tuple[int, int]:
    """Return the most pods that can stand, and the least latency at which they can."""
    names = [node.name for node in snapshot.nodes.nodes]
    best = (0, 0)
    for spots in itertools.product([None, *names], repeat=len(snapshot.pending)):
        placed = sum(spot is not None for spot in spots)
        if placed < best[0] or violations(snapshot, as_plan(snapshot, spots)):
            continue
        latency = latency_us(snapshot, dict(zip(snapshot.pending, spots, strict=True)))
        if placed > best[0] or latency < best[1]:
            best = (placed, latency)
    return best


def as_plan(snapshot: ClusterSnapshot, spots: tuple[str | None, ...]) -> Plan:
    pairs = list(zip(snapshot.pending, spots, strict=True))
    return Plan(
        tuple(Assignment(pod, spot) for pod, spot in pairs if spot is not None),
        tuple(Unplaced(pod, Refusal(len(snapshot.nodes))) for pod, spot in pairs if spot is None),
    )


def latency_us(snapshot: ClusterSnapshot, spots: dict[Pod, str | None]) -> int:
    """Return the sum of deciding RTTs; delays to a pod's own workload cost nothing."""
    total = 0
    for pod, spot in spots.items():
        if spot is None:
            continue
        here = snapshot.nodes.index[spot]
        for delay in pod.pod_class.delays:
            owner = pod.pod_class.workload
            if owner is not None and owner.name == delay.reference.name:
                continue
            values = [
                int(snapshot.rtt_from(source)[here])
                for source in sources(snapshot, spots, delay.reference.name)
            ]
            decide = max if delay.quantifier is Quantifier.ALL else min
            total += decide(values)
    return total


def sources(snapshot: ClusterSnapshot, spots: dict[Pod, str | None], name: str) -> list[str]:
    if name in snapshot.nodes.index:
        return [name]
    return [
        spot
        for pod, spot in spots.items()
        if spot is not None
        and pod.pod_class.workload is not None
        and pod.pod_class.workload.name == name
    ]


@pytest.mark.parametrize("block", range(6))
def test_no_placement_places_more_or_is_nearer(block: int) -> None:
    rng = np.random.default_rng(40 + block)
    for _ in range(CLUSTERS_A_BLOCK):
        snapshot = random_cluster(rng)
        most, least_us = best_of_all(snapshot)

        made = plan(snapshot, LATENCY_ALONE)

        spots = {pod: made.placement.get(pod.key) for pod in snapshot.pending}
        assert len(made.assignments) == most
        assert latency_us(snapshot, spots) <= least_us * 1.005 + 1
