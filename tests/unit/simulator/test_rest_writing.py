"""The REST door's writes, and the refusals a real API server answers with."""

from pathlib import Path

import pytest

from simulator.change import JsonObject
from simulator.command import RefuseBindings
from tests.rest_door import MERGE, PODS, STRATEGIC, opened
from tests.simulated import deployment_object, node_object, pod_object

DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
CORE_EVENTS = "/api/v1/namespaces/default/events"
NEW_EVENTS = "/apis/events.k8s.io/v1/namespaces/default/events"


def binding(node: str, uid: str = "", **annotations: str) -> JsonObject:
    meta: JsonObject = {"name": "a", "annotations": annotations}
    if uid:
        meta["uid"] = uid
    target = {"kind": "Node", "name": node}
    return {"kind": "Binding", "apiVersion": "v1", "metadata": meta, "target": target}


def new_event(**fields: object) -> JsonObject:
    return {
        "metadata": {"name": "a.1"},
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "reportingController": "custom-scheduler",
        "reportingInstance": "custom-scheduler-host",
        "action": "Binding",
        "reason": "Scheduled",
        "regarding": {"kind": "Pod", "namespace": "default", "name": "a", "uid": "u"},
        "note": "Successfully assigned default/a to edge-1",
        "type": "Normal",
        **fields,
    }


