"""Whatever a real API server takes is read: one odd object hides no load and fails no plan."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from scheduler.kube.client import connected
from scheduler.kube.listing import ClusterListing, list_cluster
from scheduler.objects.pod import read_pod_changed
from scheduler.placement.settings import PlacementSettings
from scheduler.planning.plan import plan
from tests.real.api import Object
from tests.real.cluster import Cluster
from tests.real.objects import OURS, node, pod

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("control-plane")]

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def bounded(operator: str, value: str) -> Object:
    """Return a node term that compares a label with what may be no number."""
    return {"matchExpressions": [{"key": "cores", "operator": operator, "values": [value]}]}


def required(*terms: Object) -> Object:
    """Return the part of a spec that asks for any of the terms."""
    return {"affinity": {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": list(terms)}}}}


def preferred(*terms: Object) -> Object:
    """Return the part of a spec that wishes for each of the terms."""
    weighed = [{"weight": 100, "preference": term} for term in terms]
    return {"affinity": {"nodeAffinity": {PREFERRED: weighed}}}


def asking(**quantities: object) -> Object:
    """Return the part of a spec that requests resources; ``_`` is a hyphen, ``__`` a slash."""
    named = {key.replace("__", "/").replace("_", "-"): value for key, value in quantities.items()}
    container = {"name": "main", "image": "none"}
    return {"containers": [{**container, "resources": {"requests": named, "limits": named}}]}


ODD_SPECS: Sequence[Object] = [
    required(bounded("Gt", "abc")),
    required(bounded("Lt", "1.5")),
    required(bounded("Gt", "")),
    required(bounded("Gt", "99999999999999999999")),
    required(bounded("Lt", "0x10"), bounded("Gt", "007")),
    required({}),
    required({"matchFields": [{"key": "metadata.name", "operator": "NotIn", "values": ["x"]}]}),
    required({"matchExpressions": [{"key": "a", "operator": "In", "values": ["", "", "b"]}]}),
    required({"matchExpressions": [{"key": "a.b/c", "operator": "Exists", "values": []}]}),
    preferred(bounded("Gt", "abc"), {}),
    {"affinity": {"nodeAffinity": {PREFERRED: []}}},
    {"affinity": {"nodeAffinity": {}}},
    {"affinity": {}},
    {"nodeSelector": {"a": ""}},
    {"tolerations": [{"operator": "Exists"}, {"operator": "Exists", "effect": "NoExecute"}]},
    {"tolerations": [{"key": "a"}, {"key": "a", "operator": "", "value": "", "effect": ""}]},
    {"tolerations": [{"key": "a", "effect": "NoExecute", "tolerationSeconds": -5}]},
    asking(cpu=0.5, memory=1000000000),
    asking(cpu="1n", memory="100m"),
    asking(cpu="+.5", memory="5."),
    asking(cpu="1e3", memory="1E"),
    asking(cpu="1E-3", memory="12e006"),
    asking(cpu="0", memory="0.0000000001"),
    asking(cpu="1e30", memory="1e300"),
    asking(cpu="9223372036854775807", memory="9999999999999999999999Ei"),
    asking(memory="1e-1000", cpu="0x10") | asking(cpu="1e-1000"),
    asking(ephemeral_storage="1Ki", cpu="1", hugepages_2Mi="4Mi"),
    asking(example__x="3"),
    {"resources": {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}}},
    {"priorityClassName": "system-node-critical"},
    {"nodeName": "nowhere"},
    {"schedulingGates": [{"name": "a.b/c"}]},
    {"initContainers": [{"name": "i", "image": "none", "restartPolicy": "Always"}]},
    {"volumes": [{"name": "v"}, {"name": "w", "emptyDir": {"sizeLimit": "1e3"}}]},
    {"volumes": [{"name": "v", "ephemeral": {"volumeClaimTemplate": {"spec": {
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1"}}}}}}]},
    {"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "z", "minDomains": 2,
                                    "whenUnsatisfiable": "DoNotSchedule",
                                    "labelSelector": {"matchLabels": {"app": "x"}}}]},
    {"resourceClaims": [{"name": "gpu", "resourceClaimName": "none"}]},
    {"hostNetwork": True, "containers": [{"name": "main", "image": "none", "ports": [
        {"containerPort": 80, "hostPort": 80}, {"containerPort": 81, "protocol": "SCTP"}]}]},
    {"schedulerName": "x" * 253, "nodeSelector": {}, "tolerations": []},
    {"os": {"name": "windows"}, "activeDeadlineSeconds": 1},
]  # fmt: skip

ODD_METADATA: Sequence[Object] = [
    {"name": "a.b-c.d"},
    {"name": "x" * 253},
    {"name": "labels", "labels": {"a": "", "x.y/z": "1", "delay_n": "abc"}},
    {"name": "notes", "annotations": {"isochrone.dev/delay": "\u0000\U0001f600: ["}},
    {"name": "deep", "annotations": {"isochrone.dev/delay": "[" * 100_000}},
    {"name": "owned", "ownerReferences": [
        {"apiVersion": "x/v1", "kind": "Odd", "name": "o", "uid": "u", "controller": True}]},
    {"name": "numbered", "labels": {"apps.kubernetes.io/pod-index": "x", "pod-template-hash": ""}},
]  # fmt: skip


ODD_NODES: Sequence[Object] = [
    {"metadata": {"name": "bare"}},
    {"metadata": {"name": "a.b-c"}, "status": {"capacity": {"cpu": "1n", "memory": "1e300"}}},
    {"metadata": {"name": "empty"}, "status": {"allocatable": {}, "capacity": {"cpu": 1}}},
    {"metadata": {"name": "unknown"}, "status": {"conditions": [
        {"type": "Ready", "status": "Unknown"}, {"type": "x.y/Odd", "status": ""}]}},
    {"metadata": {"name": "tainted", "labels": {"cores": "many", "a": ""}}, "spec": {
        "unschedulable": True, "taints": [
            {"key": "a", "effect": "NoSchedule"}, {"key": "a", "effect": "NoExecute"},
            {"key": "b.c/d", "value": "", "effect": "PreferNoSchedule",
             "timeAdded": "2026-01-31T12:00:00Z"}]}},
]  # fmt: skip

ODD_SERVICES: Sequence[Object] = [
    {"metadata": {"name": "outside"}, "spec": {"type": "ExternalName", "externalName": "a.b"}},
    {"metadata": {"name": "by-hand"}, "spec": {"ports": [{"port": 1}]}},
    {"metadata": {"name": "any"}, "spec": {"selector": {}, "clusterIP": "None"}},
    {"metadata": {"name": "odd"}, "spec": {"selector": {"a": "", "b.c/d": "1"},
                                           "ports": [{"port": 1, "protocol": "SCTP"}]}},
]  # fmt: skip


def odd_pods() -> list[Object]:
    """Return pods that a real API server takes; only one of them is plain."""
    pods = [pod("plain")]
    for k, spec in enumerate(ODD_SPECS):
        one = pod(f"odd-{k}")
        pods.append({**one, "spec": {**one["spec"], **spec}})
    for metadata in ODD_METADATA:
        one = pod("")
        pods.append({**one, "metadata": metadata})
    return pods


async def listed(kubeconfig: Path) -> ClusterListing:
    async with connected(kubeconfig) as client:
        return await list_cluster(client)


async def test_whatever_the_api_server_takes_is_read_and_planned(
    cluster: Cluster, admin: Path
) -> None:
    cluster.add_nodes([node("near", labels={"cores": "8"}), *ODD_NODES])
    cluster.add_pods(odd_pods())
    cluster.api.create_all(f"{cluster.path}/services", ODD_SERVICES)

    listing = await listed(admin)

    # Read strictly: in the list an unreadable pod would be made the best of.
    for found in cluster.pods():
        read_pod_changed(found)
    ours = [one for one in listing.pods if one.pod.pod_class.namespace == cluster.namespace]
    assert len(ours) == len(odd_pods())
    assert len(listing.nodes) == 1 + len(ODD_NODES)
    assert len([s for s in listing.services if s.namespace == cluster.namespace]) == 4
    placement = plan(listing.snapshot(OURS), PlacementSettings()).placement
    assert placement[f"{cluster.namespace}/plain"] == "near"
    # A bound that is no number is met by no node.
    assert f"{cluster.namespace}/odd-0" not in placement
