"""Writes about dead nodes: what is sent, and what each answer means."""

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from scheduler.domain.errors import ClusterUnavailable
from scheduler.kube.answers import Denied
from scheduler.kube.cluster import KubeCluster
from tests.builders import pod
from tests.scripted_api import ScriptedApi, Sent, status

STUCK = pod("db-0")
OTHERS = {"key": "dedicated", "effect": "NoSchedule", "timeAdded": None}
OURS = {
    "key": "node.kubernetes.io/out-of-service",
    "value": "isochrone",
    "effect": "NoExecute",
}


def node(*taints: dict[str, Any]) -> web.Response:
    spec = {"taints": taints} if taints else {}
    return web.json_response({"metadata": {"name": "a", "resourceVersion": "7"}, "spec": spec})


async def removed(folder: Path, answer: web.Response) -> Sent:
    api = ScriptedApi()
    api.on_write = lambda _: answer
    async with api.client(folder) as client:
        await KubeCluster(client, "custom-scheduler").remove_pod(STUCK)
    [sent] = api.sent
    return sent


async def put_out(folder: Path, *answers: web.Response, is_out: bool = True) -> list[Sent]:
    api, left = ScriptedApi(), list(answers)
    api.on_write = lambda _: left.pop(0)
    async with api.client(folder) as client:
        await KubeCluster(client, "custom-scheduler").set_out_of_service("a", is_out=is_out)
    return [sent for sent in api.sent if sent.method != "GET"]


async def test_a_pod_is_deleted_at_once_and_only_that_very_pod(tmp_path: Path) -> None:
    sent = await removed(tmp_path, web.json_response({}))

    assert (sent.method, sent.path) == ("DELETE", "/api/v1/namespaces/default/pods/db-0")
    assert sent.body["gracePeriodSeconds"] == 0
    assert sent.body["preconditions"] == {"uid": STUCK.uid}


@pytest.mark.parametrize("code", [404, 409])
async def test_a_pod_that_is_gone_or_another_is_no_error(tmp_path: Path, code: int) -> None:
    assert (await removed(tmp_path, status(code, "gone"))).method == "DELETE"


@pytest.mark.parametrize(("code", "error"), [(403, Denied), (500, ClusterUnavailable)])
async def test_what_is_not_carried_out_is_an_error(
    tmp_path: Path, code: int, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await removed(tmp_path, status(code, "no"))


async def test_our_taint_is_put_beside_others_on_the_version_that_was_read(tmp_path: Path) -> None:
    [sent] = await put_out(tmp_path, node(OTHERS), web.json_response({}))

    assert (sent.method, sent.path) == ("PATCH", "/api/v1/nodes/a")
    assert sent.content_type == "application/merge-patch+json"
    assert sent.body == {
        "metadata": {"resourceVersion": "7"},
        "spec": {"taints": [OTHERS, OURS]},
    }


async def test_our_taint_is_taken_off_and_others_stay(tmp_path: Path) -> None:
    [sent] = await put_out(tmp_path, node(OURS, OTHERS), web.json_response({}), is_out=False)
    [last] = await put_out(tmp_path, node(OURS), web.json_response({}), is_out=False)

    assert sent.body["spec"] == {"taints": [OTHERS]}
    assert last.body["spec"] == {"taints": None}


async def test_where_there_is_nothing_to_do_nothing_is_written(tmp_path: Path) -> None:
    theirs = {**OURS, "value": "nodeshutdown"}

    assert await put_out(tmp_path, node(OURS)) == []
    assert await put_out(tmp_path, node(theirs)) == []
    assert await put_out(tmp_path, node(theirs), is_out=False) == []
    assert await put_out(tmp_path, status(404, "gone")) == []


async def test_a_node_that_changed_meanwhile_is_left_for_the_next_time(tmp_path: Path) -> None:
    with pytest.raises(Denied, match="409"):
        await put_out(tmp_path, node(), status(409, "the object has been modified"))


async def test_an_answer_that_is_no_node_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(ClusterUnavailable, match="answered no node"):
        await put_out(tmp_path, web.json_response([]))
