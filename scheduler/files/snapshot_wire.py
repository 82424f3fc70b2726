"""A decision's snapshot and settings as plain values, and back: what a recording holds.

Pods name their class by a number, so that replicas are written once; arrays are their bytes with
type and shape. What is worked out of the rest (indices, memos, hashes) is not written.
"""

import dataclasses
from collections.abc import Iterable
from typing import Any, TypeVar, get_type_hints

import msgspec
import numpy as np
from numpy.typing import NDArray

from scheduler.domain.node import Node
from scheduler.domain.pod_group import PodGroup
from scheduler.domain.snapshot import ClusterSnapshot, LostPod, NodeTable, PlacedPods
from scheduler.domain.storage import Storage
from scheduler.domain.workload import Labels, Pod, PodClass, Service
from scheduler.domain.zone import Layer, ZoneTree
from telemetry.model import MetroRtt, RttMatrix, RttTable

_TYPES = ("<i8", "<i4", "|b1")
_T = TypeVar("_T")

Written = dict[str, Any]
"""A value as msgspec writes it; read with the type of the field."""


class Array(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """An array as it lies in memory, little-endian, row by row."""

    type: str
    shape: tuple[int, ...]
    content: bytes


class Lost(msgspec.Struct, array_like=True):
    """A `LostPod`."""

    pod: Written
    backup: str
    marks: Labels


class Document(msgspec.Struct, forbid_unknown_fields=True):
    """A snapshot."""

    nodes: tuple[Node, ...]
    node_columns: Written
    classes: tuple[Written, ...]
    placed: Written
    pending: tuple[Written, ...]
    held: tuple[Written, ...]
    lost: tuple[Lost, ...]
    moving: tuple[Lost, ...]
    services: tuple[Service, ...]
    groups: tuple[PodGroup, ...]
    namespaces: dict[str, dict[str, str]]
    storage: Storage
    rtt: Written
    zones: Written
    now_s: float


_OF_NODES = ("resources", "domain_names")
_NODE_ARRAYS = (
    "allocatable",
    "requested",
    "is_ready",
    "is_unschedulable",
    "is_cloud",
    "domain",
)
_PLACED_ARRAYS = ("node_of", "class_of", "is_terminating", "backup_of")
_POD_TYPES = {key: kind for key, kind in get_type_hints(Pod).items() if key != "pod_class"}


def to_document(snapshot: ClusterSnapshot) -> Document:
    """Return a snapshot as plain values.

    Raises
    ------
    TypeError
        If its round-trip times are a table of another type than a decision is recorded with.
    """
    ids: dict[PodClass, int] = {}
    table, placed = snapshot.nodes, snapshot.placed
    written_placed = {name: _array(getattr(placed, name)) for name in _PLACED_ARRAYS} | {
        "pods": [_pod(pod, ids) for pod in placed.pods],
        "classes": [ids.setdefault(one, len(ids)) for one in placed.classes],
        "replaced": sorted(placed.replaced),
    }
    columns: Written = {name: _array(getattr(table, name)) for name in _NODE_ARRAYS}
    columns |= {name: getattr(table, name) for name in _OF_NODES}
    document = Document(
        nodes=table.nodes,
        node_columns=columns,
        classes=(),
        placed=written_placed,
        pending=tuple(_pod(pod, ids) for pod in snapshot.pending),
        held=tuple(_pod(pod, ids) for pod in snapshot.held),
        lost=tuple(Lost(_pod(one.pod, ids), one.backup, one.marks) for one in snapshot.lost),
        moving=tuple(Lost(_pod(one.pod, ids), one.backup, one.marks) for one in snapshot.moving),
        services=snapshot.services,
        groups=tuple(snapshot.groups.values()),
        namespaces={name: dict(labels) for name, labels in snapshot.namespaces.items()},
        storage=snapshot.storage,
        rtt=_rtt(snapshot.rtt),
        zones=_zones(snapshot.zones),
        now_s=snapshot.now_s,
    )
    document.classes = tuple(_class(one) for one in ids)
    return document


def from_document(document: Document) -> ClusterSnapshot:
    """Return the snapshot.

    Raises
    ------
    ValueError
        If parts do not fit together; msgspec's ValidationError is one.
    """
    try:
        return _snapshot(document)
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from None


def _snapshot(document: Document) -> ClusterSnapshot:
    classes = tuple(msgspec.convert(one, PodClass, strict=False) for one in document.classes)
    return ClusterSnapshot(
        nodes=_node_table(document),
        placed=_placed_pods(document, classes),
        pending=_pods(document.pending, classes),
        held=_pods(document.held, classes),
        lost=_lost(document.lost, classes),
        moving=_lost(document.moving, classes),
        services=document.services,
        groups={group.ref: group for group in document.groups},
        namespaces=document.namespaces,
        storage=document.storage,
        rtt=_read_rtt(document.rtt),
        zones=_read_zones(document.zones),
        now_s=document.now_s,
    )


def _array(values: NDArray[Any]) -> Array:
    kind = values.dtype.newbyteorder("<").str
    return Array(kind, values.shape, np.ascontiguousarray(values).astype(kind).tobytes())


def _read_array(written: object, type_: str, shape: tuple[int, ...]) -> NDArray[Any]:
    read = msgspec.convert(written, Array)
    if read.type not in _TYPES or read.type != type_ or read.shape != shape:
        raise ValueError(f"an array of {read.type}{read.shape}, not {type_}{shape}")
    out = np.frombuffer(read.content, dtype=read.type).reshape(shape)
    return out.astype(out.dtype.newbyteorder("="), copy=False)


def _pod(pod: Pod, ids: dict[PodClass, int]) -> Written:
    fields = {name: getattr(pod, name) for name in _POD_TYPES}
    return fields | {"pod_class": ids.setdefault(pod.pod_class, len(ids))}


def _pods(written: Iterable[Written], classes: tuple[PodClass, ...]) -> tuple[Pod, ...]:
    return tuple(_read_pod(one, classes) for one in written)


def _read_pod(written: Written, classes: tuple[PodClass, ...]) -> Pod:
    fields = {
        name: msgspec.convert(written[name], kind)
        for name, kind in _POD_TYPES.items()
        if name in written  # a field that is newer than the recording has its default
    }
    return Pod(pod_class=_of(classes, written["pod_class"]), **fields)


def _of(values: tuple[_T, ...], number: int) -> _T:
    if not 0 <= number < len(values):
        raise ValueError(f"number {number} of {len(values)}")
    return values[number]


def _class(pod_class: PodClass) -> Written:
    # The hash is of this process.
    return {
        one.name: getattr(pod_class, one.name) for one in dataclasses.fields(PodClass) if one.init
    }


def _lost(written: Iterable[Lost], classes: tuple[PodClass, ...]) -> tuple[LostPod, ...]:
    return tuple(LostPod(_read_pod(one.pod, classes), one.backup, one.marks) for one in written)


def _node_table(document: Document) -> NodeTable:
    columns, nodes = document.node_columns, document.nodes
    resources, domain_names = (msgspec.convert(columns[k], tuple[str, ...]) for k in _OF_NODES)
    n, r = len(nodes), len(resources)
    shapes = {"allocatable": ("<i8", (n, r)), "requested": ("<i8", (n, r)), "domain": ("<i4", (n,))}
    arrays = {
        key: _read_array(columns[key], *shapes.get(key, ("|b1", (n,)))) for key in _NODE_ARRAYS
    }
    index = {node.name: i for i, node in enumerate(nodes)}
    return NodeTable(nodes, index, resources, domain_names=domain_names, **arrays)


def _placed_pods(document: Document, classes: tuple[PodClass, ...]) -> PlacedPods:
    written = document.placed
    pods = _pods(written["pods"], classes)
    kinds = {"is_terminating": "|b1"}
    arrays = {
        key: _read_array(written[key], kinds.get(key, "<i4"), (len(pods),))
        for key in _PLACED_ARRAYS
    }
    of = tuple(_of(classes, number) for number in written["classes"])
    for key, most in (("node_of", len(document.nodes)), ("class_of", len(of))):
        if len(pods) and not -1 <= arrays[key].min() <= arrays[key].max() < most:
            raise ValueError(f"{key} out of range")
    replaced = frozenset(msgspec.convert(written["replaced"], tuple[str, ...]))
    return PlacedPods(pods=pods, classes=of, replaced=replaced, **arrays)


def _rtt(rtt: RttTable) -> Written:
    if isinstance(rtt, RttMatrix):
        return {"nodes": rtt.nodes, "rtt_us": _array(rtt.rtt_us), "source": rtt.source}
    if isinstance(rtt, MetroRtt):
        return {
            "nodes": rtt.nodes,
            "metro": _array(rtt.metro),
            "metro_rtt_us": _array(rtt.metro_rtt_us),
            "access_us": _array(rtt.access_us),
            "overrides": [(i, j, rtt_us) for (i, j), rtt_us in sorted(rtt.overrides.items())],
        }
    raise TypeError(f"a {type(rtt).__name__} is not recorded")


def _read_rtt(written: Written) -> RttTable:
    nodes = msgspec.convert(written["nodes"], tuple[str, ...])
    n = len(nodes)
    if "rtt_us" in written:
        rtt_us = _read_array(written["rtt_us"], "<i4", (n, n))
        return RttMatrix(nodes, rtt_us, msgspec.convert(written["source"], str))
    m = msgspec.convert(written["metro_rtt_us"], Array).shape[0]
    triples = msgspec.convert(written["overrides"], tuple[tuple[int, int, int], ...])
    return MetroRtt(
        nodes,
        _read_array(written["metro"], "<i4", (n,)),
        _read_array(written["metro_rtt_us"], "<i4", (m, m)),
        _read_array(written["access_us"], "<i4", (n,)),
        {(i, j): rtt_us for i, j, rtt_us in triples},
    )


def _zones(zones: ZoneTree) -> Written:
    layers = [(one.max_rtt_us, _array(one.zone_of), one.names) for one in zones.layers]
    return {"nodes": zones.nodes, "layers": layers}


def _read_zones(written: Written) -> ZoneTree:
    nodes = msgspec.convert(written["nodes"], tuple[str, ...])
    layers = msgspec.convert(written["layers"], tuple[tuple[int, Array, tuple[str, ...]], ...])
    return ZoneTree(
        nodes,
        tuple(
            Layer(max_rtt_us, _read_array(zone_of, "<i4", (len(nodes),)), names)
            for max_rtt_us, zone_of, names in layers
        ),
    )
