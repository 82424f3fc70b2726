"""The independent checker, one rule a test."""

from dataclasses import replace

import pytest

from scheduler.domain.delay import DelayFault
from scheduler.domain.node import Node, Taint
from scheduler.domain.plan import Assignment, Plan, Unplaced
from scheduler.domain.reasons import Refusal
from scheduler.domain.snapshot import build_snapshot
from scheduler.domain.workload import NodeTerm, Requirement, Toleration
from scheduler.planning.check import violations
from tests.builders import cloud_node, node, pod
from tests.unit.planning.judging import NODES, on_a, planned, rules


def test_a_plain_pod_on_a_ready_node_is_right() -> None:
    assert on_a(pod("p")) == []


def test_an_empty_plan_of_nothing_is_right() -> None:
    assert rules(build_snapshot([], []), Plan()) == []


def test_a_pod_that_waits_is_accounted_for() -> None:
    one = pod("p")
    plan = Plan(unplaced=(Unplaced(one, Refusal(3)),))
    assert rules(build_snapshot(NODES, [one]), plan) == []


def test_a_pending_pod_the_plan_forgets_is_lost() -> None:
    assert rules(build_snapshot(NODES, [pod("p")]), Plan()) == ["pod lost"]


def test_a_pod_both_assigned_and_unplaced_is_there_twice() -> None:
    one = pod("p")
    plan = Plan((Assignment(one, "a"),), (Unplaced(one, Refusal(3)),))
    assert rules(build_snapshot(NODES, [one]), plan) == ["pod twice"]


def test_a_pod_nobody_knows_is_unknown() -> None:
    assert rules(build_snapshot(NODES, []), planned((pod("p"), "a"))) == ["unknown pod"]


def test_a_node_nobody_knows_is_unknown() -> None:
    one = pod("p")
    assert rules(build_snapshot(NODES, [one]), planned((one, "z"))) == ["unknown node"]


def test_a_pod_judged_by_another_spec_is_changed() -> None:
    asked, judged = pod("p", cpu_milli=500), pod("p", cpu_milli=100)
    assert rules(build_snapshot(NODES, [asked]), planned((judged, "a"))) == ["pod changed"]


def test_a_later_pod_of_the_same_name_is_changed() -> None:
    later = replace(pod("p"), uid="2")
    plan = planned((replace(later, uid="1"), "a"))
    assert rules(build_snapshot(NODES, [later]), plan) == ["pod changed"]


def test_a_pod_that_is_placed_already_would_be_bound_twice() -> None:
    one = pod("p")
    snapshot = build_snapshot(NODES, [one], placed=[(one, "b")])
    assert rules(snapshot, planned((one, "a"))) == ["bound twice"]


def test_a_gated_pod_is_never_assigned() -> None:
    assert on_a(replace(pod("p"), is_gated=True)) == ["gated"]


def test_a_pod_with_a_bad_delay_is_never_assigned() -> None:
    assert on_a(pod("p", faults=(DelayFault("delay_a", "fast", "write 25"),))) == ["bad delay"]


def test_a_pod_with_an_unsupported_feature_is_never_assigned() -> None:
    assert on_a(pod("p", unsupported=("hostPort",))) == ["unsupported"]


def test_a_node_that_is_not_ready_takes_nobody() -> None:
    assert on_a(pod("p"), nodes=[node("a", is_ready=False)]) == ["not ready"]


def test_a_cordoned_node_takes_nobody() -> None:
    assert on_a(pod("p"), nodes=[node("a", is_unschedulable=True)]) == ["unschedulable"]


def test_a_pod_that_tolerates_cordons_may_use_a_cordoned_node() -> None:
    tolerates = Toleration("node.kubernetes.io/unschedulable", "Exists", "", "NoSchedule")
    one = pod("p", tolerations=(tolerates,))
    assert on_a(one, nodes=[node("a", is_unschedulable=True)]) == []


def test_a_pod_that_insists_on_another_node_is_refused() -> None:
    assert on_a(pod("p", node_name="b")) == ["node name"]


@pytest.mark.parametrize(
    ("toleration", "effect", "expected"),
    [
        (None, "NoSchedule", ["taint"]),
        (None, "NoExecute", ["taint"]),
        (None, "PreferNoSchedule", []),
        (Toleration("k", "Equal", "v"), "NoSchedule", []),
        (Toleration("k", "", "v"), "NoSchedule", []),
        (Toleration("k", "Equal", "w"), "NoSchedule", ["taint"]),
        (Toleration("k", "Exists"), "NoExecute", []),
        (Toleration("", "Exists"), "NoExecute", []),
        (Toleration("k", "Exists", "", "NoExecute"), "NoSchedule", ["taint"]),
        (Toleration("other", "Exists"), "NoSchedule", ["taint"]),
        (Toleration("k", "Gt", "v"), "NoSchedule", ["taint"]),
    ],
)
def test_a_taint_is_tolerated_as_the_core_api_says(
    toleration: Toleration | None, effect: str, expected: list[str]
) -> None:
    one = pod("p", tolerations=() if toleration is None else (toleration,))
    assert on_a(one, nodes=[node("a", taints=(Taint("k", "v", effect),))]) == expected


def test_a_node_without_the_selected_label_is_refused() -> None:
    one = pod("p", node_selector=(("disk", "ssd"),))
    assert on_a(one, nodes=[node("a", labels={"disk": "hdd"})]) == ["node selector"]


