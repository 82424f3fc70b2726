"""The same load twice on one cluster, one half for our scheduler, one for the stock one.

CPU is what is scarce: there is less of it than is asked for. Pods of whole quarters of a CPU leave
100m of each node to the small ones, which contend for host ports and for being alone instead.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from tests.real.api import Object
from tests.real.cluster import Cluster
from tests.real.kube_scheduler import STOCK
from tests.real.kubelet import Kubelets
from tests.real.objects import OURS, deployment, node, pod_spec

ZONE = "topology.kubernetes.io/zone"
_ZONES = 3
_HALF_MILLI = 500
_SMALL = "10m"
_KINDS = ("plain", "spread", "alone", "port")
_SIDES: Mapping[str, str] = {OURS: "ours", STOCK: "theirs"}

Adjust: TypeAlias = Callable[[Object], Object]
"""Returns a pod's spec with something added."""


def mixed_node(name: str, number: int) -> Object:
    """Return a node of four CPUs, and 100m for the small pods, in one of three zones."""
    return node(name, cpu="4100m", labels={ZONE: f"zone-{number % _ZONES}"})


class MixedLoad:
    """Deployments of both schedulers, that come and go in waves.

    Parameters
    ----------
    cluster
        Where; it has nodes, all of `mixed_node`.
    kubelets
        At work there.
    adjust
        By scheduler, what its pods say beside.
    """

    def __init__(
        self, cluster: Cluster, kubelets: Kubelets, adjust: Mapping[str, Adjust] | None = None
    ) -> None:
        self._cluster, self._kubelets = cluster, kubelets
        for scheduler in _SIDES:
            cluster.apply(_workloads(scheduler, (adjust or {}).get(scheduler, lambda spec: spec)))

    def rise(self, halves: int, few: int) -> None:
        """Have pods made, more than there is room for, and wait until there is room no more.

        Parameters
        ----------
        halves
            Plain pods of half a CPU, of each scheduler.
        few
            Of each other kind, of each scheduler.
        """
        self._scale(halves, few)
        asked = len(_SIDES) * (halves + few * (len(_KINDS) - 1))
        self._cluster.wait_until(lambda: self._alive() >= asked, f"{asked} pods are made")
        nodes = len(self._cluster.api.items("/api/v1/nodes"))
        self._cluster.wait_until(lambda: self._is_full(nodes), "every node is full")

    def fall(self) -> None:
        """Have all pods go."""
        self._scale(0, 0)
        self._cluster.wait_until(lambda: not self._alive(), "the pods are gone")

    def wait_until_all_run(self) -> None:
        """Wait until as many pods run as are asked for, in the place of refused ones too."""
        path = f"/apis/apps/v1/namespaces/{self._cluster.namespace}/deployments"

        def do_all_run() -> bool:
            return all(
                found["status"].get("availableReplicas", 0) == found["spec"]["replicas"]
                for found in self._cluster.api.items(path)
            )

        self._cluster.wait_until(do_all_run, "all pods run")

    def _alive(self) -> int:
        return sum(not life.ended for life in self._kubelets.history.lives())

    def _is_full(self, nodes: int) -> bool:
        free_milli = self._kubelets.free("cpu")
        return len(free_milli) == nodes and max(free_milli.values()) < _HALF_MILLI

    def _scale(self, halves: int, few: int) -> None:
        for kind in _KINDS:
            for side in _SIDES.values():
                self._cluster.scale(f"{kind}-{side}", halves if kind == "plain" else few)


def _workloads(scheduler: str, adjust: Adjust) -> list[Object]:
    """Return a Deployment of each kind, without pods yet."""
    side = _SIDES[scheduler]
    specs: dict[str, Object] = {
        "plain": _spec(scheduler, f"{_HALF_MILLI}m"),
        "spread": _spec(scheduler, "250m")
        | {"topologySpreadConstraints": _spread(f"spread-{side}")},
        "alone": _spec(scheduler, _SMALL) | {"affinity": away_from({"alone": "yes"})},
        "port": _with_port(_spec(scheduler, _SMALL)),
    }
    out = []
    for kind in _KINDS:
        made = deployment(f"{kind}-{side}", replicas=0, labels={kind: "yes"})
        made["spec"]["template"]["spec"] = adjust(specs[kind])
        out.append(made)
    return out


def away_from(labels: Mapping[str, str]) -> Object:
    """Return the affinity of a pod that shares its node with none that has these labels."""
    term = {"labelSelector": {"matchLabels": dict(labels)}, "topologyKey": "kubernetes.io/hostname"}
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def _spec(scheduler: str, cpu: str) -> dict[str, Any]:
    return pod_spec(cpu=cpu, scheduler=scheduler)


def _spread(app: str) -> Sequence[Object]:
    return [
        {
            "maxSkew": 1,
            "topologyKey": ZONE,
            "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {"app": app}},
        }
    ]


def _with_port(spec: dict[str, Any]) -> Object:
    [container] = spec["containers"]
    return {**spec, "containers": [{**container, "ports": [_PORT]}]}


_PORT: Mapping[str, int] = {"containerPort": 8080, "hostPort": 8080}
