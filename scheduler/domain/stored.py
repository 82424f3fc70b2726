"""Objects of storage by kind and key."""

from collections.abc import Iterable, Mapping
from typing import Any

from scheduler.domain.object_events import StorageKind, StorageObject
from scheduler.domain.storage import (
    CsiDriver,
    CsiNode,
    PersistentVolume,
    PersistentVolumeClaim,
    Storage,
    StorageCapacity,
    StorageClass,
    VolumeAttachment,
)

_KIND_OF: Mapping[type[StorageObject], StorageKind] = {
    PersistentVolumeClaim: "PersistentVolumeClaim",
    PersistentVolume: "PersistentVolume",
    StorageClass: "StorageClass",
    CsiNode: "CSINode",
    CsiDriver: "CSIDriver",
    StorageCapacity: "CSIStorageCapacity",
    VolumeAttachment: "VolumeAttachment",
}

_FIELD_OF: Mapping[StorageKind, str] = {
    "PersistentVolumeClaim": "claims",
    "PersistentVolume": "volumes",
    "StorageClass": "classes",
    "CSINode": "csi_nodes",
    "CSIDriver": "drivers",
    "CSIStorageCapacity": "capacities",
    "VolumeAttachment": "attachments",
}


def named(obj: StorageObject) -> tuple[StorageKind, str]:
    """Return what tells an object of storage from all others: its kind, and its key."""
    if isinstance(obj, PersistentVolumeClaim | StorageCapacity):
        return _KIND_OF[type(obj)], obj.key
    return _KIND_OF[type(obj)], obj.name


def storage_of(objects: Iterable[StorageObject]) -> Storage:
    """Return objects of storage by their keys; of two of one kind and key the later counts."""
    found: dict[str, dict[str, Any]] = {field: {} for field in _FIELD_OF.values()}
    for obj in objects:
        kind, key = named(obj)
        found[_FIELD_OF[kind]][key] = obj
    return Storage(**found)