@pytest.mark.parametrize(
    ("operator", "key", "values", "holds"),
    [
        ("In", "disk", ("ssd", "nvme"), True),
        ("In", "disk", ("hdd",), False),
        ("In", "missing", ("ssd",), False),
        ("NotIn", "disk", ("ssd",), False),
        ("NotIn", "missing", ("ssd",), True),
        ("Exists", "disk", (), True),
        ("Exists", "missing", (), False),
        ("DoesNotExist", "disk", (), False),
        ("DoesNotExist", "missing", (), True),
        ("Gt", "rank", ("6",), True),
        ("Gt", "rank", ("7",), False),
        ("Lt", "rank", ("8",), True),
        ("Lt", "rank", ("7",), False),
        ("Gt", "disk", ("1",), False),
        ("Gt", "missing", ("1",), False),
        ("Gt", "rank", ("6", "5"), False),
        ("Gt", "rank", ("six",), False),
        ("Gt", "rank", ("99999999999999999999",), False),
    ],
)
def test_a_node_affinity_expression_holds_as_in_kubernetes(
    operator: str, key: str, values: tuple[str, ...], *, holds: bool
) -> None:
    wanted = Requirement(key, operator, values)  # type: ignore[arg-type] # parametrised operator
    one = pod("p", required_nodes=(NodeTerm((wanted,)),))
    nodes = [node("a", labels={"disk": "ssd", "rank": "7"})]
    assert on_a(one, nodes=nodes) == ([] if holds else ["node affinity"])


@pytest.mark.parametrize(
    ("terms", "holds"),
    [
        ((), False),
        ((NodeTerm(),), False),
        ((NodeTerm(fields=(Requirement("metadata.name", "In", ("a",)),)),), True),
        ((NodeTerm(fields=(Requirement("metadata.name", "NotIn", ("a",)),)),), False),
        ((NodeTerm(fields=(Requirement("metadata.uid", "NotIn", ("a",)),)),), False),
        ((NodeTerm(), NodeTerm((Requirement("disk", "DoesNotExist"),))), True),
        ((NodeTerm((Requirement("x", "DoesNotExist"), Requirement("x", "Exists"))),), False),
    ],
)
def test_node_affinity_terms_are_alternatives_and_their_parts_are_not(
    terms: tuple[NodeTerm, ...], *, holds: bool
) -> None:
    assert on_a(pod("p", required_nodes=terms)) == ([] if holds else ["node affinity"])


@pytest.mark.parametrize(("declared", "found"), [((), ["node features"]), (("Resize",), [])])
def test_a_node_has_to_declare_the_features_a_pod_needs(
    declared: tuple[str, ...], found: list[str]
) -> None:
    nodes = [replace(node("a"), features=frozenset(declared))]
    assert on_a(pod("p", features=("Resize",)), nodes=nodes) == found


def test_assignments_that_fit_alone_but_not_together_are_too_many() -> None:
    pods = [pod("p", cpu_milli=600), pod("q", cpu_milli=600)]
    snapshot = build_snapshot([node("a", cpu_milli=1_000)], pods)
    assert rules(snapshot, planned((pods[0], "a"), (pods[1], "a"))) == ["room"]


def test_room_is_exact_to_the_last_unit() -> None:
    pods = [pod("p", cpu_milli=600), pod("q", cpu_milli=400)]
    snapshot = build_snapshot([node("a", cpu_milli=1_000)], pods)
    assert rules(snapshot, planned((pods[0], "a"), (pods[1], "a"))) == []


def test_what_runs_already_takes_room() -> None:
    one = pod("p", cpu_milli=600)
    placed = [(pod("q", cpu_milli=600), "a")]
    snapshot = build_snapshot([node("a", cpu_milli=1_000)], [one], placed=placed)
    assert rules(snapshot, planned((one, "a"))) == ["room"]


def test_the_number_of_pods_is_a_resource() -> None:
    pods = [pod("p"), pod("q")]
    snapshot = build_snapshot([node("a", pods=1)], pods)
    assert rules(snapshot, planned((pods[0], "a"), (pods[1], "a"))) == ["room"]


def test_a_node_over_committed_in_what_the_pod_does_not_ask_for_still_takes_it() -> None:
    one = pod("p", cpu_milli=0)
    placed = [(pod("q", cpu_milli=2_000), "a")]
    snapshot = build_snapshot([node("a", cpu_milli=1_000)], [one], placed=placed)
    assert rules(snapshot, planned((one, "a"))) == []


def test_a_resource_no_node_has_is_not_overlooked() -> None:
    one = pod("p", requests=(("example.com/gpu", 1),))
    assert on_a(one) == ["room"]


def test_sums_beyond_64_bits_do_not_wrap() -> None:
    huge = (1 << 62) + 1
    pods = [pod(name, requests=(("memory", huge),)) for name in "pqrs"]
    snapshot = build_snapshot([Node("a", {"memory": 1 << 61, "pods": 110})], pods)
    assert "room" in rules(snapshot, planned(*((one, "a") for one in pods)))


def test_a_pod_without_a_delay_may_be_kept_in_the_cloud() -> None:
    one, two = pod("p"), pod("q")
    snapshot = build_snapshot([*NODES, cloud_node("cloud")], [one, two])
    plan = planned((one, "a"), (two, "cloud"))
    assert [v.split()[1] for v in violations(snapshot, plan, may_overflow=False)] == ["default/p"]
