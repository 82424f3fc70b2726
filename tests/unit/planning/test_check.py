"""The independent checker, one rule a test."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from scheduler.domain.delay import DelayConstraint, DelayFault, Quantifier, Reference
from scheduler.domain.node import Node, Taint
from scheduler.domain.plan import Assignment, Measured, Plan, Unplaced
from scheduler.domain.reasons import Refusal
from scheduler.domain.snapshot import ClusterSnapshot, build_snapshot
from scheduler.domain.workload import NodeTerm, Pod, Requirement, Service, Toleration
from scheduler.planning.check import violations
from telemetry.model import RttMatrix
from tests.builders import cloud_node, line_rtt, node, pod, rtt_ms, within, workload

NAMES = ("a", "b", "c")
NODES = [node(name) for name in NAMES]
LINE = line_rtt(NAMES)


def planned(*pairs: tuple[Pod, str]) -> Plan:
    return Plan(tuple(Assignment(one, on) for one, on in pairs))


def rules(snapshot: ClusterSnapshot, plan: Plan) -> list[str]:
    return [said.split(":", 1)[0] for said in violations(snapshot, plan)]


def on_a(one: Pod, *, nodes: Sequence[Node] = NODES, rtt: RttMatrix = LINE) -> list[str]:
    return rules(build_snapshot(nodes, [one], rtt=rtt), planned((one, "a")))


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


def test_a_delay_holds_at_exactly_its_budget() -> None:
    assert on_a(pod("p", delays=(within(2, "c"),))) == []


def test_a_delay_is_broken_by_a_microsecond() -> None:
    assert on_a(pod("p", delays=(within(1.999, "c"),))) == ["delay"]


def test_a_pod_on_its_reference_node_needs_no_measurement() -> None:
    unknown = rtt_ms(NAMES, [[-1] * 3] * 3)
    assert on_a(pod("p", delays=(within(1, "a"),)), rtt=unknown) == []


def test_an_unknown_pair_is_never_within_a_budget() -> None:
    unknown = rtt_ms(NAMES, [[-1] * 3] * 3)
    assert on_a(pod("p", delays=(within(600_000, "b"),)), rtt=unknown) == ["delay"]


def test_a_pair_is_read_as_measured_from_the_reference() -> None:
    directed = rtt_ms(("a", "b"), [[0, 9], [3, 0]])
    assert on_a(pod("p", delays=(within(3, "b"),)), nodes=NODES[:2], rtt=directed) == []
    assert on_a(pod("p", delays=(within(2.9, "b"),)), nodes=NODES[:2], rtt=directed) == ["delay"]


def test_the_other_direction_fills_a_gap() -> None:
    directed = rtt_ms(("a", "b"), [[0, 9], [-1, 0]])
    assert on_a(pod("p", delays=(within(9, "b"),)), nodes=NODES[:2], rtt=directed) == []


def test_every_one_of_several_delays_must_hold() -> None:
    assert on_a(pod("p", delays=(within(5, "c"), within(0.5, "b")))) == ["delay"]


def test_a_soft_delay_may_be_exceeded() -> None:
    assert on_a(pod("p", delays=(within(0.5, "c", is_soft=True),))) == []


def test_a_reference_that_is_nobody_is_refused() -> None:
    assert on_a(pod("p", delays=(within(5, "nobody"),))) == ["delay"]


def test_a_reference_in_another_namespace_is_nobody_here() -> None:
    other = pod("db", namespace="other")
    one = pod("p", delays=(within(5, "db"),))
    snapshot = build_snapshot(NODES, [one], placed=[(other, "a")], rtt=LINE)
    assert rules(snapshot, planned((one, "a"))) == ["delay"]


def replicas(*nodes: str) -> list[tuple[Pod, str]]:
    return [
        (pod(f"db-{k}", workload=workload("db"), labels=(("app", "db"),)), on)
        for k, on in enumerate(nodes)
    ]


def far_from_db(delay: DelayConstraint, *nodes: str, services: Sequence[Service] = ()) -> list[str]:
    """Check a pod on ``a`` against replicas of ``db`` on `nodes`."""
    one = pod("p", delays=(delay,))
    snapshot = build_snapshot(NODES, [one], placed=replicas(*nodes), services=services, rtt=LINE)
    return rules(snapshot, planned((one, "a")))


@pytest.mark.parametrize(
    ("delay", "expected"),
    [
        (within(1, "db"), []),
        (within(0.9, "db"), ["delay"]),
        (within(1, "db", of=Quantifier.ANY), []),
        (within(1, "db", of=Quantifier.ALL), ["delay"]),
        (within(2, "db", of=Quantifier.ALL), []),
        (within(1, "db", kind="workload"), []),
        (within(1, "db", kind="service"), ["delay"]),
        (within(1, "db", kind="pod"), ["delay"]),
        (within(1, "db-0", kind="pod"), []),
        (within(1, "db-1"), ["delay"]),
        (within(2, "db-1"), []),
        (within(1, "db", kind="node"), ["delay"]),
    ],
)
def test_a_reference_stands_for_the_nodes_of_its_replicas(
    delay: DelayConstraint, expected: list[str]
) -> None:
    assert far_from_db(delay, "b", "c") == expected


def test_the_kind_of_a_workload_narrows_it() -> None:
    def reference(kind: str) -> DelayConstraint:
        return DelayConstraint(Reference("workload", "db", "default", kind), 1_000)

    assert far_from_db(reference("deployment"), "b") == []
    assert far_from_db(reference("statefulset"), "b") == ["delay"]


def test_a_service_comes_before_a_workload_of_its_name() -> None:
    empty = Service("default", "db", (("app", "nobody"),))
    assert far_from_db(within(1, "db"), "b", services=[empty]) == ["delay"]


def test_a_service_stands_for_the_pods_it_selects() -> None:
    service = Service("default", "front", (("app", "db"),))
    assert far_from_db(within(1, "front"), "b", services=[service]) == []
    assert far_from_db(within(1, "front"), "c", services=[service]) == ["delay"]


def test_a_node_comes_before_everything_of_its_name() -> None:
    service = Service("default", "c", (("app", "db"),))
    assert far_from_db(within(1, "c"), "b", services=[service]) == ["delay"]


def test_a_terminating_pod_is_no_reference() -> None:
    one = pod("p", delays=(within(1, "db"),))
    snapshot = build_snapshot(
        NODES, [one], placed=replicas("b"), terminating=frozenset({"default/db-0"}), rtt=LINE
    )
    assert rules(snapshot, planned((one, "a"))) == ["delay"]


def test_a_pod_on_a_node_that_is_gone_is_no_reference() -> None:
    assert far_from_db(within(1, "db"), "deleted") == ["delay"]


def test_a_reference_placed_in_the_same_plan_counts() -> None:
    one, db = pod("p", delays=(within(1, "db"),)), pod("db-0", workload=workload("db"))
    snapshot = build_snapshot(NODES, [one, db], rtt=LINE)
    assert rules(snapshot, planned((one, "a"), (db, "b"))) == []
    assert rules(snapshot, planned((one, "a"), (db, "c"))) == ["delay"]


def test_a_pod_may_not_go_before_the_reference_that_still_waits() -> None:
    one, db = pod("p", delays=(within(1, "db"),)), pod("db-0", workload=workload("db"))
    snapshot = build_snapshot(NODES, [one, db], rtt=LINE)
    plan = Plan((Assignment(one, "a"),), (Unplaced(db, Refusal(3)),))
    assert rules(snapshot, plan) == ["delay"]


def fellows(
    *nodes: str, ms: float, of: Quantifier | None = None, services: Sequence[Service] = ()
) -> list[str]:
    """Check replicas of ``web`` that must be near ``web``, all in one plan."""
    delays = (within(ms, "web", of=of),)
    labels = (("app", "web"),)
    pods = [
        pod(f"web-{k}", workload=workload("web"), labels=labels, delays=delays)
        for k in range(len(nodes))
    ]
    snapshot = build_snapshot(NODES, pods, services=services, rtt=LINE)
    return rules(snapshot, planned(*zip(pods, nodes, strict=True)))


def test_the_first_replica_of_a_workload_near_itself_goes_anywhere() -> None:
    assert fellows("c", ms=1) == []


def test_replicas_near_their_own_workload_are_near_each_other() -> None:
    assert fellows("a", "b", "c", ms=2) == []
    assert fellows("a", "b", "c", ms=1) == ["delay", "delay"]


def test_a_replica_may_ask_for_any_of_its_fellows() -> None:
    assert fellows("a", "b", "c", ms=1, of=Quantifier.ANY) == []


def test_a_replica_is_no_company_to_itself() -> None:
    assert fellows("a", "c", ms=1, of=Quantifier.ANY) == ["delay", "delay"]


def test_replicas_on_one_node_are_company() -> None:
    assert fellows("a", "a", ms=1, of=Quantifier.ANY) == []


def test_a_service_over_the_pod_itself_means_its_fellows() -> None:
    service = Service("default", "web", (("app", "web"),))
    assert fellows("c", ms=1, services=[service]) == []
    assert fellows("a", "c", ms=1, services=[service]) == ["delay", "delay"]


NEAR_C = within(2, "c")


@pytest.mark.parametrize(
    ("quoted", "expected"),
    [
        (Measured(NEAR_C, "c", 2_000), []),
        (Measured(NEAR_C, "c", 1_000), ["misquoted"]),
        (Measured(NEAR_C, "b", 2_000), ["misquoted"]),
        (Measured(NEAR_C, "z", 2_000), ["misquoted"]),
        (Measured(NEAR_C, "c", -1), ["misquoted"]),
        (Measured(within(3, "c"), "c", 2_000), ["misquoted"]),
    ],
)
def test_a_plan_quotes_the_rtt_that_is_so(quoted: Measured, expected: list[str]) -> None:
    one = pod("p", delays=(NEAR_C,))
    plan = Plan((Assignment(one, "a", (quoted,)),))
    assert rules(build_snapshot(NODES, [one], rtt=LINE), plan) == expected


@pytest.mark.parametrize(
    ("of", "node_name", "rtt_us", "expected"),
    [
        (Quantifier.ANY, "b", 1_000, []),
        (Quantifier.ANY, "c", 2_000, ["misquoted"]),
        (Quantifier.ALL, "c", 2_000, []),
        (Quantifier.ALL, "b", 1_000, ["misquoted"]),
    ],
)
def test_of_several_replicas_the_deciding_one_is_quoted(
    of: Quantifier, node_name: str, rtt_us: int, expected: list[str]
) -> None:
    delay = within(5, "db", of=of)
    one = pod("p", delays=(delay,))
    snapshot = build_snapshot(NODES, [one], placed=replicas("b", "c"), rtt=LINE)
    plan = Plan((Assignment(one, "a", (Measured(delay, node_name, rtt_us),)),))
    assert rules(snapshot, plan) == expected


def test_a_soft_delay_nobody_measured_is_quoted_as_unknown() -> None:
    delay = within(5, "nobody", is_soft=True)
    one = pod("p", delays=(delay,))
    snapshot = build_snapshot(NODES, [one], rtt=LINE)
    unknown = Plan((Assignment(one, "a", (Measured(delay, "", -1),)),))
    made_up = Plan((Assignment(one, "a", (Measured(delay, "b", 1_000),)),))
    assert rules(snapshot, unknown) == []
    assert rules(snapshot, made_up) == ["misquoted"]


def test_a_node_without_a_row_in_the_rtt_table_is_unknown() -> None:
    rtt = RttMatrix(("a", "b"), np.zeros((2, 2), dtype=np.int32))
    one = pod("p", delays=(within(5, "b"),))
    snapshot = build_snapshot(NODES, [one], rtt=rtt)
    assert rules(snapshot, planned((one, "c"))) == ["delay"]


def test_a_violation_says_who_where_and_why() -> None:
    one = pod("p", delays=(within(1, "c"),))
    snapshot = build_snapshot(NODES, [one], rtt=LINE)
    assert violations(snapshot, planned((one, "a"))) == (
        "delay: default/p on a: 2ms from c, budget 1ms",
    )
