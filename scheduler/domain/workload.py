"""Pods and what owns them.

A `PodClass` is everything that scheduling can tell pods apart by; pods of one class are one supply
in the flow. A `Pod` adds only its identity.
"""

from dataclasses import dataclass, field

from typing_extensions import override

from scheduler.domain.between import HostPort, PodTerm, SpreadConstraint, WeightedPodTerm
from scheduler.domain.delay import DelayConstraint, DelayFault
from scheduler.domain.pod_group import GroupRef
from scheduler.domain.resources import Resources
from scheduler.domain.selector import Labels, NodeTerm, Operator, Requirement
from scheduler.domain.storage import NO_VOLUMES, PodVolumes

__all__ = [
    "IDENTITY_LABELS",
    "Labels",
    "NodeTerm",
    "Operator",
    "Pod",
    "PodClass",
    "PreferredTerm",
    "Requirement",
    "Service",
    "Toleration",
    "WorkloadRef",
]


IDENTITY_LABELS = frozenset(
    {
        "statefulset.kubernetes.io/pod-name",
        "apps.kubernetes.io/pod-index",
        "batch.kubernetes.io/job-completion-index",
    }
)
"""Labels by which a controller numbers its pods. They are no part of a class: with them each
replica of a StatefulSet would be a class of its own and would not be spread from the others."""


@dataclass(frozen=True, slots=True)
class PreferredTerm:
    """A soft node term and its weight, 1 to 100."""

    weight: int
    term: NodeTerm


@dataclass(frozen=True, slots=True)
class Toleration:
    """What a pod puts up with; an empty effect tolerates every effect, an empty key every key."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""


@dataclass(frozen=True, slots=True, order=True)
class WorkloadRef:
    """The top controller of a pod."""

    kind: str
    namespace: str
    name: str

    @override
    def __str__(self) -> str:
        return f"{self.kind.lower()}/{self.name}"


@dataclass(frozen=True, slots=True, weakref_slot=True)
class PodClass:
    """Pods that scheduling cannot tell apart.

    `required_nodes` is a disjunction of terms: ``None`` asks for nothing, an empty tuple matches no
    node. `node_name` is a node the pod insists on (``spec.nodeName`` of a pod in a file).
    `pod_affinity` and `pod_anti_affinity` are required, `preferred_pods` wishes of both kinds.
    `images` are those of its containers, normalised; `features` what a node must declare. `volumes`
    and `nominated_node` are empty but in a decision, where pods of one class that differ in them
    are told apart (`Pod.volumes`, `Pod.nominated_node`). `group` is the pod group it belongs to.
    `unsupported` names features the pod uses that are not implemented: it waits and says so.
    """

    namespace: str = "default"
    workload: WorkloadRef | None = None
    labels: Labels = ()
    requests: Resources = ()
    delays: tuple[DelayConstraint, ...] = ()
    faults: tuple[DelayFault, ...] = ()
    node_selector: Labels = ()
    required_nodes: tuple[NodeTerm, ...] | None = None
    preferred_nodes: tuple[PreferredTerm, ...] = ()
    tolerations: tuple[Toleration, ...] = ()
    node_name: str = ""
    priority: int = 0
    pod_affinity: tuple[PodTerm, ...] = ()
    pod_anti_affinity: tuple[PodTerm, ...] = ()
    preferred_pods: tuple[WeightedPodTerm, ...] = ()
    spread: tuple[SpreadConstraint, ...] = ()
    host_ports: tuple[HostPort, ...] = ()
    images: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    volumes: PodVolumes = NO_VOLUMES
    nominated_node: str = ""
    group: GroupRef | None = None
    unsupported: tuple[str, ...] = ()
    # A class is hashed many times in a cycle and its fields are deep: hash once.
    _hash: int = field(init=False, repr=False, compare=False, default=0)

    def __post_init__(self) -> None:
        parts = (self.namespace, self.workload, self.labels, self.requests, self.delays)
        rest = (self.node_selector, self.required_nodes, self.tolerations, self.node_name)
        between = (
            self.pod_affinity,
            self.pod_anti_affinity,
            self.spread,
            self.volumes,
            self.nominated_node,
            self.group,
        )
        object.__setattr__(self, "_hash", hash((parts, rest, between, self.priority)))

    @override
    def __hash__(self) -> int:
        return self._hash

    @property
    def hard_delays(self) -> tuple[DelayConstraint, ...]:
        """The constraints that must hold."""
        return tuple(d for d in self.delays if not d.is_soft)


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod: its class and its identity.

    `identity_labels` are those by which a controller numbers its pods; they are no part of the
    class, though a selector may ask for them. `volumes` are its own claims and disks, which differ
    from replica to replica. `nominated_node` is where room is kept for it while it waits
    (``status.nominatedNodeName``). As its annotations say, `backup` is the node reserved for the
    day its own dies, `replaces` the uid of a lost pod whose place it took, `home` the node that one
    was lost with, and `moved_from` the nodes its workload's pods were moved away from, and when;
    `surge` is how many replicas are asked for until it has left, or empty.
    """

    name: str
    pod_class: PodClass
    uid: str = ""
    created_s: float = 0.0
    scheduler_name: str = ""
    is_gated: bool = False
    identity_labels: Labels = ()
    volumes: PodVolumes = NO_VOLUMES
    nominated_node: str = ""
    backup: str = ""
    replaces: str = ""
    home: str = ""
    moved_from: str = ""
    surge: str = ""

    @property
    def namespace(self) -> str:
        """Namespace, as its class has it."""
        return self.pod_class.namespace

    @property
    def key(self) -> str:
        """``namespace/name``, unique in a cluster at any one time."""
        return f"{self.pod_class.namespace}/{self.name}"

    @property
    def display_name(self) -> str:
        """``name`` in the namespace ``default``, ``namespace/name`` elsewhere."""
        return self.name if self.namespace == "default" else self.key


@dataclass(frozen=True, slots=True)
class Service:
    """A name for the pods of its namespace that carry all the labels of `selector`."""

    namespace: str
    name: str
    selector: Labels

    def selects(self, namespace: str, labels: Labels) -> bool:
        """Whether a pod with `labels` backs this Service; an empty selector selects nothing."""
        return (
            bool(self.selector)
            and namespace == self.namespace
            and set(self.selector) <= set(labels)
        )
