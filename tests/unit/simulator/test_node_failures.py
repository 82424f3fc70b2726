"""Nodes that fail and return."""

import pytest

from simulator.change import ObjectKey, Refused, key_of
from simulator.command import (
    Cordon,
    Create,
    Delete,
    Drain,
    FailNodes,
    Patch,
    ReturnNodes,
)
from simulator.state import Timing
from simulator.status import condition_of, is_true
from tests.simulated import Driven, deployment_object, pod_object

TIMING = Timing(node_grace_s=40, toleration_s=300)
SILENT = {("unreachable", "NoSchedule"), ("unreachable", "NoExecute")}


@pytest.fixture
def driven() -> Driven:
    """One pod of a Deployment runs on n1; n2 is free."""
    driven = Driven(TIMING)
    driven.nodes("n1", "n2")
    driven.do(Create(deployment_object("web", 1)))
    driven.wait(1)
    driven.bind_all("n1")
    driven.wait(4)
    return driven


def test_a_silent_node_is_unreachable_after_the_grace_period(driven: Driven) -> None:
    driven.do(FailNodes(("n1",)))

    driven.wait(39)
    assert is_true(driven.get("Node", "n1"), "Ready")
    driven.wait(2)

    ready = condition_of(driven.get("Node", "n1"), "Ready")
    assert ready is not None
    assert (ready["status"], ready["reason"]) == ("Unknown", "NodeStatusUnknown")
    assert driven.taints("n1") == SILENT
    assert not is_true(driven.pods()[0], "Ready")


def test_a_node_that_says_it_is_not_ready_is_tainted_at_once(driven: Driven) -> None:
    driven.do(FailNodes(("n1",), ready="False"))

    assert driven.taints("n1") == {("not-ready", "NoSchedule"), ("not-ready", "NoExecute")}


def test_pods_of_a_lost_node_are_replaced_after_the_toleration(driven: Driven) -> None:
    driven.do(FailNodes(("n1",)))

    driven.wait(40 + 299)
    assert len(driven.pods()) == 1
    driven.wait(2)

    old, new = driven.pods()
    assert "deletionTimestamp" in old["metadata"]  # the kubelet is silent: nobody confirms its end
    assert "nodeName" not in new["spec"]


def test_a_node_that_returns_in_time_keeps_its_pods(driven: Driven) -> None:
    driven.do(FailNodes(("n1",)))
    driven.wait(100)

    driven.do(ReturnNodes(("n1",)))
    driven.wait(400)

    assert driven.taints("n1") == set()
    (pod,) = driven.pods()
    assert is_true(pod, "Ready")


def test_a_node_that_returns_late_ends_the_pods_it_lost(driven: Driven) -> None:
    driven.do(FailNodes(("n1",)))
    driven.wait(400)

    driven.do(ReturnNodes(("n1",)))
    driven.wait(5)

    (pod,) = driven.pods()
    assert "nodeName" not in pod["spec"]
    assert driven.cluster.used_on("n1") == {}


def test_a_short_silence_is_not_noticed(driven: Driven) -> None:
    driven.do(FailNodes(("n1",)))
    driven.wait(30)
    driven.do(ReturnNodes(("n1",)))
    driven.wait(60)

    assert driven.taints("n1") == set()
    assert "NodeNotReady" not in driven.reasons()


def test_a_pod_that_tolerates_for_ever_is_not_evicted() -> None:
    driven = Driven(TIMING)
    driven.nodes("n1")
    driven.do(Create(pod_object("a", tolerations=[{"operator": "Exists"}])))
    driven.bind("a", "n1")
    driven.wait(3)

    driven.do(FailNodes(("n1",)))
    driven.wait(5000)

    assert "deletionTimestamp" not in driven.pod("a")["metadata"]


def test_a_pod_bound_to_a_dead_node_starts_when_it_returns(driven: Driven) -> None:
    driven.do(FailNodes(("n2",)), Create(pod_object("b")))
    driven.bind("b", "n2")
    driven.wait(20)
    assert driven.pod("b")["status"]["phase"] == "Pending"

    driven.do(ReturnNodes(("n2",)))
    driven.wait(5)

    assert driven.pod("b")["status"]["phase"] == "Running"


def test_a_taint_that_does_not_execute_evicts_nobody(driven: Driven) -> None:
    taint = {"key": "maintenance", "effect": "NoSchedule"}
    driven.do(Patch(ObjectKey("Node", "", "n1"), {"spec": {"taints": [taint]}}))
    driven.wait(10)

    assert "deletionTimestamp" not in driven.pods()[0]["metadata"]


def test_a_no_execute_taint_of_a_person_evicts_at_once(driven: Driven) -> None:
    taint = {"key": "maintenance", "effect": "NoExecute"}
    before = key_of(driven.pods()[0])
    driven.do(Patch(ObjectKey("Node", "", "n1"), {"spec": {"taints": [taint]}}))
    driven.wait(5)

    assert driven.cluster.get(before) is None
    assert "TaintManagerEviction" in driven.reasons()


def test_cordon_taints_and_uncordon_clears(driven: Driven) -> None:
    driven.do(Cordon("n1"))
    assert driven.taints("n1") == {("unschedulable", "NoSchedule")}

    driven.do(Cordon("n1", is_unschedulable=False))
    assert driven.taints("n1") == set()


def test_drain_moves_the_pods_off(driven: Driven) -> None:
    driven.do(Drain("n1"))
    driven.wait(5)

    (pod,) = driven.pods()
    assert "nodeName" not in pod["spec"]


def test_pods_of_a_deleted_node_are_collected(driven: Driven) -> None:
    driven.do(Delete(ObjectKey("Node", "", "n1")))

    driven.wait(39)
    assert driven.pods()[0]["spec"]["nodeName"] == "n1"
    driven.wait(2)

    (pod,) = driven.pods()
    assert "nodeName" not in pod["spec"]


def test_a_node_that_does_not_exist_cannot_fail(driven: Driven) -> None:
    with pytest.raises(Refused, match="not found"):
        driven.do(FailNodes(("n1", "nowhere")))

    assert driven.cluster.stopped_nodes() == frozenset()
