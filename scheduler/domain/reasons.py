"""Why a pod waits. A refusal is an answer: what, where, and what would be right.

`NodeReason` counts per node, in kube-scheduler's own words where the meaning is the same
(its plugins' ErrReason constants); `PodReason` concerns the pod as a whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Cause(Enum):
    """What rules a node out: the family a reason belongs to."""

    NODE_NAME = "node name"
    UNSCHEDULABLE = "unschedulable"
    NOT_READY = "not ready"
    TAINT = "taint"
    NODE_AFFINITY = "node affinity"
    DELAY = "delay"
    DELAY_UNKNOWN = "delay not measured"
    CLOUD = "cloud"
    PORT = "host port"
    RESOURCE = "resource"
    VOLUME = "volume"
    SPREAD = "topology spread"
    POD_AFFINITY = "pod affinity"
    POD_ANTI_AFFINITY = "pod anti-affinity"


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
    VOLUME = "volume"
    NO_NODES = "no nodes"
    CROWDED_OUT = "crowded out"


@dataclass(frozen=True, slots=True)
class PodReason:
    """Why the pod itself cannot be placed."""

    cause: PodCause
    text: str


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
        said = [reason.text for reason in self.pod_reasons]
        counted = sorted(f"{reason.count} {reason.text}" for reason in self.node_reasons)
        if counted or not said:
            said.append(f"0/{self.nodes_total} nodes are available: {', '.join(counted)}")
        text = "; ".join(said)
        return text if text.endswith(".") else f"{text}."

    @property
    def counts(self) -> Mapping[Cause, int]:
        """Nodes ruled out per cause; a node may count under several."""
        out: dict[Cause, int] = {}
        for reason in self.node_reasons:
            out[reason.cause] = out.get(reason.cause, 0) + reason.count
        return out
