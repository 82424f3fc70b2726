"""A Pod as the API shows it, or as it is written in a manifest."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args

from scheduler.domain.cluster_events import PodChanged
from scheduler.domain.cover import (
    BACKUP_ANNOTATION,
    HOME_ANNOTATION,
    MOVED_ANNOTATION,
    REPLACES_ANNOTATION,
    SURGE_ANNOTATION,
)
from scheduler.domain.errors import InputError
from scheduler.domain.reasons import Condition
from scheduler.domain.storage import NO_VOLUMES
from scheduler.domain.workload import Pod, PodClass
from scheduler.objects.decoding import Object, Wire, decode, described
from scheduler.objects.metadata import (
    Metadata,
    created_s,
    identity_labels,
    namespace_of,
    object_name,
)
from scheduler.objects.pod_class import ClassOf, PodSpec, Read, pod_class_of
from scheduler.objects.requests import ContainerStatus, Demands, Given
from scheduler.objects.volumes import read_pod_volumes

DEFAULT_SCHEDULER = "default-scheduler"

_CONDITIONS = frozenset(get_args(Condition))
"""Reasons that schedulers write into ``PodScheduled``."""

_MARKS = frozenset(
    {
        BACKUP_ANNOTATION,
        HOME_ANNOTATION,
        MOVED_ANNOTATION,
        REPLACES_ANNOTATION,
        SURGE_ANNOTATION,
    }
)
_NO_MARKS: Mapping[str, str] = {}


class PodCondition(Wire, frozen=True):
    """One of ``status.conditions``."""

    type: str | None = None
    status: str | None = None
    reason: str | None = None
    message: str | None = None


class PodStatus(Wire, frozen=True):
    """``status``."""

    phase: str | None = None
    reason: str | None = None
    conditions: tuple[PodCondition, ...] | None = None
    container_statuses: tuple[ContainerStatus, ...] | None = None
    init_container_statuses: tuple[ContainerStatus, ...] | None = None
    resources: Demands | None = None
    allocated_resources: dict[str, Any] | None = None
    nominated_node_name: str | None = None


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
        is_ready=_is_ready(written),
        said=_said(written),
        reason=(written.status.reason if written.status else None) or "",
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
        is_told = one.type == "PodScheduled" and one.status == "False"
        if is_told and one.reason in _CONDITIONS:
            return one.message or ""
    return ""


def _is_ready(written: WrittenPod) -> bool:
    conditions = (written.status.conditions if written.status else None) or ()
    return any(one.type == "Ready" and one.status == "True" for one in conditions)


def _is_terminating(written: WrittenPod) -> bool:
    return bool(written.metadata and written.metadata.deletion_timestamp)


def _pod(written: WrittenPod, class_of: ClassOf, *, is_served: bool) -> Pod:
    metadata = written.metadata or Metadata()
    name = object_name("Pod", metadata)
    where = described("Pod", namespace_of(metadata), name)
    spec = written.spec or PodSpec()
    if not spec.containers:
        raise InputError(f"{where}: spec.containers", "is empty", "give at least one container")
    given = _given(written) if is_served and spec.node_name else None
    marks = _marks(written)
    return Pod(
        name=name,
        pod_class=class_of(Read(where, metadata, spec, given, is_served)),
        uid=metadata.uid or "",
        created_s=created_s(where, metadata),
        scheduler_name=spec.scheduler_name or DEFAULT_SCHEDULER,
        is_gated=bool(spec.scheduling_gates),
        identity_labels=identity_labels(metadata),
        volumes=read_pod_volumes(where, name, spec.volumes) if spec.volumes else NO_VOLUMES,
        nominated_node=_nominated_node(written),
        backup=marks.get(BACKUP_ANNOTATION, ""),
        replaces=marks.get(REPLACES_ANNOTATION, ""),
        home=marks.get(HOME_ANNOTATION, ""),
        moved_from=marks.get(MOVED_ANNOTATION, ""),
        surge=marks.get(SURGE_ANNOTATION, ""),
    )


def _marks(written: WrittenPod) -> Mapping[str, str]:
    """Return what a scheduler wrote on a pod when it bound it; nothing for one that is not bound.

    A template's annotation is nobody's decision.
    """
    found = written.metadata.annotations if written.metadata else None
    if not found or _MARKS.isdisjoint(found) or not _node_name(written):
        return _NO_MARKS
    return {key: found[key] for key in _MARKS & found.keys() if isinstance(found[key], str)}


def _nominated_node(written: WrittenPod) -> str:
    """Return where room is kept for a pod; none is for one that is bound."""
    if _node_name(written) or written.status is None:
        return ""
    return written.status.nominated_node_name or ""


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
