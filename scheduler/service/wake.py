"""What happened that may let a waiting pod be placed; `scheduler.service.hints` says which.

Each event has a name, `why`, for the metrics: kube-scheduler's own where it has one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import ClassVar

from scheduler.domain.node import Node
from scheduler.domain.object_events import StorageKind, StorageObject
from scheduler.domain.pod_group import GroupRef, PodGroup
from scheduler.domain.resources import PODS, UNLIMITED, Resources
from scheduler.domain.storage import PodVolumes
from scheduler.domain.workload import Labels, Pod, PodClass
from scheduler.service.rtt_changed import RttChanged

_GROUPED = ("StorageClass", "CSINode", "CSIDriver", "CSIStorageCapacity", "VolumeAttachment")
_NO_LABELS: Mapping[str, str] = {}

Namespaces = Mapping[str, Mapping[str, str]]
"""The labels of each namespace by its name."""


@dataclass(frozen=True, slots=True)
class WakeAll:
    """Something that may concern any pod."""

    why: str


@dataclass(frozen=True, slots=True)
class WakeNamed:
    """What goes by these names in a namespace changed: pods with a delay to it may fit now."""

    why: str
    namespace: str
    names: frozenset[str]
    skips_backoff: bool = False
    """A reference has appeared: try at once, so that pods which refer to each other meet."""


# Nodes


@dataclass(frozen=True, slots=True, eq=False)
class Room:
    """What is left on a node. `free` has a value for each resource that anything requests."""

    node: Node
    free: Mapping[str, int]

    def fits(self, pod_class: PodClass, besides: Resources = ()) -> bool:
        """Whether a pod of a class fits; with `besides` taken off the room first.

        As in `scheduler.placement.feasibility.room`: what is not asked for is not looked at.
        """
        taken = dict(besides)
        for name, amount in room_of(pod_class):
            if amount > 0 and self._free(name) - taken.get(name, 0) < amount:
                return False
        return True

    def _free(self, name: str) -> int:
        free = self.free.get(name)
        return free if free is not None else allocatable(self.node, name)


def allocatable(node: Node, resource: str) -> int:
    """Return how much of a resource a node has in all."""
    return node.allocatable.get(resource, UNLIMITED if node.is_unlimited else 0)


class NodeChange(Enum):
    """What of a node changed, by kube-scheduler's names of the events and in their order."""

    TAINT = "NodeUpdateNodeTaint"
    """Its taints, or whether it is schedulable."""
    ALLOCATABLE = "NodeUpdateNodeAllocatable"
    LABEL = "NodeUpdateNodeLabel"
    CONDITION = "NodeUpdateNodeCondition"
    """Whether it is ready."""
    FEATURES = "NodeUpdateNodeDeclaredFeature"


@dataclass(frozen=True, slots=True, eq=False)
class NodeAdded:
    """A node has come. Pods that are on it already are told of as `PodPlaced`."""

    why: ClassVar[str] = "NodeAdd"

    node: Node


@dataclass(frozen=True, slots=True, eq=False)
class NodeUpdated:
    """A node changed in something that decisions depend on; `room` is what is left on it now."""

    old: Node
    new: Node
    room: Room
    changes: frozenset[NodeChange]

    @property
    def why(self) -> str:
        """The name of the first change."""
        return next(change.value for change in NodeChange if change in self.changes)


@dataclass(frozen=True, slots=True, eq=False)
class NodeRemoved:
    """A node is gone. Its pods are told of as `PodGone`, though they may still be known."""

    why: ClassVar[str] = "NodeDelete"

    node: Node


def node_changes(old: Node, new: Node) -> frozenset[NodeChange]:
    """Return in what a node changed of all that decisions depend on.

    Of images they only have wishes, and of a heartbeat nothing.
    """
    is_changed = {
        NodeChange.TAINT: (old.taints, old.is_unschedulable) != (new.taints, new.is_unschedulable),
        NodeChange.ALLOCATABLE: old.allocatable != new.allocatable
        or old.is_unlimited != new.is_unlimited,
        NodeChange.LABEL: old.labels != new.labels,
        NodeChange.CONDITION: old.is_ready != new.is_ready,
        NodeChange.FEATURES: old.features != new.features,
    }
    return frozenset(change for change, differs in is_changed.items() if differs)


