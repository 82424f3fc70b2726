"""What the optional rights to free stuck pods allow, asked of a real API server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler.domain.node import OUT_OF_SERVICE
from scheduler.domain.workload import Pod, PodClass
from scheduler.kube.answers import Denied
from scheduler.kube.client import connected
from scheduler.kube.cluster import KubeCluster
from tests.e2e.conftest import MANIFESTS
from tests.e2e.test_rights import rights
from tests.real.api import read_manifests
from tests.real.cluster import Cluster
from tests.real.objects import OURS, node, pod

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
