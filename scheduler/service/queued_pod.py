"""A pod in the queue: which stage it is at, since when, and what was said of it."""

from dataclasses import dataclass
from enum import Enum

from scheduler.domain.reasons import Refusal
from scheduler.domain.workload import Pod


class Stage(Enum):
    """Where in the queue a pod is; the names are those of kube-scheduler's metrics."""

    ACTIVE = "active"
    IN_FLIGHT = "in_flight"
    BACKOFF = "backoff"
    UNSCHEDULABLE = "unschedulable"
    GATED = "gated"


@dataclass(slots=True, eq=False)
class QueuedPod:
    """A pod in the queue, changed in place.

    `added_s` is when it came, `taken_s` when a cycle took it last, `retry_s` the end of its
    backoff, `parked_s` when it was found unschedulable; all on the queue's clock.

    While it is in flight `seen` is the number of the last event before, `is_changed` says that the
    pod itself changed, and `is_renamed` that something changed which a delay of it refers to: the
    answer it gets may be old already. `was_crowded_out` says that at the last answer pods decided
    on together stood in each other's way: it is tried once more, in case these are others then.

    `refusal` is the latest reason it waits, `said` the text last written to the cluster and
    `said_s` when, `has_condition` whether the pod has a ``PodScheduled=False`` condition there.
    """

    pod: Pod
    stage: Stage
    added_s: float
    attempts: int = 0
    taken_s: float = 0.0
    retry_s: float = 0.0
    parked_s: float = 0.0
    seen: int = 0
    is_changed: bool = False
    is_renamed: bool = False
    was_crowded_out: bool = False
    refusal: Refusal | None = None
    said: str = ""
    said_s: float = 0.0
    has_condition: bool = False


def queue_order(queued: QueuedPod) -> tuple[int, float, str]:
    """Sort by priority, then age, then name: a total order, so that a run can be repeated."""
    return -queued.pod.pod_class.priority, queued.pod.created_s, queued.pod.key