async def test_a_bound_pod_runs_and_carries_the_annotations_of_its_binding(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        pod = await door.create(PODS, pod_object("a"))
        said = binding("edge-1", pod["metadata"]["uid"], rtt="3ms")
        answer = await door.ask("POST", f"{PODS}/a/binding", said)
        bound = await door.until(f"{PODS}/a", "phase", "Running")
    assert (answer.status, answer.body["status"], answer.body["code"]) == (201, "Success", 201)
    assert bound["spec"]["nodeName"] == "edge-1"
    assert bound["metadata"]["annotations"] == {"rtt": "3ms"}


async def test_a_second_binding_conflicts(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        await door.create(PODS, pod_object("a"))
        await door.ask("POST", f"{PODS}/a/binding", binding("edge-1"))
        answer = await door.ask("POST", f"{PODS}/a/binding", binding("edge-2"))
    assert answer.status == 409
    assert answer.body["message"] == (
        'Operation cannot be fulfilled on pods/binding "a": '
        'pod a is already assigned to node "edge-1"'
    )
    assert answer.body["details"] == {"name": "a", "kind": "pods/binding"}


async def test_a_binding_is_for_the_pod_of_its_uid(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        await door.create(PODS, pod_object("a"))
        answer = await door.ask("POST", f"{PODS}/a/binding", binding("edge-1", "another"))
        missing = await door.ask(
            "POST", f"{PODS}/nope/binding", binding("edge-1") | {"metadata": {}}
        )
    assert (answer.status, answer.body["reason"]) == (409, "Conflict")
    assert "UID in precondition: another" in answer.body["message"]
    assert (missing.status, missing.body["message"]) == (404, 'pods "nope" not found')


async def test_a_scenario_has_bindings_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        await door.create(PODS, pod_object("a"))
        door.running.execute(RefuseBindings(1.0))
        answer = await door.ask("POST", f"{PODS}/a/binding", binding("edge-1"))
    assert (answer.status, answer.body["reason"]) == (403, "Forbidden")


async def test_a_condition_is_merged_into_a_pods_status_by_its_type(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        await door.create(PODS, pod_object("a"))
        for message in ("first", "second"):
            condition = {"type": "PodScheduled", "status": "False", "message": message}
            answer = await door.patch(f"{PODS}/a/status", {"status": {"conditions": [condition]}})
            assert answer.status == 200
        other = {"status": {"conditions": [{"type": "Other", "status": "True"}]}}
        answer = await door.patch(f"{PODS}/a/status", other)
    found = {c["type"]: c.get("message") for c in answer.body["status"]["conditions"]}
    assert found == {"PodScheduled": "second", "Other": None}
    assert answer.body["status"]["phase"] == "Pending"


async def test_a_patch_for_another_uid_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        await door.create(PODS, pod_object("a"))
        change = {"metadata": {"uid": "another"}, "status": {}}
        answer = await door.patch(f"{PODS}/a/status", change)
    assert answer.status == 422
    assert "metadata.uid" in answer.body["message"]
    assert answer.body["details"]["causes"][0]["field"] == "metadata.uid"


async def test_events_are_one_object_in_two_forms(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        made = await door.create(NEW_EVENTS, new_event())
        core = await door.get(f"{CORE_EVENTS}/a.1")
        about = "fieldSelector=involvedObject.name%3Da,involvedObject.uid%3Du"
        found = await door.get(f"{CORE_EVENTS}?{about}")
        same = await door.get(f"{NEW_EVENTS}?fieldSelector=regarding.name%3Da")
    assert (made["apiVersion"], made["note"]) == ("events.k8s.io/v1", core["message"])
    assert core["involvedObject"] == made["regarding"]
    assert core["reportingComponent"] == made["reportingController"] == "custom-scheduler"
    assert [e["metadata"]["name"] for e in found["items"]] == ["a.1"]
    assert [e["note"] for e in same["items"]] == [made["note"]]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"note": "x" * 1025}, "message: "),
        ({"reportingController": ""}, "reportingController: Required value"),
        ({"reportingController": "a b"}, "reportingController: Invalid value"),
        ({"action": ""}, "action: Required value"),
        ({"reason": "r" * 129}, "reason: Invalid value"),
        ({"type": "Odd"}, "type: Invalid value"),
        ({"eventTime": None}, "eventTime: Required value"),
        ({"deprecatedCount": 3}, "count: Invalid value"),
        ({"regarding": {"kind": "Pod", "namespace": "other", "name": "a"}}, "involvedObject"),
    ],
)
async def test_an_event_is_held_to_the_rules_of_its_form(
    tmp_path: Path, fields: JsonObject, said: str
) -> None:
    async with opened(tmp_path) as door:
        answer = await door.ask("POST", NEW_EVENTS, new_event(**fields))
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert said in answer.body["message"]


async def test_a_lease_is_taken_by_who_saw_it_last(tmp_path: Path) -> None:
    lease = {"metadata": {"name": "isochrone"}, "spec": {"holderIdentity": "one"}}
    async with opened(tmp_path) as door:
        first = await door.create(LEASES, lease)
        again = await door.ask("POST", LEASES, lease)
        taken = {**first, "spec": {"holderIdentity": "two"}}
        second = await door.ask("PUT", f"{LEASES}/isochrone", taken)
        late = await door.ask("PUT", f"{LEASES}/isochrone", first)
    assert (again.status, again.body["reason"]) == (409, "AlreadyExists")
    assert (second.status, second.body["spec"]) == (200, {"holderIdentity": "two"})
    assert "status" not in second.body
    assert (late.status, late.body["reason"]) == (409, "Conflict")
    assert "please apply your changes to the latest version and try again" in late.body["message"]


async def test_a_name_is_made_of_the_generate_name(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        pod = pod_object("")
        pod["metadata"] = {"generateName": "web-"}
        made = await door.create(PODS, pod)
    assert made["metadata"]["name"].startswith("web-")
    assert len(made["metadata"]["name"]) == len("web-") + 5


@pytest.mark.parametrize("form", [MERGE, STRATEGIC])
async def test_scale_is_read_replaced_and_patched(tmp_path: Path, form: str) -> None:
    path = f"{DEPLOYMENTS}/web/scale"
    async with opened(tmp_path) as door:
        await door.create(DEPLOYMENTS, deployment_object("web", 2))
        await door.until(f"{DEPLOYMENTS}/web", "replicas", 2)
        read = await door.get(path)
        put = await door.ask("PUT", path, {**read, "spec": {"replicas": 3}})
        late = await door.ask("PUT", path, {**read, "spec": {"replicas": 9}})
        patched = await door.patch(path, {"spec": {"replicas": 4}}, form)
        wrong = await door.patch(path, {"spec": {"replicas": "many"}}, form)
        wanted = (await door.get(f"{DEPLOYMENTS}/web"))["spec"]["replicas"]
    assert (read["kind"], read["apiVersion"]) == ("Scale", "autoscaling/v1")
    assert (read["spec"], read["status"]["selector"]) == ({"replicas": 2}, "app=web")
    assert [a.status for a in (put, late, patched, wrong)] == [200, 409, 200, 400]
    assert wanted == 4


async def test_a_deleted_pod_answers_with_itself_and_leaves_in_its_time(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        await door.create(PODS, pod_object("a", nodeName="edge-1"))
        await door.until(f"{PODS}/a", "phase", "Running")
        async with door.watch(f"{PODS}?watch=1&fieldSelector=metadata.name%3Da") as events:
            answer = await door.ask("DELETE", f"{PODS}/a")
            seen = [await anext(events)]
            while seen[-1]["type"] != "DELETED":
                seen.append(await anext(events))
        missing = await door.ask("DELETE", f"{PODS}/a")
    assert (answer.status, answer.body["kind"]) == (200, "Pod")
    assert answer.body["metadata"]["deletionGracePeriodSeconds"] == 30
    assert missing.status == 404


async def test_a_deletion_asks_for_the_object_it_means(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        await door.create(PODS, pod_object("a"))
        options = {"preconditions": {"uid": "another"}}
        refused = await door.ask("DELETE", f"{PODS}/a", options)
        old = {"preconditions": {"resourceVersion": "1"}}
        late = await door.ask("DELETE", f"{PODS}/a", old)
        there = await door.ask("GET", f"{PODS}/a")
    assert (refused.status, late.status, there.status) == (409, 409, 200)


async def test_other_kinds_answer_a_deletion_with_a_status(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        made = await door.create(DEPLOYMENTS, deployment_object("web", 1))
        answer = await door.ask("DELETE", f"{DEPLOYMENTS}/web")
    uid = made["metadata"]["uid"]
    details = {"name": "web", "group": "apps", "kind": "deployments", "uid": uid}
    assert (answer.body["status"], answer.body["details"]) == ("Success", details)


@pytest.mark.parametrize(("policy", "left"), [("Background", 0), ("Orphan", 1)])
async def test_dependents_follow_their_owner_or_are_left(
    tmp_path: Path, policy: str, left: int
) -> None:
    sets = "/apis/apps/v1/namespaces/default/replicasets"
    async with opened(tmp_path) as door:
        await door.create(DEPLOYMENTS, deployment_object("web", 1))
        await door.until(f"{DEPLOYMENTS}/web", "replicas", 1)
        await door.ask("DELETE", f"{DEPLOYMENTS}/web", {"propagationPolicy": policy})
        async with door.watch(f"{sets}?watch=1&timeoutSeconds=1") as events:
            seen = [event["type"] async for event in events]
        assert len((await door.get(sets))["items"]) == left
    assert ("DELETED" in seen) == (not left) or seen == []


async def test_a_collection_is_deleted_by_its_selector(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        for name in ("a", "b", "c"):
            pod = pod_object(name)
            pod["metadata"]["labels"] = {"go": str(name != "b")}
            await door.create(PODS, pod)
        answer = await door.ask("DELETE", f"{PODS}?labelSelector=go%3DTrue")
        left = await door.get(PODS)
    assert [p["metadata"]["name"] for p in answer.body["items"]] == ["a", "c"]
    assert [p["metadata"]["name"] for p in left["items"]] == ["b"]


async def test_a_namespace_goes_with_all_that_is_in_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        await door.create("/api/v1/namespaces", {"metadata": {"name": "gone"}})
        deployment = deployment_object("web", 2)
        await door.create("/apis/apps/v1/namespaces/gone/deployments", deployment)
        await door.until("/apis/apps/v1/namespaces/gone/deployments/web", "replicas", 2)
        answer = await door.ask("DELETE", "/api/v1/namespaces/gone")
        pods = await door.get("/api/v1/pods")
        kept = await door.ask("DELETE", "/api/v1/namespaces/default")
    assert (answer.status, pods["items"]) == (200, [])
    assert (kept.status, kept.body["reason"]) == (403, "Forbidden")


async def test_an_eviction_is_a_deletion(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        await door.create(PODS, pod_object("a"))
        eviction = {"kind": "Eviction", "apiVersion": "policy/v1", "metadata": {"name": "a"}}
        answer = await door.ask("POST", f"{PODS}/a/eviction", eviction)
        gone = await door.ask("GET", f"{PODS}/a")
    assert (answer.status, gone.status) == (201, 404)


@pytest.mark.parametrize(
    ("field", "value", "status"),
    [
        ("nodeName", "edge-2", 422),
        ("containers", [{"name": "main", "resources": {"requests": {"cpu": "2"}}}], 422),
        ("schedulerName", "other", 422),
        (
            "containers",
            [{"name": "main", "image": "new", "resources": {"requests": {"cpu": "1"}}}],
            200,
        ),
    ],
)
async def test_a_pod_changes_only_where_it_may(
    tmp_path: Path, field: str, value: object, status: int
) -> None:
    async with opened(tmp_path) as door:
        await door.create(PODS, pod_object("a"))
        answer = await door.patch(f"{PODS}/a", {"spec": {field: value}}, MERGE)
    assert answer.status == status, answer


async def test_a_node_is_cordoned_by_a_patch_and_tainted(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        await door.create("/api/v1/nodes", node_object("n1"))
        await door.patch("/api/v1/nodes/n1", {"spec": {"unschedulable": True}})
        node = await door.get("/api/v1/nodes/n1")
    assert {t["key"] for t in node["spec"]["taints"]} == {"node.kubernetes.io/unschedulable"}


async def test_a_storage_class_is_kept_as_it_is_written_and_has_no_status(tmp_path: Path) -> None:
    path = "/apis/storage.k8s.io/v1/storageclasses"
    written = {"provisioner": "example.com/disks", "volumeBindingMode": "WaitForFirstConsumer"}
    async with opened(tmp_path) as door:
        await door.create(path, {"metadata": {"name": "slow"}, **written})
        await door.patch(f"{path}/slow", {"allowVolumeExpansion": True}, MERGE)
        stored = await door.get(f"{path}/slow")
        table = await door.get(path, Accept="application/json;as=Table;v=v1;g=meta.k8s.io")
    assert "status" not in stored
    assert stored["volumeBindingMode"] == "WaitForFirstConsumer"
    assert stored["allowVolumeExpansion"] is True
    assert table["rows"][0]["cells"][:3] == ["slow", "example.com/disks", "WaitForFirstConsumer"]


async def test_a_claim_waits_and_a_volume_is_available(tmp_path: Path) -> None:
    claims, volumes = (
        "/api/v1/namespaces/default/persistentvolumeclaims",
        "/api/v1/persistentvolumes",
    )
    async with opened(tmp_path) as door:
        claim = await door.create(claims, {"metadata": {"name": "data"}, "spec": {}})
        volume = await door.create(volumes, {"metadata": {"name": "disk"}, "spec": {}})
    assert claim["status"] == {"phase": "Pending"}
    assert volume["status"] == {"phase": "Available"}
