"""What the cluster tells of storage, namespaces and pod groups, which few pods ask for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from scheduler.domain.pod_group import GroupRef, PodGroup
from scheduler.domain.storage import (
    CsiDriver,
    CsiNode,
    PersistentVolume,
    PersistentVolumeClaim,
    StorageCapacity,
    StorageClass,
    VolumeAttachment,
)

StorageObject = (
    PersistentVolumeClaim
    | PersistentVolume
    | StorageClass
    | CsiNode
    | CsiDriver
    | StorageCapacity
    | VolumeAttachment
)
"""A closed union: the type checker finds the missing case."""

StorageKind = Literal[
    "PersistentVolumeClaim",
    "PersistentVolume",
    "StorageClass",
    "CSINode",
    "CSIDriver",
    "CSIStorageCapacity",
    "VolumeAttachment",
]
"""The API's names of the kinds."""


@dataclass(frozen=True, slots=True)
class StorageChanged:
    """An object of storage was added or changed."""

    obj: StorageObject


@dataclass(frozen=True, slots=True)
class StorageDeleted:
    """An object of storage is gone; `key` is its name, ``namespace/name`` where it has one."""

    kind: StorageKind
    key: str


@dataclass(frozen=True, slots=True)
class NamespaceChanged:
    """A namespace was added or changed."""

    name: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NamespaceDeleted:
    """A namespace is gone."""

    name: str


@dataclass(frozen=True, slots=True)
class PodGroupChanged:
    """A pod group was added or changed."""

    group: PodGroup


@dataclass(frozen=True, slots=True)
class PodGroupDeleted:
    """A pod group is gone."""

    ref: GroupRef
