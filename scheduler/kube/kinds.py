"""The kinds of object the scheduler follows, each with how its JSON becomes an event."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from scheduler.domain.ports import (
    ClusterEvent,
    NodeChanged,
    NodeDeleted,
    PodDeleted,
    ServiceChanged,
    ServiceDeleted,
)
from scheduler.objects.node import read_node
from scheduler.objects.pod_reader import PodReader
from scheduler.objects.service import read_service


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

    `changed` raises InputError for an object that cannot be read.
    """

    plural: str
    path: str
    changed: Callable[[bytes], ClusterEvent]
    gone: Callable[[Metadata], ClusterEvent]


def followed_kinds() -> tuple[Kind, ...]:
    """Return nodes, Services and pods; reading pods shares equal classes, so make these once."""
    return (
        Kind("nodes", "/api/v1/nodes", _node, _node_gone),
        Kind("services", "/api/v1/services", _service, _service_gone),
        Kind("pods", "/api/v1/pods", PodReader(), _pod_gone),
    )


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
