"""The list after a run: what is over-committed, missing or told twice."""

from benchmarks.live.audit import events_a_pod, faults
from tests.real import objects
from tests.real.api import Object

SOME = [objects.node("n1", cpu="1", memory="1Gi"), objects.node("n2", cpu="1", memory="1Gi")]


def pod(name: str, node: str, *, namespace: str = "bench", cpu: str = "400m") -> Object:
    made = objects.pod(name, cpu=cpu)
    made["metadata"]["namespace"] = namespace
    if node:
        made["spec"]["nodeName"] = node
    return made


def event(name: str, reason: str = "Scheduled", namespace: str = "bench") -> Object:
    return {"reason": reason, "regarding": {"name": name, "namespace": namespace}}


def test_pods_that_fit_are_no_fault() -> None:
    pods = [pod("a", "n1"), pod("b", "n1"), pod("c", "n2"), pod("old", "n2", namespace="preset")]

    assert faults(SOME, pods, 3, "bench") == []


def test_a_pod_that_is_not_bound_is_missed() -> None:
    assert faults(SOME, [pod("a", "n1"), pod("b", "")], 2, "bench") == [
        "2 pods were asked for and 1 are bound"
    ]


def test_pods_of_others_use_room_too() -> None:
    pods = [pod("a", "n1"), pod("b", "n1"), pod("old", "n1", namespace="preset")]

    assert faults(SOME, pods, 2, "bench") == ["n1 has 1 of cpu, and 1.200 is asked of it"]


def test_the_number_of_pods_is_a_room_too() -> None:
    pods = [pod(str(number), "n1", cpu="1m") for number in range(111)]
    for made in pods:
        made["spec"]["containers"][0]["resources"]["requests"]["memory"] = "1Mi"

    assert faults(SOME, pods, 111, "bench") == ["n1 has 110 of pods, and 111 is asked of it"]


def test_a_node_that_is_not_there_is_told() -> None:
    assert faults(SOME, [pod("a", "gone")], 1, "bench") == ["gone is no node and has pods"]


def test_events_are_counted_a_pod_and_reason() -> None:
    events = [
        event("a"),
        event("b"),
        event("b"),
        event("a", "FailedScheduling"),
        event("x", "y", "z"),
    ]

    assert events_a_pod(events, "bench") == {
        "FailedScheduling x1": 1,
        "Scheduled x1": 1,
        "Scheduled x2": 1,
    }
