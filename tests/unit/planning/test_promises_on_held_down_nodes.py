"""What is promised on a node that is held down stays promised: to whom it was, and nobody else."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from scheduler.domain.node import HELD_DOWN_TAINT, Taint
from scheduler.domain.plan import Assignment, Plan
from scheduler.domain.snapshot import ClusterSnapshot, LostPod, build_snapshot
from scheduler.domain.workload import Pod
from scheduler.placement.settings import PlacementSettings
from scheduler.planning.check import violations
from scheduler.planning.plan import plan
from scheduler.reliability.cover.settings import CoverSettings
from tests.builders import line_rtt, node, pod, within, workload

HELD = replace(node("b"), taints=(Taint(HELD_DOWN_TAINT),))
NODES = [replace(node("a"), is_ready=False), HELD]
"""The host of the lost pods is dead, and their backup is back only just."""


def web(name: str, owner: str = "web", **fields: object) -> Pod:
    made = pod(name, delays=(within(5, "a"),), workload=workload(owner))
    return replace(made, uid=f"uid-{name}", **fields)  # type: ignore[arg-type]


def after_death(pending: Sequence[Pod], *, is_gone: bool = False) -> ClusterSnapshot:
    old = web("old", backup="b")
    placed = [] if is_gone else [(old, "a")]
    made = build_snapshot(NODES, pending, placed=placed, rtt=line_rtt(["a", "b"], 1))
    return replace(made, lost=(LostPod(old, "b"),)) if is_gone else made


@pytest.mark.parametrize("is_gone", [True, False])
def test_a_replacement_goes_to_its_place_though_the_node_is_held_down(*, is_gone: bool) -> None:
    snapshot = after_death([web("new"), web("other", "db"), web("second")], is_gone=is_gone)

    made = plan(snapshot, PlacementSettings(), CoverSettings())

    assert [(a.node, a.replaces) for a in made.assignments] == [("b", "uid-old")]
    [first, _] = made.unplaced
    said = [reason.text for reason in first.refusal.node_reasons]
    assert "node(s) were back only just (held down)" in said
    assert violations(snapshot, made, may_overflow=True) == ()


@pytest.mark.parametrize(("one", "replaces"), [(web("new"), ""), (web("other", "db"), "uid-old")])
def test_the_check_lets_nobody_else_onto_that_node(one: Pod, replaces: str) -> None:
    bad = Plan((Assignment(one, "b", replaces=replaces),))

    found = violations(after_death([one]), bad, may_overflow=True)

    assert any("isochrone.dev/held-down" in what for what in found)
