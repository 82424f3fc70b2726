"""Why here and not there; why nowhere."""

from typing import Any

import pytest

from scheduler.domain.node import Node
from scheduler.domain.snapshot import ClusterSnapshot, build_snapshot
from scheduler.domain.workload import Pod
from scheduler.placement.explain import Explanation, explain
from scheduler.placement.settings import PlacementSettings
from scheduler.planning.plan import plan
from tests.builders import line_rtt, node, pod, within, workload
from tests.unit.placement.deciding import LINE

SETTINGS = PlacementSettings()


def line(pods: list[Pod], nodes: list[Node] | None = None) -> ClusterSnapshot:
    return build_snapshot(nodes or [node(name) for name in LINE], pods, rtt=line_rtt(LINE))


def told(snapshot: ClusterSnapshot, name: str) -> Explanation:
    return explain(snapshot, plan(snapshot, SETTINGS), f"default/{name}", SETTINGS)


def test_a_placed_pod_is_told_its_node_its_rtt_and_the_runner_up() -> None:
    answer = told(line([pod("p", delays=(within(2, "b"),))]), "p")

    assert (answer.node, answer.feasible) == ("b", 4)
    assert answer.runner_up in {"a", "c"}
    assert answer.runner_up_cost - answer.cost == 1_000
    assert answer.lines()[1] == "  b: 0ms from b (budget 2ms)"
    assert (
        f"  runner-up {answer.runner_up} (cost 1000): costs 1000 more, 1ms farther"
        in answer.lines()[3]
    )
    assert answer.lines()[4] == "    b: 1ms from b (budget 2ms)"


def test_nodes_that_were_cheaper_but_full_are_named_with_what_was_short() -> None:
    crowd = [pod(f"p{i}", cpu_milli=4_000, delays=(within(9, "a"),)) for i in range(5)]
    snapshot = line(crowd)
    made = plan(snapshot, SETTINGS)
    last = next(a.pod.key for a in made.assignments if a.node == "e")

    answer = explain(snapshot, made, last, SETTINGS)

    assert answer.full == tuple((name, "Insufficient cpu") for name in "abcd")
    assert "  a would have been cheaper but is full: Insufficient cpu" in answer.lines()
    assert "  so would 1 more" in answer.lines()
    assert "  there is no other node for it" in answer.lines()


def test_a_tie_is_called_one() -> None:
    answer = told(line([pod("p")]), "p")

    assert "as good; load, spreading and node order decided" in answer.lines()[-1]


def test_a_pod_that_gave_way_to_others_is_told_so() -> None:
    tied = pod("tied", cpu_milli=4_000, delays=(within(0.5, "a"),))
    free = pod("free", cpu_milli=4_000, delays=(within(9, "a"),))
    snapshot = line([free, tied])

    answer = told(snapshot, "free")

    assert answer.node == "b"
    assert answer.full == (("a", "Insufficient cpu"),)


def test_a_waiting_pod_is_told_its_reasons_by_size_and_the_smallest_change() -> None:
    nodes = [node("a", cpu_milli=50), node("b", is_ready=False), node("c", is_ready=False)]

    lines = told(line([pod("p")], nodes), "p").lines()

    assert lines == (
        "default/p waits: 0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were not ready.",
        "  2 of 3 nodes: node(s) were not ready",
        "  1 of 3 nodes: Insufficient cpu",
        "  smallest change: 50m cpu more on a would admit it",
    )


def test_a_dependant_is_explained_by_where_its_reference_went() -> None:
    pods = [
        pod("web-0", workload=workload("web"), delays=(within(1, "db"),)),
        pod("db-0", workload=workload("db"), delays=(within(0.5, "d"),)),
    ]

    answer = told(line(pods), "web-0")

    assert answer.measured[0].reference_node == "d"


def test_a_replica_is_explained_by_its_fellows_and_not_by_itself() -> None:
    spec: dict[str, Any] = {"workload": workload("w"), "delays": (within(1, "w"),)}
    pods = [pod(f"w-{i}", cpu_milli=100, **spec) for i in range(2)]
    snapshot = line(pods, [node(name, cpu_milli=100) for name in LINE])

    answer = told(snapshot, "w-0")

    assert answer.measured[0].rtt_us == 1_000
    assert answer.measured[0].reference_node != answer.node


def test_a_pod_that_a_delay_names_is_explained_like_any_other() -> None:
    snapshot = line([pod("me", delays=(within(1, "me"), within(1, "c")))])

    assert told(snapshot, "me").node == "c"


def test_a_soft_delay_that_nobody_measured_is_called_that() -> None:
    nodes = [node("new"), node("a", is_unschedulable=True)]
    snapshot = line([pod("p", delays=(within(1, "a", is_soft=True),))], nodes)

    assert "  a: not measured (soft budget 1ms)" in told(snapshot, "p").lines()


def test_a_pod_that_the_plan_does_not_know_is_a_key_error() -> None:
    snapshot = line([pod("p")])

    with pytest.raises(KeyError):
        told(snapshot, "ghost")
