"""The embedded API server: versions, refusals, bindings, patches."""

import pytest

from simulator.change import ObjectKey, Refused
from simulator.command import (
    Apply,
    Bind,
    Create,
    Delete,
    Patch,
    Record,
    RefuseBindings,
    Scale,
    SetCondition,
    Update,
)
from tests.simulated import Driven, deployment_object, node_object, pod_object

POD = ObjectKey("Pod", "default", "a")


@pytest.fixture
def driven() -> Driven:
    driven = Driven()
    driven.nodes("n1", "n2")
    driven.do(Create(pod_object("a")))
    return driven


def test_each_change_has_a_higher_version_than_the_one_before(driven: Driven) -> None:
    driven.bind("a", "n1")
    driven.wait(5)

    versions = [change.version for change in driven.changes]
    assert versions == list(range(1, len(versions) + 1))


def test_a_write_that_changes_nothing_makes_no_change(driven: Driven) -> None:
    seen = len(driven.changes)

    driven.do(Update(driven.get("Node", "n1")))

    assert driven.changes[seen:] == []


def test_an_object_that_exists_is_not_created_again(driven: Driven) -> None:
    with pytest.raises(Refused, match='pods "a" already exists') as refusal:
        driven.do(Create(pod_object("a")))

    assert (refusal.value.code, refusal.value.reason) == (409, "AlreadyExists")


def test_an_update_from_an_old_version_is_refused(driven: Driven) -> None:
    old = driven.get("Node", "n1")
    driven.do(Patch(ObjectKey("Node", "", "n1"), {"metadata": {"labels": {"x": "1"}}}))

    with pytest.raises(Refused, match="the object has been modified"):
        driven.do(Update({**old, "spec": {"unschedulable": True}}))


def test_a_status_is_written_by_its_subresource_alone(driven: Driven) -> None:
    driven.do(Patch(POD, {"status": {"phase": "Running"}}))
    assert driven.pod("a")["status"]["phase"] == "Pending"

    driven.do(Patch(POD, {"status": {"nominatedNodeName": "n1"}}, "status"))
    assert driven.pod("a")["status"]["nominatedNodeName"] == "n1"


def test_a_binding_sets_the_node_and_copies_annotations_and_the_zone() -> None:
    driven = Driven()
    driven.do(Create(node_object("n1", labels={"topology.kubernetes.io/zone": "north"})))
    driven.do(Create(pod_object("a")))

    driven.do(Bind("default", "a", "n1", annotations=(("isochrone.dev/rtt", "3ms"),)))

    pod = driven.pod("a")
    assert pod["spec"]["nodeName"] == "n1"
    assert pod["metadata"]["annotations"] == {"isochrone.dev/rtt": "3ms"}
    assert pod["metadata"]["labels"] == {"topology.kubernetes.io/zone": "north"}
    assert [(c["type"], c["status"]) for c in pod["status"]["conditions"]] == [
        ("PodScheduled", "True")
    ]


def test_a_bound_pod_is_not_bound_again(driven: Driven) -> None:
    driven.bind("a", "n1")

    with pytest.raises(Refused, match='already assigned to node "n1"') as refusal:
        driven.bind("a", "n2")

    assert refusal.value.code == 409
    assert driven.pod("a")["spec"]["nodeName"] == "n1"


def test_a_binding_for_an_earlier_pod_of_the_name_is_refused(driven: Driven) -> None:
    uid = driven.pod("a")["metadata"]["uid"]
    driven.do(Delete(POD), Create(pod_object("a")))

    with pytest.raises(Refused, match="UID in precondition"):
        driven.do(Bind("default", "a", "n1", uid))


def test_a_binding_for_a_pod_that_is_gone_is_refused(driven: Driven) -> None:
    driven.do(Delete(POD))

    with pytest.raises(Refused) as refusal:
        driven.do(Bind("default", "a", "n1"))

    assert refusal.value.code == 404


def test_a_gated_pod_is_not_bound(driven: Driven) -> None:
    driven.do(Create(pod_object("gated", schedulingGates=[{"name": "wait"}])))

    with pytest.raises(Refused, match="schedulingGates"):
        driven.bind("gated", "n1")


def test_a_pod_is_not_moved_by_an_update(driven: Driven) -> None:
    driven.bind("a", "n1")

    with pytest.raises(Refused, match="never moved"):
        driven.do(Patch(POD, {"spec": {"nodeName": "n2"}}))


