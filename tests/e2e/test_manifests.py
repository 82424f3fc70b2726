"""The shipped manifests, taken by a real API server."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import MANIFESTS
from tests.real import programs
from tests.real.api import Object, Refused, read_manifests
from tests.real.cluster import Cluster
from tests.real.objects import deployment, pod

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("control-plane")]

SYSTEM = "/api/v1/namespaces/kube-system/pods"
OURS = "app.kubernetes.io/name=isochrone"
FILES = ("rbac.yaml", "configmap.yaml", "deployment.yaml")


@pytest.fixture
def installed(cluster: Cluster) -> Iterator[Cluster]:
    """Apply everything; take the Deployment and its pods away again."""
    for name in FILES:
        cluster.api.apply(read_manifests(MANIFESTS / name))
    yield cluster
    cluster.api.delete("/apis/apps/v1/namespaces/kube-system/deployments/isochrone")
    cluster.api.delete("/apis/policy/v1/namespaces/kube-system/poddisruptionbudgets/isochrone")
    cluster.wait_until(lambda: not our_pods(cluster), "the pods of the Deployment are gone")


def our_pods(cluster: Cluster) -> list[Object]:
    return cluster.api.items(SYSTEM, labelSelector=OURS)


def template() -> Object:
    documents = read_manifests(MANIFESTS / "deployment.yaml")
    found: Object = next(d for d in documents if d["kind"] == "Deployment")["spec"]["template"]
    return found


@pytest.fixture
def restricted(cluster: Cluster) -> Cluster:
    """Give a namespace that takes only pods without privileges, with our ServiceAccount."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    cluster.api.patch(cluster.path, {"metadata": {"labels": labels}})
    cluster.api.create(f"{cluster.path}/serviceaccounts", {"metadata": {"name": "isochrone"}})
    return cluster


def try_pod(cluster: Cluster, spec: Object) -> None:
    made = {"metadata": {"name": "tried"}, "spec": spec}
    cluster.api.create(f"{cluster.path}/pods", made, dryRun="All")


def test_the_deployment_gets_its_two_replicas_with_the_priority_of_the_system(
    installed: Cluster,
) -> None:
    installed.wait_until(lambda: len(our_pods(installed)) == 2, "two replicas")

    for one in our_pods(installed):
        assert one["spec"]["priority"] == 2_000_000_000
        assert one["spec"]["serviceAccountName"] == "isochrone"
        assert one["spec"]["schedulerName"] == "default-scheduler"


def test_the_budget_for_disruptions_covers_the_replicas(installed: Cluster) -> None:
    path = "/apis/policy/v1/namespaces/kube-system/poddisruptionbudgets/isochrone"

    installed.wait_until(
        lambda: installed.api.get(path)["status"].get("expectedPods") == 2,
        "the budget counts both replicas",
    )


def test_kubectl_takes_the_whole_folder_at_once(cluster: Cluster, tmp_path: Path) -> None:
    kubectl = [
        str(programs.folder() / "kubectl"),
        f"--kubeconfig={cluster.control_plane.kubeconfig('kubectl')}",
        f"--cache-dir={tmp_path}",
    ]

    ended = subprocess.run(  # noqa: S603 - the program that make control-plane built
        [*kubectl, "apply", "--dry-run=server", "--warnings-as-errors", f"--filename={MANIFESTS}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    assert "deployment.apps/isochrone" in ended.stdout


def test_its_pods_are_let_into_a_namespace_that_allows_no_privileges(restricted: Cluster) -> None:
    try_pod(restricted, template()["spec"])


def test_without_its_security_context_they_would_not_be(restricted: Cluster) -> None:
    spec = template()["spec"]
    del spec["securityContext"]

    with pytest.raises(Refused, match="runAsNonRoot") as refusal:
        try_pod(restricted, spec)

    assert refusal.value.status == 403


def is_refused(cluster: Cluster, path: str, tried: Object) -> bool:
    try:
        cluster.api.create(path, tried, dryRun="All")
    except Refused:
        return True
    return False


@pytest.fixture
def policed(cluster: Cluster) -> Iterator[Cluster]:
    """Apply the policies for delay labels, and wait until both act: each begins on its own."""
    policies = read_manifests(MANIFESTS / "delay-label-policy.yaml")
    cluster.api.apply(policies)
    bad = {"delay_a": "soon"}
    workloads = f"/apis/apps/v1/namespaces/{cluster.namespace}/deployments"

    def acting() -> tuple[bool, bool]:
        return (
            is_refused(cluster, f"{cluster.path}/pods", pod("bad", labels=bad)),
            is_refused(cluster, workloads, deployment("bad", replicas=0, labels=bad)),
        )

    cluster.wait_until(lambda: all(acting()), "the policies act")
    yield cluster
    for policy in policies:
        cluster.api.delete(cluster.api.path_of(policy))
    cluster.wait_until(lambda: not any(acting()), "the policies are gone")


def test_a_delay_that_is_none_is_refused_when_the_pod_is_sent(policed: Cluster) -> None:
    with pytest.raises(Refused, match='delay_edge-1: "fast" is not a delay; write a positive'):
        policed.add_pods([pod("typo", labels={"delay_edge-1": "fast"})])


def test_a_workload_whose_template_has_such_a_delay_is_refused_too(policed: Cluster) -> None:
    with pytest.raises(Refused, match='delay_edge-1: "0" is not a delay'):
        policed.apply([deployment("typo", replicas=1, labels={"delay_edge-1": "0"})])


def test_delays_that_can_be_read_pass_the_policy(policed: Cluster) -> None:
    policed.add_pods([pod("near", labels={"delay_edge-1": "2.5"})])
    policed.apply([deployment("nearer", replicas=1, labels={"delay_edge-1": "25"})])

    policed.wait_until(lambda: len(policed.pods()) == 2, "both pods are there")
