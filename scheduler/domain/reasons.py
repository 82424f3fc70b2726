"""Why a pod waits. A refusal is an answer: what, where, and what would be right.

`NodeReason` counts per node, in kube-scheduler's own words where the meaning is the same
(its plugins' ErrReason constants); `PodReason` concerns the pod as a whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Literal

RESOURCE_CLAIMS = "resource claims"
"""What a pod's use of ``spec.resourceClaims`` is called."""


class Cause(Enum):
    """What rules a node out: the family a reason belongs to."""

    NODE_NAME = "node name"
    UNSCHEDULABLE = "unschedulable"
    NOT_READY = "not ready"
    TAINT = "taint"
    NODE_AFFINITY = "node affinity"
    NODE_FEATURES = "node features"
    DELAY = "delay"
    DELAY_UNKNOWN = "delay not measured"
    CLOUD = "cloud"
    PORT = "host port"
    RESOURCE = "resource"
    RESERVED = "room kept for failures"
    VOLUME = "volume"
    SPREAD = "topology spread"
    POD_AFFINITY = "pod affinity"


@dataclass(frozen=True, slots=True)
class NodeReason:
    """Why a number of nodes do not take the pod."""

    cause: Cause
    text: str
    count: int


class PodCause(Enum):
    """Why a pod is not tried at all, or not anywhere."""

    BAD_DELAY = "bad delay"
    UNKNOWN_REFERENCE = "unknown reference"
    REFERENCE_PENDING = "reference pending"
    UNSUPPORTED = "unsupported"
    RESOURCE_CLAIM = "resource claim"
    AFFINITY_CONFLICT = "affinity conflict"
    VOLUME = "volume"
    NO_NODES = "no nodes"
    CROWDED_OUT = "crowded out"
    NOT_COVERED = "not covered"
    GROUP = "pod group"
    GROUP_ROOM = "room for a pod group"


@dataclass(frozen=True, slots=True)
class PodReason:
    """Why the pod itself cannot be placed."""

    cause: PodCause
    text: str


Condition = Literal["Unschedulable", "DelayUnreachable", "PodNotPlaceable", "SchedulerError"]
"""Reasons of a ``PodScheduled=False`` condition. Autoscalers add nodes for the first, and only for
that: docs/rules.md says which refusal has which."""

_HELPED_BY_NODES = (
    PodCause.NO_NODES,
    PodCause.CROWDED_OUT,
    PodCause.NOT_COVERED,
    PodCause.GROUP_ROOM,
    PodCause.RESOURCE_CLAIM,
)
"""Of resource claims kube-scheduler itself says so where it cannot allocate them."""

_AT_ALL_NODES = (PodCause.VOLUME, PodCause.RESOURCE_CLAIM, PodCause.AFFINITY_CONFLICT)
"""What kube-scheduler finds before it looks at nodes, and says of all of them."""

_NEAR_ENOUGH = frozenset(
    {
        Cause.PORT,
        Cause.RESOURCE,
        Cause.RESERVED,
        Cause.VOLUME,
        Cause.SPREAD,
        Cause.POD_AFFINITY,
    }
)
"""Rules that are looked at only where the delays hold."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """All that is said of one pod that waits.

    `nodes_total` is the number of nodes looked at. `remedy` is the smallest change that would admit
    the pod, or empty.
    """

    nodes_total: int
    pod_reasons: tuple[PodReason, ...] = ()
    node_reasons: tuple[NodeReason, ...] = ()
    remedy: str = ""

    @property
    def message(self) -> str:
        """The text of the event and of the condition, in kube-scheduler's form.

        Counts come first and the parts are sorted as strings, as the stock scheduler sorts them
        (``FitError.Error`` in pkg/scheduler/framework/types.go).
        """
        before = f"0/{self.nodes_total} nodes are available: "
        said = [
            f"{before}{reason.text}" if reason.cause in _AT_ALL_NODES else reason.text
            for reason in self.pod_reasons
        ]
        counted = sorted(f"{reason.count} {reason.text}" for reason in self.node_reasons)
        if counted or not said:
            said.append(f"{before}{', '.join(counted)}")
        text = "; ".join(said)
        # Of a cluster without nodes it says so, and no more (``ErrNoNodesAvailable``).
        return text if text.endswith(".") or not self.nodes_total else f"{text}."

    @property
    def counts(self) -> Mapping[Cause, int]:
        """Nodes ruled out per cause; a node may count under several."""
        out: dict[Cause, int] = {}
        for reason in self.node_reasons:
            out[reason.cause] = out.get(reason.cause, 0) + reason.count
        return out

    @property
    def condition(self) -> Condition:
        """The reason of the pod's condition: ``Unschedulable`` only where a new node could help."""
        if self.pod_reasons and not all(r.cause in _HELPED_BY_NODES for r in self.pod_reasons):
            return "PodNotPlaceable"
        causes = {reason.cause for reason in self.node_reasons}
        is_far = Cause.DELAY in causes or Cause.DELAY_UNKNOWN in causes
        return "DelayUnreachable" if is_far and not causes & _NEAR_ENOUGH else "Unschedulable"
