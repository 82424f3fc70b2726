"""Writes to claims and volumes: what is sent, and what each answer means."""

from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from scheduler.domain.errors import ClusterUnavailable, VolumeRefused
from scheduler.domain.storage import ClaimRef
from scheduler.kube.cluster import KubeCluster
from tests.scripted_api import ScriptedApi, status
from tests.stored import claim, volume

CLAIM = claim("data", version="41")
VOLUME = volume("disk", version="17")


def written(version: str) -> web.Response:
    return web.json_response({"metadata": {"name": "any", "resourceVersion": version}})


async def test_a_volume_is_reserved_as_the_volume_controller_does_it(tmp_path: Path) -> None:
    api = ScriptedApi()
    api.on_write = lambda _: written("18")
    async with api.client(tmp_path) as client:
        version = await KubeCluster(client, "custom-scheduler").reserve_volume(VOLUME, CLAIM)

    [sent] = api.sent
    assert version == "18"
    assert (sent.method, sent.path) == ("PATCH", "/api/v1/persistentvolumes/disk")
    assert sent.content_type == "application/merge-patch+json"
    assert sent.body == {
        "metadata": {
            "resourceVersion": "17",
            "annotations": {"pv.kubernetes.io/bound-by-controller": "yes"},
        },
        "spec": {
            "claimRef": {
                "kind": "PersistentVolumeClaim",
                "apiVersion": "v1",
                "namespace": "default",
                "name": "data",
                "uid": "uid-of-data",
                "resourceVersion": "41",
            }
        },
    }


async def test_a_volume_that_people_reserved_is_not_marked_as_ours_to_undo(tmp_path: Path) -> None:
    api = ScriptedApi()
    api.on_write = lambda _: written("18")
    theirs = replace(VOLUME, claim=ClaimRef("default", "data"))
    async with api.client(tmp_path) as client:
        await KubeCluster(client, "custom-scheduler").reserve_volume(theirs, CLAIM)

    assert api.sent[0].body["metadata"] == {"resourceVersion": "17", "annotations": {}}


async def test_a_claim_is_told_its_node_by_an_annotation(tmp_path: Path) -> None:
    api = ScriptedApi()
    api.on_write = lambda _: written("42")
    async with api.client(tmp_path) as client:
        version = await KubeCluster(client, "custom-scheduler").select_node(CLAIM, "edge-1")

    [sent] = api.sent
    assert version == "42"
    assert sent.path == "/api/v1/namespaces/default/persistentvolumeclaims/data"
    assert sent.body == {
        "metadata": {
            "resourceVersion": "41",
            "annotations": {"volume.kubernetes.io/selected-node": "edge-1"},
        }
    }


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (status(409, "it has been modified"), VolumeRefused, "^it has been modified$"),
        (status(403, "no right"), VolumeRefused, "^no right$"),
        (status(404, "not found"), VolumeRefused, "^not found$"),
        (status(429, "too many"), VolumeRefused, "too many"),
        (status(500, "etcd is away"), ClusterUnavailable, "etcd is away"),
        (web.Response(text="<html>"), ClusterUnavailable, "answered no object"),
    ],
    ids=["conflict", "forbidden", "gone", "put off", "server error", "no object"],
)
async def test_a_refused_write_is_told_from_an_unanswered_one(
    tmp_path: Path, answer: web.Response, error: type[Exception], said: str
) -> None:
    api = ScriptedApi()
    api.on_write = lambda _: answer
    async with api.client(tmp_path) as client:
        with pytest.raises(error, match=said):
            await KubeCluster(client, "custom-scheduler").select_node(CLAIM, "edge-1")

    assert len(api.sent) == 1
