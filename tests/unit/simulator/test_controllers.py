"""Deployments and ReplicaSets: replicas come, go, and are replaced."""

import pytest

from simulator.change import JsonObject, ObjectKey, key_of, uid_of
from simulator.command import Apply, Bind, Create, Delete, Scale
from simulator.state import Timing
from tests.simulated import Driven, deployment_object, pod_object

WEB = ObjectKey("Deployment", "default", "web")


def running(replicas: int, strategy: JsonObject | None = None) -> Driven:
    driven = Driven()
    driven.nodes("n1", "n2", cpu="32")
    driven.do(Create(deployment_object("web", replicas, strategy=strategy)))
    driven.wait(1)
    driven.bind_all("n1")
    driven.wait(3)
    return driven


def test_a_deployment_makes_a_replica_set_and_its_pods() -> None:
    driven = Driven()
    driven.do(Create(deployment_object("web", 3)))
    driven.wait(1)

    (replica_set,) = driven.cluster.all_of("ReplicaSet")
    template_hash = replica_set["metadata"]["labels"]["pod-template-hash"]
    assert replica_set["metadata"]["name"] == f"web-{template_hash}"
    assert replica_set["metadata"]["ownerReferences"][0]["name"] == "web"
    assert len(driven.pods()) == 3
    for pod in driven.pods():
        assert pod["metadata"]["name"].startswith(f"web-{template_hash}-")
        assert pod["metadata"]["labels"] == {"app": "web", "pod-template-hash": template_hash}
        owner = pod["metadata"]["ownerReferences"][0]
        assert (owner["kind"], owner["uid"]) == ("ReplicaSet", replica_set["metadata"]["uid"])


def test_annotations_of_the_template_reach_the_pods() -> None:
    driven = Driven()
    deployment = deployment_object("web", 1)
    deployment["spec"]["template"]["metadata"]["annotations"] = {"isochrone.dev/delay": "[]"}
    driven.do(Create(deployment))
    driven.wait(1)

    assert driven.pods()[0]["metadata"]["annotations"] == {"isochrone.dev/delay": "[]"}


def test_the_status_counts_ready_replicas() -> None:
    driven = running(3)

    status = driven.get("Deployment", "web")["status"]
    assert (status["replicas"], status["readyReplicas"], status["updatedReplicas"]) == (3, 3, 3)
    assert "unavailableReplicas" not in status


def test_a_deleted_pod_is_replaced() -> None:
    driven = running(2)
    gone = key_of(driven.pods()[0])

    driven.do(Delete(gone))
    driven.wait(0.5)

    fresh = [p for p in driven.pods() if not p["spec"].get("nodeName")]
    assert len(fresh) == 1
    driven.wait(2)
    assert driven.cluster.get(gone) is None


def test_a_pod_the_kubelet_refused_is_replaced() -> None:
    driven = Driven()
    driven.nodes("n1", cpu="1")
    driven.do(Create(deployment_object("web", 2)))
    driven.wait(1)

    driven.bind_all("n1")
    driven.wait(1)

    assert len(driven.pods("Failed")) == 1
    assert len([p for p in driven.pods() if not p["spec"].get("nodeName")]) == 1


def test_scaling_down_takes_unbound_pods_first() -> None:
    driven = running(2)
    driven.do(Scale(WEB, 4))
    driven.wait(1)
    driven.do(Scale(WEB, 2))
    driven.wait(2)

    assert [p["spec"].get("nodeName") for p in driven.pods()] == ["n1", "n1"]


def test_deleting_a_deployment_deletes_what_it_made() -> None:
    driven = running(3)

    driven.do(Delete(WEB))
    driven.wait(5)

    assert driven.cluster.all_of("ReplicaSet") == []
    assert driven.pods() == []


def test_orphans_outlive_their_deployment() -> None:
    driven = running(2)

    driven.do(Delete(WEB, orphan=True))
    driven.wait(5)

    assert len(driven.pods("Running")) == 2
    assert "ownerReferences" not in driven.cluster.all_of("ReplicaSet")[0]["metadata"]


def test_a_deployment_takes_in_the_orphans_of_its_predecessor() -> None:
    driven = running(2)
    before = {key_of(pod) for pod in driven.pods()}
    driven.do(Delete(WEB, orphan=True), Create(deployment_object("web", 2)))

    driven.wait(5)

    assert {key_of(pod) for pod in driven.pods()} == before
    (replica_set,) = driven.cluster.all_of("ReplicaSet")
    owner = replica_set["metadata"]["ownerReferences"][0]
    assert owner["uid"] == driven.get("Deployment", "web")["metadata"]["uid"]


