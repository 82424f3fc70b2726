"""Pods a workload's controller would make of its template."""

from collections.abc import Mapping
from typing import Any

from scheduler.domain.errors import InputError
from scheduler.objects.decoding import Object, Wire, decode, described, shorten
from scheduler.objects.metadata import Metadata, namespace_of, object_name

REPLICATED_KINDS = ("Deployment", "ReplicaSet", "ReplicationController", "StatefulSet")
POD_KINDS = (*REPLICATED_KINDS, "Job")
"""Kinds whose pods can be told from the object alone."""

MAX_REPLICAS = 1_000_000
"""Several times the pods of the largest clusters; more is a mistake that would exhaust memory."""


class Template(Wire, frozen=True):
    """A pod template; the spec is passed on untouched."""

    metadata: dict[str, Any] | None = None
    spec: dict[str, Any] | None = None


class Ordinals(Wire, frozen=True):
    """Where a StatefulSet starts to count."""

    start: int | None = None


class WorkloadSpec(Wire, frozen=True):
    """``spec`` of a workload."""

    replicas: int | None = None
    template: Template | None = None
    ordinals: Ordinals | None = None
    parallelism: int | None = None
    completions: int | None = None
    suspend: bool | None = None


class WrittenWorkload(Wire, frozen=True):
    """A workload as written."""

    kind: str | None = None
    metadata: Metadata | None = None
    spec: WorkloadSpec | None = None


def pods_of(obj: Object) -> tuple[Mapping[str, Any], ...]:
    """Return the pods of a workload as objects, to be read by `read_pod`.

    A single replica is named after the template's ``metadata.name``, else after the workload;
    several are numbered, ``web-0``, ``web-1``, …. A StatefulSet always numbers. A Job has as many
    pods as run at once.

    Parameters
    ----------
    obj
        A Deployment, ReplicaSet, ReplicationController, StatefulSet or Job: a tree, or JSON.

    Raises
    ------
    InputError
        If it is of another kind, has no template, or asks for a negative or absurd number of pods.
    """
    written = decode(obj, WrittenWorkload, "workload")
    kind, metadata = written.kind or "workload", written.metadata or Metadata()
    where = described(kind, metadata.namespace, metadata.name)
    if kind == "DaemonSet":
        raise InputError(where, "has one pod a node, placed by its own controller", "leave it out")
    if kind not in POD_KINDS:
        raise InputError(
            where, "is of a kind whose pods cannot be planned", f"use {', '.join(POD_KINDS)} or Pod"
        )
    name, spec = object_name(kind, metadata), written.spec or WorkloadSpec()
    if spec.template is None or spec.template.spec is None:
        raise InputError(f"{where}: spec.template", "is missing", "give a template with a spec")
    count = _count(where, kind, spec)
    template = dict(spec.template.metadata or {})
    own_name = template.get("name")
    if own_name is not None and not isinstance(own_name, str):
        raise InputError(
            f"{where}: spec.template.metadata.name", f"is {shorten(own_name)}", "write text"
        )
    template["namespace"] = namespace_of(metadata)
    template["ownerReferences"] = [{"kind": kind, "name": name, "controller": True}]
    names = _names(own_name or name, count, spec, kind)
    return tuple(
        {"kind": "Pod", "metadata": template | {"name": each}, "spec": spec.template.spec}
        for each in names
    )


def _count(where: str, kind: str, spec: WorkloadSpec) -> int:
    if kind == "Job":
        path, count = "parallelism", 1 if spec.parallelism is None else spec.parallelism
        if spec.completions is not None:
            count = min(count, spec.completions)
        if spec.suspend:
            return 0
    else:
        path, count = "replicas", 1 if spec.replicas is None else spec.replicas
    if not 0 <= count <= MAX_REPLICAS:
        raise InputError(
            f"{where}: spec.{path}", f"is {count}", f"give a number from 0 to {MAX_REPLICAS}"
        )
    return count


def _names(base: str, count: int, spec: WorkloadSpec, kind: str) -> tuple[str, ...]:
    if kind == "StatefulSet":
        start = (spec.ordinals.start if spec.ordinals else None) or 0
        return tuple(f"{base}-{start + k}" for k in range(count))
    if count == 1:
        return (base,)
    return tuple(f"{base}-{k}" for k in range(count))
