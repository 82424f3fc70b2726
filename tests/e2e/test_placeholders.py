"""Reserves held against the stock kube-scheduler, on a cluster with imitations of kubelets."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.live.contenders import missing as missing_scheduler
from scheduler.reliability.cover.settings import PlaceholderSettings
from tests.real.api import Api, Object, Refused, read_manifests
from tests.real.cluster import Cluster
from tests.real.history import Life
from tests.real.kube_scheduler import STOCK, KubeScheduler
from tests.real.kubelet import Kubelets
from tests.real.matrices import on_a_line, write_matrix
from tests.real.objects import deployment, node, pod
from tests.real.schedulers import Scheduler

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("control-plane")]

MANIFEST = Path(__file__).parents[2] / "configs" / "kubernetes" / "optional" / "placeholders.yaml"
HELD = PlaceholderSettings().namespace
PODS = f"/api/v1/namespaces/{HELD}/pods"
NODES = ["edge-1", "edge-2", "edge-3"]
ON = {"cover": {"placeholders": {"enabled": True}}}
PATIENT = "patient"
BACKUP, REPLACES = "isochrone.dev/backup", "isochrone.dev/replaces"
STRATEGIC = "application/strategic-merge-patch+json"


@pytest.fixture
def kubelets(cluster: Cluster, scheduler_token: str, tmp_path: Path) -> Iterator[Kubelets]:
    """Run kubelets and kube-scheduler; have what placeholders need, and leave none of them."""
    assert missing_scheduler() == ""  # it is built along with the control plane
    assert scheduler_token
    api = cluster.api
    patient = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "value": 0}
    patient |= {"metadata": {"name": PATIENT}, "preemptionPolicy": "Never"}
    api.apply([*read_manifests(MANIFEST), patient])
    account = f"/api/v1/namespaces/{HELD}/serviceaccounts/default"
    cluster.wait_until(lambda: api.is_there(account), "pods are admitted there")
    kubeconfig = cluster.control_plane.kubeconfig("kube-scheduler")
    try:
        with Kubelets(cluster.control_plane) as running, KubeScheduler(kubeconfig, tmp_path):
            yield running
    finally:
        api.delete(PODS, gracePeriodSeconds="0")


def theirs(name: str, *, priority_class: str) -> Object:
    """Return a pod of kube-scheduler's that takes half of a node."""
    made = pod(name, cpu="500m", scheduler=STOCK)
    made["spec"]["priorityClassName"] = priority_class
    return made


def placeholders(cluster: Cluster) -> dict[str, str]:
    """Return how much CPU is held on each node."""
    return {
        one["spec"]["nodeName"]: one["spec"]["containers"][0]["resources"]["requests"]["cpu"]
        for one in cluster.api.items(PODS)
    }


def web(cluster: Cluster) -> list[Object]:
    return [p for p in cluster.pods() if p["metadata"].get("labels", {}).get("app") == "web"]


def start(cluster: Cluster) -> tuple[Object, str, str]:
    """Have a pod covered and its reserve held; return it, its backup and the third node."""
    cluster.add_nodes([node(name, cpu="1") for name in NODES])
    cluster.apply([deployment("web", replicas=1, cpu="600m", labels={"delay_edge-1": "25"})])
    cluster.wait_until(lambda: bool(placeholders(cluster)), "the reserve is held")
    [covered] = web(cluster)
    backup = covered["metadata"]["annotations"][BACKUP]
    assert placeholders(cluster) == {backup: "600m"}
    [third] = set(NODES) - {covered["spec"]["nodeName"], backup}
    return covered, backup, third


def is_told(cluster: Cluster, name: str) -> bool:
    """Whether kube-scheduler has said why a pod waits."""
    said = cluster.condition(name)
    return said is not None and "Insufficient cpu" in said.get("message", "")


def die(api: Api, name: str) -> None:
    """Have a node say that it is not ready."""
    status = {"conditions": [{"type": "Ready", "status": "False", "reason": "test"}]}
    api.ask("PATCH", f"/api/v1/nodes/{name}/status", {"status": status}, content_type=STRATEGIC)


