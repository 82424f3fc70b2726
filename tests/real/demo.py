"""The demo of dev mode on a real control plane: nodes, round-trip times, deployments."""

from collections.abc import Mapping
from pathlib import Path

from simulator.world import Options, open_world
from telemetry.model import RttMatrix
from tests.real.api import Object
from tests.real.cluster import Cluster
from tests.real.matrices import write_matrix

_ROOT = Path(__file__).parents[2]
_REPLICAS: Mapping[str, int] = {"reports": 120, "game": 35, "shop": 22, "relay": 14}
"""More than the demo's own, so that two hundred pods find a place."""

PLACED = 200
WAITING = frozenset({"wishful", "typo"})
"""Deployments whose pods can never be placed."""


def add_demo(cluster: Cluster, folder: Path) -> Path:
    """Create the demo's nodes and deployments; return the matrix of its round-trip times."""
    world = open_world(Options(home=_ROOT))
    cluster.add_nodes([_written(node) for node in world.cluster.all_of("Node")])
    rtt = world.network.table(0.0)
    if not isinstance(rtt, RttMatrix):
        raise TypeError("the demo runs on a measured matrix")
    matrix = write_matrix(folder / "demo.npz", rtt.nodes, rtt.rtt_us)
    cluster.apply([manifest.object for manifest in world.manifests])
    for name, replicas in _REPLICAS.items():
        cluster.scale(name, replicas)
    return matrix


def waiting_apps(cluster: Cluster) -> set[str]:
    """Return the apps of which a pod is not bound."""
    waiting = (p for p in cluster.pods() if not p["spec"].get("nodeName"))
    return {p["metadata"]["labels"]["app"] for p in waiting}


def _written(obj: Object) -> Object:
    """Return an object without what the embedded cluster added to it."""
    kept = {k: v for k, v in obj["metadata"].items() if k in ("name", "labels", "annotations")}
    return {**obj, "metadata": kept}
