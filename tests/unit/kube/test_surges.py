"""A replica more before a pod leaves: what is asked for, and what each answer means."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from scheduler.domain.errors import ClusterUnavailable, EvictionRefused
from scheduler.domain.workload import Pod
from scheduler.kube.cluster import KubeCluster
from tests.builders import pod, workload
from tests.scripted_api import ScriptedApi, Sent, status

WEB = replace(pod("web-1", workload=workload("web")), uid="uid-1")
DEPLOYMENT = "/apis/apps/v1/namespaces/default/deployments/web"


def deployment(replicas: int = 3, **spec: object) -> dict[str, Any]:
    done = {"observedGeneration": 7, "updatedReplicas": replicas, "replicas": replicas}
    return {
        "metadata": {"name": "web", "resourceVersion": "41", "generation": 7},
        "spec": {"replicas": replicas, **spec},
        "status": done,
    }


def served(found: dict[str, Any]) -> ScriptedApi:
    api = ScriptedApi()
    api.on_write = lambda sent: web.json_response(found if sent.method == "GET" else {})
    return api


def writes(api: ScriptedApi) -> list[Sent]:
    return [sent for sent in api.sent if sent.method != "GET"]


async def begun(api: ScriptedApi, tmp_path: Path, of: Pod = WEB) -> int:
    async with api.client(tmp_path) as client:
        return await KubeCluster(client, "custom-scheduler").surge(of)


async def ended(api: ScriptedApi, tmp_path: Path, replicas: int, *, stays: bool = False) -> bool:
    async with api.client(tmp_path) as client:
        return await KubeCluster(client, "custom-scheduler").end_surge(WEB, replicas, stays=stays)


async def test_the_pod_is_marked_to_go_first_and_one_more_is_asked_for(tmp_path: Path) -> None:
    api = served(deployment(3))

    assert await begun(api, tmp_path) == 4
    marked, scaled = writes(api)
    assert (marked.method, marked.path) == ("PATCH", "/api/v1/namespaces/default/pods/web-1/status")
    assert marked.body["metadata"] == {
        "uid": "uid-1",
        "annotations": {
            "controller.kubernetes.io/pod-deletion-cost": "-2147483648",
            "isochrone.dev/surge": "4",
        },
    }
    assert (scaled.method, scaled.path) == ("PATCH", f"{DEPLOYMENT}/scale")
    assert scaled.body == {"metadata": {"resourceVersion": "41"}, "spec": {"replicas": 4}}


@pytest.mark.parametrize(
    "strategy",
    [
        {"type": "Recreate"},
        {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0}},
        {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "0%"}},
    ],
)
async def test_a_deployment_that_does_not_surge_is_left_alone(
    strategy: dict[str, Any], tmp_path: Path
) -> None:
    api = served(deployment(3, strategy=strategy))

    assert await begun(api, tmp_path) == 0
    assert writes(api) == []


async def test_a_pod_of_anything_else_is_left_alone(tmp_path: Path) -> None:
    api = served(deployment())
    database = replace(pod("db-0", workload=workload("db", kind="StatefulSet")), uid="uid-2")

    assert await begun(api, tmp_path, database) == 0
    assert writes(api) == []


@pytest.mark.parametrize(
    "change",
    [
        {"status": {"observedGeneration": 6, "updatedReplicas": 3, "replicas": 3}},
        {"status": {"observedGeneration": 7, "updatedReplicas": 1, "replicas": 3}},
        {"spec": {"replicas": 3, "paused": True}},
    ],
)
async def test_nothing_is_asked_for_during_a_roll_out(
    change: dict[str, Any], tmp_path: Path
) -> None:
    api = served({**deployment(3), **change})

    with pytest.raises(EvictionRefused, match="a roll-out of deployment/web is under way"):
        await begun(api, tmp_path)
    assert writes(api) == []


async def test_where_the_deployment_changed_meanwhile_the_mark_is_taken_away(
    tmp_path: Path,
) -> None:
    api = served(deployment(3))
    answer = api.on_write
    api.on_write = lambda sent: (
        status(409, "the object has been modified")
        if sent.path.endswith("/scale")
        else answer(sent)
    )

    with pytest.raises(EvictionRefused, match="has been modified"):
        await begun(api, tmp_path)
    marks = writes(api)[-1].body["metadata"]["annotations"]
    assert set(marks.values()) == {None}


async def test_one_less_is_asked_for_where_as_many_are_as_was_said(tmp_path: Path) -> None:
    api = served(deployment(4))

    assert await ended(api, tmp_path, 4)
    [scaled] = writes(api)
    assert scaled.body == {"metadata": {"resourceVersion": "41"}, "spec": {"replicas": 3}}


async def test_a_number_that_somebody_else_has_set_stays_and_the_pod_is_not_marked_any_more(
    tmp_path: Path,
) -> None:
    api = served(deployment(9))

    assert not await ended(api, tmp_path, 4)
    [unmarked] = writes(api)
    assert set(unmarked.body["metadata"]["annotations"].values()) == {None}


async def test_a_pod_that_stays_is_unmarked_before_one_less_is_asked_for(tmp_path: Path) -> None:
    api = served(deployment(4))

    assert await ended(api, tmp_path, 4, stays=True)
    unmarked, scaled = writes(api)
    assert set(unmarked.body["metadata"]["annotations"].values()) == {None}
    assert scaled.body["spec"] == {"replicas": 3}


async def test_a_mark_can_be_taken_away_alone(tmp_path: Path) -> None:
    api = served(deployment(4))

    assert not await ended(api, tmp_path, 0, stays=True)
    [unmarked] = writes(api)
    assert set(unmarked.body["metadata"]["annotations"].values()) == {None}


@pytest.mark.parametrize(
    "answer",
    [web.json_response({"spec": 5}), status(500, "etcd has no leader")],
    ids=["odd", "500"],
)
async def test_where_the_deployment_cannot_be_read_nothing_is_asked_for(
    answer: web.Response, tmp_path: Path
) -> None:
    api = ScriptedApi()
    api.on_write = lambda _sent: answer

    with pytest.raises(EvictionRefused):
        await begun(api, tmp_path)
    assert writes(api) == []


async def test_an_unanswered_request_for_more_may_be_carried_out(tmp_path: Path) -> None:
    api = served(deployment(3))
    answer = api.on_write
    api.on_write = lambda sent: (
        status(504, "timeout") if sent.path.endswith("/scale") else answer(sent)
    )

    with pytest.raises(ClusterUnavailable):
        await begun(api, tmp_path)
