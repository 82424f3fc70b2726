"""What a cluster tells: the events by which the service's cache follows it."""

from dataclasses import dataclass

from scheduler.domain.node import Node
from scheduler.domain.object_events import (
    NamespaceChanged,
    NamespaceDeleted,
    PodGroupChanged,
    PodGroupDeleted,
    StorageChanged,
    StorageDeleted,
)
from scheduler.domain.workload import Pod, Service


@dataclass(frozen=True, slots=True)
class NodeChanged:
    """A node was added or changed."""

    node: Node


@dataclass(frozen=True, slots=True)
class NodeDeleted:
    """A node is gone."""

    name: str


@dataclass(frozen=True, slots=True)
class PodChanged:
    """A pod was added or changed.

    `node` is where it is bound, or empty. `phase` as in the API. `is_ready` is its ``Ready``
    condition. `said` is why it waits, as its ``PodScheduled`` condition tells, or empty: who starts
    anew need not write it again. `reason` is why it failed, in a word, or empty.
    """

    pod: Pod
    node: str
    phase: str
    is_terminating: bool
    said: str = ""
    reason: str = ""
    is_ready: bool = False


@dataclass(frozen=True, slots=True)
class PodDeleted:
    """A pod is gone; `key` is ``namespace/name``, `uid` tells it from a later one of that name."""

    key: str
    uid: str


@dataclass(frozen=True, slots=True)
class ServiceChanged:
    """A Service was added or changed."""

    service: Service


@dataclass(frozen=True, slots=True)
class ServiceDeleted:
    """A Service is gone."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Unlisted:
    """A kind that some pods need cannot be listed, and why; with an empty `why` it can again.

    `plural` tells it from all others: where several APIs have one of that name, with the API's.

    Nothing is known of its objects meanwhile: none was told, or what was told is gone.
    """

    plural: str
    why: str


@dataclass(frozen=True, slots=True)
class Listed:
    """All there is was told: the cache may be acted on."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Changes may have been missed: the cache may not be acted on until the next `Listed`.

    `what` says it for people. What is gone meanwhile is told as deleted before that `Listed`.
    """

    what: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An object that cannot be read, and what is wrong with it; it counts as not there."""

    what: str


ClusterEvent = (
    NodeChanged
    | NodeDeleted
    | PodChanged
    | PodDeleted
    | ServiceChanged
    | ServiceDeleted
    | StorageChanged
    | StorageDeleted
    | NamespaceChanged
    | NamespaceDeleted
    | PodGroupChanged
    | PodGroupDeleted
    | Unlisted
    | Listed
    | Lost
    | Unreadable
)
"""A closed union: the type checker finds the missing case."""
