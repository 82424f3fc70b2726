"""Pods that room is kept for while they wait: ``status.nominatedNodeName``."""

from dataclasses import replace

from scheduler.domain.snapshot import build_snapshot
from scheduler.placement.settings import PlacementSettings
from scheduler.planning.plan import plan
from tests.builders import node, pod
from tests.unit.placement.deciding import where, why

NODES = [node("a", cpu_milli=1_000), node("b", cpu_milli=300)]


def test_a_pod_goes_to_its_nominated_node() -> None:
    waiting = replace(pod("p", cpu_milli=100), nominated_node="b")

    made = plan(build_snapshot(NODES, [waiting]), PlacementSettings())

    assert where(made) == {"p": "b"}


def test_a_pod_goes_elsewhere_where_its_nominated_node_has_no_room() -> None:
    waiting = replace(pod("p", cpu_milli=500), nominated_node="b")

    made = plan(build_snapshot(NODES, [waiting]), PlacementSettings())

    assert where(made) == {"p": "a"}


def test_room_kept_for_a_pod_is_not_given_to_one_of_its_priority_or_below() -> None:
    kept = replace(pod("kept", cpu_milli=800, priority=5), nominated_node="a")
    low, equal, high = (pod(f"p{k}", cpu_milli=400, priority=k) for k in (1, 5, 9))

    made = plan(build_snapshot(NODES, [low, equal, high], held=[kept]), PlacementSettings())

    assert where(made) == {"p9": "a"}
    assert "2 Insufficient cpu" in why(made, "p5")
    assert "2 Insufficient cpu" in why(made, "p1")


def test_room_is_kept_for_a_nominated_pod_that_is_decided_on_with_others() -> None:
    kept = replace(pod("kept", cpu_milli=1_000, priority=5), nominated_node="a")
    rivals = [pod(f"p{k}", cpu_milli=500, priority=5) for k in range(2)]

    made = plan(build_snapshot(NODES, [*rivals, kept]), PlacementSettings())

    assert where(made) == {"kept": "a"}
