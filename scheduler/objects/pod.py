"""A Pod as the API shows it, or as it is written in a manifest."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, get_args

from scheduler.domain.errors import InputError
from scheduler.domain.ports import PodChanged
from scheduler.domain.reasons import Condition
from scheduler.domain.storage import PodVolumes
from scheduler.domain.workload import Pod, PodClass
from scheduler.objects.containers import needed_features, read_host_ports, read_images
from scheduler.objects.decoding import Object, Wire, decode, described
from scheduler.objects.delays import read_delays
from scheduler.objects.features import FeatureSpec, unsupported_features
from scheduler.objects.metadata import (
    Metadata,
    created_s,
    identity_labels,
    namespace_of,
    object_name,
    read_text_map,
    shown_labels,
    sorted_pairs,
    workload_of,
)
from scheduler.objects.nodeterms import (
    NodeAffinity,
    WrittenToleration,
    read_preferred,
    read_required,
    read_tolerations,
)
from scheduler.objects.podterms import (
    PodAffinity,
    PodsView,
    WrittenSpread,
    read_pod_terms,
    read_spread,
)
from scheduler.objects.requests import ContainerStatus, Demands, Given, PodDemands, read_requests
from scheduler.objects.volumes import read_pod_volumes

DEFAULT_SCHEDULER = "default-scheduler"
_SYSTEM_PRIORITIES = {
    "system-cluster-critical": 2_000_000_000,
    "system-node-critical": 2_000_001_000,
}


class Affinity(Wire, frozen=True):
    """``spec.affinity``."""

    node_affinity: NodeAffinity | None = None
    pod_affinity: PodAffinity | None = None
    pod_anti_affinity: PodAffinity | None = None


class PodSpec(PodDemands, frozen=True):
    """The fields of ``spec`` that scheduling depends on."""

    node_selector: dict[str, Any] | None = None
    affinity: Affinity | None = None
    tolerations: tuple[WrittenToleration, ...] | None = None
    node_name: str | None = None
    priority: int | None = None
    priority_class_name: str | None = None
    scheduler_name: str | None = None
    scheduling_gates: tuple[Any, ...] | None = None
    topology_spread_constraints: tuple[WrittenSpread, ...] | None = None
    volumes: tuple[dict[str, Any], ...] | None = None
    resource_claims: tuple[Any, ...] | None = None
    scheduling_group: Any = None
    workload_ref: Any = None
    host_network: bool | None = None
    host_users: bool | None = None


class PodCondition(Wire, frozen=True):
    """One of ``status.conditions``."""

    type: str | None = None
    status: str | None = None
    reason: str | None = None
    message: str | None = None


class PodStatus(Wire, frozen=True):
    """``status``."""

    phase: str | None = None
    conditions: tuple[PodCondition, ...] | None = None
    container_statuses: tuple[ContainerStatus, ...] | None = None
    init_container_statuses: tuple[ContainerStatus, ...] | None = None
    resources: Demands | None = None
    allocated_resources: dict[str, Any] | None = None


class WrittenPod(Wire, frozen=True):
    """A Pod as written."""

    metadata: Metadata | None = None
    spec: PodSpec | None = None
    status: PodStatus | None = None


def read_pod(obj: Object) -> Pod:
    """Return a pod; a ``spec.nodeName`` is the node it insists on.

    Parameters
    ----------
    obj
        A tree, or JSON. Fields that scheduling does not depend on are ignored.

    Raises
    ------
    InputError
        If a field has a wrong type or value, or the pod has no name or no containers. Delays that
        cannot be read are no errors: they are in ``pod_class.faults``.
    """
    return _pod(decode(obj, WrittenPod, "Pod"), _insisting_class_of, is_served=False)


def read_served_pod(obj: Object) -> Pod:
    """Return a pod as an API server shows it; a ``spec.nodeName`` is the node it insists on.

    Raises
    ------
    InputError
        As `read_pod`.
    """
    return _pod(decode(obj, WrittenPod, "Pod"), _insisting_class_of, is_served=True)


def read_pod_changed(obj: Object, class_of: "ClassOf | None" = None) -> PodChanged:
    """Return a pod of a cluster with where and how it is.

    A bound pod's node is in `PodChanged.node` and no part of its class. `class_of` is in place of
    `pod_class_of`.

    Raises
    ------
    InputError
        As `read_pod`.
    """
    written = decode(obj, WrittenPod, "Pod")
    return PodChanged(
        pod=_pod(written, class_of or pod_class_of, is_served=True),
        node=_node_name(written),
        phase=_phase(written),
        is_terminating=_is_terminating(written),
        said=_said(written),
    )


def pod_phase(obj: Object) -> str:
    """Return ``status.phase``; ``Pending`` where it is not said.

    Raises
    ------
    InputError
        As `read_pod`.
    """
    return _phase(decode(obj, WrittenPod, "Pod"))


def pod_node_name(obj: Object) -> str:
    """Return ``spec.nodeName``, or the empty text.

    Raises
    ------
    InputError
        As `read_pod`.
    """
    return _node_name(decode(obj, WrittenPod, "Pod"))


def is_terminating(obj: Object) -> bool:
    """Return whether the pod was told to go.

    Raises
    ------
    InputError
        As `read_pod`.
    """
    return _is_terminating(decode(obj, WrittenPod, "Pod"))


def _phase(written: WrittenPod) -> str:
    return (written.status.phase if written.status else None) or "Pending"


def _node_name(written: WrittenPod) -> str:
    return (written.spec.node_name if written.spec else None) or ""


def _said(written: WrittenPod) -> str:
    """Return why the pod waits, as a scheduler has written it; gates are no such reason."""
    for one in (written.status.conditions if written.status else None) or ():
        is_ours = one.reason in get_args(Condition)
        if one.type == "PodScheduled" and one.status == "False" and is_ours:
            return one.message or ""
    return ""


def _is_terminating(written: WrittenPod) -> bool:
    return bool(written.metadata and written.metadata.deletion_timestamp)


@dataclass(frozen=True, slots=True)
class Read:
    """What of a pod makes its class; `where` names it in errors.

    `is_served` says that an API server has been at it: it has merged label keys into selectors,
    and a pod that runs has a `given`.
    """

    where: str
    metadata: Metadata
    spec: PodSpec
    given: Given | None = None
    is_served: bool = False


ClassOf = Callable[[Read], PodClass]


def _pod(written: WrittenPod, class_of: ClassOf, *, is_served: bool) -> Pod:
    metadata = written.metadata or Metadata()
    name = object_name("Pod", metadata)
    where = described("Pod", namespace_of(metadata), name)
    spec = written.spec or PodSpec()
    if not spec.containers:
        raise InputError(f"{where}: spec.containers", "is empty", "give at least one container")
    given = _given(written) if is_served and spec.node_name else None
    return Pod(
        name=name,
        pod_class=class_of(Read(where, metadata, spec, given, is_served)),
        uid=metadata.uid or "",
        created_s=created_s(where, metadata),
        scheduler_name=spec.scheduler_name or DEFAULT_SCHEDULER,
        is_gated=bool(spec.scheduling_gates),
        identity_labels=identity_labels(metadata),
        volumes=read_pod_volumes(where, name, spec.volumes) if spec.volumes else PodVolumes(),
    )


def _given(written: WrittenPod) -> Given | None:
    """Return what a pod's status says it was given, where it says anything of it."""
    status = written.status
    if status is None:
        return None
    found = [*(status.container_statuses or ()), *(status.init_container_statuses or ())]
    containers = tuple(one for one in found if one.resources is not None)
    if not containers and status.resources is None:
        return None
    pending = next((c for c in status.conditions or () if c.type == "PodResizePending"), None)
    return Given(
        containers,
        status.resources,
        status.allocated_resources,
        is_infeasible=pending is not None and pending.reason == "Infeasible",
    )


