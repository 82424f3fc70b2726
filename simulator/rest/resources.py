"""What is served where: one resource a path, on the kinds the embedded cluster keeps.

Events are served twice, from one store: in the core group and in ``events.k8s.io``.
"""

from collections.abc import Callable
from dataclasses import dataclass

from simulator.change import JsonObject, ObjectKey
from simulator.kinds import KINDS, Kind
from simulator.rest.answers import no_such_path
from simulator.rest.eventforms import as_core_event, as_new_event

_SHORT = {
    "Namespace": ("ns",),
    "Node": ("no",),
    "Pod": ("po",),
    "Service": ("svc",),
    "Event": ("ev",),
    "Deployment": ("deploy",),
    "ReplicaSet": ("rs",),
    "PersistentVolumeClaim": ("pvc",),
    "PersistentVolume": ("pv",),
    "StorageClass": ("sc",),
}
_ALL = ("Pod", "Service", "Deployment", "ReplicaSet")
_SUBRESOURCES = {
    "Namespace": ("status",),
    "Node": ("status",),
    "Pod": ("status", "binding", "eviction", "log", "exec", "attach", "portforward"),
    "Service": ("status",),
    "Deployment": ("status", "scale"),
    "ReplicaSet": ("status", "scale"),
    "PersistentVolumeClaim": ("status",),
    "PersistentVolume": ("status",),
    "VolumeAttachment": ("status",),
}
_NEW_EVENTS = ("events.k8s.io", "v1")


def _same(obj: JsonObject) -> JsonObject:
    return obj


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of one API group.

    Parameters
    ----------
    kind
        What the embedded cluster keeps.
    group, version
        Where it is served; the core group is empty.
    shown, read
        Turn a stored object into what this resource shows, and back.
    """

    kind: Kind
    group: str
    version: str
    shown: Callable[[JsonObject], JsonObject] = _same
    read: Callable[[JsonObject], JsonObject] = _same

    @property
    def group_version(self) -> str:
        """``v1`` or ``apps/v1``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def singular(self) -> str:
        """``pod``."""
        return self.kind.name.lower()

    @property
    def short_names(self) -> tuple[str, ...]:
        """``po``."""
        return _SHORT.get(self.kind.name, ())

    @property
    def categories(self) -> tuple[str, ...]:
        """What ``kubectl get all`` shows."""
        return ("all",) if self.kind.name in _ALL else ()

    @property
    def subresources(self) -> tuple[str, ...]:
        """What may follow a name."""
        return _SUBRESOURCES.get(self.kind.name, ())


def _resources() -> tuple[Resource, ...]:
    plain = [Resource(kind, kind.group, kind.version) for kind in KINDS.values()]
    events = Resource(KINDS["Event"], *_NEW_EVENTS, shown=as_new_event, read=as_core_event)
    return (*plain, events)


RESOURCES = _resources()
_AT = {(r.group, r.version, r.kind.plural): r for r in RESOURCES}
_DEEPEST = 2  # name and subresource


@dataclass(frozen=True, slots=True)
class Target:
    """What a path names: a collection, an object, or a subresource of one.

    Parameters
    ----------
    namespace
        Empty for cluster-wide kinds, and for a collection over all namespaces.
    name
        Empty for a collection.
    """

    resource: Resource
    namespace: str
    name: str = ""
    subresource: str = ""

    @property
    def key(self) -> ObjectKey:
        """The object's key."""
        return ObjectKey(self.resource.kind.name, self.namespace, self.name)


def target_of(path: str) -> Target:
    """Return what a path under ``/api`` or ``/apis`` names.

    Raises
    ------
    Refused
        404 if nothing is served there.
    """
    parts = path.strip("/").split("/")
    group, version, rest = "", "", parts[1:]
    if parts[0] == "api" and rest:
        version, rest = rest[0], rest[1:]
    elif parts[0] == "apis" and len(rest) > 1:
        group, version, rest = rest[0], rest[1], rest[2:]
    namespace = ""
    is_inside = len(rest) > _DEEPEST and (group, version, rest[2]) in _AT
    if rest[:1] == ["namespaces"] and is_inside:
        namespace, rest = rest[1], rest[2:]
    resource = _AT.get((group, version, rest[0])) if rest else None
    if resource is None or len(rest) > 1 + _DEEPEST or "" in rest:
        raise no_such_path()
    name, subresource = (*rest[1:], "", "")[:_DEEPEST]
    is_cluster_wide = not resource.kind.is_namespaced
    if bool(namespace) == is_cluster_wide and (name or namespace):
        raise no_such_path()  # an object is named inside its namespace, or outside of any
    if subresource and subresource not in resource.subresources:
        raise no_such_path()
    return Target(resource, namespace, name, subresource)
