"""Clusters to decide on, from a seed, before they are frozen into snapshots.

490 nodes are PlanetLab's; other sizes are metros. Nine pods in ten refer to a node within 10, 25 or
50 ms.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.cases import MIB, UNIT_MIB, Case
from scheduler.domain.delay import DelayConstraint, Reference
from scheduler.domain.node import FAILURE_DOMAIN_LABEL, ROLE_LABEL, Node
from scheduler.domain.resources import CPU, MEMORY, PODS, resources
from scheduler.domain.snapshot import ClusterSnapshot, build_snapshot
from scheduler.domain.workload import Pod, PodClass, WorkloadRef
from scheduler.domain.zone import ZoneTree
from scheduler.service.settings import ClusteringSettings
from scheduler.topology.layers import zone_tree
from simulator.metros import make_metros
from simulator.planetlab import NODES, load_snapshots
from telemetry.model import RttMatrix, RttTable

_BUDGETS_US = (10_000, 25_000, 50_000)
_NODES_A_SITE = 10


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Plain objects; `snapshot` freezes them, which is a step that is timed too."""

    nodes: tuple[Node, ...]
    pods: tuple[Pod, ...]
    rtt: RttTable
    zones: ZoneTree
    placed: tuple[tuple[Pod, str], ...] = ()

    def snapshot(self) -> ClusterSnapshot:
        """Return the scene as a decision sees it."""
        return build_snapshot(
            self.nodes, self.pods, placed=self.placed, rtt=self.rtt, zones=self.zones
        )


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """Nodes, their RTTs and zones: what scenes of one size share."""

    nodes: tuple[Node, ...]
    rtt: RttTable
    zones: ZoneTree

    @property
    def names(self) -> tuple[str, ...]:
        """Node names."""
        return self.rtt.nodes


def rtt_table(n: int, seed: int) -> RttTable:
    """Return PlanetLab's first snapshot for 490 nodes, metros for any other number."""
    names = tuple(f"edge-{i}" for i in range(n))
    if n == NODES:
        return RttMatrix(names, load_snapshots()[0])
    return make_metros(n, seed).table(names, 0)


def make_ground(n: int, seed: int) -> Ground:
    """Return `n` nodes of 16 CPU and 64 Gi, ten a failure domain, clustered by default layers."""
    rtt = rtt_table(n, seed)
    nodes = tuple(
        Node(
            name,
            {CPU: 16_000, MEMORY: 64 << 30, PODS: 110},
            {FAILURE_DOMAIN_LABEL: f"site-{i // _NODES_A_SITE}"},
        )
        for i, name in enumerate(rtt.nodes)
    )
    return Ground(nodes, rtt, zone_tree(rtt, ClusteringSettings().diameters_us))


def make_scene(ground: Ground, pods: int, classes: int, seed: int, *, running: int = 0) -> Scene:
    """Return `pods` pending pods in `classes` classes, and `running` pods placed already."""
    rng = np.random.default_rng(seed)
    kinds = [_some_class(k, ground.names, rng) for k in range(classes)]
    pending = tuple(Pod(f"w{k % classes}-{k // classes}", kinds[k % classes]) for k in range(pods))
    n = len(ground.nodes)
    old = [_small_class(k) for k in range(max(1, running // 100))]
    placed = tuple(
        (Pod(f"old{k % len(old)}-{k // len(old)}", old[k % len(old)]), ground.names[k % n])
        for k in range(running)
    )
    return Scene(ground.nodes, pending, ground.rtt, ground.zones, placed)


def _some_class(number: int, names: Sequence[str], rng: np.random.Generator) -> PodClass:
    delays: tuple[DelayConstraint, ...] = ()
    if rng.random() < 0.9:  # noqa: PLR2004 - nine in ten
        reference = Reference("auto", names[int(rng.integers(len(names)))], "default")
        delays = (DelayConstraint(reference, int(rng.choice(_BUDGETS_US))),)
    wanted = {
        CPU: int(rng.choice([100, 250, 500])),
        MEMORY: int(rng.choice([128, 256, 512])) * MIB,
    }
    return _pod_class(f"w{number}", wanted, delays)


def _small_class(number: int) -> PodClass:
    return _pod_class(f"old{number}", {CPU: 100, MEMORY: 128 * MIB}, ())


def _pod_class(
    name: str, wanted: dict[str, int], delays: tuple[DelayConstraint, ...], priority: int = 0
) -> PodClass:
    return PodClass(
        workload=WorkloadRef("Deployment", "default", name),
        labels=(("app", name),),
        requests=resources(wanted),
        delays=delays,
        priority=priority,
    )


def case_scene(case: Case) -> Scene:
    """Return a case as `plan` reads its files: memory alone is limited, each pod its own class."""
    names = tuple(f"n{i:03d}" for i in range(len(case.node_units)))
    rtt = RttMatrix(names, (case.rtt_ms * 1_000).astype(np.int32))
    nodes = tuple(
        Node(name, {MEMORY: units * UNIT_MIB * MIB}, is_unlimited=True)
        for name, units in zip(names, case.node_units.tolist(), strict=True)
    )
    pods = []
    for k, units in enumerate(case.pod_units.tolist()):
        reference = Reference("auto", names[case.pod_reference[k]], "default")
        delay = DelayConstraint(reference, int(case.pod_radius_ms[k]) * 1_000)
        pods.append(
            Pod(
                f"pod{k:04d}",
                _pod_class(f"pod{k:04d}", {MEMORY: units * UNIT_MIB * MIB}, (delay,)),
            )
        )
    return Scene(nodes, tuple(pods), rtt, ZoneTree())


def little_scene(rng: np.random.Generator) -> Scene:
    """Return 2 to 6 nodes and up to 20 pods: replicas, two resources, two ranks, the cloud."""
    n = int(rng.integers(2, 7))
    names = tuple(f"n{i}" for i in range(n))
    at_us = rng.uniform(0, 40_000, (n, 2))
    rtt_us = np.rint(np.linalg.norm(at_us[:, None] - at_us[None, :], axis=2)).astype(np.int32)
    domains = int(rng.integers(1, 4))
    nodes = []
    for i, name in enumerate(names):
        room = {CPU: int(rng.integers(2, 9)) * 500, MEMORY: int(rng.integers(2, 9)) << 28, PODS: 6}
        labels = {FAILURE_DOMAIN_LABEL: f"d{i % domains}"}
        if rng.random() < 0.15:  # noqa: PLR2004 - one in seven
            labels[ROLE_LABEL] = "cloud"
        nodes.append(Node(name, room, labels))
    pods: list[Pod] = []
    for k in range(int(rng.integers(1, 6))):
        delays = tuple(
            DelayConstraint(Reference("auto", str(rng.choice(names)), "default"), int(budget))
            for budget in rng.uniform(1_000, 40_000, int(rng.choice([0, 1, 1, 2])))
        )
        wanted = {CPU: int(rng.integers(1, 5)) * 250, MEMORY: int(rng.integers(1, 5)) << 27}
        kind = _pod_class(f"w{k}", wanted, delays, int(rng.choice([0, 0, 0, 10])))
        pods.extend(Pod(f"w{k}-{i}", kind) for i in range(int(rng.integers(1, 5))))
    return Scene(tuple(nodes), tuple(pods), RttMatrix(names, rtt_us), ZoneTree())
