"""What pods ask of each other: affinity, anti-affinity, topology spread, host ports.

Meaning and words: "Assigning Pods to Nodes" and "Pod Topology Spread Constraints" of the Kubernetes
documentation, exactly as kube-scheduler's InterPodAffinity, PodTopologySpread and NodePorts plugins
have it. A *topology domain* is the set of nodes that carry one value of a label.
"""

from dataclasses import dataclass

from scheduler.domain.selector import LabelSelector


@dataclass(frozen=True, slots=True)
class PodTerm:
    """Pods to be near to, or away from: those selected, within one topology domain.

    `namespaces` are those written, sorted; where neither they nor a namespace selector were, the
    pod's own. `namespace_selector` adds the namespaces whose labels it selects. A `selector` of
    None selects no pod.
    """

    topology_key: str
    selector: LabelSelector | None
    namespaces: tuple[str, ...]
    namespace_selector: LabelSelector | None = None


@dataclass(frozen=True, slots=True)
class WeightedPodTerm:
    """A wish: `weight` is 1 to 100 for affinity, -1 to -100 for anti-affinity."""

    weight: int
    term: PodTerm


@dataclass(frozen=True, slots=True)
class SpreadConstraint:
    """How evenly the selected pods of the pod's namespace lie over the domains of a label.

    `is_hard` is ``DoNotSchedule``. `min_domains` counts for hard ones only; 1 where not written.
    `honors_affinity` and `honors_taints` say whether nodes that the pod's node affinity or its
    tolerations rule out are left out of the domains.
    """

    topology_key: str
    max_skew: int
    is_hard: bool
    selector: LabelSelector | None
    min_domains: int = 1
    honors_affinity: bool = True
    honors_taints: bool = False


@dataclass(frozen=True, slots=True, order=True)
class HostPort:
    """A port of the node itself. An `ip` of ``0.0.0.0`` is every address of the node."""

    ip: str
    protocol: str
    port: int
