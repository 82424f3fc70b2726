"""The JSON types of pods and of what every object has; see `simulator.rest.shapes`."""

from typing import Any

import msgspec

Texts = dict[str, str]
Amounts = dict[str, str | int | float]
Anything = dict[str, Any]


class Owner(msgspec.Struct, frozen=True):
    """``metav1.OwnerReference``."""

    kind: str
    name: str
    uid: str
    controller: bool = False


class Metadata(msgspec.Struct, frozen=True):
    """``metav1.ObjectMeta``."""

    name: str = ""
    generateName: str = ""  # noqa: N815 - the API's names
    namespace: str = ""
    uid: str = ""
    resourceVersion: str = ""  # noqa: N815 - the API's names
    labels: Texts = {}
    annotations: Texts = {}
    ownerReferences: list[Owner] = []  # noqa: N815 - the API's names
    finalizers: list[str] = []


class Resources(msgspec.Struct, frozen=True):
    """``v1.ResourceRequirements``."""

    requests: Amounts = {}
    limits: Amounts = {}


class Port(msgspec.Struct, rename="camel", frozen=True):
    """``v1.ContainerPort``."""

    container_port: int
    host_port: int = 0
    name: str = ""
    protocol: str = "TCP"


class Named(msgspec.Struct, frozen=True):
    """A volume, an environment variable, a gate."""

    name: str


class Container(msgspec.Struct, rename="camel", frozen=True):
    """``v1.Container``."""

    name: str = ""
    image: str = ""
    resources: Resources = Resources()
    ports: list[Port] = []
    env: list[Named] = []
    restart_policy: str = ""


class Toleration(msgspec.Struct, rename="camel", frozen=True):
    """``v1.Toleration``."""

    key: str = ""
    operator: str = ""
    value: str = ""
    effect: str = ""
    toleration_seconds: int | None = None


class Requirement(msgspec.Struct, frozen=True):
    """``v1.NodeSelectorRequirement``."""

    key: str
    operator: str
    values: list[str] = []


class Term(msgspec.Struct, rename="camel", frozen=True):
    """``v1.NodeSelectorTerm``."""

    match_expressions: list[Requirement] = []
    match_fields: list[Requirement] = []


class NodeSelector(msgspec.Struct, rename="camel", frozen=True):
    """``v1.NodeSelector``."""

    node_selector_terms: list[Term] = []


class NodeAffinity(msgspec.Struct, frozen=True):
    """``v1.NodeAffinity``."""

    requiredDuringSchedulingIgnoredDuringExecution: NodeSelector | None = None  # noqa: N815
    preferredDuringSchedulingIgnoredDuringExecution: list[Anything] = []  # noqa: N815


class Affinity(msgspec.Struct, rename="camel", frozen=True):
    """``v1.Affinity``."""

    node_affinity: NodeAffinity | None = None
    pod_affinity: Anything = {}
    pod_anti_affinity: Anything = {}


class PodSpec(msgspec.Struct, rename="camel", frozen=True):
    """``v1.PodSpec``."""

    containers: list[Container] = []
    init_containers: list[Container] = []
    scheduler_name: str = ""
    node_name: str = ""
    restart_policy: str = ""
    priority_class_name: str = ""
    priority: int | None = None
    node_selector: Texts = {}
    affinity: Affinity | None = None
    tolerations: list[Toleration] = []
    scheduling_gates: list[Named] = []
    volumes: list[Named] = []
    topology_spread_constraints: list[Anything] = []
    overhead: Amounts = {}
    resources: Resources = Resources()
    termination_grace_period_seconds: int | None = None


class Condition(msgspec.Struct, rename="camel", frozen=True):
    """A condition of any kind of object."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_transition_time: str = ""


class ContainerStatus(msgspec.Struct, rename="camel", frozen=True):
    """``v1.ContainerStatus``."""

    name: str = ""
    ready: bool = False
    restart_count: int = 0
    state: dict[str, Anything] = {}


class PodStatus(msgspec.Struct, rename="camel", frozen=True):
    """``v1.PodStatus``."""

    phase: str = ""
    reason: str = ""
    message: str = ""
    conditions: list[Condition] = []
    container_statuses: list[ContainerStatus] = []
    pod_i_p: str = msgspec.field(default="", name="podIP")
    host_i_p: str = msgspec.field(default="", name="hostIP")
    nominated_node_name: str = ""
