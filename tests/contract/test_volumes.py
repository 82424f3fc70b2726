"""Claims and volumes through the port `Cluster`, alike on all three clusters."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from scheduler.domain.errors import VolumeRefused
from scheduler.domain.object_events import NamespaceChanged, StorageChanged, StorageDeleted
from scheduler.domain.storage import PersistentVolume, PersistentVolumeClaim
from tests.contract.doors import Scene
from tests.real.storage import claim_spec, volume

CLASS, OTHER = "a-class-that-nobody-makes", "another"
"""Of claims and of volumes: a volume controller must not bind them by itself."""

SELECTED = "volume.kubernetes.io/selected-node"


def claims(scene: Scene) -> list[PersistentVolumeClaim]:
    """Return what was told of the claim of this case."""
    stored = [e.obj for e in scene.told if isinstance(e, StorageChanged)]
    found = [obj for obj in stored if isinstance(obj, PersistentVolumeClaim)]
    return [claim for claim in found if claim.namespace == scene.door.namespace]


def volumes(scene: Scene) -> list[PersistentVolume]:
    """Return what was told of the volume of this case."""
    stored = [e.obj for e in scene.told if isinstance(e, StorageChanged)]
    found = [obj for obj in stored if isinstance(obj, PersistentVolume)]
    return [volume for volume in found if volume.name == name_of_volume(scene)]


def name_of_volume(scene: Scene) -> str:
    """Return a name of its own: volumes are the whole cluster's."""
    return f"{scene.door.namespace}-disk"


async def claimed(scene: Scene) -> PersistentVolumeClaim:
    """Create a claim; return it as the port told of it."""
    made = {"metadata": {"name": "data"}, "spec": claim_spec(CLASS)}
    head = {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
    scene.door.create({**head, **made})
    await scene.until(lambda _: claims(scene))
    return claims(scene)[-1]


@asynccontextmanager
async def a_volume(scene: Scene) -> AsyncIterator[PersistentVolume]:
    """Give a volume as the port told of it; remove it at the end."""
    head = {"apiVersion": "v1", "kind": "PersistentVolume"}
    scene.door.create({**head, **volume(name_of_volume(scene), "n-1", OTHER)})
    try:
        await scene.until(lambda _: any(v.phase == "Available" for v in volumes(scene)))
        yield volumes(scene)[-1]
    finally:
        scene.door.delete("PersistentVolume", name_of_volume(scene))


async def test_a_claim_is_told_as_it_is_written_and_when_it_is_gone(scene: Scene) -> None:
    found = await claimed(scene)
    scene.door.delete("PersistentVolumeClaim", "data")

    assert (found.namespace, found.name) == (scene.door.namespace, "data")
    assert (found.storage_class, found.access_modes) == (CLASS, ("ReadWriteOnce",))
    assert found.requested_bytes == 1 << 30
    assert found.uid
    gone = StorageDeleted("PersistentVolumeClaim", f"{scene.door.namespace}/data")
    await scene.until(lambda told: gone in told)


async def test_namespaces_are_told_with_their_labels(scene: Scene) -> None:
    name = scene.door.namespace
    label = {"kubernetes.io/metadata.name": name}

    await scene.until(lambda told: NamespaceChanged(name, label) in told)


async def test_a_claim_has_the_node_that_was_selected_for_it(scene: Scene) -> None:
    found = await claimed(scene)

    version = await scene.cluster.select_node(found, "n-1")

    await scene.until(lambda _: any(c.selected_node == "n-1" for c in claims(scene)))
    written = [c for c in claims(scene) if c.selected_node == "n-1"]
    assert written[0].version == version
    stored = scene.door.get("PersistentVolumeClaim", "data")
    assert stored["metadata"]["annotations"][SELECTED] == "n-1"


async def test_a_volume_is_reserved_for_a_claim(scene: Scene) -> None:
    async with a_volume(scene) as disk:
        found = await claimed(scene)

        version = await scene.cluster.reserve_volume(disk, found)
        await scene.until(lambda _: any(v.version == version for v in volumes(scene)))
        stored = scene.door.get("PersistentVolume", disk.name)
    reference = stored["spec"]["claimRef"]
    assert (reference["namespace"], reference["name"]) == (scene.door.namespace, "data")
    assert reference["uid"] == found.uid
    assert stored["metadata"]["annotations"]["pv.kubernetes.io/bound-by-controller"] == "yes"


async def test_what_has_changed_meanwhile_is_not_written_over(scene: Scene) -> None:
    async with a_volume(scene) as disk:
        found = await claimed(scene)
        await scene.cluster.select_node(found, "n-1")
        await scene.cluster.reserve_volume(disk, found)

        with pytest.raises(VolumeRefused, match="the object has been modified"):
            await scene.cluster.select_node(found, "n-2")
        with pytest.raises(VolumeRefused, match="the object has been modified"):
            await scene.cluster.reserve_volume(disk, replace(found, name="other"))

    stored = scene.door.get("PersistentVolumeClaim", "data")
    assert stored["metadata"]["annotations"][SELECTED] == "n-1"


async def test_what_is_gone_is_not_written(scene: Scene) -> None:
    ghost = PersistentVolumeClaim(scene.door.namespace, "ghost", uid="u", version="1")

    with pytest.raises(VolumeRefused, match='"ghost" not found'):
        await scene.cluster.select_node(ghost, "n-1")
