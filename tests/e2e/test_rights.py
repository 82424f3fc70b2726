"""What the ServiceAccount of the shipped manifests may do, asked of a real API server."""

import re

import pytest

from tests.real.api import Api, Refused
from tests.real.cluster import Cluster
from tests.real.control_plane import ControlPlane
from tests.real.objects import node, pod

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("control-plane")]

LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
READ = ("get", "list", "watch")
FOLLOWED = (
    "nodes",
    "pods",
    "services",
    "namespaces",
    "persistentvolumeclaims",
    "persistentvolumes",
    "storageclasses.storage.k8s.io",
    "csinodes.storage.k8s.io",
    "csidrivers.storage.k8s.io",
    "csistoragecapacities.storage.k8s.io",
    "volumeattachments.storage.k8s.io",
    "podgroups.scheduling.x-k8s.io",
    "podgroups.scheduling.volcano.sh",
    "podgroups.scheduling.k8s.io",
)
EVERYWHERE = {
    *(f"{verb} {kind}" for verb in READ for kind in FOLLOWED),
    "patch persistentvolumes",
    "patch persistentvolumeclaims",
    "create pods/binding",
    "patch pods/status",
    "create pods/eviction",
    *(f"{verb} events" for verb in ("create", "patch")),
    *(f"{verb} events.events.k8s.io" for verb in ("create", "patch")),
    "create tokenreviews.authentication.k8s.io",
}
AT_HOME = EVERYWHERE | {
    "create leases.coordination.k8s.io",
    "get leases.coordination.k8s.io isochrone",
    "update leases.coordination.k8s.io isochrone",
}


def rights(control_plane: ControlPlane, token: str, namespace: str) -> set[str]:
    """Return what a token may do in a namespace, as ``kubectl auth can-i --list`` says it."""
    account = control_plane.account(token)
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    found = account.create(path, {"spec": {"namespace": namespace}})["status"]
    account.close()
    assert not found["incomplete"]
    return {
        " ".join(filter(None, (verb, f"{resource}.{group}".rstrip("."), name)))
        for rule in found["resourceRules"]
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for name in rule.get("resourceNames") or [""]
    }


def own_rights(control_plane: ControlPlane, token: str, namespace: str) -> set[str]:
    """Return what a token may do beyond what every ServiceAccount may."""
    anyone = control_plane.service_account_token("kube-system", "default")
    return rights(control_plane, token, namespace) - rights(control_plane, anyone, namespace)


def test_the_scheduler_has_the_rights_it_needs_and_no_others(
    cluster: Cluster, scheduler_token: str
) -> None:
    found = own_rights(cluster.control_plane, scheduler_token, cluster.namespace)

    assert found == EVERYWHERE


def test_at_home_it_may_also_hold_its_own_lease(cluster: Cluster, scheduler_token: str) -> None:
    assert own_rights(cluster.control_plane, scheduler_token, "kube-system") == AT_HOME


def test_the_rights_suffice_to_place_a_pod_and_to_say_so(
    cluster: Cluster, scheduler_account: Api
) -> None:
    cluster.add_nodes([node("near")])
    cluster.add_pods([pod("game")])
    seen = scheduler_account.get(f"{cluster.path}/pods/game")["metadata"]
    said = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "…"}
    regarding = {"kind": "Pod", "name": "game", "namespace": cluster.namespace, "uid": seen["uid"]}

    scheduler_account.ask(
        "PATCH",
        f"{cluster.path}/pods/game/status",
        {"status": {"conditions": [said]}},
        content_type="application/strategic-merge-patch+json",
    )
    scheduler_account.create(
        f"{cluster.path}/pods/game/binding",
        {
            "metadata": {"name": "game", "uid": seen["uid"], "annotations": {"a/rtt": "5 ms"}},
            "target": {"apiVersion": "v1", "kind": "Node", "name": "near"},
        },
    )
    scheduler_account.create(
        f"/apis/events.k8s.io/v1/namespaces/{cluster.namespace}/events",
        {
            "metadata": {"name": "game.1", "namespace": cluster.namespace},
            "eventTime": "2026-01-01T00:00:00.000000Z",
            "reportingController": "custom-scheduler",
            "reportingInstance": "custom-scheduler-host",
            "action": "Binding",
            "reason": "Scheduled",
            "regarding": regarding,
            "note": "placed",
            "type": "Normal",
        },
    )

    assert cluster.bound() == {"game": "near"}
    assert cluster.pod("game")["metadata"]["annotations"] == {"a/rtt": "5 ms"}
    assert [event["note"] for event in cluster.events("game", "Scheduled")] == ["placed"]


def test_the_rights_suffice_to_take_and_renew_the_lease(scheduler_account: Api) -> None:
    wanted = {"metadata": {"name": "isochrone"}, "spec": {"holderIdentity": "one"}}

    scheduler_account.create(LEASES, wanted)
    taken = scheduler_account.get(f"{LEASES}/isochrone")
    taken["spec"]["holderIdentity"] = "two"
    renewed = scheduler_account.ask("PUT", f"{LEASES}/isochrone", taken)

    assert renewed["spec"]["holderIdentity"] == "two"


def test_the_rights_suffice_to_have_a_token_reviewed(
    cluster: Cluster, scheduler_account: Api
) -> None:
    token = cluster.control_plane.service_account_token("kube-system", "default")
    path = "/apis/authentication.k8s.io/v1/tokenreviews"

    found = scheduler_account.create(path, {"spec": {"token": token}})["status"]

    assert found["user"]["username"] == "system:serviceaccount:kube-system:default"


@pytest.mark.parametrize(
    "request_line",
    [
        "GET /api/v1/secrets",
        "GET /api/v1/namespaces/kube-system/secrets",
        "GET /api/v1/configmaps",
        "POST /api/v1/namespaces/default/pods",
        "DELETE /api/v1/namespaces/default/pods/any",
        "DELETE /api/v1/namespaces/default/pods",
        "PATCH /api/v1/namespaces/default/pods/any",
        "POST /api/v1/namespaces/default/persistentvolumeclaims",
        "DELETE /api/v1/namespaces/default/persistentvolumeclaims/any",
        "POST /api/v1/persistentvolumes",
        "DELETE /api/v1/persistentvolumes/any",
        "PATCH /api/v1/persistentvolumes/any/status",
        "PATCH /apis/storage.k8s.io/v1/storageclasses/any",
        "PATCH /api/v1/namespaces/default",
        "PATCH /api/v1/nodes/any",
        "DELETE /api/v1/nodes/any",
        "GET /api/v1/namespaces/default/events",
        f"GET {LEASES}",
        f"GET {LEASES}/kube-scheduler",
        f"DELETE {LEASES}/isochrone",
        "POST /apis/coordination.k8s.io/v1/namespaces/default/leases",
        "POST /api/v1/namespaces/kube-system/serviceaccounts/isochrone/token",
        "POST /api/v1/namespaces/kube-system/serviceaccounts/isochrone-agent/token",
        "POST /apis/authorization.k8s.io/v1/subjectaccessreviews",
        "POST /apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    ],
)
def test_what_it_has_no_need_of_is_forbidden(scheduler_account: Api, request_line: str) -> None:
    method, path = request_line.split()

    with pytest.raises(
        Refused, match=re.escape("system:serviceaccount:kube-system:isochrone")
    ) as e:
        scheduler_account.ask(method, path, {} if method in ("POST", "PATCH") else None)

    assert e.value.status == 403
