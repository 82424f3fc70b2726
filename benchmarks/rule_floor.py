"""The nodes of the benchmark of rules: machine sizes, zones, racks, taints, round-trip times."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.scenes import rtt_table
from scheduler.domain.node import FAILURE_DOMAIN_LABEL, HOSTNAME_LABEL, Node, Taint
from scheduler.domain.resources import CPU, MEMORY, PODS
from scheduler.domain.zone import ZoneTree
from scheduler.service.settings import ClusteringSettings
from scheduler.topology.layers import zone_tree
from telemetry.model import RttTable

ZONES = 10
ZONE_KEY, HOST_KEY, RACK_KEY = FAILURE_DOMAIN_LABEL, HOSTNAME_LABEL, "rack"
DISK_KEY, GENERATION_KEY, POOL_KEY = "disk", "generation", "pool"
BATCH = Taint("dedicated", "batch", "NoSchedule")
SPOT = Taint("spot", "", "PreferNoSchedule")

_NODES_A_RACK = 25
_CPUS, _CPU_SHARES = (8, 16, 32, 64), (0.3, 0.4, 0.2, 0.1)
_GIB_A_CPU = 4
_GENERATIONS = 5
_BATCH_SHARE, _SPOT_SHARE, _CORDONED_SHARE, _NOT_READY_SHARE = 0.04, 0.03, 0.005, 0.003


@dataclass(frozen=True, slots=True, eq=False)
class Floor:
    """Nodes ordered by metro, so that a zone is near itself.

    `zone_of` has shape ``(n,)``; `is_open` says which nodes take pods that tolerate nothing.
    """

    nodes: tuple[Node, ...]
    rtt: RttTable
    zones: ZoneTree
    zone_of: NDArray[np.int64]
    is_open: NDArray[np.bool_]

    def carries(self, key: str, *values: str) -> NDArray[np.bool_]:
        """Return which nodes have one of `values` under a label, shape ``(n,)``."""
        return np.array([node.labels.get(key) in values for node in self.nodes], dtype=np.bool_)


def zone_name(number: int) -> str:
    """Return the name of a zone."""
    return f"zone-{number}"


def make_floor(n: int, seed: int) -> Floor:
    """Return `n` nodes from a seed."""
    rng = np.random.default_rng(seed)
    rtt = rtt_table(n, seed)
    zone_of = np.arange(n) * ZONES // n
    nodes = tuple(_node(i, name, int(zone_of[i]), rng) for i, name in enumerate(rtt.nodes))
    is_open = np.array([_is_open(node) for node in nodes], dtype=np.bool_)
    zones = zone_tree(rtt, ClusteringSettings().diameters_us)
    return Floor(nodes, rtt, zones, zone_of, is_open)


def _node(number: int, name: str, zone: int, rng: np.random.Generator) -> Node:
    cpus = int(rng.choice(_CPUS, p=_CPU_SHARES))
    taints = []
    if rng.random() < _BATCH_SHARE:
        taints.append(BATCH)
    if rng.random() < _SPOT_SHARE:
        taints.append(SPOT)
    labels = {
        HOST_KEY: name,
        ZONE_KEY: zone_name(zone),
        RACK_KEY: f"rack-{number // _NODES_A_RACK}",
        DISK_KEY: "ssd" if rng.random() < 0.5 else "hdd",  # noqa: PLR2004 - half of them
        GENERATION_KEY: str(1 + int(rng.integers(_GENERATIONS))),
        POOL_KEY: "batch" if BATCH in taints else "general",
    }
    return Node(
        name,
        {CPU: cpus * 1_000, MEMORY: cpus * _GIB_A_CPU << 30, PODS: 110},
        labels,
        tuple(taints),
        is_ready=rng.random() >= _NOT_READY_SHARE,
        is_unschedulable=rng.random() < _CORDONED_SHARE,
    )


def _is_open(node: Node) -> bool:
    return node.is_ready and not node.is_unschedulable and BATCH not in node.taints
