"""Changes of objects in the words of the port, as the service reads them."""

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
    StorageChanged,
    StorageDeleted,
)
from scheduler.objects.node import read_node
from scheduler.objects.pod import read_pod_changed
from scheduler.objects.service import read_service
from scheduler.objects.storage import read_namespace
from scheduler.objects.storage_kinds import READERS
from simulator.change import Change, JsonObject, key_of, uid_of

TRANSLATED = ("Node", "Namespace", *READERS, "Service", "Pod")
"""The kinds that are told, in the order in which they are listed."""


def translated(change: Change) -> ClusterEvent | None:
    """Return a change in the words of the port; None for what the service does not follow.

    Raises
    ------
    InputError
        If the object cannot be read.
    """
    is_gone = change.type == "DELETED"
    match change.key.kind:
        case "Node":
            return (
                NodeDeleted(change.key.name) if is_gone else NodeChanged(read_node(change.object))
            )
        case "Service":
            if is_gone:
                return ServiceDeleted(change.key.namespace, change.key.name)
            return ServiceChanged(read_service(change.object))
        case "Pod":
            return _pod_event(change.object, is_gone=is_gone)
        case "Namespace":
            name, labels = read_namespace(change.object)
            return NamespaceDeleted(name) if is_gone else NamespaceChanged(name, labels)
        case kind:
            return _storage_event(kind, change, is_gone=is_gone)


def _pod_event(pod: JsonObject, *, is_gone: bool) -> ClusterEvent:
    if is_gone:
        key = key_of(pod)
        return PodDeleted(f"{key.namespace}/{key.name}", uid_of(pod))
    return read_pod_changed(pod)


def _storage_event(kind: str, change: Change, *, is_gone: bool) -> ClusterEvent | None:
    for known, read in READERS.items():
        if kind == known:
            key = f"{change.key.namespace}/{change.key.name}".lstrip("/")
            return StorageDeleted(known, key) if is_gone else StorageChanged(read(change.object))
    return None
