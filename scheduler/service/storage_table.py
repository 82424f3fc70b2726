"""Claims, volumes and all else of storage: as events tell it, and as pods have chosen it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from scheduler.domain.object_events import (
    StorageChanged,
    StorageDeleted,
    StorageKind,
)
from scheduler.domain.plan import AssignedVolumes
from scheduler.domain.storage import (
    ClaimRef,
    CsiDriver,
    CsiNode,
    PersistentVolume,
    PersistentVolumeClaim,
    Storage,
    StorageCapacity,
    StorageClass,
    VolumeAttachment,
)
from scheduler.domain.stored import named
from scheduler.domain.workload import Pod
from scheduler.service.shelf import AssumingShelf, Shelf
from scheduler.service.wake import Stored, Wake


def may_take(claim: PersistentVolumeClaim, volume: PersistentVolume) -> bool:
    """Whether a volume is nobody's, or the claim's: by its uid, where that is written."""
    reference = volume.claim
    return reference is None or (
        (reference.namespace, reference.name) == (claim.namespace, claim.name)
        and reference.uid in ("", claim.uid)
    )


def has_taken(claim: PersistentVolumeClaim, volume: PersistentVolume) -> bool:
    """Whether a volume is reserved for this very claim."""
    return volume.claim is not None and bool(volume.claim.uid) and may_take(claim, volume)


class StorageTable:
    """The storage objects of the cluster, by kind and key.

    A claim or volume that a pod was assigned counts as taken from then on, as a pod on its node
    does: `assume`, and `release` where it comes to nothing.
    """

    def __init__(self) -> None:
        self.claims: AssumingShelf[PersistentVolumeClaim] = AssumingShelf()
        self.volumes: AssumingShelf[PersistentVolume] = AssumingShelf()
        self._classes: Shelf[StorageClass] = Shelf()
        self._csi_nodes: Shelf[CsiNode] = Shelf()
        self._drivers: Shelf[CsiDriver] = Shelf()
        self._capacities: Shelf[StorageCapacity] = Shelf()
        self._attachments: Shelf[VolumeAttachment] = Shelf()
        self._shelves: Mapping[StorageKind, Shelf[Any]] = {
            "PersistentVolumeClaim": self.claims,
            "PersistentVolume": self.volumes,
            "StorageClass": self._classes,
            "CSINode": self._csi_nodes,
            "CSIDriver": self._drivers,
            "CSIStorageCapacity": self._capacities,
            "VolumeAttachment": self._attachments,
        }
        self._frozen = self._freeze()

    # What the cluster says

    def put(self, event: StorageChanged) -> list[Wake]:
        """Add or change an object."""
        kind, key = named(event.obj)
        old = self._shelves[kind].get(key)
        is_changed = self._shelves[kind].put(key, event.obj)
        return [Stored(kind, old, event.obj)] if is_changed else []

    def drop(self, event: StorageDeleted) -> list[Wake]:
        """Remove an object; harmless for one that is not known."""
        old = self._shelves[event.kind].get(event.key)
        is_gone = self._shelves[event.kind].drop(event.key)
        return [Stored(event.kind, old, None)] if is_gone else []

    def known(self) -> Iterator[tuple[StorageKind, str]]:
        """Yield kind and key of all objects."""
        for kind, shelf in self._shelves.items():
            for key in shelf:
                yield kind, key

    # What decisions see

    def freeze(self) -> Storage:
        """Return all objects; the same as before as long as none has changed."""
        now, was = self._freeze(), self._frozen
        if any(getattr(now, name) is not getattr(was, name) for name in Storage.__slots__):
            self._frozen = now
        return self._frozen

    def is_as_in(self, storage: Storage, pod: Pod, volumes: AssignedVolumes) -> bool:
        """Whether a pod's claims, and the volumes chosen for them, are as a decision saw them.

        What was assumed since, of pods of the same decision, is for `assume` to judge.
        """
        keys = [f"{pod.namespace}/{claim.name}" for claim in pod.volumes.claims]
        return all(
            storage.claims.get(key) in (self.claims.get(key), self.claims.told(key)) for key in keys
        ) and all(
            storage.volumes.get(name) in (self.volumes.get(name), self.volumes.told(name))
            for _, name in volumes.bindings
        )

    # What we decide

    def assume(self, volumes: AssignedVolumes, node: str, owner: str) -> bool:
        """Count claims and volumes as taken, for the pod with the uid `owner`.

        Returns
        -------
        bool
            False, and nothing was assumed, where they are gone or taken otherwise.
        """
        claims, reserved = self._selected(volumes, node), self._reserved(volumes)
        if claims is None or reserved is None:
            return False
        for claim in claims:
            self.claims.assume(claim.key, claim, owner)
        for volume in reserved:
            self.volumes.assume(volume.name, volume, owner)
        return True

    def release(self, volumes: AssignedVolumes, owner: str) -> list[Wake]:
        """Take back what was assumed for a pod and not written."""
        wakes: list[Wake] = []
        for key in volumes.provisions:
            claim = self.claims.get(key)
            if self.claims.release(key, owner):
                wakes.append(Stored("PersistentVolumeClaim", claim, self.claims.get(key)))
        for _, name in volumes.bindings:
            volume = self.volumes.get(name)
            if self.volumes.release(name, owner):
                wakes.append(Stored("PersistentVolume", volume, self.volumes.get(name)))
        return wakes

    # Inside

    def _selected(self, volumes: AssignedVolumes, node: str) -> list[PersistentVolumeClaim] | None:
        """Return the claims to be assumed with their node selected; None if one cannot be."""
        out = []
        for key in volumes.provisions:
            claim = self.claims.get(key)
            if claim is None or claim.selected_node not in (None, node):
                return None
            if claim.selected_node is None or self.claims.is_assumed(key):
                out.append(replace(claim, selected_node=node))
        return out

    def _reserved(self, volumes: AssignedVolumes) -> list[PersistentVolume] | None:
        """Return the volumes to be assumed with their claim; None if one cannot be."""
        out = []
        for key, name in volumes.bindings:
            claim, volume = self.claims.get(key), self.volumes.get(name)
            if claim is None or volume is None or not may_take(claim, volume):
                return None
            if not has_taken(claim, volume) or self.volumes.is_assumed(name):
                reference = ClaimRef(claim.namespace, claim.name, claim.uid)
                out.append(replace(volume, claim=reference))
        return out

    def _freeze(self) -> Storage:
        return Storage(
            claims=self.claims.freeze(),
            volumes=self.volumes.freeze(),
            classes=self._classes.freeze(),
            csi_nodes=self._csi_nodes.freeze(),
            drivers=self._drivers.freeze(),
            capacities=self._capacities.freeze(),
            attachments=self._attachments.freeze(),
        )
