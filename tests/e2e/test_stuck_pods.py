"""Pods stuck on silent nodes are freed: by the real controllers, and with the optional rights."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scheduler.domain.node import OUT_OF_SERVICE
from scheduler.domain.workload import Pod, PodClass
from scheduler.kube.answers import Denied
from scheduler.kube.client import connected
from scheduler.kube.cluster import KubeCluster
from tests.e2e.conftest import MANIFESTS
from tests.e2e.test_rights import rights
from tests.real.api import Object, read_manifests
from tests.real.cluster import Cluster
from tests.real.controllers import NODE_DEATHS
from tests.real.deaths import Nodes
from tests.real.heartbeats import Heartbeats
from tests.real.kubelet import Kubelets
from tests.real.objects import OURS, node, pod, pod_spec
from tests.real.schedulers import Scheduler

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("control-plane")]

RIGHTS = {"delete pods", "patch nodes"}
BINDING = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/isochrone-force-delete"


@pytest.fixture
def entitled(cluster: Cluster, scheduler_token: str) -> Iterator[Path]:
    """Give the way of an account with the optional rights, which it loses afterwards."""

    def found() -> set[str]:
        return RIGHTS & rights(cluster.control_plane, scheduler_token, cluster.namespace)

    cluster.api.apply(read_manifests(MANIFESTS / "optional" / "force-delete.yaml"))
    cluster.wait_until(lambda: found() == RIGHTS, "the rights")
    yield cluster.control_plane.kubeconfig("entitled", token=scheduler_token)
    cluster.api.delete(BINDING)
    cluster.wait_until(lambda: not found(), "the end of the rights")


async def freed(cluster: Cluster, kubeconfig: Path) -> None:
    """Remove a pod and put a node out of service by way of an account."""
    cluster.add_nodes([node("far")])
    cluster.add_pods([pod("stuck")])
    uid = cluster.pod("stuck")["metadata"]["uid"]
    async with connected(kubeconfig) as client:
        port = KubeCluster(client, OURS)
        await port.remove_pod(Pod("stuck", PodClass(namespace=cluster.namespace), uid=uid))
        await port.set_out_of_service("far", is_out=True)


async def test_the_optional_rights_suffice_to_free_stuck_pods(
    cluster: Cluster, entitled: Path
) -> None:
    await freed(cluster, entitled)

    taints = cluster.api.get("/api/v1/nodes/far")["spec"]["taints"]
    assert OUT_OF_SERVICE.value in [taint.get("value") for taint in taints]
    assert cluster.api.items(f"{cluster.path}/pods") == []


async def test_without_them_it_is_refused(cluster: Cluster, scheduler_token: str) -> None:
    account = cluster.control_plane.kubeconfig("without", token=scheduler_token)

    with pytest.raises(Denied, match="403"):
        await freed(cluster, account)


HOSTS = ("one", "two", "three", "four")
SOON_S = 5
UNREACHABLE = "node.kubernetes.io/unreachable"


def stateful(name: str) -> Object:
    """Return a StatefulSet of one pod that gives its node up after a second."""
    given_up = {"key": UNREACHABLE, "operator": "Exists", "effect": "NoExecute"}
    spec = {**pod_spec(), "tolerations": [{**given_up, "tolerationSeconds": 1}]}
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name},
        "spec": {
            "replicas": 1,
            "serviceName": name,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }


def taint_values(cluster: Cluster, host: str, key: str) -> set[str]:
    """Return the values of a node's taints of one key."""
    taints = cluster.api.get(f"/api/v1/nodes/{host}")["spec"].get("taints", [])
    return {taint.get("value", "") for taint in taints if taint["key"] == key}


@contextmanager
def dying(
    cluster: Cluster, kubeconfig: Path, place: Path, mode: str
) -> Iterator[tuple[Nodes, Scheduler, str]]:
    """Have a StatefulSet's pod run, and its node fall silent; give the node's name."""
    failover = {"forceDelete": mode, "forceAfterSeconds": SOON_S}
    plane = cluster.control_plane
    with (
        plane.running(NODE_DEATHS),
        Kubelets(plane) as kubelets,
        Heartbeats(plane, HOSTS) as heartbeats,
        Scheduler(kubeconfig, place, settings={"failover": failover}) as scheduler,
    ):
        cluster.add_nodes([node(name) for name in HOSTS])
        cluster.apply([stateful("db")])
        cluster.wait_for_bound(1)
        host = cluster.bound()["db-0"]
        nodes = Nodes(heartbeats, kubelets)
        nodes.kill(host)
        yield nodes, scheduler, host


def test_a_stateful_pod_on_a_silent_node_is_removed_and_made_elsewhere(
    cluster: Cluster, entitled: Path, tmp_path: Path
) -> None:
    with dying(cluster, entitled, tmp_path, "delete") as (_, scheduler, host):
        cluster.wait_until(
            lambda: cluster.bound().get("db-0", host) != host, "the pod runs elsewhere"
        )

        [done] = scheduler.lines("forced.done")
        assert done["what"].endswith(f"{host} is silent and the pod was to end")
        assert scheduler.lines("forced.failed") == []


def test_a_silent_node_is_put_out_of_service_until_it_is_back(
    cluster: Cluster, entitled: Path, tmp_path: Path
) -> None:
    with dying(cluster, entitled, tmp_path, "outOfService") as (nodes, _, host):
        cluster.wait_until(
            lambda: taint_values(cluster, host, OUT_OF_SERVICE.key) == {OUT_OF_SERVICE.value},
            "the node is out of service",
        )
        nodes.heartbeats.resume(host)
        cluster.wait_until(
            lambda: not taint_values(cluster, host, OUT_OF_SERVICE.key), "it is back in service"
        )


def test_by_default_the_pod_stays_and_nothing_is_forced(
    cluster: Cluster, entitled: Path, tmp_path: Path
) -> None:
    with dying(cluster, entitled, tmp_path, "off") as (_, scheduler, host):
        cluster.wait_until(
            lambda: "deletionTimestamp" in cluster.pod("db-0")["metadata"], "the pod is to end"
        )
        ending = cluster.pod("db-0")["metadata"]["uid"]
        cluster.wait_until(
            lambda: scheduler.metric('isochrone_nodes_believed{state="dead"}') == 1, "it is dead"
        )

        assert cluster.pod("db-0")["metadata"]["uid"] == ending
        assert cluster.bound() == {"db-0": host}
        assert scheduler.lines("forced.done") == []
