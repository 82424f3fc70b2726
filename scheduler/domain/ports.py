"""What the shell needs of the outside: small protocols, fulfilled by kube, files, simulator."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal, Protocol

from scheduler.domain.node import Node
from scheduler.domain.workload import Pod, Service
from telemetry.model import RttTable


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

    `node` is where it is bound, or empty. `phase` as in the API.
    """

    pod: Pod
    node: str
    phase: str
    is_terminating: bool


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
class Listed:
    """The initial list is complete: the cache may be acted on."""


ClusterEvent = (
    NodeChanged | NodeDeleted | PodChanged | PodDeleted | ServiceChanged | ServiceDeleted | Listed
)
"""A closed union: the type checker finds the missing case."""


@dataclass(frozen=True, slots=True)
class Binding:
    """A pod to be bound to a node. `annotations` travel on the Binding to the pod."""

    pod: Pod
    node: str
    annotations: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PodNote:
    """An event about a pod, and for ``unschedulable`` also its PodScheduled=False condition."""

    pod: Pod
    kind: Literal["Normal", "Warning"]
    reason: str
    message: str
    is_condition: bool = False


class Cluster(Protocol):
    """The cluster as the service sees it."""

    def events(self) -> AsyncIterator[ClusterEvent]:
        """List everything, say `Listed`, then follow changes until cancelled."""
        ...

    async def bind(self, binding: Binding) -> None:
        """Bind a pod.

        Raises
        ------
        BindConflict
            If the cluster refuses: the pod is gone, bound already, or of another uid.
        ClusterUnavailable
            If the cluster does not answer; the outcome is not known.
        """
        ...

    async def note(self, note: PodNote) -> None:
        """Write an event (and condition)."""
        ...


class RttSource(Protocol):
    """Where RTT tables come from."""

    def tables(self) -> AsyncIterator[RttTable]:
        """Yield the first table, then each newer one, until cancelled."""
        ...
