"""A Node as the API shows it, or as it is written in a manifest."""

from typing import Any

from scheduler.domain.errors import InputError
from scheduler.domain.node import Node, Taint
from scheduler.objects.containers import normalised
from scheduler.objects.decoding import Object, Wire, decode, described, shorten
from scheduler.objects.metadata import Metadata, object_name, read_text_map
from scheduler.objects.requests import read_amounts

_MOST_IMAGE_BYTES = 1 << 50
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


class WrittenTaint(Wire, frozen=True):
    """One taint."""

    key: str | None = None
    value: Any = None
    effect: str | None = None


class NodeSpec(Wire, frozen=True):
    """``spec``."""

    unschedulable: bool | None = None
    taints: tuple[WrittenTaint, ...] | None = None


class Condition(Wire, frozen=True):
    """One condition."""

    type: str | None = None
    status: str | None = None


class HeldImage(Wire, frozen=True):
    """An image that a node holds, under all its names."""

    names: tuple[str, ...] | None = None
    size_bytes: int | None = None


class NodeStatus(Wire, frozen=True):
    """``status``."""

    allocatable: dict[str, Any] | None = None
    capacity: dict[str, Any] | None = None
    conditions: tuple[Condition, ...] | None = None
    images: tuple[HeldImage, ...] | None = None
    declared_features: tuple[str, ...] | None = None


class WrittenNode(Wire, frozen=True):
    """A Node as written."""

    metadata: Metadata | None = None
    spec: NodeSpec | None = None
    status: NodeStatus | None = None


def read_node(obj: Object) -> Node:
    """Return a node.

    Where ``allocatable`` is not given the capacity counts, as the API server's defaults have it. A
    node that says nothing of its readiness is ready: the taints of a new node say otherwise.

    Parameters
    ----------
    obj
        A tree, or JSON.

    Raises
    ------
    InputError
        If a field has a wrong type or value, or the node has no name.
    """
    written = decode(obj, WrittenNode, "Node")
    metadata = written.metadata or Metadata()
    name = object_name("Node", metadata)
    where = described("Node", None, name)
    spec, status = written.spec or NodeSpec(), written.status or NodeStatus()
    listed = "allocatable" if status.allocatable else "capacity"
    return Node(
        name=name,
        allocatable=read_amounts(where, f"status.{listed}", status.allocatable or status.capacity),
        labels=read_text_map(where, "metadata.labels", metadata.labels),
        taints=tuple(_taint(where, k, one) for k, one in enumerate(spec.taints or ())),
        is_ready=all(
            one.status == "True" for one in status.conditions or () if one.type == "Ready"
        ),
        is_unschedulable=bool(spec.unschedulable),
        images={
            normalised(one): min(max(image.size_bytes or 0, 0), _MOST_IMAGE_BYTES)
            for image in status.images or ()
            for one in image.names or ()
        },
        features=frozenset(status.declared_features or ()),
    )


def _taint(where: str, k: int, one: WrittenTaint) -> Taint:
    path = f"{where}: spec.taints[{k}]"
    if not one.key:
        raise InputError(path, "has no key", "name the key")
    if one.effect not in _EFFECTS:
        raise InputError(
            f"{path}.effect", f'is "{shorten(one.effect)}"', f"use {', '.join(_EFFECTS)}"
        )
    value = read_text_map(where, f"spec.taints[{k}]", {"value": one.value})["value"]
    return Taint(one.key, value, one.effect)