def _insisting_class_of(read: Read) -> PodClass:
    return replace(pod_class_of(read), node_name=read.spec.node_name or "")


def pod_class_of(read: Read) -> PodClass:
    """Return the class of a pod, wherever it is.

    Raises
    ------
    InputError
        As `read_pod`.
    """
    where, metadata, spec = read.where, read.metadata, read.spec
    namespace = namespace_of(metadata)
    delays, faults = read_delays(metadata.labels, metadata.annotations, namespace)
    labels = read_text_map(where, "metadata.labels", shown_labels(metadata))
    node_affinity = spec.affinity.node_affinity if spec.affinity else None
    selector = read_text_map(where, "spec.nodeSelector", spec.node_selector)
    view = PodsView(
        where, namespace, labels | dict(identity_labels(metadata)), merges_keys=not read.is_served
    )
    near, away, wished = read_pod_terms(view, spec.affinity)
    containers, init_containers = spec.containers or (), spec.init_containers or ()
    return PodClass(
        namespace=namespace,
        workload=workload_of(metadata),
        labels=sorted_pairs(labels),
        requests=read_requests(where, spec, read.given),
        delays=delays,
        faults=faults,
        node_selector=sorted_pairs(selector),
        required_nodes=read_required(where, node_affinity),
        preferred_nodes=read_preferred(where, node_affinity),
        tolerations=read_tolerations(where, spec.tolerations),
        priority=_priority(spec),
        pod_affinity=near,
        pod_anti_affinity=away,
        preferred_pods=wished,
        spread=read_spread(view, spec.topology_spread_constraints),
        host_ports=read_host_ports(
            where, containers, init_containers, is_host_network=bool(spec.host_network)
        ),
        images=read_images((*init_containers, *containers)),
        features=needed_features(
            (*init_containers, *containers),
            is_host_network=bool(spec.host_network),
            is_host_user=spec.host_users is not False,
        ),
        unsupported=unsupported_features(_features(spec), metadata.labels),
    )


def _priority(spec: PodSpec) -> int:
    """Return the priority; a server has filled it in, a manifest may only name a system class."""
    if spec.priority is not None:
        return spec.priority
    return _SYSTEM_PRIORITIES.get(spec.priority_class_name or "", 0)


def _features(spec: PodSpec) -> FeatureSpec:
    return FeatureSpec(
        volumes=spec.volumes or (),
        resource_claims=spec.resource_claims or (),
        scheduling_group=spec.scheduling_group,
        workload_ref=spec.workload_ref,
    )
