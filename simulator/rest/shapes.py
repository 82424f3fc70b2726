"""The JSON types of the fields that are read here: what Go's decoder checks in a real API server.

Only form is checked, and only of fields that something in the embedded cluster reads: controllers
and kubelets must never meet a list where they expect a map. Other fields are kept as they come.
"""

import msgspec

from simulator.change import JsonObject
from simulator.rest.answers import bad_request
from simulator.rest.podshapes import (
    Amounts,
    Anything,
    Condition,
    Metadata,
    PodSpec,
    PodStatus,
    Requirement,
    Texts,
)


class Shape(msgspec.Struct, rename="camel", frozen=True):
    """What every object has."""

    metadata: Metadata


class Pod(Shape, rename="camel", frozen=True):
    """``v1.Pod``."""

    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()


class Taint(msgspec.Struct, frozen=True):
    """``v1.Taint``."""

    key: str
    effect: str
    value: str = ""


class NodeSpec(msgspec.Struct, frozen=True):
    """``v1.NodeSpec``."""

    unschedulable: bool = False
    taints: list[Taint] = []


class Address(msgspec.Struct, frozen=True):
    """``v1.NodeAddress``."""

    type: str
    address: str


class NodeStatus(msgspec.Struct, rename="camel", frozen=True):
    """``v1.NodeStatus``."""

    capacity: Amounts = {}
    allocatable: Amounts = {}
    conditions: list[Condition] = []
    addresses: list[Address] = []
    node_info: Anything = {}


class Node(Shape, rename="camel", frozen=True):
    """``v1.Node``."""

    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


class ServicePort(msgspec.Struct, rename="camel", frozen=True):
    """``v1.ServicePort``."""

    port: int
    target_port: int | str = 0
    name: str = ""
    protocol: str = "TCP"


class ServiceSpec(msgspec.Struct, rename="camel", frozen=True):
    """``v1.ServiceSpec``."""

    selector: Texts = {}
    ports: list[ServicePort] = []
    type: str = ""
    cluster_i_p: str = msgspec.field(default="", name="clusterIP")


class Service(Shape, rename="camel", frozen=True):
    """``v1.Service``."""

    spec: ServiceSpec = ServiceSpec()
    status: Anything = {}


class TemplateMetadata(msgspec.Struct, frozen=True):
    """The metadata of a pod template."""

    labels: Texts = {}
    annotations: Texts = {}


class Template(msgspec.Struct, frozen=True):
    """``v1.PodTemplateSpec``."""

    metadata: TemplateMetadata = TemplateMetadata()
    spec: PodSpec = PodSpec()


class Selector(msgspec.Struct, rename="camel", frozen=True):
    """``metav1.LabelSelector``."""

    match_labels: Texts = {}
    match_expressions: list[Requirement] = []


class Rolling(msgspec.Struct, rename="camel", frozen=True):
    """``appsv1.RollingUpdateDeployment``."""

    max_surge: int | str = "25%"
    max_unavailable: int | str = "25%"


class Strategy(msgspec.Struct, rename="camel", frozen=True):
    """``appsv1.DeploymentStrategy``."""

    type: str = "RollingUpdate"
    rolling_update: Rolling = Rolling()


class ReplicatedSpec(msgspec.Struct, frozen=True):
    """What Deployments and ReplicaSets want."""

    replicas: int = 1
    selector: Selector = Selector()
    template: Template = Template()
    strategy: Strategy = Strategy()


class ReplicatedStatus(msgspec.Struct, rename="camel", frozen=True):
    """What Deployments and ReplicaSets have."""

    replicas: int = 0
    ready_replicas: int = 0
    updated_replicas: int = 0
    available_replicas: int = 0
    conditions: list[Condition] = []


class Replicated(Shape, rename="camel", frozen=True):
    """``appsv1.Deployment`` and ``appsv1.ReplicaSet``."""

    spec: ReplicatedSpec = ReplicatedSpec()
    status: ReplicatedStatus = ReplicatedStatus()


class About(msgspec.Struct, rename="camel", frozen=True):
    """``v1.ObjectReference``."""

    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""
    field_path: str = ""


class Source(msgspec.Struct, frozen=True):
    """``v1.EventSource``."""

    component: str = ""
    host: str = ""


class Series(msgspec.Struct, rename="camel", frozen=True):
    """``v1.EventSeries``."""

    count: int = 0
    last_observed_time: str = ""


class Event(Shape, rename="camel", frozen=True):
    """``v1.Event``."""

    involved_object: About = About()
    reason: str = ""
    message: str = ""
    type: str = ""
    source: Source = Source()
    first_timestamp: str = ""
    last_timestamp: str = ""
    event_time: str = ""
    count: int = 0
    series: Series = Series()
    action: str = ""
    reporting_component: str = ""
    reporting_instance: str = ""


class LeaseSpec(msgspec.Struct, rename="camel", frozen=True):
    """``coordinationv1.LeaseSpec``."""

    holder_identity: str = ""
    lease_duration_seconds: int | None = None
    acquire_time: str = ""
    renew_time: str = ""
    lease_transitions: int = 0


class Lease(Shape, rename="camel", frozen=True):
    """``coordinationv1.Lease``."""

    spec: LeaseSpec = LeaseSpec()


class Namespace(Shape, rename="camel", frozen=True):
    """``v1.Namespace``."""

    spec: Anything = {}
    status: Texts = {}


class Stored(Shape, rename="camel", frozen=True):
    """A kind of storage, which nobody here acts on."""

    spec: Anything = {}
    status: Anything = {}


_SHAPES: dict[str, type[Shape]] = {
    "Pod": Pod,
    "Node": Node,
    "Service": Service,
    "Deployment": Replicated,
    "ReplicaSet": Replicated,
    "Event": Event,
    "Lease": Lease,
    "Namespace": Namespace,
}


def check_shape(obj: JsonObject) -> JsonObject:
    """Return an object as it is stored, if its fields have the types their kind gives them.

    Raises
    ------
    Refused
        400, naming the field.
    """
    kind = str(obj["kind"])
    try:
        msgspec.convert(obj, _SHAPES.get(kind, Stored))
    except msgspec.ValidationError as error:
        version = str(obj["apiVersion"]).rpartition("/")[2]
        what = f'{kind} in version "{version}" cannot be handled as a {kind}'
        raise bad_request(f"{what}: json: {error}") from None
    return obj
