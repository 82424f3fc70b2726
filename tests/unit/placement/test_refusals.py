"""Why a pod waits: kube-scheduler's form, sorted counts, the nearest node, the smallest change."""

import pytest

from scheduler.domain.node import Node, Taint
from scheduler.domain.plan import Plan
from scheduler.domain.reasons import Cause
from scheduler.domain.resources import CPU, MEMORY, PODS, resources
from tests.builders import node, pod, within
from tests.unit.placement.deciding import LINE, on_a_line, why

MIB = 2**20


def remedy(made: Plan, name: str = "p") -> str:
    return next(u.refusal.remedy for u in made.unplaced if u.pod.name == name)


def test_reasons_are_sorted_as_text_as_the_stock_scheduler_sorts_them() -> None:
    nodes = [
        *[node(f"small-{i}", cpu_milli=1) for i in range(10)],
        *[node(f"cordoned-{i}", is_unschedulable=True) for i in range(2)],
        node("down", is_ready=False),
        node("tainted", taints=(Taint("gpu", "yes"),)),
    ]

    assert why(on_a_line([pod("p")], nodes=nodes), "p") == (
        "0/14 nodes are available: "
        "1 node(s) had untolerated taint(s), "
        "1 node(s) were not ready, "
        "10 Insufficient cpu, "
        "2 node(s) were unschedulable."
    )


def test_a_node_counts_under_each_resource_that_is_short() -> None:
    nodes = [Node("a", {CPU: 1, MEMORY: 1, PODS: 0})]
    hungry = pod("p", requests=resources({CPU: 2, MEMORY: 2}))

    assert why(on_a_line([hungry], nodes=nodes), "p") == (
        "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory, 1 Too many pods."
    )


def test_a_node_that_a_filter_ruled_out_is_not_counted_under_a_later_one() -> None:
    nodes = [node("a", cpu_milli=1, is_unschedulable=True)]

    assert why(on_a_line([pod("p")], nodes=nodes), "p") == (
        "0/1 nodes are available: 1 node(s) were unschedulable."
    )


def test_the_nearest_node_that_could_take_the_pod_is_named() -> None:
    full = [(pod(f"old-{on}", cpu_milli=4_000), on) for on in ("a", "b")]

    said = why(on_a_line([pod("p", delays=(within(0.5, "a"),))], placed=full), "p")

    assert said == (
        "0/5 nodes are available: 1 Insufficient cpu, "
        "4 node(s) exceeded delay to a (0.5ms; nearest c 2ms)."
    )


def test_no_nearest_node_is_named_where_none_could_take_the_pod() -> None:
    nodes = [node(name, cpu_milli=1) for name in LINE]

    said = why(on_a_line([pod("p", delays=(within(0.5, "a"),))], nodes=nodes), "p")

    assert "4 node(s) exceeded delay to a (0.5ms)" in said


def test_causes_are_counted_for_machines_too() -> None:
    nodes = [node("a", is_ready=False), node("b", cpu_milli=1), node("c", cpu_milli=1)]

    made = on_a_line([pod("p")], nodes=nodes)

    assert made.unplaced[0].refusal.counts == {Cause.NOT_READY: 1, Cause.RESOURCE: 2}


def test_a_larger_delay_that_would_admit_the_pod_is_told() -> None:
    full = [(pod("old", cpu_milli=4_000), "a")]

    made = on_a_line([pod("p", delays=(within(0.6, "a"),))], placed=full)

    assert remedy(made) == "a delay of 1ms instead of 0.6ms to a would admit it on b"


def test_room_that_would_admit_the_pod_is_told_where_least_is_missing() -> None:
    nodes = [node("a", cpu_milli=400), node("b", cpu_milli=900)]

    made = on_a_line([pod("p", cpu_milli=1_000)], nodes=nodes)

    assert remedy(made) == "100m cpu more on b would admit it"


def test_everything_that_is_missing_on_that_node_is_told() -> None:
    nodes = [Node("a", {CPU: 900, MEMORY: 30 * MIB, PODS: 0, "example.com/gpu": 1})]
    hungry = pod("p", requests=resources({CPU: 1_000, MEMORY: 40 * MIB + 1, "example.com/gpu": 3}))

    assert remedy(on_a_line([hungry], nodes=nodes)) == (
        "100m cpu and 2 example.com/gpu and 11Mi memory and 1 pod slot more on a would admit it"
    )


def test_the_smaller_of_two_changes_is_told() -> None:
    nodes = [node("a", cpu_milli=50), *[node(name) for name in LINE[1:]]]

    near = on_a_line([pod("p", cpu_milli=100, delays=(within(0.9, "a"),))], nodes=nodes)
    far = on_a_line([pod("p", cpu_milli=100, delays=(within(0.1, "a"),))], nodes=nodes)

    assert remedy(near) == "a delay of 1ms instead of 0.9ms to a would admit it on b"
    assert remedy(far) == "50m cpu more on a would admit it"


def test_no_change_is_made_up_where_neither_delay_nor_room_is_the_reason() -> None:
    made = on_a_line([pod("p")], nodes=[node("a", is_ready=False)])

    assert remedy(made) == ""


def test_of_two_delays_too_tight_together_loosening_one_is_told() -> None:
    made = on_a_line([pod("p", delays=(within(0.5, "a"), within(0.5, "e")))])

    assert remedy(made).startswith("a delay of 4ms instead of 0.5ms to ")


@pytest.mark.parametrize("count", [1, 4])
def test_pods_of_one_class_are_told_the_same(count: int) -> None:
    made = on_a_line([pod(f"p{i}", cpu_milli=9_000) for i in range(count)])

    assert {u.refusal.message for u in made.unplaced} == {
        "0/5 nodes are available: 5 Insufficient cpu."
    }
    assert len(made.unplaced) == count
