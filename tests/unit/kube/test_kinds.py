"""Kinds: what is made of an object, and what the service does without some of them."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from scheduler.domain.cluster_events import ClusterEvent, Listed, Lost, Unlisted
from scheduler.domain.object_events import (
    NamespaceChanged,
    NamespaceDeleted,
    PodGroupChanged,
    PodGroupDeleted,
    StorageChanged,
    StorageDeleted,
)
from scheduler.domain.pod_group import GroupApi, GroupRef, PodGroup
from scheduler.kube.cluster import KubeCluster
from scheduler.kube.kinds import Metadata, followed_kinds
from tests.scripted_api import PATHS, ScriptedApi, added, deleted, expired, node, status

OF_PLURAL = {kind.plural: kind for kind in followed_kinds()}
STORED = {
    "persistentvolumeclaims": ("PersistentVolumeClaim", "shop/x"),
    "persistentvolumes": ("PersistentVolume", "x"),
    "storageclasses": ("StorageClass", "x"),
    "csinodes": ("CSINode", "x"),
    "csidrivers": ("CSIDriver", "x"),
    "csistoragecapacities": ("CSIStorageCapacity", "shop/x"),
    "volumeattachments": ("VolumeAttachment", "x"),
}


def test_all_that_is_followed_is_scripted_at_its_path() -> None:
    assert {kind.plural: kind.path for kind in OF_PLURAL.values()} == PATHS


@pytest.mark.parametrize("plural", STORED)
def test_an_object_of_storage_comes_and_goes_under_one_key(plural: str) -> None:
    name, key = STORED[plural]
    namespace = "shop" if "/" in key else ""
    obj = json.dumps({"metadata": {"name": "x", "namespace": namespace}}).encode()

    came = OF_PLURAL[plural].changed(obj)
    gone = OF_PLURAL[plural].gone(Metadata(name="x", namespace=namespace))

    assert isinstance(came, StorageChanged)
    assert gone == StorageDeleted(name, key)  # type: ignore[arg-type] # a kind, by its name


def test_a_namespace_is_its_name_and_its_labels() -> None:
    kind = OF_PLURAL["namespaces"]
    obj = {"metadata": {"name": "shop", "labels": {"team": "blue"}}}

    assert kind.changed(json.dumps(obj).encode()) == NamespaceChanged("shop", {"team": "blue"})
    assert kind.gone(Metadata(name="shop")) == NamespaceDeleted("shop")


@pytest.mark.parametrize("api", [api for api in GroupApi if api is not GroupApi.LABELS])
def test_a_pod_group_comes_and_goes_under_the_name_its_pods_call_it(api: GroupApi) -> None:
    kind = OF_PLURAL[f"podgroups.{api.value}"]
    spec = {"minMember": 2, "schedulingPolicy": {"gang": {"minCount": 2}}}
    obj = {"metadata": {"name": "g", "namespace": "shop"}, "spec": spec}

    ref = GroupRef(api, "shop", "g")
    assert kind.changed(json.dumps(obj).encode()) == PodGroupChanged(PodGroup(ref, 2))
    assert kind.gone(Metadata(name="g", namespace="shop")) == PodGroupDeleted(ref)
    assert kind.is_optional


class Told:
    """The events of a cluster as they are told."""

    def __init__(self) -> None:
        self.events: list[ClusterEvent] = []
        self._news = asyncio.Event()

    async def read(self, cluster: KubeCluster) -> None:
        async for event in cluster.events():
            self.events.append(event)
            self._news.set()

    async def until(self, holds: Callable[[list[ClusterEvent]], bool]) -> None:
        async with asyncio.timeout(10):
            while not holds(self.events):
                self._news.clear()
                await self._news.wait()

    async def until_listed(self) -> None:
        await self.until(lambda events: any(isinstance(e, Listed) for e in events))


@asynccontextmanager
async def told_by(api: ScriptedApi, folder: Path) -> AsyncIterator[tuple[Told, KubeCluster]]:
    async with api.client(folder) as client:
        cluster, told = KubeCluster(client, "custom-scheduler"), Told()
        reading = asyncio.create_task(told.read(cluster))
        try:
            yield told, cluster
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


def stored(name: str, version: int = 1) -> dict[str, Any]:
    return {"metadata": {"name": name, "resourceVersion": str(version)}}


async def test_a_kind_that_is_not_served_has_no_objects(tmp_path: Path) -> None:
    api = ScriptedApi()
    api.kinds["csidrivers"].refused_lists = [status(404, "not here")]
    api.kinds["nodes"].items = [node("a")]
    async with told_by(api, tmp_path) as (told, _):
        await told.until_listed()

    assert not any(isinstance(e, Unlisted) for e in told.events)
    assert api.kinds["csidrivers"].asked == []


async def test_where_no_pod_groups_are_served_nothing_is_said_of_them(tmp_path: Path) -> None:
    api = ScriptedApi()
    for name, kind in api.kinds.items():
        if name.startswith("podgroups"):
            kind.refused_lists = [status(404, "not here")]
    async with told_by(api, tmp_path) as (told, _):
        await told.until_listed()

    assert [type(e) for e in told.events] == [Listed]


async def test_a_pod_group_that_cannot_be_read_does_not_end_the_stream(tmp_path: Path) -> None:
    api = ScriptedApi()
    odd = {"metadata": {"name": "g", "namespace": "shop"}, "spec": {"minMember": "three"}}
    api.kinds["podgroups.scheduling.x-k8s.io"].items = [odd]
    async with told_by(api, tmp_path) as (told, _):
        await told.until_listed()

    [event] = [e for e in told.events if isinstance(e, PodGroupChanged)]
    assert event.group.ref.name == "g"
    assert "spec.minMember" in event.group.faults[0]


async def test_a_kind_that_may_not_be_listed_stops_nothing_and_is_said(tmp_path: Path) -> None:
    api = ScriptedApi()
    api.kinds["csinodes"].refused_lists = [status(403, "no right to csinodes")]
    async with told_by(api, tmp_path) as (told, _):
        await told.until_listed()

    [unlisted] = [e for e in told.events if isinstance(e, Unlisted)]
    assert unlisted.plural == "csinodes"
    assert "no right to csinodes" in unlisted.why
    assert "rbac.yaml" in unlisted.why


async def test_a_kind_that_may_be_listed_again_is_told(tmp_path: Path) -> None:
    api = ScriptedApi()
    kind = api.kinds["csinodes"]
    kind.refused_lists = [status(403, "no right")]
    kind.items = [stored("a")]
    async with told_by(api, tmp_path) as (told, cluster):
        await told.until_listed()
        await cluster.list_anew()
        await told.until(lambda events: Unlisted("csinodes", "") in events)

    assert any(isinstance(e, StorageChanged) for e in told.events)


async def test_what_was_known_of_a_kind_that_may_not_be_listed_any_more_is_gone(
    tmp_path: Path,
) -> None:
    api = ScriptedApi()
    kind, happened = api.kinds["csinodes"], asyncio.Event()
    kind.items = [stored("a")]
    kind.watches = [[happened, expired()], []]
    async with told_by(api, tmp_path) as (told, _):
        await told.until_listed()
        kind.refused_lists = [status(403, "no right")]
        happened.set()
        await told.until(lambda events: isinstance(events[-1], Listed) and len(events) > 2)

    after = [e for e in told.events if not isinstance(e, StorageChanged)]
    assert [type(e) for e in after] == [Listed, Lost, StorageDeleted, Unlisted, Listed]


async def test_a_right_that_is_taken_away_during_a_watch_is_noticed(tmp_path: Path) -> None:
    api = ScriptedApi()
    kind = api.kinds["persistentvolumes"]
    kind.refusals = [status(403, "no right")]
    kind.watches = [[added(stored("x")), deleted(stored("x"))], []]

    async with told_by(api, tmp_path) as (told, _):
        await told.until_listed()
        await told.until(lambda events: sum(isinstance(e, Listed) for e in events) > 1)

    assert kind.lists >= 2


@pytest.mark.parametrize("plural", ["nodes", "services", "pods"])
async def test_without_what_makes_up_the_cluster_nothing_goes_on(
    tmp_path: Path, plural: str
) -> None:
    api = ScriptedApi()
    api.kinds[plural].refused_lists = [status(403, "no right")]
    async with api.client(tmp_path) as client:
        with pytest.raises(Exception, match="no right"):
            await Told().read(KubeCluster(client, "custom-scheduler"))
