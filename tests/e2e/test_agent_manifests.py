"""The agents' manifest, taken by a real API server: a pod a node, and nothing it must not have."""

from collections.abc import Iterator

import pytest

from tests.e2e.conftest import MANIFESTS
from tests.real.api import Object, Refused, read_manifests
from tests.real.cluster import Cluster
from tests.real.objects import node

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("control-plane")]

SYSTEM = "/api/v1/namespaces/kube-system"
OURS = "app.kubernetes.io/name=isochrone-agent"


def agents(cluster: Cluster) -> list[Object]:
    return cluster.api.items(f"{SYSTEM}/pods", labelSelector=OURS)


def wanted_node(pod: Object) -> str:
    """Return the node a pod of a DaemonSet is made for."""
    terms = pod["spec"]["affinity"]["nodeAffinity"]
    (term,) = terms["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    (field,) = term["matchFields"]
    (name,) = field["values"]
    return str(name)


def template() -> Object:
    documents = read_manifests(MANIFESTS / "agent.yaml")
    found: Object = next(d for d in documents if d["kind"] == "DaemonSet")["spec"]["template"]
    return found


@pytest.fixture
def installed(cluster: Cluster) -> Iterator[Cluster]:
    """Apply the manifest to a cluster with nodes of all kinds; take it away again."""
    tainted = node("control-plane", labels={"node-role.kubernetes.io/control-plane": ""})
    tainted["spec"] = {
        "taints": [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]
    }
    sick = node("sick")
    sick["spec"] = {"taints": [{"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}]}
    cluster.add_nodes([node("edge-1"), tainted, sick])
    manifests = read_manifests(MANIFESTS / "agent.yaml")
    cluster.api.apply(manifests)
    yield cluster
    for one in manifests:
        cluster.api.delete(cluster.api.path_of(one))
    cluster.api.delete(f"{SYSTEM}/pods", labelSelector=OURS, gracePeriodSeconds="0")
    cluster.wait_until(lambda: not agents(cluster), "the agents are gone")


def test_every_node_gets_an_agent_also_those_that_are_kept_or_sick(installed: Cluster) -> None:
    installed.wait_until(lambda: len(agents(installed)) == 3, "an agent a node")

    found = agents(installed)
    assert sorted(map(wanted_node, found)) == ["control-plane", "edge-1", "sick"]
    for pod in found:
        assert pod["spec"]["serviceAccountName"] == "isochrone-agent"
        assert pod["spec"]["priority"] == 2_000_000_000
        # Nothing is added on admission: the one token is the one that is asked for.
        assert [one["name"] for one in pod["spec"]["volumes"]] == ["token", "ca"]


def test_agents_have_no_right_that_not_every_account_has(installed: Cluster) -> None:
    plane = installed.control_plane
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    found = []
    for name in ("isochrone-agent", "default"):
        account = plane.account(plane.service_account_token("kube-system", name))
        rules = account.create(path, {"spec": {"namespace": "kube-system"}})["status"]
        account.close()
        found.append(rules["resourceRules"])

    assert found[0] == found[1]


def test_the_name_for_reports_leads_to_replicas_that_are_not_ready_too(
    installed: Cluster,
) -> None:
    labels = {"app.kubernetes.io/name": "isochrone", "app.kubernetes.io/component": "scheduler"}
    port = {"name": "reports", "containerPort": 10252}
    made = {
        "metadata": {"name": "replica", "labels": labels},
        "spec": {
            "nodeName": "edge-1",
            "containers": [{"name": "main", "image": "none", "ports": [port]}],
        },
    }
    slices = "/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices"
    installed.api.create(f"{SYSTEM}/pods", made)
    try:
        said = {"phase": "Running", "podIP": "10.0.0.9", "podIPs": [{"ip": "10.0.0.9"}]}
        not_ready = {"type": "Ready", "status": "False"}
        installed.api.patch(
            f"{SYSTEM}/pods/replica/status", {"status": said | {"conditions": [not_ready]}}
        )

        def led_to() -> list[tuple[list[str], bool, int]]:
            return [
                (end["addresses"], end["conditions"]["ready"], one["ports"][0]["port"])
                for one in installed.api.items(
                    slices, labelSelector="kubernetes.io/service-name=isochrone-telemetry"
                )
                for end in one.get("endpoints") or ()
            ]

        installed.wait_until(
            lambda: led_to() == [(["10.0.0.9"], True, 10252)], "the name leads to the replica"
        )
    finally:
        installed.api.delete(f"{SYSTEM}/pods/replica", gracePeriodSeconds="0")


@pytest.fixture
def restricted(cluster: Cluster) -> Cluster:
    """Give a namespace that takes only pods without privileges, with the agents' account."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    cluster.api.patch(cluster.path, {"metadata": {"labels": labels}})
    cluster.api.create(f"{cluster.path}/serviceaccounts", {"metadata": {"name": "isochrone-agent"}})
    return cluster


def try_pod(cluster: Cluster, spec: Object) -> None:
    made = {"metadata": {"name": "tried"}, "spec": spec}
    cluster.api.create(f"{cluster.path}/pods", made, dryRun="All")


def test_agents_are_let_into_a_namespace_that_allows_no_privileges(restricted: Cluster) -> None:
    try_pod(restricted, template()["spec"])


def test_another_sysctl_would_not_be(restricted: Cluster) -> None:
    spec = template()["spec"]
    spec["securityContext"]["sysctls"].append({"name": "net.core.somaxconn", "value": "1"})

    with pytest.raises(Refused, match=r"net\.core\.somaxconn"):
        try_pod(restricted, spec)


def test_with_the_hosts_network_the_sysctl_is_refused(cluster: Cluster) -> None:
    spec = template()["spec"]
    spec["hostNetwork"] = True
    spec["serviceAccountName"] = "default"

    with pytest.raises(Refused, match="may not be specified when 'hostNetwork' is true"):
        try_pod(cluster, spec)