def test_a_deployment_created_again_at_once_makes_pods_of_its_own() -> None:
    driven = running(2)
    before = {uid_of(pod) for pod in driven.pods()}
    driven.do(Delete(WEB), Create(deployment_object("web", 2)))

    driven.wait(5)

    assert len(driven.pods()) == 2
    assert not before & {uid_of(pod) for pod in driven.pods()}


def test_a_replica_set_takes_in_pods_that_match_it() -> None:
    driven = running(2)
    (replica_set,) = driven.cluster.all_of("ReplicaSet")
    before = {key_of(pod) for pod in driven.pods()}
    driven.do(Delete(key_of(replica_set), orphan=True))

    driven.wait(5)

    assert {key_of(pod) for pod in driven.pods()} == before
    assert len(driven.cluster.all_of("ReplicaSet")) == 1


def test_a_rollout_keeps_enough_pods_available() -> None:
    driven = running(4)
    driven.do(Apply(deployment_object("web", 4, cpu="2")))

    fewest, most = 4, 4
    for _ in range(200):
        driven.wait(0.2)
        driven.bind_all("n2")
        active = [p for p in driven.pods() if "deletionTimestamp" not in p["metadata"]]
        most = max(most, len(active))
        ready = sum(p["status"]["phase"] == "Running" for p in active)
        fewest = min(fewest, ready)

    assert (fewest, most) == (3, 5)
    new = [p for p in driven.pods() if p["spec"]["nodeName"] == "n2"]
    assert len(new) == len(driven.pods()) == 4


def test_scaling_down_in_the_middle_of_a_rollout_keeps_to_the_surge() -> None:
    driven = Driven()
    driven.do(Create(deployment_object("web", 8)))
    driven.wait(1)
    driven.do(Apply(deployment_object("web", 8, cpu="2")))
    driven.wait(1)
    assert len(driven.pods()) == 10  # nothing runs yet: the old pods wait for the new ones

    driven.do(Scale(WEB, 4))
    driven.wait(1)

    assert len(driven.pods()) == 5


def test_recreate_stops_all_old_pods_before_it_starts_new_ones() -> None:
    driven = running(2, {"type": "Recreate"})
    driven.do(Apply(deployment_object("web", 2, cpu="2", strategy={"type": "Recreate"})))

    seen = set()
    for _ in range(50):
        driven.wait(0.1)
        seen.add(frozenset(p["metadata"]["labels"]["pod-template-hash"] for p in driven.pods()))

    assert all(len(hashes) <= 1 for hashes in seen)
    assert len(driven.pods()) == 2
    assert frozenset() in seen


@pytest.mark.parametrize("seconds", [0.0, 0.06])
def test_controllers_that_are_refused_go_on_and_try_again(seconds: float) -> None:
    driven = Driven()
    driven.do(Create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "gone"}}))
    deployment = deployment_object("web", 1)
    deployment["metadata"]["namespace"] = "gone"
    driven.do(Create(deployment))
    driven.wait(seconds)
    driven.do(Delete(ObjectKey("Namespace", "", "gone")))
    driven.wait(30)
    assert driven.pods() == []
    assert "FailedCreate" in driven.reasons()

    driven.do(Create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "gone"}}))
    driven.wait(15)
    assert len(driven.pods()) == 1


def test_only_the_newest_failed_pods_are_kept() -> None:
    driven = Driven(Timing(finished_pods=3))
    driven.nodes("n1", cpu="1")
    driven.do(Create(deployment_object("web", 1, cpu="2")))
    for _ in range(8):
        driven.wait(1)
        driven.bind_all("n1")
    driven.wait(1)

    assert len(driven.pods("Failed")) == 3


def test_a_pod_with_a_node_of_its_own_needs_no_binding() -> None:
    driven = Driven()
    driven.nodes("n1")
    driven.do(Create(pod_object("static", nodeName="n1")))
    driven.wait(3)

    assert driven.pod("static")["status"]["phase"] == "Running"


def test_a_pod_bound_to_a_node_that_does_not_exist_is_collected() -> None:
    driven = Driven()
    driven.do(Create(deployment_object("web", 1)))
    driven.wait(1)
    name = key_of(driven.pods()[0]).name
    driven.do(Bind("default", name, "nowhere"))

    driven.wait(50)

    assert [p["spec"].get("nodeName") for p in driven.pods()] == [None]
