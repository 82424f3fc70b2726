"""A Pod as the API shows it, or as it is written in a manifest."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from scheduler.domain.delay import LABEL_PREFIX
from scheduler.domain.errors import InputError
from scheduler.domain.ports import PodChanged
from scheduler.domain.workload import Pod, PodClass
from scheduler.objects.decoding import Object, Wire, decode, described
from scheduler.objects.delays import read_delays
from scheduler.objects.features import FeatureSpec, SpreadConstraint, unsupported_features
from scheduler.objects.metadata import (
    IDENTITY_LABELS,
    Metadata,
    created_s,
    namespace_of,
    object_name,
    read_text_map,
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
from scheduler.objects.requests import PodDemands, read_requests

DEFAULT_SCHEDULER = "default-scheduler"
_SYSTEM_PRIORITIES = {
    "system-cluster-critical": 2_000_000_000,
    "system-node-critical": 2_000_001_000,
}


class Affinity(Wire, frozen=True):
    """``spec.affinity``."""

    node_affinity: NodeAffinity | None = None
    pod_affinity: dict[str, Any] | None = None
    pod_anti_affinity: dict[str, Any] | None = None


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
    topology_spread_constraints: tuple[SpreadConstraint, ...] | None = None
    volumes: tuple[dict[str, Any], ...] | None = None
    resource_claims: tuple[Any, ...] | None = None
    scheduling_group: Any = None
    workload_ref: Any = None
    host_network: bool | None = None


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
    return _pod(decode(obj, WrittenPod, "Pod"), _insisting_class_of)


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
        pod=_pod(written, class_of or pod_class_of),
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
        is_ours = one.reason in ("Unschedulable", "SchedulerError")
        if one.type == "PodScheduled" and one.status == "False" and is_ours:
            return one.message or ""
    return ""


def _is_terminating(written: WrittenPod) -> bool:
    return bool(written.metadata and written.metadata.deletion_timestamp)


ClassOf = Callable[[str, Metadata, PodSpec], PodClass]


def _pod(written: WrittenPod, class_of: ClassOf) -> Pod:
    metadata = written.metadata or Metadata()
    name = object_name("Pod", metadata)
    where = described("Pod", namespace_of(metadata), name)
    spec = written.spec or PodSpec()
    if not spec.containers:
        raise InputError(f"{where}: spec.containers", "is empty", "give at least one container")
    return Pod(
        name=name,
        pod_class=class_of(where, metadata, spec),
        uid=metadata.uid or "",
        created_s=created_s(where, metadata),
        scheduler_name=spec.scheduler_name or DEFAULT_SCHEDULER,
        is_gated=bool(spec.scheduling_gates),
    )


def _insisting_class_of(where: str, metadata: Metadata, spec: PodSpec) -> PodClass:
    return replace(pod_class_of(where, metadata, spec), node_name=spec.node_name or "")


def pod_class_of(where: str, metadata: Metadata, spec: PodSpec) -> PodClass:
    """Return the class of a pod, wherever it is; `where` names it in errors.

    Raises
    ------
    InputError
        As `read_pod`.
    """
    namespace = namespace_of(metadata)
    delays, faults = read_delays(metadata.labels, metadata.annotations, namespace)
    # Delays are in the class already, read; their labels may hold values of any type.
    shown = {
        key: value
        for key, value in (metadata.labels or {}).items()
        if key not in IDENTITY_LABELS and not key.startswith(LABEL_PREFIX)
    }
    affinity = spec.affinity.node_affinity if spec.affinity else None
    selector = read_text_map(where, "spec.nodeSelector", spec.node_selector)
    return PodClass(
        namespace=namespace,
        workload=workload_of(metadata),
        labels=sorted_pairs(read_text_map(where, "metadata.labels", shown)),
        requests=read_requests(where, spec),
        delays=delays,
        faults=faults,
        node_selector=sorted_pairs(selector),
        required_nodes=read_required(where, affinity),
        preferred_nodes=read_preferred(where, affinity),
        tolerations=read_tolerations(where, spec.tolerations),
        priority=_priority(spec),
        unsupported=unsupported_features(_features(spec), metadata.labels),
    )


def _priority(spec: PodSpec) -> int:
    """Return the priority; a server has filled it in, a manifest may only name a system class."""
    if spec.priority is not None:
        return spec.priority
    return _SYSTEM_PRIORITIES.get(spec.priority_class_name or "", 0)


def _features(spec: PodSpec) -> FeatureSpec:
    affinity = spec.affinity or Affinity()
    return FeatureSpec(
        pod_affinity=affinity.pod_affinity,
        pod_anti_affinity=affinity.pod_anti_affinity,
        spread=spec.topology_spread_constraints or (),
        volumes=spec.volumes or (),
        resource_claims=spec.resource_claims or (),
        scheduling_group=spec.scheduling_group,
        workload_ref=spec.workload_ref,
        host_network=bool(spec.host_network),
        containers=(*(spec.containers or ()), *(spec.init_containers or ())),
        tolerations=spec.tolerations or (),
    )
