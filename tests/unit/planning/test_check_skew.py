"""The independent checker: hard topology spread constraints, one rule a test."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from scheduler.domain.between import SpreadConstraint
from scheduler.domain.node import Node, Taint
from scheduler.domain.selector import LabelSelector, Requirement
from scheduler.domain.snapshot import build_snapshot
from scheduler.domain.workload import NodeTerm, Pod, Toleration
from tests.builders import node, pod
from tests.unit.planning.judging import planned, rules

HOST, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"
WEB = (("app", "web"),)
ALL_WEB = LabelSelector((Requirement("app", "In", ("web",)),))
BROKEN = ["topology spread"]


def at(name: str, zone: str = "", taints: tuple[Taint, ...] = (), **labels: str) -> Node:
    where = {HOST: name, **({ZONE: zone} if zone else {}), **labels}
    return node(name, labels=where, taints=taints)


NODES = [at("a", "east"), at("b", "east"), at("c", "west"), at("d")]
"""Two nodes in one zone, one in another, and one in none."""


def evenly(
    key: str = ZONE, *, max_skew: int = 1, selector: LabelSelector | None = ALL_WEB
) -> SpreadConstraint:
    return SpreadConstraint(key, max_skew, is_hard=True, selector=selector)


def web(*spread: SpreadConstraint, name: str = "p", **spec: object) -> Pod:
    return pod(name, cpu_milli=100, labels=WEB, spread=spread or (evenly(),), **spec)


def webs(on: str) -> list[tuple[Pod, str]]:
    """Return one placed pod for each letter of `on`, on the node of that name."""
    return [(pod(f"web-{k}", labels=WEB), name) for k, name in enumerate(on)]


def judged(
    one: Pod,
    on: str,
    placed: Sequence[tuple[Pod, str]] = (),
    *,
    nodes: Sequence[Node] = NODES,
    terminating: frozenset[str] = frozenset(),
) -> list[str]:
    snapshot = build_snapshot(nodes, [one], placed=placed, terminating=terminating)
    return rules(snapshot, planned((one, on)))


@pytest.mark.parametrize(
    ("placed", "on", "found"),
    [
        ("", "a", []),
        ("a", "b", BROKEN),
        ("a", "c", []),
        ("abc", "a", BROKEN),
        ("abc", "c", []),
        ("abcc", "a", []),
        ("d", "a", []),
    ],
)
def test_no_zone_gets_more_ahead_of_the_emptiest_than_allowed(
    placed: str, on: str, found: list[str]
) -> None:
    assert judged(web(), on, webs(placed)) == found


@pytest.mark.parametrize(("placed", "found"), [("a", []), ("ab", BROKEN), ("abc", [])])
def test_a_skew_of_two_is_two(placed: str, found: list[str]) -> None:
    assert judged(web(evenly(max_skew=2)), "a", webs(placed)) == found


def test_a_node_without_the_label_is_refused() -> None:
    assert judged(web(), "d") == BROKEN


def test_a_soft_constraint_refuses_nothing() -> None:
    soft = replace(evenly(), is_hard=False)
    assert judged(web(soft), "d", webs("ab")) == []


def test_pods_of_one_plan_count_for_each_other() -> None:
    pods = [web(name="p"), web(name="q")]
    assert rules(build_snapshot(NODES, pods), planned((pods[0], "a"), (pods[1], "b"))) == BROKEN * 2


def test_pods_of_one_plan_that_even_out_are_right() -> None:
    pods = [web(name="p"), web(name="q")]
    assert rules(build_snapshot(NODES, pods), planned((pods[0], "a"), (pods[1], "c"))) == []


def test_of_three_pods_of_one_plan_two_may_share_a_zone() -> None:
    pods = [web(name=name) for name in "pqr"]
    plan = planned((pods[0], "a"), (pods[1], "b"), (pods[2], "c"))
    assert rules(build_snapshot(NODES, pods), plan) == []


def test_a_pod_that_its_own_constraint_does_not_select_adds_nothing() -> None:
    assert judged(pod("p", spread=(evenly(),)), "a", webs("a")) == []


def test_a_terminating_pod_does_not_count() -> None:
    assert judged(web(), "b", webs("a"), terminating=frozenset({"default/web-0"})) == []


def test_a_pod_of_another_namespace_does_not_count() -> None:
    assert judged(web(), "b", [(pod("q", labels=WEB, namespace="shop"), "a")]) == []


def test_a_pod_on_a_node_that_is_gone_does_not_count() -> None:
    assert judged(web(), "a", [(pod("q", labels=WEB), "gone")]) == []


def test_an_empty_selector_counts_nobody_but_the_pod_itself() -> None:
    everybody = evenly(selector=LabelSelector())
    assert judged(web(everybody), "a", webs("aaa")) == []


def test_no_selector_counts_nobody_at_all() -> None:
    assert judged(web(evenly(selector=None)), "a", webs("aaa")) == []


@pytest.mark.parametrize(("least", "found"), [(2, []), (3, BROKEN)])
def test_with_too_few_domains_the_emptiest_counts_as_empty(least: int, found: list[str]) -> None:
    enough = replace(evenly(), min_domains=least)
    assert judged(web(enough), "a", webs("ac")) == found


def test_domains_are_those_of_nodes_with_all_the_labels() -> None:
    # Only nodes a and c are in a rack: what is on b counts for neither constraint.
    nodes = [at("a", "east", rack="1"), at("b", "east"), at("c", "west", rack="2")]
    assert judged(web(evenly(), evenly("rack")), "a", webs("b"), nodes=nodes) == []


def test_each_hard_constraint_has_to_hold() -> None:
    assert judged(web(evenly(max_skew=5), evenly(HOST)), "a", webs("a")) == BROKEN


def test_a_label_only_a_soft_constraint_asks_for_leaves_a_domain_one() -> None:
    soft = replace(evenly("rack"), is_hard=False)
    assert judged(web(evenly(), soft), "b", webs("a")) == BROKEN


@pytest.mark.parametrize(("honors", "found"), [(True, []), (False, BROKEN)])
def test_nodes_that_the_pod_does_not_select_are_no_domains_if_affinity_is_honored(
    found: list[str], *, honors: bool
) -> None:
    one = replace(evenly(), honors_affinity=honors)
    nodes = [at("a", "east", disk="ssd"), at("c", "west")]
    chosen = web(one, node_selector=(("disk", "ssd"),))
    assert judged(chosen, "a", webs("a"), nodes=nodes) == found


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (NodeTerm((Requirement("rank", "Gt", ("5",)),)), []),
        (NodeTerm((Requirement("rank", "Exists"),)), BROKEN),
        (NodeTerm((Requirement("rank", "DoesNotExist"),)), ["node affinity"]),
        (NodeTerm((Requirement("rank", "NotIn", ("3",)),)), []),
        (NodeTerm(fields=(Requirement("metadata.name", "In", ("a",)),)), []),
        (NodeTerm(fields=(Requirement("metadata.name", "NotIn", ("c",)),)), []),
    ],
)
def test_domains_follow_required_node_affinity(wanted: NodeTerm, found: list[str]) -> None:
    nodes = [at("a", "east", rank="7"), at("c", "west", rank="3")]
    assert judged(web(required_nodes=(wanted,)), "a", webs("a"), nodes=nodes) == found


@pytest.mark.parametrize(("honors", "found"), [(True, []), (False, BROKEN)])
def test_nodes_with_a_taint_are_no_domains_if_taints_are_honored(
    found: list[str], *, honors: bool
) -> None:
    one = replace(evenly(), honors_taints=honors)
    nodes = [at("a", "east"), at("c", "west", taints=(Taint("k", "v"),))]
    assert judged(web(one), "a", webs("a"), nodes=nodes) == found


def test_a_tolerated_taint_leaves_a_domain_one() -> None:
    one = replace(evenly(), honors_taints=True)
    nodes = [at("a", "east"), at("c", "west", taints=(Taint("k", "v"),))]
    tolerant = web(one, tolerations=(Toleration("k", "Exists"),))
    assert judged(tolerant, "a", webs("a"), nodes=nodes) == BROKEN


def test_a_pod_on_a_node_that_does_not_count_is_not_taken_out_twice() -> None:
    # Node a is tainted since: its zone is no domain, and what is there counts for nothing.
    one = replace(evenly(), honors_taints=True)
    nodes = [at("a", "east", taints=(Taint("k", "v", "NoExecute"),)), at("c", "west")]
    assert judged(web(one), "a", webs("aac"), nodes=nodes) == ["taint"]


def test_hosts_are_domains_like_others() -> None:
    assert judged(web(evenly(HOST)), "b", webs("b")) == BROKEN


def test_a_selector_may_ask_for_the_label_that_numbers_a_pod() -> None:
    numbered = "apps.kubernetes.io/pod-index"
    first = LabelSelector((Requirement(numbered, "In", ("0",)),))
    placed = [
        (replace(pod(f"q-{k}"), identity_labels=((numbered, str(k)),)), on)
        for k, on in enumerate("ac")
    ]
    one = replace(pod("p", spread=(evenly(selector=first),)), identity_labels=((numbered, "0"),))
    assert judged(one, "b", placed) == BROKEN
