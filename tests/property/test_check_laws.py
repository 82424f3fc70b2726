"""Laws of the independent checker: it agrees with a naive judge, and sees every planted fault."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from scheduler.domain.delay import DelayConstraint, DelayFault, Reference
from scheduler.domain.node import Taint
from scheduler.domain.plan import Assignment, Measured, Plan
from scheduler.domain.workload import NodeTerm, Pod, Requirement
from scheduler.planning.check import violations
from tests.builders import pod
from tests.property.little_clusters import (
    NODE_NAMES,
    Little,
    is_right,
    little_clusters,
    placed_in_turn,
    placements,
    plan_of,
)

Planted = tuple[Little, Plan]


@given(little=little_clusters(), order=st.permutations(NODE_NAMES))
def test_a_plan_made_in_turn_by_the_rules_has_no_violation(
    little: Little, order: list[str]
) -> None:
    assert violations(little.snapshot, plan_of(little, placed_in_turn(little, order))) == ()


@given(data=st.data(), little=little_clusters())
def test_any_plan_is_judged_as_a_naive_judge_does(data: st.DataObject, little: Little) -> None:
    placement = data.draw(placements(little))
    found = violations(little.snapshot, plan_of(little, placement))
    assert (found == ()) is is_right(little, placement)


def with_pod(little: Little, plan: Plan, **spec: object) -> Planted:
    """Change the spec of the first assigned pod, in the cluster and in the plan."""
    old = plan.assignments[0].pod
    changed = replace(old.pod_class, **spec)  # type: ignore[arg-type] # fields by name
    return _swapped(little, plan, replace(old, pod_class=changed))


def _swapped(little: Little, plan: Plan, new: Pod) -> Planted:
    first, *rest = plan.assignments
    pending = tuple(new if one is first.pod else one for one in little.pending)
    made = (replace(first, pod=new), *rest)
    return replace(little, pending=pending), replace(plan, assignments=made)


def with_host(little: Little, plan: Plan, **fields: object) -> Planted:
    """Change the node of the first assigned pod."""
    host = plan.assignments[0].node
    nodes = tuple(
        replace(one, **fields) if one.name == host else one  # type: ignore[arg-type] # by name
        for one in little.nodes
    )
    return replace(little, nodes=nodes), plan


def lost(little: Little, plan: Plan) -> Planted:
    return little, replace(plan, assignments=plan.assignments[1:])


def twice(little: Little, plan: Plan) -> Planted:
    return little, replace(plan, assignments=(*plan.assignments, plan.assignments[0]))


def unknown_pod(little: Little, plan: Plan) -> Planted:
    stranger = Assignment(pod("stranger"), NODE_NAMES[0])
    return little, replace(plan, assignments=(*plan.assignments, stranger))


def unknown_node(little: Little, plan: Plan) -> Planted:
    first, *rest = plan.assignments
    return little, replace(plan, assignments=(replace(first, node="nowhere"), *rest))


def changed(little: Little, plan: Plan) -> Planted:
    first, *rest = plan.assignments
    other = replace(first.pod, uid="another")
    return little, replace(plan, assignments=(replace(first, pod=other), *rest))


def bound_twice(little: Little, plan: Plan) -> Planted:
    first = plan.assignments[0]
    return replace(little, placed=(*little.placed, (first.pod, NODE_NAMES[0]))), plan


def gated(little: Little, plan: Plan) -> Planted:
    return _swapped(little, plan, replace(plan.assignments[0].pod, is_gated=True))


def cramped(little: Little, plan: Plan) -> Planted:
    host = next(one for one in little.nodes if one.name == plan.assignments[0].node)
    running = sum(1 for _, on in little.placed if on == host.name)
    added = sum(1 for made in plan.assignments if made.node == host.name)
    room = {**host.allocatable, "pods": running + added - 1}
    return with_host(little, plan, allocatable=room)


def too_far(little: Little, plan: Plan) -> Planted:
    host = plan.assignments[0].node
    reference = next(name for name in NODE_NAMES if name != host)
    rtt_us = little.rtt_us(reference, host)
    assume(rtt_us != 0)
    budget = 600_000_000 if rtt_us is None else rtt_us - 1
    delay = DelayConstraint(Reference("node", reference, "default"), budget)
    return with_pod(little, plan, delays=(*plan.assignments[0].pod.pod_class.delays, delay))


def misquoted(little: Little, plan: Plan) -> Planted:
    first, *rest = plan.assignments
    assume(first.measured)
    wrong = Measured(first.measured[0].constraint, first.measured[0].reference_node, 999_999)
    lying = replace(first, measured=(wrong, *first.measured[1:]))
    return little, replace(plan, assignments=(lying, *rest))


NOWHERE = (NodeTerm((Requirement("disk", "In", ("none",)),)), NodeTerm())
FAULT = DelayFault("delay_x", "fast", "write 25")
PLANTS: dict[str, Callable[[Little, Plan], Planted]] = {
    "pod lost": lost,
    "pod twice": twice,
    "unknown pod": unknown_pod,
    "unknown node": unknown_node,
    "pod changed": changed,
    "bound twice": bound_twice,
    "gated": gated,
    "room": cramped,
    "delay": too_far,
    "misquoted": misquoted,
    "not ready": lambda little, plan: with_host(little, plan, is_ready=False),
    "unschedulable": lambda little, plan: with_host(little, plan, is_unschedulable=True),
    "taint": lambda little, plan: with_host(little, plan, taints=(Taint("other"),)),
    "node selector": lambda little, plan: with_pod(little, plan, node_selector=(("x", "y"),)),
    "node affinity": lambda little, plan: with_pod(little, plan, required_nodes=NOWHERE),
    "node name": lambda little, plan: with_pod(little, plan, node_name="elsewhere"),
    "bad delay": lambda little, plan: with_pod(little, plan, faults=(FAULT,)),
    "unsupported": lambda little, plan: with_pod(little, plan, unsupported=("hostPort",)),
    "overflow": lambda little, plan: with_pod(little, plan, delays=()),
}


@pytest.mark.parametrize("rule", PLANTS)
@settings(max_examples=20)
@given(little=little_clusters(), order=st.permutations(NODE_NAMES))
def test_a_planted_violation_is_caught_by_its_name(
    rule: str, little: Little, order: list[str]
) -> None:
    plan = plan_of(little, placed_in_turn(little, order))
    assume(plan.assignments)
    spoilt, wrong = PLANTS[rule](little, plan)
    found = violations(spoilt.snapshot, wrong, may_overflow=rule != "overflow")
    assert rule in {said.split(":", 1)[0] for said in found}
