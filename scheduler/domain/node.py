"""Nodes and their taints."""

from collections.abc import Mapping
from dataclasses import dataclass, field

FAILURE_DOMAIN_LABEL = "topology.kubernetes.io/zone"
HOSTNAME_LABEL = "kubernetes.io/hostname"
ROLE_LABEL = "kubernetes.io/role"
CLOUD_ROLE_LABEL = "node-role.kubernetes.io/cloud"

NOT_READY_TAINT = "node.kubernetes.io/not-ready"
UNREACHABLE_TAINT = "node.kubernetes.io/unreachable"
UNSCHEDULABLE_TAINT = "node.kubernetes.io/unschedulable"

HELD_DOWN_TAINT = "isochrone.dev/held-down"
"""On nodes of a snapshot that are back from the dead and not yet trusted. No API server has it."""

SILENT_TAINT = "isochrone.dev/silent"
"""On nodes of a snapshot that other nodes hear nothing of, while the API server still hopes."""


@dataclass(frozen=True, slots=True)
class Taint:
    """A mark that keeps pods off unless they tolerate it."""

    key: str
    value: str = ""
    effect: str = "NoSchedule"


OUT_OF_SERVICE = Taint("node.kubernetes.io/out-of-service", "isochrone", "NoExecute")
"""Put on a dead node, it has Kubernetes remove the node's pods and detach their volumes
(KEP-2268). The value, which Kubernetes does not read, says that it was us."""


@dataclass(frozen=True, slots=True)
class Node:
    """One node as the API shows it.

    `allocatable` in the units of `scheduler.domain.resources`. `is_unlimited` marks a node of the
    original's formats, where a resource that is not listed has no limit. `images` are those it
    holds, by normalised name, with their size in bytes; `features` what its kubelet declares.
    """

    name: str
    allocatable: Mapping[str, int]
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    is_ready: bool = True
    is_unschedulable: bool = False
    is_unlimited: bool = False
    images: Mapping[str, int] = field(default_factory=dict)
    features: frozenset[str] = frozenset()

    @property
    def is_cloud(self) -> bool:
        """Whether the node has the cloud role, in either of its spellings."""
        return self.labels.get(ROLE_LABEL) == "cloud" or CLOUD_ROLE_LABEL in self.labels

    @property
    def failure_domain(self) -> str:
        """The failure domain, or the empty string where none is given."""
        return self.labels.get(FAILURE_DOMAIN_LABEL, "")
