"""What is to be moved, and what cannot be."""

from dataclasses import dataclass, field
from enum import Enum

from scheduler.domain.workload import Pod, WorkloadRef

MOVABLE = frozenset({"Deployment", "ReplicaSet", "ReplicationController", "StatefulSet"})
"""Kinds whose controllers make another pod for one that is evicted, and lose nothing by it."""


class Why(Enum):
    """What a pod is moved for."""

    BUDGET = "budget"
    REFERENCE = "reference"
    HOME = "home"
    EVEN = "even"


@dataclass(frozen=True, slots=True)
class Move:
    """A pod that is to leave `node` for `target`.

    `said` is why, in words; `repairs` counts the broken budgets that hold again.
    """

    pod: Pod
    node: str
    target: str
    why: Why
    said: str
    repairs: int = 0


@dataclass(frozen=True, slots=True)
class Stuck:
    """A pod that should be moved and cannot be, and why."""

    pod: Pod
    node: str
    why: str


@dataclass(frozen=True, slots=True)
class Moves:
    """What is to be done now, in this order. What is in neither has to wait for its turn."""

    moves: tuple[Move, ...] = ()
    stuck: tuple[Stuck, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """What must not be moved, or not there.

    Parameters
    ----------
    most
        Moves, in all.
    resting
        Workloads that have moved enough, are on the move, or were refused a moment ago; and what is
        to be said of it, or nothing where they only wait for their turn.
    barred
        Nodes that were bad for a workload a while ago.
    untrusted
        Nodes that nothing is moved to.
    scheduler_name
        Whose pods may be moved: others would be placed by somebody else. Empty for everybody's.
    """

    most: int
    resting: dict[WorkloadRef, str] = field(default_factory=dict)
    barred: dict[WorkloadRef, frozenset[str]] = field(default_factory=dict)
    untrusted: frozenset[str] = frozenset()
    scheduler_name: str = ""


def unmovable(pod: Pod, limits: Limits) -> str:
    """Return why a pod can never be moved; empty where it can."""
    workload = pod.pod_class.workload
    if limits.scheduler_name and pod.scheduler_name != limits.scheduler_name:
        return f"it is addressed to {pod.scheduler_name or 'another scheduler'}"
    if workload is None:
        return "it has no controller that would make another"
    if workload.kind not in MOVABLE:
        return f"its {workload.kind} would not make another of it, or would lose work"
    return ""
