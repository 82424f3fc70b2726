"""Recorded snapshots: everything a decision may look at comes back as it was."""

import dataclasses
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from scheduler.domain.node import Node
from scheduler.domain.pod_group import GroupApi, GroupRef, PodGroup
from scheduler.domain.snapshot import (
    ClusterSnapshot,
    LostPod,
    NodeTable,
    PlacedPods,
    build_snapshot,
)
from scheduler.domain.storage import (
    CsiNode,
    PersistentVolume,
    PersistentVolumeClaim,
    Storage,
    StorageClass,
)
from scheduler.domain.workload import Service
from scheduler.domain.zone import Layer, ZoneTree
from scheduler.files.recordings import Recording, read_recording, write_recording
from scheduler.files.snapshot_wire import Document, from_document, to_document
from scheduler.placement.settings import PlacementSettings
from scheduler.reliability.cover.settings import CoverSettings
from simulator.metros import make_metros
from tests.builders import line_rtt, node, pod, within


def a_snapshot() -> ClusterSnapshot:
    nodes = [node("a"), replace(node("b"), images={"x": 5}, features=frozenset({"f"})), node("c")]
    near = pod("near", delays=(within(5, "a"),))
    running = replace(pod("runs", cpu_milli=250), backup="c", replaces="uid-0")
    storage = Storage(
        claims={"default/data": PersistentVolumeClaim("default", "data", storage_class="fast")},
        volumes={"v": PersistentVolume("v", capacity_bytes=1 << 30, labels={"z": "1"})},
        classes={"fast": StorageClass("fast", waits=True)},
        csi_nodes={"a": CsiNode("a", limits={"d": None, "e": 3}, migrated=frozenset({"p"}))},
    )
    zones = ZoneTree(("a", "b", "c"), (Layer(5_000, np.array([0, 0, 1], np.int32), ("x", "y")),))
    gang = GroupRef(GroupApi.LABELS, "default", "g", 2)
    group = PodGroup(replace(gang, api=GroupApi.VOLCANO), 3, (("cpu", 5),), timeout_s=1.5)
    found = build_snapshot(
        nodes,
        [near, pod("other", group=gang)],
        placed=[(running, "b"), (pod("gone"), "z")],
        terminating=frozenset({"default/runs"}),
        held=[replace(pod("held"), is_gated=True)],
        services=[Service("default", "web", (("app", "web"),))],
        groups=[group],
        namespaces={"default": {"team": "x"}},
        storage=storage,
        rtt=line_rtt("abc", 3),
        zones=zones,
        now_s=12.5,
    )
    lost = LostPod(pod("lost"), "c", (("isochrone.dev/home", "a"),))
    return replace(found, lost=(lost,), moving=(replace(lost, backup="b"),))


def back(snapshot: ClusterSnapshot) -> ClusterSnapshot:
    raw = msgspec.msgpack.encode(to_document(snapshot))
    return from_document(msgspec.msgpack.decode(raw, type=Document))


def values(table: object) -> dict[str, object]:
    """Return the fields of a table, arrays as their type and values."""
    out = {}
    for one in dataclasses.fields(table):  # type: ignore[arg-type]
        value = getattr(table, one.name)
        if one.name != "memo":
            is_array = isinstance(value, np.ndarray)
            out[one.name] = (value.dtype.str, value.tolist()) if is_array else value
    return out


def test_every_part_comes_back() -> None:
    before = a_snapshot()
    after = back(before)

    of_values = ("pending", "held", "lost", "moving", "services", "groups", "namespaces", "now_s")
    for name in of_values:
        assert getattr(after, name) == getattr(before, name), name
    assert after.pending[1].pod_class.group.least == 2  # type: ignore[union-attr] # it has one
    for name in ("nodes", "placed", "rtt", "storage"):
        assert values(getattr(after, name)) == values(getattr(before, name)), name
    assert after.zones.nodes == before.zones.nodes
    for old, new in zip(before.zones.layers, after.zones.layers, strict=True):
        assert values(new) == values(old)


def test_no_part_of_a_snapshot_is_forgotten() -> None:
    """A new field must be written too, or replays would decide on less than the decision saw."""
    written = set(Document.__struct_fields__) - {"node_columns", "classes"}

    assert {one.name for one in dataclasses.fields(ClusterSnapshot)} == written
    document = to_document(a_snapshot())
    placed = {one.name for one in dataclasses.fields(PlacedPods)}
    assert placed == set(document.placed)
    columns = {one.name for one in dataclasses.fields(NodeTable)}
    assert columns - {"nodes", "index", "memo"} == set(document.node_columns)


def test_replicas_share_a_class_and_it_is_written_once() -> None:
    pods = [replace(pod("a"), name=f"p{k}") for k in range(50)]
    document = to_document(build_snapshot([node("n")], pods))

    assert len(document.classes) == 1
    assert len({id(one.pod_class) for one in from_document(document_of(document)).pending}) == 1


def document_of(document: Document) -> Document:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(document), type=Document)


def test_metros_stay_metros() -> None:
    names = tuple(f"n{k}" for k in range(60))
    rtt = make_metros(60, seed=1).table(names, 0).with_pairs({(1, 2): 7})
    nodes = [node(name) for name in names]

    after = back(build_snapshot(nodes, [], rtt=rtt)).rtt

    assert values(after) == values(rtt)


def test_an_empty_snapshot_is_one() -> None:
    assert len(back(build_snapshot([], [])).nodes) == 0


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("node_columns", "allocatable", ["<i8", [1, 1], b"12345678"]),
        ("node_columns", "is_ready", ["|O", [3], b"123"]),
        ("node_columns", "domain", ["<i4", [3], b"1"]),
        ("node_columns", "resources", [1]),
        ("placed", "node_of", ["<i4", [2], b"\xff\x00\x00\x00\xff\x00\x00\x00"]),
        ("placed", "classes", [99]),
        ("placed", "pods", [{"name": "x"}]),
        ("rtt", "nodes", ["a", "a", "a"]),
        ("zones", "layers", [[1, ["<i4", [9], b""], []]]),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(part: str, key: str, value: object) -> None:
    document = document_of(to_document(a_snapshot()))
    getattr(document, part)[key] = value

    with pytest.raises(ValueError):  # noqa: PT011 - whatever the part, the sentence around it is one
        from_document(document)


def test_settings_and_plan_are_kept(tmp_path: Path) -> None:
    cover = CoverSettings(mode="required")
    at = tmp_path / "d.rec"
    write_recording(Recording(a_snapshot(), PlacementSettings(), cover, b"{}"), at)

    read = read_recording(at)

    assert (read.placement, read.cover, read.plan) == (PlacementSettings(), cover, b"{}")
    assert isinstance(read.snapshot.nodes.nodes[0], Node)
