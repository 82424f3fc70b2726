"""Placeholders through the API: what is sent, and what each answer means."""

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from scheduler.domain.errors import ClusterUnavailable, PlaceholderRefused
from scheduler.domain.placeholder import Placeholder
from scheduler.domain.workload import Pod, PodClass
from scheduler.kube.cluster import KubeCluster
from tests.scripted_api import ScriptedApi, Sent, status

WANTED = Placeholder(
    "held", "edge-1-1f", "edge-1", (("cpu", 1500), ("example.com/gpu", 2)), "none", "low", "ours"
)
POD = Pod("edge-1-1f", PodClass(namespace="held"), uid="uid-1")


async def sent(tmp_path: Path, pod: Pod | None = None) -> Sent:
    """Have a placeholder created, or a pod deleted; return the request."""
    api = ScriptedApi()
    api.on_write = lambda _: web.json_response({"kind": "Pod"})
    async with api.client(tmp_path) as client:
        cluster = KubeCluster(client, "ours")
        if pod is None:
            await cluster.create_placeholder(WANTED)
        else:
            await cluster.delete_placeholder(pod)
    [one] = api.sent
    return one


async def test_it_is_created_on_its_node_with_what_admission_leaves_to_a_pod(
    tmp_path: Path,
) -> None:
    request = await sent(tmp_path)
    spec: dict[str, Any] = request.body["spec"]

    assert (request.method, request.path) == ("POST", "/api/v1/namespaces/held/pods")
    assert (spec["nodeName"], spec["schedulerName"]) == ("edge-1", "ours")
    assert (spec["priorityClassName"], "priority" in spec) == ("low", False)
    assert spec["automountServiceAccountToken"] is False
    [container] = spec["containers"]
    assert container["resources"] == {
        "requests": {"cpu": "1500m", "example.com/gpu": "2"},
        "limits": {"example.com/gpu": "2"},
    }


async def test_a_node_that_is_lost_loses_it_at_once_and_other_taints_do_not_matter(
    tmp_path: Path,
) -> None:
    tolerations = (await sent(tmp_path)).body["spec"]["tolerations"]

    # The first that matches a taint counts: the one for all others comes last.
    assert [
        (one.get("key", "").rpartition("/")[2], one.get("tolerationSeconds")) for one in tolerations
    ] == [
        ("not-ready", 0),
        ("unreachable", 0),
        ("", None),
    ]
    assert {one["effect"] for one in tolerations} == {"NoExecute"}


async def test_it_is_deleted_without_grace_and_no_later_one_of_its_name(tmp_path: Path) -> None:
    request = await sent(tmp_path, POD)

    assert (request.method, request.path) == ("DELETE", "/api/v1/namespaces/held/pods/edge-1-1f")
    assert request.body == {"gracePeriodSeconds": 0, "preconditions": {"uid": "uid-1"}}


async def test_without_a_uid_the_one_of_that_name_is_deleted(tmp_path: Path) -> None:
    unknown = Pod(POD.name, POD.pod_class)

    assert (await sent(tmp_path, unknown)).body == {"gracePeriodSeconds": 0}


@pytest.mark.parametrize(
    ("code", "of_creation", "of_deletion"),
    [
        (403, PlaceholderRefused, PlaceholderRefused),
        (404, PlaceholderRefused, None),  # no such namespace; no such pod
        (409, PlaceholderRefused, PlaceholderRefused),
        (429, PlaceholderRefused, PlaceholderRefused),
        (503, ClusterUnavailable, ClusterUnavailable),
    ],
)
async def test_what_is_refused_is_told_from_what_is_not_answered(
    tmp_path: Path,
    code: int,
    of_creation: type[Exception],
    of_deletion: type[Exception] | None,
) -> None:
    api = ScriptedApi()
    api.on_write = lambda _: status(code, f"said {code}")
    async with api.client(tmp_path) as client:
        cluster = KubeCluster(client, "ours")
        with pytest.raises(of_creation, match=f"said {code}") as caught:
            await cluster.create_placeholder(WANTED)
        assert type(caught.value) is of_creation
        if of_deletion is None:
            await cluster.delete_placeholder(POD)
            return
        with pytest.raises(of_deletion, match=f"said {code}") as caught:
            await cluster.delete_placeholder(POD)

    assert type(caught.value) is of_deletion
