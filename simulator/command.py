"""What one may ask of the embedded cluster."""

from dataclasses import dataclass
from typing import Literal

from simulator.change import JsonObject, ObjectKey

Subresource = Literal["", "status"]


@dataclass(frozen=True, slots=True)
class Create:
    """Create an object; refused if it exists. ``generateName`` is honoured."""

    object: JsonObject


@dataclass(frozen=True, slots=True)
class Update:
    """Replace an object, or with `subresource` ``status`` its status alone."""

    object: JsonObject
    subresource: Subresource = ""


@dataclass(frozen=True, slots=True)
class Patch:
    """Change parts of an object by a JSON merge patch (RFC 7386)."""

    key: ObjectKey
    patch: JsonObject
    subresource: Subresource = ""


@dataclass(frozen=True, slots=True)
class Apply:
    """Create the object, or merge what is written into the one that exists."""

    object: JsonObject


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete an object.

    `uid`, where given, must be the object's. `grace_s` 0 removes a pod without waiting for its
    kubelet; None leaves the pod's own grace period. `orphan` leaves dependents alive.
    """

    key: ObjectKey
    uid: str = ""
    grace_s: float | None = None
    orphan: bool = False


@dataclass(frozen=True, slots=True)
class Scale:
    """Set the replicas of a Deployment or ReplicaSet."""

    key: ObjectKey
    replicas: int


@dataclass(frozen=True, slots=True)
class Bind:
    """Bind a pod to a node; `annotations` are copied to the pod. An empty `uid` is not checked."""

    namespace: str
    name: str
    node: str
    uid: str = ""
    annotations: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SetCondition:
    """Set one condition of an object's status; its transition time moves only with its status."""

    key: ObjectKey
    condition: JsonObject


@dataclass(frozen=True, slots=True)
class Record:
    """Write an event about an object; equal events are counted, not repeated."""

    about: ObjectKey
    type: Literal["Normal", "Warning"]
    reason: str
    message: str
    component: str
    uid: str = ""


@dataclass(frozen=True, slots=True)
class FailNodes:
    """The kubelets of `nodes` fall silent (``Unknown``) or report that they are not ready."""

    nodes: tuple[str, ...]
    ready: Literal["Unknown", "False"] = "Unknown"


@dataclass(frozen=True, slots=True)
class ReturnNodes:
    """Nodes that failed are back."""

    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cordon:
    """Close a node to new pods, or open it."""

    node: str
    is_unschedulable: bool = True


@dataclass(frozen=True, slots=True)
class Drain:
    """Cordon a node and delete its pods."""

    node: str


@dataclass(frozen=True, slots=True)
class RefuseBindings:
    """From now on an admission hook refuses this share of bindings, 0 to 1."""

    share: float


Command = (
    Create
    | Update
    | Patch
    | Apply
    | Delete
    | Scale
    | Bind
    | SetCondition
    | Record
    | FailNodes
    | ReturnNodes
    | Cordon
    | Drain
    | RefuseBindings
)
"""A closed union: the type checker finds the missing case."""
