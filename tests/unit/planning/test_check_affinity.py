"""The independent checker: affinity and anti-affinity between pods, one rule a test."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from scheduler.domain.between import PodTerm
from scheduler.domain.selector import LabelSelector, Operator, Requirement
from scheduler.domain.snapshot import build_snapshot
from scheduler.domain.workload import Pod
from scheduler.planning.check import violations
from tests.builders import node, pod
from tests.unit.planning.judging import planned, rules

HOST, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"
WEB = (("app", "web"),)
NEAR, AWAY = ["pod affinity"], ["pod anti-affinity"]


def place(name: str, zone: str = "") -> dict[str, str]:
    return {HOST: name, **({ZONE: zone} if zone else {})}


NODES = [
    node("a", labels=place("a", "east")),
    node("b", labels=place("b", "east")),
    node("c", labels=place("c", "west")),
    node("d"),
]
"""Two nodes in one zone, one in another, and one without any label."""


def asks(key: str, operator: Operator, *values: str) -> Requirement:
    return Requirement(key, operator, values)


def term(
    *requirements: Requirement,
    key: str = ZONE,
    namespaces: Sequence[str] = ("default",),
    chosen: LabelSelector | None = None,
) -> PodTerm:
    wanted = requirements or (asks("app", "In", "web"),)
    return PodTerm(key, LabelSelector(wanted), tuple(namespaces), chosen)


def judged(
    one: Pod,
    on: str,
    *placed: tuple[Pod, str],
    namespaces: Mapping[str, Mapping[str, str]] | None = None,
    terminating: frozenset[str] = frozenset(),
) -> list[str]:
    snapshot = build_snapshot(
        NODES, [one], placed=placed, namespaces=namespaces, terminating=terminating
    )
    return rules(snapshot, planned((one, on)))


def together(*pairs: tuple[Pod, str]) -> list[str]:
    return rules(build_snapshot(NODES, [one for one, _ in pairs]), planned(*pairs))


@pytest.mark.parametrize(("on", "found"), [("a", []), ("b", []), ("c", NEAR), ("d", NEAR)])
def test_a_pod_is_near_where_its_node_shares_the_domain(on: str, found: list[str]) -> None:
    assert judged(pod("p", pod_affinity=(term(),)), on, (pod("q", labels=WEB), "a")) == found


def test_a_pod_with_nobody_to_be_near_goes_nowhere() -> None:
    assert judged(pod("p", pod_affinity=(term(),)), "a", (pod("q"), "a")) == NEAR


def test_a_pod_of_another_namespace_is_nobody_to_be_near() -> None:
    other = pod("q", labels=WEB, namespace="shop")
    assert judged(pod("p", pod_affinity=(term(),)), "a", (other, "a")) == NEAR


def test_a_terminating_pod_is_near_enough() -> None:
    leaves = frozenset({"default/q"})
    web = (pod("q", labels=WEB), "a")
    assert judged(pod("p", pod_affinity=(term(),)), "a", web, terminating=leaves) == []


def test_a_pod_on_a_node_that_is_gone_is_nobody_to_be_near() -> None:
    web = (pod("q", labels=WEB), "gone")
    assert judged(pod("p", pod_affinity=(term(),)), "a", web) == NEAR


def test_a_pod_of_the_same_plan_is_near_enough() -> None:
    assert together((pod("p", pod_affinity=(term(),)), "a"), (pod("q", labels=WEB), "b")) == []


def test_a_pod_of_the_same_plan_may_be_too_far() -> None:
    assert together((pod("p", pod_affinity=(term(),)), "c"), (pod("q", labels=WEB), "b")) == NEAR


def test_the_first_of_pods_that_ask_for_one_another_goes_anywhere() -> None:
    assert judged(pod("p", labels=WEB, pod_affinity=(term(),)), "c") == []


def test_the_first_of_its_kind_needs_a_node_with_the_label_too() -> None:
    assert judged(pod("p", labels=WEB, pod_affinity=(term(),)), "d") == NEAR


def test_the_second_of_its_kind_has_to_be_near_the_first() -> None:
    one = pod("p", labels=WEB, pod_affinity=(term(),))
    assert judged(one, "c", (pod("q", labels=WEB), "a")) == NEAR


def test_replicas_that_ask_for_one_another_are_not_all_the_first() -> None:
    one = pod("p", labels=WEB, pod_affinity=(term(),))
    assert together((one, "a"), (replace(one, name="q"), "c")) == NEAR * 2


def test_a_fellow_in_no_domain_leaves_a_pod_the_first() -> None:
    one = pod("p", labels=WEB, pod_affinity=(term(),))
    assert judged(one, "c", (pod("q", labels=WEB), "d")) == []


def test_all_terms_have_to_be_met_by_the_same_pod() -> None:
    terms = (term(), term(asks("tier", "In", "front")))
    halves = [(pod("q", labels=WEB), "a"), (pod("r", labels=(("tier", "front"),)), "a")]
    assert judged(pod("p", pod_affinity=terms), "a", *halves) == NEAR


def test_one_pod_that_meets_all_terms_is_enough() -> None:
    terms = (term(), term(asks("tier", "In", "front")))
    whole = (pod("q", labels=(("app", "web"), ("tier", "front"))), "a")
    assert judged(pod("p", pod_affinity=terms), "b", whole) == []


def test_every_term_has_its_own_domain() -> None:
    terms = (term(), term(key=HOST))
    assert judged(pod("p", pod_affinity=terms), "b", (pod("q", labels=WEB), "a")) == NEAR


def test_two_pods_may_share_the_domains_of_two_terms_between_them() -> None:
    terms = (term(key=HOST), term())
    webs = [(pod("q", labels=WEB), "b"), (pod("r", labels=WEB), "a")]
    assert judged(pod("p", pod_affinity=terms), "b", *webs) == []


def test_no_selector_selects_nobody() -> None:
    nobody = PodTerm(ZONE, None, ("default",))
    assert judged(pod("p", pod_affinity=(nobody,)), "a", (pod("q"), "a")) == NEAR


def test_an_empty_selector_selects_everybody() -> None:
    everybody = PodTerm(ZONE, LabelSelector(), ("default",))
    assert judged(pod("p", pod_affinity=(everybody,)), "a", (pod("q"), "b")) == []


@pytest.mark.parametrize(
    ("requirement", "is_near"),
    [
        (asks("app", "In", "db", "web"), True),
        (asks("app", "In", "db"), False),
        (asks("app", "NotIn", "db"), True),
        (asks("app", "NotIn", "db", "web"), False),
        (asks("tier", "NotIn", "front"), True),
        (asks("app", "Exists"), True),
        (asks("tier", "Exists"), False),
        (asks("tier", "DoesNotExist"), True),
        (asks("app", "DoesNotExist"), False),
    ],
)
def test_a_selector_means_what_it_means_to_kubernetes(
    requirement: Requirement, *, is_near: bool
) -> None:
    one = pod("p", labels=WEB, pod_affinity=(term(requirement),))
    assert judged(one, "a", (pod("q", labels=WEB), "b")) == ([] if is_near else NEAR)


@pytest.mark.parametrize(("on", "found"), [("a", AWAY), ("b", AWAY), ("c", []), ("d", [])])
def test_a_pod_is_away_where_no_such_pod_shares_the_domain(on: str, found: list[str]) -> None:
    assert judged(pod("p", pod_anti_affinity=(term(),)), on, (pod("q", labels=WEB), "a")) == found


@pytest.mark.parametrize(("on", "found"), [("a", AWAY), ("b", AWAY), ("c", []), ("d", [])])
def test_a_placed_pod_keeps_others_away_from_it(on: str, found: list[str]) -> None:
    loner = (pod("q", pod_anti_affinity=(term(),)), "a")
    assert judged(pod("p", labels=WEB), on, loner) == found


def test_a_terminating_pod_keeps_others_away_still() -> None:
    loner = (pod("q", pod_anti_affinity=(term(),)), "a")
    leaves = frozenset({"default/q"})
    assert judged(pod("p", labels=WEB), "b", loner, terminating=leaves) == AWAY


def test_pods_of_one_plan_keep_each_other_away() -> None:
    loner, web = pod("p", pod_anti_affinity=(term(),)), pod("q", labels=WEB)
    snapshot = build_snapshot(NODES, [loner, web])
    said = violations(snapshot, planned((loner, "a"), (web, "b")))
    assert [one.split(": ")[1] for one in said] == ["default/p on a", "default/q on b"]


def test_replicas_that_repel_each_other_go_to_different_domains() -> None:
    one = pod("p", labels=WEB, pod_anti_affinity=(term(),))
    assert together((one, "a"), (replace(one, name="q"), "c")) == []


def test_replicas_that_repel_each_other_do_not_share_a_domain() -> None:
    one = pod("p", labels=WEB, pod_anti_affinity=(term(),))
    assert together((one, "a"), (replace(one, name="q"), "b")) == AWAY * 2


def test_each_term_of_anti_affinity_counts_by_itself() -> None:
    terms = (term(asks("app", "In", "db"), key=HOST), term(key=HOST))
    assert judged(pod("p", pod_anti_affinity=terms), "a", (pod("q", labels=WEB), "a")) == AWAY


def test_a_pod_is_no_reason_to_be_away_from_itself() -> None:
    assert judged(pod("p", labels=WEB, pod_anti_affinity=(term(),)), "a") == []


@pytest.mark.parametrize(
    ("chosen", "is_near"),
    [
        (LabelSelector((asks("team", "In", "core"),)), True),
        (LabelSelector((asks("team", "In", "edge"),)), False),
        (LabelSelector(), True),
    ],
)
def test_a_namespace_selector_adds_namespaces(chosen: LabelSelector, *, is_near: bool) -> None:
    one = pod("p", pod_affinity=(term(namespaces=(), chosen=chosen),))
    known = {"default": {}, "shop": {"team": "core"}}
    web = (pod("q", labels=WEB, namespace="shop"), "a")
    assert judged(one, "a", web, namespaces=known) == ([] if is_near else NEAR)


def test_a_selector_of_what_namespaces_are_not_finds_them_all() -> None:
    # kube-scheduler 1.36 leaves the selector in place and holds it against no labels.
    chosen = LabelSelector((asks("team", "DoesNotExist"),))
    one = pod("p", pod_affinity=(term(namespaces=(), chosen=chosen),))
    web = (pod("q", labels=WEB, namespace="shop"), "a")
    assert judged(one, "a", web, namespaces={"shop": {"team": "core"}}) == []


def test_a_namespace_nobody_knows_is_not_selected_by_what_it_should_be() -> None:
    chosen = LabelSelector((asks("team", "Exists"),))
    one = pod("p", pod_affinity=(term(namespaces=(), chosen=chosen),))
    web = (pod("q", labels=WEB, namespace="shop"), "a")
    assert judged(one, "a", web, namespaces={"default": {"team": "core"}}) == NEAR


@pytest.mark.parametrize(
    ("known", "found"),
    [({"shop": {"team": "core"}}, AWAY), ({"shop": {"team": "edge"}}, []), ({}, [])],
)
def test_a_placed_pods_namespace_selector_is_held_against_the_newcomers(
    known: Mapping[str, Mapping[str, str]], found: list[str]
) -> None:
    chosen = LabelSelector((asks("team", "In", "core"),))
    loner = (pod("q", pod_anti_affinity=(term(namespaces=(), chosen=chosen),)), "a")
    one = pod("p", labels=WEB, namespace="shop")
    assert judged(one, "b", loner, namespaces=known) == found


def test_a_newcomer_of_an_unknown_namespace_has_no_labels_to_be_selected_by() -> None:
    chosen = LabelSelector((asks("team", "DoesNotExist"),))
    loner = (pod("q", pod_anti_affinity=(term(namespaces=(), chosen=chosen),)), "a")
    assert judged(pod("p", labels=WEB, namespace="shop"), "b", loner) == AWAY


@pytest.mark.parametrize(("index", "found"), [("0", NEAR), ("1", [])])
def test_a_selector_may_ask_for_the_label_that_numbers_a_pod(index: str, found: list[str]) -> None:
    numbered = "apps.kubernetes.io/pod-index"
    first, second = (
        replace(pod(f"db-{k}", labels=WEB), identity_labels=((numbered, str(k)),)) for k in (0, 1)
    )
    one = pod("p", pod_affinity=(term(asks(numbered, "In", index)),))
    assert judged(one, "c", (first, "a"), (second, "c")) == found


def test_pods_of_one_plan_are_told_apart_by_the_labels_that_number_them() -> None:
    numbered = "statefulset.kubernetes.io/pod-name"
    first, second = (
        replace(pod(f"db-{k}"), identity_labels=((numbered, f"db-{k}"),)) for k in (0, 1)
    )
    one = pod("p", pod_anti_affinity=(term(asks(numbered, "In", "db-1")),))
    assert together((first, "a"), (second, "c"), (one, "b")) == []


def test_a_pod_that_breaks_two_terms_is_named_once() -> None:
    terms = (term(), term(key=HOST))
    assert judged(pod("p", pod_anti_affinity=terms), "a", (pod("q", labels=WEB), "a")) == AWAY
