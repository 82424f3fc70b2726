"""The greedy that others are measured against places legally, and nearest first."""

import numpy as np
import pytest

from benchmarks.cases import PLANETLAB, make_case, planetlab_ms
from benchmarks.greedy import greedy
from benchmarks.milp import CaseProgram
from benchmarks.scenes import case_scene, little_scene, make_ground, make_scene
from scheduler.domain.plan import Assignment, Plan, Unplaced
from scheduler.domain.reasons import Refusal
from scheduler.domain.snapshot import ClusterSnapshot, build_snapshot
from scheduler.planning.check import violations
from tests.builders import node, pod, rtt_ms, within


def as_plan(snapshot: ClusterSnapshot) -> Plan:
    """Return the greedy's placement; what it measured is not quoted."""
    placement = greedy(snapshot)
    return Plan(
        tuple(Assignment(p, placement[p.key]) for p in snapshot.pending if p.key in placement),
        tuple(
            Unplaced(p, Refusal(len(snapshot.nodes)))
            for p in snapshot.pending
            if p.key not in placement
        ),
    )


@pytest.mark.parametrize("seed", range(20))
def test_nothing_that_the_greedy_places_breaks_a_rule(seed: int) -> None:
    snapshot = little_scene(np.random.default_rng(seed)).snapshot()

    assert violations(snapshot, as_plan(snapshot)) == ()


def test_nothing_breaks_a_rule_among_running_pods() -> None:
    snapshot = make_scene(make_ground(40, 1), 200, 10, 1, running=100).snapshot()

    assert violations(snapshot, as_plan(snapshot)) == ()


def test_the_nearest_node_with_room_is_taken() -> None:
    names = ("n0", "n1", "n2")
    snapshot = build_snapshot(
        [node("n0", cpu_milli=100), node("n1"), node("n2")],
        [pod(f"p{k}", delays=(within(9, "n0"),)) for k in range(2)],
        rtt=rtt_ms(names, ((0, 5, 2), (5, 0, 4), (2, 4, 0))),
    )

    assert greedy(snapshot) == {"default/p0": "n0", "default/p1": "n2"}


def test_a_pod_beyond_its_budget_everywhere_is_left_out() -> None:
    snapshot = build_snapshot(
        [node("n0", cpu_milli=50), node("n1")],
        [pod("p", delays=(within(4, "n0"),))],
        rtt=rtt_ms(("n0", "n1"), ((0, 5), (5, 0))),
    )

    assert greedy(snapshot) == {}


def test_the_program_never_places_fewer_than_the_greedy() -> None:
    rng = np.random.default_rng(8)
    case = make_case(planetlab_ms(PLANETLAB, 20, rng), 50, 0.95, rng)
    program = CaseProgram(case)

    most = program.most_placed(time_limit_s=10.0)

    assert most.value is not None
    assert len(greedy(case_scene(case).snapshot())) <= most.value <= program.relaxed_placed()
