"""What a node table remembers from one decision to the next has a bound."""

from dataclasses import replace

from scheduler.domain.snapshot import build_snapshot
from scheduler.placement.decide import decide
from scheduler.placement.feasibility.affinity import NodeLabels
from scheduler.placement.settings import PlacementSettings
from tests.builders import node, pod
from tests.unit.placement.deciding import where

MANY = 300
BOUND = 256


def test_images_beyond_the_bound_are_looked_up_anew() -> None:
    names = [f"image-{k}" for k in range(MANY)]
    held = dict.fromkeys(names, 1 << 30)
    nodes = [node("bare"), *(replace(node(name), images=held) for name in ("x", "y", "z"))]
    pods = [pod(name, cpu_milli=1, images=(name,)) for name in names]
    snapshot = build_snapshot(nodes, pods)

    made = decide(snapshot, PlacementSettings()).plan()

    assert len(snapshot.nodes.memo["images"]) <= BOUND
    assert len(where(made)) == MANY


def test_topology_labels_beyond_the_bound_are_looked_up_anew() -> None:
    nodes = [node(name, labels={f"key-{k}": name for k in range(MANY)}) for name in ("a", "b")]
    table = build_snapshot(nodes, []).nodes
    labels = NodeLabels(table)

    found = [labels.domains(f"key-{k}") for k in (*range(MANY), 0)]

    assert len(table.memo["domains"]) <= BOUND
    assert {one.values for one in found} == {("a", "b")}