def test_the_scenario_can_have_bindings_refused(driven: Driven) -> None:
    driven.do(RefuseBindings(1.0))
    with pytest.raises(Refused, match="denied"):
        driven.bind("a", "n1")

    driven.do(RefuseBindings(0.0))
    driven.bind("a", "n1")
    assert driven.pod("a")["spec"]["nodeName"] == "n1"


def test_apply_creates_then_merges(driven: Driven) -> None:
    driven.do(Apply(deployment_object("web", 2)))
    driven.do(Apply(deployment_object("web", 3, cpu="2")))

    spec = driven.get("Deployment", "web")["spec"]
    assert spec["replicas"] == 3
    assert spec["template"]["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "2"}


def test_the_generation_counts_changes_of_the_spec_alone(driven: Driven) -> None:
    key = ObjectKey("Deployment", "default", "web")
    driven.do(Create(deployment_object("web", 0)))
    driven.do(Patch(key, {"metadata": {"labels": {"x": "1"}}}))
    assert driven.get("Deployment", "web")["metadata"]["generation"] == 1

    driven.do(Scale(key, 1))
    assert driven.get("Deployment", "web")["metadata"]["generation"] == 2


def test_a_condition_keeps_its_transition_time_while_its_status_stays(driven: Driven) -> None:
    said = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "a"}
    driven.do(SetCondition(POD, said))
    driven.wait(60)
    driven.do(SetCondition(POD, {**said, "message": "b"}))

    (condition,) = driven.pod("a")["status"]["conditions"]
    assert condition["message"] == "b"
    assert condition["lastTransitionTime"] == "2026-01-01T00:00:00Z"


def test_equal_events_are_counted_and_expire(driven: Driven) -> None:
    event = Record(POD, "Warning", "FailedScheduling", "0/2 nodes", "custom-scheduler")
    driven.do(event)
    driven.wait(1800)
    driven.do(event)
    (stored,) = driven.cluster.all_of("Event")
    assert stored["count"] == 2

    driven.wait(3599)
    assert len(driven.cluster.all_of("Event")) == 1
    driven.wait(2)
    assert driven.cluster.all_of("Event") == []


def test_missing_requests_are_the_limits(driven: Driven) -> None:
    pod = pod_object("b")
    pod["spec"]["containers"][0]["resources"] = {"limits": {"cpu": "2", "memory": "1Gi"}}
    driven.do(Create(pod))

    resources = driven.pod("b")["spec"]["containers"][0]["resources"]
    assert resources["requests"] == {"cpu": "2", "memory": "1Gi"}
    assert driven.pod("b")["status"]["qosClass"] == "Guaranteed"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"metadata": {"name": "Not A Name"}}, "RFC 1123"),
        ({"metadata": {"name": "b", "namespace": "nowhere"}}, 'namespaces "nowhere" not found'),
        ({"metadata": {"name": "b", "labels": {"delay_x": "not a value!"}}}, "label value"),
        ({"metadata": {"name": "b", "labels": {"delay_" + "x" * 58: "5"}}}, "63 characters"),
        ({"metadata": {"name": "b"}, "spec": {"containers": []}}, "Required value"),
        ({"metadata": {"name": "b"}, "spec": {"containers": ["text"]}}, "cannot be handled"),
        (
            {
                "metadata": {"name": "b"},
                "spec": {"containers": [{"resources": {"requests": {"cpu": "abc"}}}]},
            },
            "'abc' is not a quantity",
        ),
        ({"metadata": {"name": "b"}, "apiVersion": "v2"}, "could not find"),
        ({"metadata": {"name": "b"}, "kind": "Rocket"}, "could not find"),
    ],
)
def test_a_bad_object_is_refused_with_what_is_wrong(
    driven: Driven, change: dict[str, object], said: str
) -> None:
    with pytest.raises(Refused, match=said):
        driven.do(Create({**pod_object("b"), **change}))


def test_a_deployment_whose_selector_does_not_match_is_refused(driven: Driven) -> None:
    deployment = deployment_object("web", 1)
    deployment["spec"]["selector"] = {"matchLabels": {"app": "other"}}

    with pytest.raises(Refused, match="does not match template labels"):
        driven.do(Create(deployment))


def test_what_was_due_before_a_refused_command_is_not_lost(driven: Driven) -> None:
    driven.bind("a", "n1")
    driven.now_s = 5.0
    with pytest.raises(Refused):
        driven.do(Delete(ObjectKey("Pod", "default", "nobody")))

    driven.wait(0)

    assert driven.changes[-1].object["status"]["phase"] == "Running"


def test_time_does_not_run_backwards(driven: Driven) -> None:
    driven.wait(5)

    with pytest.raises(ValueError, match="time runs forward"):
        driven.cluster.advance(4)
