"""The scheduler at work, seen from the API server: it is refused nothing."""

from pathlib import Path

import pytest

from tests.real.api import Object, Refused, read_manifests
from tests.real.cluster import Cluster
from tests.real.objects import node, pod
from tests.real.schedulers import Scheduler
from tests.real.storage import Provisioner, Storage, using

MANIFESTS = Path(__file__).parents[2] / "configs" / "kubernetes"
pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("control-plane")]


def forbidden(cluster: Cluster) -> float:
    """Return how many requests were refused for want of a right, since the API server's start."""
    counters = [
        line.rpartition(" ")
        for line in cluster.api.text("/metrics").splitlines()
        if line.startswith("authorization_attempts_total{")
    ]
    assert any('result="allowed"' in key for key, _, _ in counters)
    return sum(float(count) for key, _, count in counters if 'result="allowed"' not in key)


def test_leading_binding_telling_and_ending_need_no_right_that_is_not_shipped(
    cluster: Cluster, kubeconfig: Path, tmp_path: Path
) -> None:
    before = forbidden(cluster)
    cluster.add_nodes([node("near")])
    cluster.add_pods([pod("game"), pod("giant", cpu="100")])

    with Scheduler(kubeconfig, tmp_path, is_alone=False) as scheduler:
        cluster.wait_for_bound(1)
        cluster.wait_until(lambda: bool(cluster.events("game", "Scheduled")), "the event")
        cluster.wait_until(lambda: bool(cluster.events("giant", "FailedScheduling")), "the reason")
        scheduler.program.stop()

    assert forbidden(cluster) == before


def test_binding_volumes_needs_no_right_that_is_not_shipped(
    cluster: Cluster, storage: Storage, kubeconfig: Path, tmp_path: Path
) -> None:
    before = forbidden(cluster)
    cluster.add_nodes([node("near")])
    storage.add_local_volume("disk", "near")
    storage.add_claim("here", storage.waits)
    storage.add_claim("made", storage.made)
    cluster.add_pods([using(pod("game"), "here", "made")])

    with Scheduler(kubeconfig, tmp_path, is_alone=False), Provisioner(storage, cluster):
        cluster.wait_for_bound(1)

    assert forbidden(cluster) == before


def test_without_rights_to_storage_only_pods_with_claims_wait(
    cluster: Cluster, storage: Storage, tmp_path: Path
) -> None:
    cluster.add_nodes([node("near")])
    storage.add_local_volume("disk", "near")
    storage.add_claim("data", storage.waits)
    cluster.add_pods([pod("game"), using(pod("db"), "data")])
    account = cluster.control_plane.kubeconfig("before", token=token_of_earlier_rights(cluster))

    with Scheduler(account, tmp_path):
        assert cluster.wait_for_bound(1) == {"game": "near"}
        cluster.wait_until(lambda: bool(cluster.events("db", "FailedScheduling")), "the reason")

    [event, *_] = cluster.events("db", "FailedScheduling")
    assert "cannot be listed" in event["note"]
    assert "rbac.yaml" in event["note"]


def token_of_earlier_rights(cluster: Cluster) -> str:
    """Return a token of an account that has the shipped rights, but for storage and namespaces."""
    name = {"name": f"{cluster.namespace}-earlier", "namespace": "kube-system"}
    earlier = []
    for shipped in read_manifests(MANIFESTS / "rbac.yaml"):
        made = {**shipped, "metadata": name}
        if shipped["kind"] == "ClusterRole":
            made["rules"] = [rule for rule in shipped["rules"] if not _is_of_volumes(rule)]
        if shipped["kind"] == "ClusterRoleBinding":
            made["roleRef"] = {**shipped["roleRef"], "name": name["name"]}
            made["subjects"] = [{"kind": "ServiceAccount", **name}]
        if not shipped["kind"].startswith("Role"):
            earlier.append(made)
    cluster.api.apply(earlier)
    return cluster.control_plane.service_account_token("kube-system", name["name"])


def _is_of_volumes(rule: Object) -> bool:
    named = {"namespaces", "persistentvolumes"}
    return "storage.k8s.io" in rule["apiGroups"] or not named.isdisjoint(rule["resources"])


def test_a_request_without_the_right_is_counted(cluster: Cluster, scheduler_token: str) -> None:
    before = forbidden(cluster)
    account = cluster.control_plane.account(scheduler_token)

    with pytest.raises(Refused):
        account.get("/api/v1/secrets")

    account.close()
    assert forbidden(cluster) == before + 1
