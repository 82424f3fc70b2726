"""Node state, taints, selectors and affinity mean what they mean to kube-scheduler."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from scheduler.domain.node import UNSCHEDULABLE_TAINT, Node, Taint
from scheduler.domain.snapshot import build_snapshot
from scheduler.domain.workload import NodeTerm, PreferredTerm, Requirement, Toleration
from scheduler.placement.settings import PlacementSettings
from scheduler.planning.plan import plan
from tests.builders import node, pod
from tests.unit.placement.deciding import on_a_line, where, why

GPU = Taint("gpu", "yes", "NoSchedule")


def labelled(**values: str) -> list[Node]:
    return [node(name, labels={"size": value}) for name, value in values.items()]


def asks(*expressions: Requirement, fields: tuple[Requirement, ...] = ()) -> tuple[NodeTerm, ...]:
    return (NodeTerm(expressions, fields),)


@pytest.mark.parametrize(
    ("requirement", "matching"),
    [
        (Requirement("size", "In", ("5", "9")), {"five", "nine"}),
        (Requirement("size", "NotIn", ("5",)), {"nine", "word", "bare"}),
        (Requirement("size", "Exists"), {"five", "nine", "word"}),
        (Requirement("size", "DoesNotExist"), {"bare"}),
        (Requirement("size", "Gt", ("5",)), {"nine"}),
        (Requirement("size", "Gt", ("-1",)), {"five", "nine"}),
        (Requirement("size", "Lt", ("9",)), {"five"}),
        (Requirement("size", "Lt", ("five",)), set()),
        (Requirement("size", "Gt", ("1", "2")), set()),
        (Requirement("size", "In", ()), set()),
    ],
)
def test_each_operator_matches_the_nodes_that_kubernetes_would(
    requirement: Requirement, matching: set[str]
) -> None:
    hosts = [*labelled(five="5", nine="9", word="1_0"), node("bare")]
    pods = [
        pod(f"on-{host.name}", node_name=host.name, required_nodes=asks(requirement))
        for host in hosts
    ]

    made = on_a_line(pods, nodes=hosts)

    assert set(where(made).values()) == matching


@pytest.mark.parametrize("text", ["1_000", "٣", "9" * 30, "1.5", "", " 7"])
def test_what_go_would_not_read_as_a_number_is_compared_with_nothing(text: str) -> None:
    made = on_a_line(
        [pod("p", required_nodes=asks(Requirement("size", "Gt", ("0",))))],
        nodes=labelled(only=text),
    )

    assert "didn't match Pod's node affinity/selector" in why(made, "p")


def test_expressions_of_a_term_are_anded_and_terms_are_ored() -> None:
    hosts = [
        node("both", labels={"x": "1", "y": "1"}),
        node("x-only", labels={"x": "1"}),
        node("z", labels={"z": "1"}),
    ]
    terms = (
        NodeTerm((Requirement("x", "Exists"), Requirement("y", "Exists"))),
        NodeTerm((Requirement("z", "Exists"),)),
    )
    pods = [pod(f"p-{h.name}", node_name=h.name, required_nodes=terms) for h in hosts]

    assert set(where(on_a_line(pods, nodes=hosts)).values()) == {"both", "z"}


@pytest.mark.parametrize("terms", [(), (NodeTerm(),)])
def test_no_term_and_an_empty_term_match_no_node(terms: tuple[NodeTerm, ...]) -> None:
    made = on_a_line([pod("p", required_nodes=terms)])

    assert why(made, "p") == (
        "0/5 nodes are available: 5 node(s) didn't match Pod's node affinity/selector."
    )


@pytest.mark.parametrize(
    ("field", "matching"),
    [
        (Requirement("metadata.name", "In", ("c",)), {"c"}),
        (Requirement("metadata.name", "NotIn", ("a", "b", "c", "d")), {"e"}),
        (Requirement("metadata.uid", "NotIn", ("x",)), set()),
    ],
)
def test_fields_match_the_name_of_a_node_and_nothing_else(
    field: Requirement, matching: set[str]
) -> None:
    made = on_a_line([pod("p", required_nodes=asks(fields=(field,)))])

    assert set(where(made).values()) == matching


def test_a_selector_wants_every_label() -> None:
    hosts = [node("half", labels={"x": "1"}), node("whole", labels={"x": "1", "y": "2"})]

    made = on_a_line([pod("p", node_selector=(("x", "1"), ("y", "2")))], nodes=hosts)

    assert where(made) == {"p": "whole"}


def test_a_node_name_is_the_only_node_for_the_pod() -> None:
    made = on_a_line([pod("here", node_name="d"), pod("nowhere", node_name="zz")])

    assert where(made) == {"here": "d"}
    assert why(made, "nowhere") == (
        "0/5 nodes are available: 5 node(s) didn't match the requested node name."
    )


@pytest.mark.parametrize("effect", ["NoSchedule", "NoExecute"])
def test_a_hard_taint_keeps_pods_off_and_is_named(effect: str) -> None:
    hosts = [node("a", taints=(Taint("gpu", "yes", effect),))]

    made = on_a_line([pod("p")], nodes=hosts)

    assert why(made, "p") == ("0/1 nodes are available: 1 node(s) had untolerated taint(s).")


def test_only_the_first_untolerated_taint_of_a_node_is_counted() -> None:
    hosts = [node("a", taints=(Taint("soft", "", "PreferNoSchedule"), GPU, Taint("more")))]

    made = on_a_line([pod("p")], nodes=hosts)

    assert why(made, "p").count("untolerated") == 1


@pytest.mark.parametrize(
    ("toleration", "is_tolerated"),
    [
        (Toleration("gpu", "Equal", "yes", "NoSchedule"), True),
        (Toleration("gpu", "Equal", "yes"), True),
        (Toleration("gpu", "", "yes"), True),
        (Toleration("gpu", "Exists"), True),
        (Toleration(operator="Exists"), True),
        (Toleration("gpu", "Equal", "no"), False),
        (Toleration("gpu", "Exists", effect="NoExecute"), False),
        (Toleration("tpu", "Exists"), False),
        (Toleration("gpu", "Sometimes", "yes"), False),
    ],
)
def test_a_taint_is_tolerated_as_the_api_says(toleration: Toleration, is_tolerated: bool) -> None:  # noqa: FBT001 - a column of the table
    made = on_a_line([pod("p", tolerations=(toleration,))], nodes=[node("a", taints=(GPU,))])

    assert bool(where(made)) is is_tolerated


def test_a_taint_that_only_prefers_is_avoided_and_never_keeps_a_pod_waiting() -> None:
    shy = Taint("old", "", "PreferNoSchedule")
    hosts = [node("a", cpu_milli=100), node("b", taints=(shy,))]

    first = on_a_line([pod("p")], nodes=hosts)
    second = on_a_line([pod("p"), pod("q")], nodes=hosts)

    assert where(first) == {"p": "a"}
    assert set(where(second).values()) == {"a", "b"}


def test_a_tolerated_preference_costs_nothing() -> None:
    hosts = [node("a", taints=(Taint("old", "", "PreferNoSchedule"),))]

    made = on_a_line([pod("p", tolerations=(Toleration("old", "Exists"),))], nodes=hosts)
    other = on_a_line([pod("p")], nodes=hosts)

    assert made.stats.cost < other.stats.cost


def test_the_heavier_preference_wins() -> None:
    hosts = labelled(one="1", two="2", three="3")
    preferred = tuple(
        PreferredTerm(weight, NodeTerm((Requirement("size", "In", (value,)),)))
        for weight, value in ((10, "1"), (60, "2"), (30, "3"))
    )

    made = on_a_line([pod("p", preferred_nodes=preferred)], nodes=hosts)

    assert where(made) == {"p": "two"}


def test_the_sum_of_matching_preferences_counts() -> None:
    hosts = [node("one", labels={"x": "1"}), node("both", labels={"y": "1", "z": "1"})]
    preferred = tuple(
        PreferredTerm(weight, NodeTerm((Requirement(key, "Exists"),)))
        for weight, key in ((50, "x"), (30, "y"), (30, "z"))
    )

    made = on_a_line([pod("p", preferred_nodes=preferred)], nodes=hosts)

    assert where(made) == {"p": "both"}


def test_a_preference_that_no_node_meets_changes_nothing() -> None:
    nowhere = PreferredTerm(100, NodeTerm((Requirement("moon", "Exists"),)))
    empty = PreferredTerm(100, NodeTerm())

    made = on_a_line([pod("p", preferred_nodes=(nowhere, empty))])

    assert list(where(made)) == ["p"]


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"is_ready": False}, "node(s) were not ready"),
        ({"is_unschedulable": True}, "node(s) were unschedulable"),
    ],
)
def test_a_node_out_of_service_takes_no_pod(state: dict[str, Any], said: str) -> None:
    made = on_a_line([pod("p")], nodes=[node("a", **state)])

    assert why(made, "p") == f"0/1 nodes are available: 1 {said}."


def test_a_pod_that_tolerates_the_cordon_goes_to_a_cordoned_node() -> None:
    tolerant = pod("p", tolerations=(Toleration(UNSCHEDULABLE_TAINT, "Exists"),))

    made = on_a_line([tolerant], nodes=[node("a", is_unschedulable=True)])

    assert where(made) == {"p": "a"}


def test_what_is_remembered_of_nodes_is_not_handed_on_when_they_change() -> None:
    snapshot = build_snapshot([node("a"), node("b")], [pod("p")])
    plan(snapshot, PlacementSettings())
    cordoned = np.array([True, False])
    table = replace(snapshot.nodes, is_unschedulable=cordoned)

    made = plan(replace(snapshot, nodes=table), PlacementSettings())

    assert [a.node for a in made.assignments] == ["b"]
    assert snapshot.nodes.with_requested(snapshot.nodes.requested).memo is snapshot.nodes.memo
