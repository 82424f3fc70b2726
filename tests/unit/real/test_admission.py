"""The imitation of a kubelet's admission, in the words of the real one."""

from typing import Any

import pytest

from tests.real.admission import Admission, Rejection
from tests.real.api import Object
from tests.real.objects import node, pod

PORT = {"containerPort": 80, "hostPort": 80}


def named(uid: str, **more: Any) -> Object:  # noqa: ANN401 - whatever a pod has
    """Return a pod of half a CPU with a uid, and more in its spec or its container."""
    made = pod(uid, cpu="500m")
    made["metadata"]["uid"] = uid
    [container] = made["spec"]["containers"]
    container |= {name: more.pop(name) for name in ("ports", "resources") if name in more}
    made["spec"] |= more
    return made


def holding(*pods: Object, **differs: Any) -> Admission:  # noqa: ANN401 - whatever a node has
    """Return a node of one CPU that has admitted pods; `differs` of its allocatable resources."""
    made = node("n", cpu="1", labels={"pool": "a"})
    made["status"]["allocatable"] = made["status"]["allocatable"] | differs
    kubelet = Admission(made)
    for one in pods:
        assert kubelet.rejection(one) is None
        kubelet.admit(one)
    return kubelet


def test_what_fits_exactly_is_admitted_and_not_a_thousandth_more() -> None:
    kubelet = holding(named("first"))

    assert kubelet.rejection(named("second")) is None
    more = named("third", resources={"requests": {"cpu": "501m"}})
    assert kubelet.rejection(more) == Rejection(
        "OutOfcpu",
        "Node didn't have enough resource: cpu, requested: 501, used: 500, capacity: 1000",
    )


def test_pods_are_counted_before_anything_else() -> None:
    kubelet = holding(named("first"), named("second"), pods="2")

    assert kubelet.rejection(named("third")) == Rejection(
        "OutOfpods", "Node didn't have enough resource: pods, requested: 1, used: 2, capacity: 2"
    )


def test_the_room_of_a_pod_that_went_is_free_again() -> None:
    kubelet = holding(named("first"), named("second"))
    kubelet.release("first")

    assert kubelet.rejection(named("third")) is None


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"memory": "17Gi"}, "OutOfmemory"),
        ({"ephemeral-storage": "101Gi"}, "OutOfephemeral-storage"),
        ({"example.com/gpu": "2"}, "OutOfexample.com/gpu"),
        ({"example.com/unheard-of": "2"}, None),
    ],
)
def test_other_resources_are_refused_by_their_name(
    asked: dict[str, str], reason: str | None
) -> None:
    kubelet = holding(**{"example.com/gpu": "1"})

    found = kubelet.rejection(named("p", resources={"requests": asked}))

    assert (found and found.reason) == reason


@pytest.mark.parametrize(
    ("taken", "wanted", "is_free"),
    [
        (PORT, PORT, False),
        (PORT, {**PORT, "protocol": "UDP"}, True),
        (PORT, {**PORT, "hostPort": 81}, True),
        ({**PORT, "hostIP": "10.0.0.1"}, {**PORT, "hostIP": "10.0.0.2"}, True),
        ({**PORT, "hostIP": "10.0.0.1"}, PORT, False),
    ],
)
def test_a_host_port_is_taken_on_its_address_or_on_all(
    taken: Object, wanted: Object, *, is_free: bool
) -> None:
    found = holding(named("first", ports=[taken])).rejection(named("second", ports=[wanted]))

    said = "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"
    assert found == (None if is_free else Rejection("NodePorts", said))


def test_a_node_that_is_not_selected_or_that_evicts_refuses() -> None:
    made = node("n")
    made["spec"] = {"taints": [{"key": "gone", "effect": "NoExecute"}]}
    kubelet = Admission(made)

    elsewhere = kubelet.rejection(named("p", nodeSelector={"pool": "b"}))
    evicted = kubelet.rejection(named("p"))
    tolerant = kubelet.rejection(named("p", tolerations=[{"key": "gone", "operator": "Exists"}]))

    assert (elsewhere and elsewhere.reason, evicted and evicted.reason, tolerant) == (
        "NodeAffinity",
        "TaintToleration",
        None,
    )
