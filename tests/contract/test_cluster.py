"""The port `Cluster`, held alike on the embedded cluster, its API, and a real API server."""

from typing import Any

import pytest

from scheduler.domain.cluster_events import (
    ClusterEvent,
    Listed,
    NodeChanged,
    NodeDeleted,
    PodChanged,
    PodDeleted,
    ServiceChanged,
    ServiceDeleted,
)
from scheduler.domain.cover import BACKUP_ANNOTATION
from scheduler.domain.errors import BindConflict, EvictionRefused
from scheduler.domain.node import OUT_OF_SERVICE, Taint
from scheduler.domain.ports import Binding, PodNote
from scheduler.domain.workload import Pod
from tests.contract.doors import Scene
from tests.real.objects import node, pod


def service(name: str) -> dict[str, Any]:
    spec = {"selector": {"app": name}, "ports": [{"port": 80}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def condition(scene: Scene, name: str) -> dict[str, Any]:
    conditions = scene.door.get("Pod", name)["status"].get("conditions", [])
    [found] = [c for c in conditions if c["type"] == "PodScheduled"]
    return dict(found)


async def made(scene: Scene, name: str, **labels: str) -> Pod:
    """Create a node and a pod; return the pod as the port told of it."""
    scene.door.create(pod(name, labels=labels))
    return (await scene.pod(name)).pod


async def test_what_is_created_and_deleted_is_told(scene: Scene) -> None:
    scene.door.create(node("n-1", labels={"rack": "7"}))
    scene.door.create(service("db"))
    found = await made(scene, "p", delay_n="5")
    for kind, name in (("Pod", "p"), ("Service", "db"), ("Node", "n-1")):
        scene.door.delete(kind, name)

    def is_over(told: list[ClusterEvent]) -> bool:
        return NodeDeleted("n-1") in told

    await scene.until(is_over)
    await scene.until(lambda told: any(isinstance(e, PodDeleted) for e in told))
    await scene.until(lambda told: any(isinstance(e, ServiceDeleted) for e in told))
    nodes = [e.node for e in scene.told if isinstance(e, NodeChanged) and e.node.name == "n-1"]
    assert nodes[0].labels["rack"] == "7"
    assert nodes[0].is_ready
    assert found.uid
    assert found.scheduler_name == "custom-scheduler"
    assert [str(d.reference) for d in found.pod_class.delays] == ["n"]
    assert PodDeleted(found.key, found.uid) in scene.told
    assert any(isinstance(e, ServiceChanged) and e.service.name == "db" for e in scene.told)


async def test_a_bound_pod_has_its_node_and_the_annotations_of_its_binding(scene: Scene) -> None:
    scene.door.create(node("n-1"))
    found = await made(scene, "p")

    await scene.cluster.bind(Binding(found, "n-1", (("isochrone.dev/rtt", "a=1ms"),)))
    await scene.until(
        lambda told: any(getattr(e, "node", None) == "n-1" for e in told), len(scene.told) - 1
    )

    changed = await scene.pod("p")
    assert (changed.node, changed.pod.uid) == ("n-1", found.uid)
    assert changed.pod.pod_class == found.pod_class
    stored = scene.door.get("Pod", "p")
    assert stored["spec"]["nodeName"] == "n-1"
    assert stored["metadata"]["annotations"]["isochrone.dev/rtt"] == "a=1ms"
    assert condition(scene, "p")["status"] == "True"


async def test_the_backup_of_a_bound_pod_is_written_on_it_and_read_back(scene: Scene) -> None:
    scene.door.create(node("n-1"))
    found = await made(scene, "p")
    await scene.cluster.bind(Binding(found, "n-1", ((BACKUP_ANNOTATION, "n-2"),)))
    await scene.until(lambda told: any(_backup(e) == "n-2" for e in told))

    await scene.cluster.mark_backup(found, "n-3")
    await scene.until(lambda told: any(_backup(e) == "n-3" for e in told))
    assert scene.door.get("Pod", "p")["metadata"]["annotations"] == {BACKUP_ANNOTATION: "n-3"}

    await scene.cluster.mark_backup(found, "")
    await scene.until(lambda told: bool(told) and _backup(told[-1]) == "")


def _backup(event: object) -> str | None:
    return event.pod.backup if isinstance(event, PodChanged) else None


async def test_a_later_pod_of_that_name_is_not_marked_with_the_backup_of_another(
    scene: Scene,
) -> None:
    old = await made(scene, "p")
    scene.door.delete("Pod", "p")
    await scene.cluster.mark_backup(old, "n-1")
    scene.door.create(pod("p"))
    await scene.cluster.mark_backup(old, "n-1")

    assert "annotations" not in scene.door.get("Pod", "p")["metadata"]


async def test_an_evicted_pod_is_on_its_way_out(scene: Scene) -> None:
    scene.door.create(node("n-1"))
    found = await made(scene, "p")
    await scene.cluster.bind(Binding(found, "n-1"))
    await scene.until(lambda told: any(isinstance(e, PodChanged) and e.node for e in told))

    await scene.cluster.evict(found)

    await scene.until(
        lambda told: any(
            isinstance(e, PodDeleted) or (isinstance(e, PodChanged) and e.is_terminating)
            for e in told
        )
    )


async def test_a_pod_that_is_gone_or_a_later_one_of_that_name_is_not_evicted(scene: Scene) -> None:
    old = await made(scene, "p")
    scene.door.delete("Pod", "p")
    with pytest.raises(EvictionRefused):
        await scene.cluster.evict(old)
    scene.door.create(pod("p"))
    with pytest.raises(EvictionRefused):
        await scene.cluster.evict(old)

    assert "deletionTimestamp" not in scene.door.get("Pod", "p")["metadata"]


async def test_a_pod_is_removed_without_its_kubelets_word_and_no_later_one_of_that_name(
    scene: Scene,
) -> None:
    scene.door.create(node("n-1"))
    found = await made(scene, "p")
    await scene.cluster.bind(Binding(found, "n-1"))

    await scene.cluster.remove_pod(found)
    await scene.until(lambda told: PodDeleted(found.key, found.uid) in told)
    await scene.cluster.remove_pod(found)
    scene.door.create(pod("p"))
    await scene.cluster.remove_pod(found)

    assert scene.door.get("Pod", "p")["metadata"]["uid"] != found.uid


async def test_a_node_is_put_out_of_service_and_back_and_keeps_the_taints_of_others(
    scene: Scene,
) -> None:
    own = {"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}
    scene.door.create({**node("n-1"), "spec": {"taints": [own]}})
    await scene.until(lambda told: any(_taints(e) for e in told))

    for _ in range(2):  # the second time there is nothing to do
        await scene.cluster.set_out_of_service("n-1", is_out=True)
    await scene.until(lambda told: any(OUT_OF_SERVICE in _taints(e) for e in told))
    assert len(_kept(scene)) == 2

    await scene.cluster.set_out_of_service("n-1", is_out=False)
    assert _kept(scene) == [own]
    await scene.cluster.set_out_of_service("gone", is_out=True)


async def test_a_node_that_others_put_out_of_service_stays_so(scene: Scene) -> None:
    theirs = {"key": OUT_OF_SERVICE.key, "value": "nodeshutdown", "effect": "NoExecute"}
    scene.door.create({**node("n-1"), "spec": {"taints": [theirs]}})
    for is_out in (True, False):
        await scene.cluster.set_out_of_service("n-1", is_out=is_out)

        assert _kept(scene) == [theirs]


def _taints(event: object) -> tuple[Taint, ...]:
    return event.node.taints if isinstance(event, NodeChanged) else ()


def _kept(scene: Scene) -> list[dict[str, str]]:
    """Return the taints of a node as they are stored, but for those of the node's state."""
    taints = scene.door.get("Node", "n-1")["spec"].get("taints", [])
    return [
        {key: text for key, text in taint.items() if key != "timeAdded"}
        for taint in taints
        if not taint["key"].startswith("node.kubernetes.io/not-")
    ]


async def test_a_pod_is_bound_once(scene: Scene) -> None:
    found = await made(scene, "p")
    await scene.cluster.bind(Binding(found, "n-1"))

    with pytest.raises(BindConflict, match='already assigned to node "n-1"'):
        await scene.cluster.bind(Binding(found, "n-2"))

    assert scene.door.get("Pod", "p")["spec"]["nodeName"] == "n-1"


async def test_a_later_pod_of_the_same_name_is_not_bound_by_mistake(scene: Scene) -> None:
    old = await made(scene, "p")
    scene.door.delete("Pod", "p")
    scene.door.create(pod("p"))

    with pytest.raises(BindConflict):
        await scene.cluster.bind(Binding(old, "n-1"))

    stored = scene.door.get("Pod", "p")
    assert stored["metadata"]["uid"] != old.uid
    assert "nodeName" not in stored["spec"]


async def test_a_pod_that_is_gone_is_not_bound(scene: Scene) -> None:
    old = await made(scene, "p")
    scene.door.delete("Pod", "p")

    with pytest.raises(BindConflict, match='pods "p" not found'):
        await scene.cluster.bind(Binding(old, "n-1"))


async def test_why_a_pod_waits_is_an_event_and_a_condition_and_is_read_back(scene: Scene) -> None:
    found = await made(scene, "p")
    message = "0/1 nodes are available: 1 Insufficient cpu."

    await scene.cluster.note(
        PodNote(found, "Warning", "FailedScheduling", message, "Unschedulable", at_s=1_790_000_000)
    )
    await scene.until(lambda told: any(getattr(e, "said", "") == message for e in told))

    told = condition(scene, "p")
    assert (told["status"], told["reason"], told["message"]) == ("False", "Unschedulable", message)
    assert told["lastTransitionTime"]
    [event] = scene.door.events("p")
    assert (event["type"], event["reason"], event["message"]) == (
        "Warning",
        "FailedScheduling",
        message,
    )
    assert event["involvedObject"]["uid"] == found.uid


async def test_a_condition_that_changes_its_text_keeps_its_time(scene: Scene) -> None:
    found = await made(scene, "p")
    first = PodNote(found, "Warning", "FailedScheduling", "a", "Unschedulable", at_s=1_790_000_000)
    second = PodNote(
        found,
        "Warning",
        "FailedScheduling",
        "b",
        "Unschedulable",
        has_condition=True,
        at_s=1_790_009_999,
    )
    await scene.cluster.note(first)
    before = condition(scene, "p")
    await scene.cluster.note(second)

    after = condition(scene, "p")
    assert (before["message"], after["message"]) == ("a", "b")
    assert before["lastTransitionTime"] == after["lastTransitionTime"]


async def test_a_note_about_an_earlier_pod_of_that_name_leaves_the_later_one_alone(
    scene: Scene,
) -> None:
    old = await made(scene, "p")
    scene.door.delete("Pod", "p")
    scene.door.create(pod("p"))

    await scene.cluster.note(
        PodNote(old, "Warning", "FailedScheduling", "old", "Unschedulable", at_s=1_790_000_000)
    )

    assert not [
        c for c in scene.door.get("Pod", "p")["status"].get("conditions", []) if "message" in c
    ]


async def test_a_note_written_twice_is_one_event(scene: Scene) -> None:
    found = await made(scene, "p")
    note = PodNote(found, "Normal", "Scheduled", "to n-1", at_s=1_790_000_000)

    await scene.cluster.note(note)
    await scene.cluster.note(note)

    assert len(scene.door.events("p")) == 1


async def test_a_new_list_is_taken_in_before_it_is_said_to_be(scene: Scene) -> None:
    scene.door.create(pod("p"))

    await scene.cluster.list_anew()

    key = f"{scene.door.namespace}/p"
    assert any(getattr(getattr(e, "pod", None), "key", "") == key for e in scene.told)
    assert any(isinstance(e, Listed) for e in scene.told)
