"""The kinds of object the scheduler follows, each with how its JSON becomes an event."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from scheduler.domain.cluster_events import (
    ClusterEvent,
    NodeChanged,
    NodeDeleted,
    PodDeleted,
    ServiceChanged,
    ServiceDeleted,
)
from scheduler.domain.object_events import (
    NamespaceChanged,
    NamespaceDeleted,
    PodGroupChanged,
    PodGroupDeleted,
    StorageChanged,
    StorageDeleted,
    StorageKind,
    StorageObject,
)
from scheduler.domain.pod_group import GroupApi, GroupRef
from scheduler.objects.node import read_node
from scheduler.objects.pod_group import VERSIONS, read_pod_group, resource_of
from scheduler.objects.pod_reader import PodReader
from scheduler.objects.service import read_service
from scheduler.objects.storage import read_namespace
from scheduler.objects.storage_kinds import READERS


class Metadata(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """What names an object, and its version."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0


class Head(msgspec.Struct, frozen=True, gc=False):
    """As much of any object as following it needs."""

    metadata: Metadata = Metadata()


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind: where it is served, and what to make of an object and of one that is gone.

    `plural` tells it from all other kinds, as kubectl does: with its API group where another has
    the same. `changed` raises InputError for an object that cannot be read. An optional kind may be
    one that the server does not serve, or that we may not list.
    """

    plural: str
    path: str
    changed: Callable[[bytes], ClusterEvent]
    gone: Callable[[Metadata], ClusterEvent]
    is_optional: bool = False


_STORAGE = "/apis/storage.k8s.io/v1"

STORAGE_PATHS: Mapping[StorageKind, str] = {
    "PersistentVolumeClaim": "/api/v1/persistentvolumeclaims",
    "PersistentVolume": "/api/v1/persistentvolumes",
    "StorageClass": f"{_STORAGE}/storageclasses",
    "CSINode": f"{_STORAGE}/csinodes",
    "CSIDriver": f"{_STORAGE}/csidrivers",
    "CSIStorageCapacity": f"{_STORAGE}/csistoragecapacities",
    "VolumeAttachment": f"{_STORAGE}/volumeattachments",
}
"""Where each kind of storage is served."""

NAMESPACES = "/api/v1/namespaces"

GROUP_PATHS: Mapping[GroupApi, str] = {
    api: f"/apis/{api.value}/{version}/podgroups" for api, version in VERSIONS.items()
}
"""Where the pod groups of each API are served."""


def followed_kinds() -> tuple[Kind, ...]:
    """Return all that is followed; reading pods shares equal classes, so make these once.

    Nodes, Services and pods make up the cluster. Without the others most pods can be decided on.
    """
    return (
        Kind("nodes", "/api/v1/nodes", _node, _node_gone),
        Kind("services", "/api/v1/services", _service, _service_gone),
        Kind("pods", "/api/v1/pods", PodReader(), _pod_gone),
        Kind("namespaces", NAMESPACES, _namespace, _namespace_gone, is_optional=True),
        *(_storage_kind(name, read) for name, read in READERS.items()),
        *(_group_kind(api, path) for api, path in GROUP_PATHS.items()),
    )


def _storage_kind(name: StorageKind, read: Callable[[bytes], StorageObject]) -> Kind:
    path = STORAGE_PATHS[name]

    def changed(obj: bytes) -> ClusterEvent:
        return StorageChanged(read(obj))

    def gone(metadata: Metadata) -> ClusterEvent:
        return StorageDeleted(name, f"{metadata.namespace}/{metadata.name}".lstrip("/"))

    return Kind(path.rpartition("/")[2], path, changed, gone, is_optional=True)


def _group_kind(api: GroupApi, path: str) -> Kind:
    def changed(obj: bytes) -> ClusterEvent:
        return PodGroupChanged(read_pod_group(obj, api))

    def gone(metadata: Metadata) -> ClusterEvent:
        return PodGroupDeleted(GroupRef(api, metadata.namespace, metadata.name))

    return Kind(resource_of(api), path, changed, gone, is_optional=True)


def _namespace(obj: bytes) -> ClusterEvent:
    return NamespaceChanged(*read_namespace(obj))


def _namespace_gone(metadata: Metadata) -> ClusterEvent:
    return NamespaceDeleted(metadata.name)


def _node(obj: bytes) -> ClusterEvent:
    return NodeChanged(read_node(obj))


def _node_gone(metadata: Metadata) -> ClusterEvent:
    return NodeDeleted(metadata.name)


def _service(obj: bytes) -> ClusterEvent:
    return ServiceChanged(read_service(obj))


def _service_gone(metadata: Metadata) -> ClusterEvent:
    return ServiceDeleted(metadata.namespace, metadata.name)


def _pod_gone(metadata: Metadata) -> ClusterEvent:
    return PodDeleted(f"{metadata.namespace}/{metadata.name}", metadata.uid)
