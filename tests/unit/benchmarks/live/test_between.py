"""The list after a run: which rules between pods do not hold, and what fits nowhere."""

from typing import Any

import msgspec

from benchmarks.live.between import broken_rules, fitted_after_all
from benchmarks.live.kinds import pod_body
from benchmarks.live.scenarios import Kind
from benchmarks.live.wanted import node_body
from tests.real.api import Object

NODES = [msgspec.json.decode(node_body(number)) for number in range(9)]
"""Of three zones in turn: node-0 in zone-0, node-1 in zone-1, …"""


def pods(kind: Kind, *at: int, namespace: str = "bench") -> list[Object]:
    """Return pods of a kind, bound to nodes by number."""
    made = []
    for number, node in enumerate(at):
        pod: dict[str, Any] = msgspec.json.decode(pod_body(number, "x", kind))
        pod["metadata"]["namespace"] = namespace
        pod["spec"]["nodeName"] = f"node-{node}"
        made.append(pod)
    return made


def test_an_even_spread_is_no_fault() -> None:
    assert broken_rules(NODES, pods("spread", *[0] * 6, *[1] * 3, 2)) == []


def test_a_spread_is_held_to_its_emptiest_domain() -> None:
    (found,) = broken_rules(NODES, pods("spread", *[0] * 6, 1))

    assert found.startswith("zone-0 has 6 pods of kind=spread and another topology.kubernetes.io/")
    assert found.endswith("zone 0: more than 5 apart")


def test_pods_of_another_namespace_do_not_count_in_a_spread() -> None:
    some = [*pods("spread", *[0] * 5), *pods("spread", *[0] * 5, namespace="preset")]

    assert broken_rules(NODES, some) == []


def test_two_on_a_host_that_want_no_other_are_a_fault() -> None:
    assert broken_rules(NODES, pods("antiaffinity", 0, 3, 4, 4)) == [
        "node-4 has 2 pods of kind=antiaffinity, and one wants no other"
    ]


def test_a_preset_on_the_host_is_another_too() -> None:
    some = [*pods("antiaffinity", 0), *pods("antiaffinity", 0, namespace="preset")]

    assert len(broken_rules(NODES, some)) == 1


def test_affinity_keeps_to_one_zone() -> None:
    assert broken_rules(NODES, pods("affinity", 0, 3, 6)) == []


def test_affinity_in_two_zones_is_a_fault() -> None:
    some = [*pods("affinity", 0, 3, namespace="preset"), *pods("affinity", 4)]

    assert broken_rules(NODES, some) == [
        "pods of kind=affinity want one topology.kubernetes.io/zone and are in zone-0, zone-1"
    ]


def test_wishes_are_no_rules() -> None:
    assert broken_rules(NODES, [*pods("prefanti", 0, 0), *pods("prefaff", 0, 1)]) == []


def test_pods_that_are_not_bound_break_nothing() -> None:
    waiting = pods("antiaffinity", 0, 0)
    del waiting[1]["spec"]["nodeName"]

    assert broken_rules(NODES, waiting) == []


def told(pod: Object) -> Object:
    """Return a waiting pod that was told why it waits."""
    del pod["spec"]["nodeName"]
    said = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    return pod | {"status": {"conditions": [said]}}


def test_pods_that_wait_and_were_told_why_are_no_fault() -> None:
    assert fitted_after_all([told(pod) for pod in pods("huge", 0, 1)]) == []


def test_a_pod_that_fits_nowhere_and_is_bound_or_was_not_told_is_a_fault() -> None:
    bound, waiting = pods("huge", 0, 1, namespace="never")

    assert fitted_after_all([bound, told(waiting)]) == [
        "never/pod-0 fits nowhere and is on node-0",
        "1 of 2 pods that fit nowhere are not told so",
    ]
