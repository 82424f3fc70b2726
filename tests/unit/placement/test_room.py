"""Resources are vectors of exact integers, and only what a pod asks for is looked at."""

from dataclasses import replace

import pytest

from scheduler.domain.node import Node
from scheduler.domain.resources import CPU, MEMORY, PODS, resources
from scheduler.domain.workload import Pod
from tests.builders import node, pod
from tests.unit.placement.deciding import on_a_line, where, why

GPU = "example.com/gpu"


def host(name: str, **amounts: int) -> Node:
    return Node(name, {CPU: 1_000, PODS: 10} | amounts)


def wants(name: str, **amounts: int) -> Pod:
    return pod(name, requests=resources(amounts))


def test_an_extended_resource_rules_out_nodes_that_do_not_offer_it() -> None:
    made = on_a_line(
        [wants("p", **{GPU: 1}), wants("q", **{GPU: 2})],
        nodes=[host("plain"), host("card", **{GPU: 1})],
    )

    assert where(made) == {"p": "card"}
    assert why(made, "q") == "0/2 nodes are available: 2 Insufficient example.com/gpu."


def test_a_node_over_committed_in_what_a_pod_does_not_ask_for_still_takes_it() -> None:
    greedy = wants("old", memory=200)

    made = on_a_line([wants("p", cpu=100)], nodes=[host("a", memory=100)], placed=[(greedy, "a")])

    assert where(made) == {"p": "a"}


def test_a_node_over_committed_in_what_a_pod_asks_for_does_not_take_it() -> None:
    greedy = wants("old", memory=200)

    made = on_a_line([wants("p", memory=1)], nodes=[host("a", memory=100)], placed=[(greedy, "a")])

    assert why(made, "p") == "0/1 nodes are available: 1 Insufficient memory."


def test_over_committed_nodes_do_not_disturb_a_contested_stage() -> None:
    greedy = wants("old", memory=200)
    mixed = [wants(f"p{i}", cpu=300 + 10 * i) for i in range(5)]
    mixed += [wants(f"m{i}", memory=40 + i, cpu=100) for i in range(3)]

    made = on_a_line(
        mixed, nodes=[host("a", memory=100), host("b", memory=100)], placed=[(greedy, "a")]
    )

    assert all(on == "b" for name, on in where(made).items() if name.startswith("m"))
    assert sum(name.startswith("m") for name in where(made)) == 2


def test_slots_for_pods_run_out_like_any_resource() -> None:
    made = on_a_line([pod(f"p{i}", cpu_milli=0) for i in range(3)], nodes=[node("a", pods=2)])

    assert len(made.assignments) == 2
    assert why(made, "p2") == "0/1 nodes are available: 1 Too many pods."


def test_the_last_unit_is_given_and_not_one_more() -> None:
    nodes = [Node("a", {CPU: 1_000, MEMORY: 2**50 + 1, PODS: 10})]

    exact = on_a_line([wants("p", memory=2**50 + 1)], nodes=nodes)
    beyond = on_a_line([wants("p", memory=2**50 + 2)], nodes=nodes)

    assert where(exact) == {"p": "a"}
    assert "Insufficient memory" in why(beyond, "p")


def test_a_pod_on_its_way_out_still_takes_its_room() -> None:
    made = on_a_line(
        [pod("p", cpu_milli=600)],
        nodes=[host("a")],
        placed=[(pod("old", cpu_milli=600), "a")],
        terminating=frozenset({"default/old"}),
    )

    assert why(made, "p") == "0/1 nodes are available: 1 Insufficient cpu."


def test_a_node_that_lists_no_slots_takes_no_pods() -> None:
    made = on_a_line([pod("p")], nodes=[Node("a", {CPU: 1_000})])

    assert why(made, "p") == "0/1 nodes are available: 1 Too many pods."


def test_what_a_node_of_the_original_does_not_list_is_unlimited() -> None:
    free = Node("a", {MEMORY: 100}, is_unlimited=True)

    made = on_a_line([wants(f"p{i}", cpu=10**9, memory=10) for i in range(11)], nodes=[free])

    assert len(made.assignments) == 10
    assert why(made, "p10") == "0/1 nodes are available: 1 Insufficient memory."


def test_pods_that_do_not_fit_together_are_packed_to_place_the_most() -> None:
    big = [wants(f"big{i}", cpu=600) for i in range(2)]
    small = [wants(f"small{i}", cpu=400) for i in range(2)]

    made = on_a_line(small + big, nodes=[host("a"), host("b")])

    assert len(made.assignments) == 4


def test_pods_alike_in_everything_are_placed_as_one_class() -> None:
    made = on_a_line([pod(f"p{i}") for i in range(20)])

    assert made.stats.classes == 1
    assert len(where(made)) == 20


def test_pods_that_differ_in_nothing_but_identity_share_the_first_places_in_queue_order() -> None:
    pods = [replace(pod(f"p{i}", cpu_milli=600), uid=f"uid-{9 - i}") for i in range(3)]

    made = on_a_line(pods, nodes=[host("a"), host("b")])

    assert [a.pod.name for a in made.assignments] == ["p0", "p1"]


@pytest.mark.parametrize("pods", [0, 3])
def test_without_nodes_every_pod_waits_and_says_so(pods: int) -> None:
    made = on_a_line([pod(f"p{i}") for i in range(pods)], nodes=[])

    assert [u.refusal.message for u in made.unplaced] == [
        "no nodes available to schedule pods"
    ] * pods


def test_without_pods_there_is_nothing_to_do() -> None:
    made = on_a_line([])

    assert (made.assignments, made.unplaced, made.stats.pending) == ((), (), 0)


def test_one_node_is_a_cluster() -> None:
    made = on_a_line([pod("p"), pod("q", workload=None)], nodes=[node("a")])

    assert where(made) == {"p": "a", "q": "a"}
