"""The control plane of the tests does what the tests of the scheduler count on."""

import json
from typing import Any

import pytest
import requests

from tests.real.api import Refused
from tests.real.cluster import Cluster
from tests.real.objects import deployment, node, pod

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("control-plane")]


def watched(cluster: Cluster, version: str) -> list[dict[str, Any]]:
    """Return what a watch of nodes from `version` says within a second."""
    query = {"watch": "1", "resourceVersion": version, "timeoutSeconds": "1"}
    token = {"Authorization": f"Bearer {cluster.control_plane.token}"}
    with requests.get(
        f"{cluster.control_plane.url}/api/v1/nodes",
        params=query,
        headers=token,
        verify=str(cluster.control_plane.authority),
        timeout=60,
    ) as answer:
        return [json.loads(line) for line in answer.content.splitlines()]


def test_a_new_node_has_its_room_at_once(cluster: Cluster) -> None:
    cluster.add_nodes([node("big", cpu="64"), node("small", cpu="1")])

    found = cluster.api.items("/api/v1/nodes")

    room = {one["metadata"]["name"]: one["status"]["allocatable"]["cpu"] for one in found}
    assert room == {"big": "64", "small": "1"}
    assert not any(one["spec"].get("taints") for one in found)


def test_controllers_make_the_pods_of_a_deployment_and_replace_them(cluster: Cluster) -> None:
    cluster.apply([deployment("web", replicas=3)])
    cluster.wait_until(lambda: len(cluster.pods()) == 3, "three replicas")
    first = cluster.pods()[0]["metadata"]["name"]

    cluster.delete_pod(first)

    cluster.wait_until(
        lambda: (
            first not in (names := {p["metadata"]["name"] for p in cluster.pods()})
            and len(names) == 3
        ),
        "another in its place",
    )


def test_pods_have_the_volume_of_their_service_account_as_in_any_cluster(cluster: Cluster) -> None:
    cluster.add_pods([pod("game")])

    (volume,) = cluster.pod("game")["spec"]["volumes"]
    assert "serviceAccountToken" in volume["projected"]["sources"][0]


def test_a_killed_api_server_comes_back_with_what_it_had_said(cluster: Cluster) -> None:
    cluster.add_nodes([node("near")])
    cluster.add_pods([pod("game")])
    cluster.bind("game", "near")

    cluster.control_plane.kill_api_server()
    with pytest.raises(requests.ConnectionError):
        cluster.pods()
    cluster.control_plane.start_api_server()

    assert cluster.bound() == {"game": "near"}


def test_after_a_restart_no_watch_can_go_on_from_before(cluster: Cluster) -> None:
    before = cluster.api.get("/api/v1/nodes")["metadata"]["resourceVersion"]
    cluster.add_nodes([node("near")])
    assert [event["type"] for event in watched(cluster, before)] == ["ADDED"]

    cluster.control_plane.restart_api_server()

    (said,) = watched(cluster, before)
    assert (said["type"], said["object"]["code"]) == ("ERROR", 410)


def test_after_a_compaction_and_a_restart_no_list_can_be_continued(cluster: Cluster) -> None:
    cluster.add_nodes([node(f"node-{number}") for number in range(4)])
    begun = cluster.api.get("/api/v1/nodes", limit="2")["metadata"]["continue"]
    cluster.delete_node("node-0")

    cluster.control_plane.expire_versions()

    with pytest.raises(Refused) as refusal:
        cluster.api.get("/api/v1/nodes", limit="2", **{"continue": begun})
    assert refusal.value.status == 410


def test_five_hundred_nodes_and_a_thousand_pods_are_there_when_asked_for(cluster: Cluster) -> None:
    cluster.add_nodes([node(f"node-{number}") for number in range(500)])
    cluster.add_pods([pod(f"pod-{number}") for number in range(1000)])

    assert len(cluster.api.items("/api/v1/nodes")) == 500
    assert len(cluster.pods()) == 1000
