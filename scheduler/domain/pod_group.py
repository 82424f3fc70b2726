"""Pod groups: pods that are of use only together, whichever API says so.

Three APIs do: ``scheduling.x-k8s.io/v1alpha1`` PodGroup (Coscheduling, KEP-42 of scheduler-plugins;
pods carry a label), ``scheduling.volcano.sh/v1beta1`` PodGroup (pods carry an annotation), and
``scheduling.k8s.io`` PodGroup of Kubernetes 1.36 (KEP-4671; pods name it in their spec). A group of
the old label form has no object: its pods say themselves how many there are to be.
"""

from dataclasses import dataclass, field
from enum import Enum

from typing_extensions import override

from scheduler.domain.resources import Resources


class GroupApi(Enum):
    """Which API a group is of; the value is its API group, empty for labels alone."""

    COSCHEDULING = "scheduling.x-k8s.io"
    VOLCANO = "scheduling.volcano.sh"
    NATIVE = "scheduling.k8s.io"
    LABELS = ""


@dataclass(frozen=True, slots=True)
class GroupRef:
    """What a pod says of its group. `least` is how many its pods want, where they say it (labels).

    Two APIs may have a group of one name: those are different groups.
    """

    api: GroupApi
    namespace: str
    name: str
    least: int = field(default=0, compare=False)

    @override
    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class PodGroup:
    """A group as its object says.

    `min_member` pods or more run, or none does. `min_resources` is what all of them together take,
    empty where it is not said. `timeout_s` is how long members that are bound may wait for the
    others, None for the setting. `within_us` is the largest RTT between any two members, 0 for any;
    with `is_within_soft` it is a wish. `priority` is the group's own, None for that of its pods.
    `created_s` is seconds since 1970. `faults` say what of it cannot be read: then its pods wait.
    """

    ref: GroupRef
    min_member: int = 1
    min_resources: Resources = ()
    timeout_s: float | None = None
    within_us: int = 0
    is_within_soft: bool = False
    priority: int | None = None
    created_s: float = 0.0
    uid: str = ""
    faults: tuple[str, ...] = ()


NO_GROUPS: frozenset[GroupRef] = frozenset()
