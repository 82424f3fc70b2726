"""Inter-pod affinity and anti-affinity, required and preferred."""

from collections import Counter

from scheduler.domain.between import PodTerm, WeightedPodTerm
from scheduler.domain.selector import LabelSelector, Requirement
from tests.builders import pod
from tests.unit.placement.deciding import where, why
from tests.unit.placement.ruled import HOST, ZONE, app, hosts, many, near, of_app, planned


def zones(placement: dict[str, str]) -> Counter[str]:
    return Counter(name[0] for name in placement.values())


def test_a_pod_goes_to_the_zone_of_the_pods_it_wants_to_be_near() -> None:
    web = of_app("web", "web", pod_affinity=(near("db"),))

    made = planned([web], placed=[(of_app("db", "db"), "b1")])

    assert where(made)["web"] in ("b1", "b2")


def test_a_pod_waits_while_nobody_it_wants_to_be_near_is_there() -> None:
    made = planned([of_app("web", "web", pod_affinity=(near("db"),))])

    assert why(made, "web") == (
        "0/6 nodes are available: 6 node(s) didn't match pod affinity rules."
    )


def test_both_terms_are_met_by_one_and_the_same_pod() -> None:
    tier = PodTerm(ZONE, LabelSelector((Requirement("tier", "In", ("gold",)),)), ("default",))
    web = of_app("web", "web", pod_affinity=(near("db"), tier))
    half = of_app("half", "db")
    other = of_app("other", "x")
    gold = pod("gold", labels=(("app", "db"), ("tier", "gold")))

    split = planned([web], placed=[(half, "a1"), (other, "a2")])
    whole = planned([web], placed=[(half, "a1"), (gold, "c1")])

    assert "pod affinity rules" in why(split, "web")
    assert where(whole)["web"] in ("c1", "c2")


def test_a_group_that_is_near_itself_starts_where_all_of_it_has_room() -> None:
    nodes = hosts(cpu_milli=300)
    group = many(5, "group", cpu_milli=100, pod_affinity=(near("group"),))

    made = planned(group, nodes=nodes, placed=[(of_app("fat", "fat", cpu_milli=200), "a1")])

    assert len(made.assignments) == 5
    assert len(zones(where(made))) == 1
    assert "a" not in zones(where(made))


def test_a_group_joins_its_fellows_that_stand() -> None:
    group = many(2, "group", pod_affinity=(near("group"),))

    made = planned(group, placed=[(of_app("old", "group"), "c2")])

    assert zones(where(made)) == {"c": 2}


def test_a_node_without_the_label_takes_no_affine_pod_but_an_anti_affine_one() -> None:
    nodes = [*hosts(names=("a1",)), *hosts(names=("b1",))]
    bare = [n for n in nodes if n.name == "a1"]
    unlabelled = [*bare, nodes[1]]
    unlabelled[1] = type(nodes[1])("bare", nodes[1].allocatable)
    placed = [(of_app("db", "db"), "a1")]

    close = planned(
        [of_app("web", "web", pod_affinity=(near("db"),))], nodes=unlabelled, placed=placed
    )
    far = planned(
        [of_app("web", "web", pod_anti_affinity=(near("db"),))], nodes=unlabelled, placed=placed
    )

    assert where(close) == {"web": "a1"}
    assert where(far) == {"web": "bare"}


def test_replicas_that_avoid_each_other_get_a_host_each_and_the_others_wait() -> None:
    made = planned(many(8, "lone", pod_anti_affinity=(near("lone", HOST),)))

    assert sorted(where(made).values()) == ["a1", "a2", "b1", "b2", "c1", "c2"]
    assert why(made, "lone-7") == (
        "0/6 nodes are available: 6 node(s) didn't match pod anti-affinity rules."
    )


def test_a_pod_that_stands_keeps_others_away_by_its_own_anti_affinity() -> None:
    guard = of_app("guard", "guard", pod_anti_affinity=(near("web", ZONE),))
    guards = [(guard, "a1"), (of_app("g2", "guard", pod_anti_affinity=(near("web"),)), "b1")]

    made = planned(many(7, "web", cpu_milli=1_000), placed=guards, nodes=hosts(cpu_milli=3_000))

    assert zones(where(made)) == {"c": 6}
    assert why(made, "web-6") == (
        "0/6 nodes are available: 2 Insufficient cpu, "
        "4 node(s) didn't satisfy existing pods anti-affinity rules."
    )


def test_a_pod_of_the_same_batch_keeps_others_away_too() -> None:
    guards = many(2, "guard", pod_anti_affinity=(near("web"), near("guard")))

    made = planned([*guards, *many(4, "web")])

    guarded = {node[0] for name, node in where(made).items() if name.startswith("guard")}
    assert len(made.assignments) == 6
    assert {node[0] for name, node in where(made).items() if name.startswith("web")} == (
        set("abc") - guarded
    )


def test_a_term_speaks_of_the_namespaces_it_names_or_selects() -> None:
    db = of_app("db", "db", namespace="shared")
    team = LabelSelector((Requirement("team", "In", ("data",)),))
    named = PodTerm(ZONE, app("db"), ("shared",))
    chosen = PodTerm(ZONE, app("db"), (), team)
    every = PodTerm(ZONE, app("db"), (), LabelSelector())
    namespaces = {"default": {}, "shared": {"team": "data"}}

    for term in (named, chosen, every):
        web = of_app("web", "web", pod_affinity=(term,))
        made = planned([web], placed=[(db, "b1")], namespaces=namespaces)
        assert where(made)["web"] in ("b1", "b2")
    own = of_app("web", "web", pod_affinity=(near("db"),))
    assert not planned([own], placed=[(db, "b1")], namespaces=namespaces).assignments


def test_a_pod_on_its_way_out_still_counts_for_affinity() -> None:
    web = of_app("web", "web", pod_affinity=(near("db"),))

    made = planned([web], placed=[(of_app("db", "db"), "b1")], leaving=("db",))

    assert where(made)["web"][0] == "b"


def test_wishes_weigh_and_never_rule_out() -> None:
    wish = (WeightedPodTerm(-100, near("shy", HOST)),)

    made = planned(many(8, "shy", preferred_pods=wish))

    assert sorted(Counter(where(made).values()).values()) == [1, 1, 1, 1, 2, 2]


def test_a_wish_to_be_near_draws_a_pod() -> None:
    web = of_app("web", "web", preferred_pods=(WeightedPodTerm(50, near("db", HOST)),))

    made = planned([web], placed=[(of_app("db", "db"), "c2")])

    assert where(made) == {"web": "c2"}


def test_what_is_counted_is_placed_before_what_counts_it() -> None:
    web = many(3, "web", pod_affinity=(near("db"),))

    made = planned([*web, *many(1, "db")])

    assert len(made.assignments) == 4
    assert len(zones(where(made))) == 1