@dataclass(frozen=True, slots=True, eq=False)
class RoomFreed:
    """There is more room on a node.

    `freed` is by how much; None where decisions may have counted it as taken when it was not.
    """

    room: Room
    freed: Resources | None
    why: str = "AssignedPodDelete"


def room_of(pod_class: PodClass) -> Resources:
    """Return what one pod of a class takes, its own place included."""
    taken = dict(pod_class.requests)
    taken[PODS] = taken.get(PODS, 0) + 1
    return tuple(taken.items())


# Pods that are placed


@dataclass(frozen=True)
class PlacedPod:
    """A placed pod as the rules of other pods see it; `namespaces` are those there are."""

    pod_class: PodClass
    identity_labels: Labels = ()
    volumes: PodVolumes = field(default_factory=PodVolumes)
    namespaces: Namespaces = field(default_factory=dict, compare=False, repr=False)

    @property
    def namespace(self) -> str:
        """The pod's namespace."""
        return self.pod_class.namespace

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """All its labels."""
        return dict((*self.pod_class.labels, *self.identity_labels))

    @property
    def namespace_labels(self) -> Mapping[str, str]:
        """The labels of its namespace; none where it is not known."""
        return self.namespaces.get(self.namespace, _NO_LABELS)


def placed_pod(pod: Pod, namespaces: Namespaces) -> PlacedPod:
    """Return what of a pod the rules of others see."""
    return PlacedPod(pod.pod_class, pod.identity_labels, pod.volumes, namespaces)


@dataclass(frozen=True, slots=True)
class PodPlaced:
    """A pod is on a node from now on: assumed, or bound by others."""

    pod: PlacedPod
    why: str = "AssignedPodAdd"


@dataclass(frozen=True, slots=True)
class PodGone:
    """A pod is on its node no more, or will not be, or the node went. Room: see `RoomFreed`."""

    pod: PlacedPod
    why: str = "AssignedPodDelete"


@dataclass(frozen=True, slots=True)
class PodLeaving:
    """A placed pod is terminating: it takes its room, but topology spread counts it no more."""

    why: ClassVar[str] = "AssignedPodUpdate"

    pod: PlacedPod


@dataclass(frozen=True, slots=True)
class PodRelabelled:
    """The labels of a placed pod changed."""

    why: ClassVar[str] = "AssignedPodUpdatePodLabel"

    old: PlacedPod
    new: PlacedPod


# All else


@dataclass(frozen=True, slots=True, eq=False)
class NamespaceRelabelled:
    """A namespace came, went, or changed its labels; None where there is none."""

    name: str
    old: Mapping[str, str] | None
    new: Mapping[str, str] | None

    @property
    def why(self) -> str:
        """What happened to the namespace."""
        return f"Namespace{_action(self.old, self.new)}"


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """An object of storage came, went, or changed; None where there is none."""

    kind: StorageKind
    old: StorageObject | None
    new: StorageObject | None

    @property
    def why(self) -> str:
        """What happened to the object."""
        group = "storage.k8s.io/" if self.kind in _GROUPED else ""
        return f"{group}{self.kind}{_action(self.old, self.new)}"


@dataclass(frozen=True, slots=True, eq=False)
class GroupTold:
    """A pod group came, went, or changed; None where there is none."""

    ref: GroupRef
    old: PodGroup | None
    new: PodGroup | None

    @property
    def why(self) -> str:
        """What happened to the group."""
        return f"{self.ref.api.value}/PodGroup{_action(self.old, self.new)}"


def _action(old: object, new: object) -> str:
    if old is None:
        return "Add"
    return "Update" if new is not None else "Delete"


Wake = (
    WakeAll
    | WakeNamed
    | NodeAdded
    | NodeUpdated
    | NodeRemoved
    | RoomFreed
    | PodPlaced
    | PodGone
    | PodLeaving
    | PodRelabelled
    | NamespaceRelabelled
    | Stored
    | GroupTold
    | RttChanged
)
"""A closed union: the type checker finds the missing case."""
