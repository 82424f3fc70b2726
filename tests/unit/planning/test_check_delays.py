"""The independent checker, delays and what is quoted of them."""

from collections.abc import Sequence

import numpy as np
import pytest

from scheduler.domain.delay import DelayConstraint, Quantifier, Reference
from scheduler.domain.plan import Assignment, Measured, Plan, Unplaced
from scheduler.domain.reasons import Refusal
from scheduler.domain.snapshot import build_snapshot
from scheduler.domain.workload import Pod, Service
from scheduler.planning.check import violations
from telemetry.model import RttMatrix
from tests.builders import pod, rtt_ms, within, workload
from tests.unit.planning.judging import LINE, NAMES, NODES, on_a, planned, rules


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
