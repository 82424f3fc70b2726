"""Topology spread, hard and soft."""

from collections import Counter
from dataclasses import replace

from scheduler.domain.between import SpreadConstraint
from scheduler.domain.node import Taint
from scheduler.domain.selector import LabelSelector
from tests.builders import node
from tests.unit.placement.deciding import where, why
from tests.unit.placement.ruled import HOST, ZONE, even, hosts, many, of_app, planned


def zones(placement: dict[str, str]) -> dict[str, int]:
    return dict(Counter(name[0] for name in placement.values()))


def test_replicas_lie_evenly_over_zones() -> None:
    made = planned(many(7, "web", spread=(even("web"),)))

    assert sorted(zones(where(made)).values()) == [2, 2, 3]


def test_a_full_zone_holds_the_others_back() -> None:
    nodes = hosts(cpu_milli=1_000)
    fat = [(of_app(f"fat-{k}", "fat", cpu_milli=1_000), f"a{k}") for k in (1, 2)]

    made = planned(many(6, "web", spread=(even("web"),)), nodes=nodes, placed=fat)

    assert zones(where(made)) == {"b": 1, "c": 1}
    assert why(made, "web-5") == (
        "0/6 nodes are available: 2 Insufficient cpu, "
        "4 node(s) didn't match pod topology spread constraints."
    )


def test_what_stands_counts_and_what_leaves_does_not() -> None:
    old = [(of_app(f"old-{k}", "web"), "a1") for k in range(2)]

    staying = planned(many(2, "web", spread=(even("web"),)), placed=old)
    leaving = planned(many(3, "web", spread=(even("web"),)), placed=old, leaving=("old-0", "old-1"))

    assert zones(where(staying)) == {"b": 1, "c": 1}
    assert zones(where(leaving)) == {"a": 1, "b": 1, "c": 1}


def test_too_few_domains_make_the_emptiest_one_empty() -> None:
    asked = replace(even("web"), min_domains=4)

    made = planned(many(6, "web", spread=(asked,)))

    assert sorted(zones(where(made)).values()) == [1, 1, 1]
    assert len(made.unplaced) == 3


def test_a_node_without_the_label_is_no_place() -> None:
    made = planned([of_app("web", "web", spread=(even("web"),))], nodes=[node("bare")])

    assert why(made, "web") == (
        "0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints "
        "(missing required label)."
    )


def test_zones_that_node_affinity_rules_out_do_not_count_unless_told_to() -> None:
    selector = ((HOST, "a1"),)
    honored = many(3, "web", node_selector=selector, spread=(even("web"),))
    ignored = many(
        3, "web", node_selector=selector, spread=(replace(even("web"), honors_affinity=False),)
    )

    assert len(planned(honored).assignments) == 3
    assert len(planned(ignored).assignments) == 1


def test_tainted_zones_count_unless_told_not_to() -> None:
    nodes = [
        replace(n, taints=(Taint("edge", "", "NoSchedule"),)) if n.name[0] != "a" else n
        for n in hosts()
    ]
    ignored = many(3, "web", spread=(even("web"),))
    honored = many(3, "web", spread=(replace(even("web"), honors_taints=True),))

    assert len(planned(ignored, nodes=nodes).assignments) == 1
    assert len(planned(honored, nodes=nodes).assignments) == 3


def test_two_constraints_hold_together() -> None:
    made = planned(many(12, "web", spread=(even("web"), even("web", HOST))))

    assert sorted(Counter(where(made).values()).values()) == [2] * 6


def test_a_selector_of_others_limits_by_what_they_do() -> None:
    db = [(of_app(f"db-{k}", "db"), "a1") for k in range(2)]

    made = planned(many(4, "web", spread=(even("db"),)), placed=db)

    assert "a" not in zones(where(made))
    assert len(made.assignments) == 4


def test_an_empty_selector_counts_nobody() -> None:
    asked = SpreadConstraint(ZONE, 1, is_hard=True, selector=LabelSelector())

    assert len(planned(many(9, "web", spread=(asked,))).assignments) == 9


def test_a_soft_constraint_spreads_as_far_as_it_can() -> None:
    nodes = hosts(cpu_milli=1_000)
    fat = [(of_app(f"fat-{k}", "fat", cpu_milli=1_000), f"a{k}") for k in (1, 2)]
    web = many(6, "web", spread=(even("web", is_hard=False),))

    made = planned(web, nodes=nodes, placed=fat)

    assert zones(where(made)) == {"b": 3, "c": 3}


def test_pods_a_constraint_counts_are_placed_before_it() -> None:
    plain = many(5, "web")
    bound = [of_app("bound", "web", spread=(even("web"),))]

    made = planned([*bound, *plain])

    assert len(made.assignments) == 6
