"""What the cluster tells besides nodes, pods and Services: each event to the table of its kind."""

from collections.abc import Iterator

from scheduler.domain.object_events import (
    NamespaceChanged,
    NamespaceDeleted,
    PodGroupChanged,
    PodGroupDeleted,
    StorageChanged,
    StorageDeleted,
)
from scheduler.domain.pod_group import GroupRef
from scheduler.domain.stored import named
from scheduler.service.group_table import GroupTable
from scheduler.service.listing import ObjectKey
from scheduler.service.namespace_table import NamespaceTable
from scheduler.service.storage_table import StorageTable
from scheduler.service.wake import Wake

ObjectEvent = (
    StorageChanged
    | StorageDeleted
    | NamespaceChanged
    | NamespaceDeleted
    | PodGroupChanged
    | PodGroupDeleted
)
"""A closed union: the type checker finds the missing case."""


class ObjectTables:
    """Storage, namespaces and pod groups."""

    def __init__(self) -> None:
        self.storage = StorageTable()
        self.namespaces = NamespaceTable()
        self.groups = GroupTable()

    def take(self, event: ObjectEvent) -> list[Wake]:
        """Take in an event and return whom it may help."""
        match event:
            case StorageChanged():
                return self.storage.put(event)
            case StorageDeleted():
                return self.storage.drop(event)
            case NamespaceChanged():
                return self.namespaces.put(event)
            case NamespaceDeleted():
                return self.namespaces.drop(event)
            case PodGroupChanged():
                return self.groups.put(event)
            case PodGroupDeleted():
                return self.groups.drop(event)

    def known(self) -> Iterator[ObjectKey]:
        """Yield the keys of all objects."""
        for name in self.namespaces:
            yield "Namespace", name
        yield from self.storage.known()
        yield from self.groups


def key_of(event: ObjectEvent) -> ObjectKey | None:
    """Return the key of the object that an event says is there; None of one that is gone."""
    match event:
        case StorageChanged(obj):
            return named(obj)
        case NamespaceChanged(name):
            return "Namespace", name
        case PodGroupChanged(group):
            return group.ref
        case _:
            return None


def deleted(key: ObjectKey) -> ObjectEvent:
    """Return the event by which an object is gone."""
    if isinstance(key, GroupRef):
        return PodGroupDeleted(key)
    kind, name = key
    return NamespaceDeleted(name) if kind == "Namespace" else StorageDeleted(kind, name)