def life(kubelets: Kubelets, namespace: str, name: str) -> Life:
    [found] = [one for one in kubelets.history.lives() if one.key == f"{namespace}/{name}"]
    return found


def test_kube_scheduler_leaves_a_reserve_alone_and_the_replacement_finds_it(
    cluster: Cluster, kubelets: Kubelets, kubeconfig: Path, tmp_path: Path
) -> None:
    matrix = write_matrix(tmp_path / "edge.npz", NODES, on_a_line([0, 10, 20]))
    with Scheduler(kubeconfig, tmp_path, matrix=matrix, settings=ON) as ours:
        covered, backup, third = start(cluster)
        [holder] = cluster.api.items(PODS)
        names = [f"theirs-{k}" for k in range(4)]
        cluster.add_pods([theirs(name, priority_class=PATIENT) for name in names])
        cluster.wait_until(
            lambda: sum(is_told(cluster, name) for name in names) == 2, "two of them wait"
        )
        bound = cluster.bound()
        there = {bound[name] for name in names if name in bound}
        assert there == {third}, "the backup has room for one of them but for the placeholder"

        # A pod that waits for room might be quicker than the replacement: nobody promises that.
        for name in names:
            if name not in bound:
                cluster.delete_pod(name)
        host, old = covered["spec"]["nodeName"], covered["metadata"]["name"]
        die(cluster.api, host)
        cluster.delete_pod(old)
        cluster.wait_until(
            lambda: any(p["status"]["phase"] == "Running" for p in web(cluster)), "it runs again"
        )

        [successor] = web(cluster)
        assert successor["spec"]["nodeName"] == backup
        assert successor["metadata"]["annotations"][REPLACES] == covered["metadata"]["uid"]
        assert kubelets.lost == []
        freed = life(kubelets, HELD, holder["metadata"]["name"]).ended
        came = life(kubelets, cluster.namespace, successor["metadata"]["name"]).bound
        assert 0 < freed < came, "by the order of the store"
        for bug in ("plan.rejected", "cycle.failed", "binding.failed", "placeholders.look_failed"):
            assert ours.lines(bug) == []


def test_a_pod_that_fits_nowhere_else_preempts_a_placeholder_and_it_is_told(
    cluster: Cluster, kubelets: Kubelets, kubeconfig: Path, tmp_path: Path
) -> None:
    matrix = write_matrix(tmp_path / "edge.npz", NODES, on_a_line([0, 10, 20]))
    with Scheduler(kubeconfig, tmp_path, matrix=matrix, settings=ON) as ours:
        _, backup, third = start(cluster)
        cluster.add_pods([theirs(f"first-{k}", priority_class=PATIENT) for k in range(2)])
        assert set(cluster.wait_for_bound(3).values()) == {*NODES} - {backup}
        cluster.add_pods([theirs("urgent", priority_class="")])
        cluster.wait_until(lambda: cluster.bound().get("urgent") == backup, "it took the reserve")

        path = f"/apis/events.k8s.io/v1/namespaces/{HELD}/events"
        cluster.wait_until(
            lambda: bool(cluster.api.items(path, fieldSelector="reason=PlaceholderLost")), "is told"
        )
        cluster.wait_until(
            lambda: cluster.pod("urgent")["status"]["phase"] == "Running", "the kubelet took it"
        )
        assert third
        assert ours.metric('isochrone_placeholders_lost_total{why="removed"}') == 1
        assert kubelets.lost == []


def test_the_rights_to_pods_end_at_the_namespace_of_placeholders(
    cluster: Cluster, kubelets: Kubelets, scheduler_account: Api
) -> None:
    assert kubelets.lost == []
    made: dict[str, Any] = pod("mine")
    made["spec"]["nodeName"] = "nowhere"

    for namespace in (cluster.namespace, "kube-system"):
        with pytest.raises(Refused, match="cannot create resource"):
            scheduler_account.create(f"/api/v1/namespaces/{namespace}/pods", made)
