"""The REST door: one object, lists page by page, selectors, discovery, tables."""

from pathlib import Path

import pytest

from tests.rest_door import PODS, opened
from tests.simulated import deployment_object, pod_object

DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/livez", "/livez/ping"])
async def test_the_server_is_healthy(tmp_path: Path, path: str) -> None:
    async with opened(tmp_path) as door, door.session.get(f"{door.server}{path}") as response:
        assert (response.status, await response.text()) == (200, "ok")


async def test_discovery_names_every_resource_with_its_verbs(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        groups = await door.get("/apis")
        versions = [g["preferredVersion"]["groupVersion"] for g in groups["groups"]]
        lists = [await door.get("/api/v1"), *[await door.get(f"/apis/{v}") for v in versions]]
    named = {r["name"] for found in lists for r in found["resources"]}
    assert {
        "apps/v1",
        "coordination.k8s.io/v1",
        "events.k8s.io/v1",
        "storage.k8s.io/v1",
    } == set(versions)
    assert {"pods", "pods/binding", "pods/status", "nodes", "events", "leases"} <= named
    assert {"deployments/scale", "replicasets", "services", "namespaces"} <= named
    assert {"persistentvolumeclaims", "persistentvolumes/status", "storageclasses"} <= named


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/nopes",
        "/api/v2/pods",
        "/apis/batch/v1/jobs",
        "/nowhere",
        f"{PODS}/a/b/c",
        f"{PODS}/",
    ],
)
async def test_a_path_nothing_is_at_is_not_found(tmp_path: Path, path: str) -> None:
    async with opened(tmp_path) as door:
        answer = await door.ask("GET", path)
    if path.endswith("/"):
        assert answer.body["kind"] == "PodList"
        return
    assert (answer.status, answer.body["reason"]) == (404, "NotFound")


async def test_a_missing_object_is_named_in_the_refusal(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        answer = await door.ask("GET", f"{DEPLOYMENTS}/nope")
    assert answer.body == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'deployments.apps "nope" not found',
        "reason": "NotFound",
        "details": {"name": "nope", "group": "apps", "kind": "deployments"},
        "code": 404,
    }


async def test_the_pages_of_a_list_show_one_moment(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        for name in ("a", "b", "c", "e"):
            await door.create(PODS, pod_object(name))
        first = await door.get(f"{PODS}?limit=2")
        await door.create(PODS, pod_object("d"))
        await door.ask("DELETE", f"{PODS}/c?gracePeriodSeconds=0")
        token = first["metadata"]["continue"]
        second = await door.get(f"{PODS}?limit=2&continue={token}")

    names = [p["metadata"]["name"] for page in (first, second) for p in page["items"]]
    assert names == ["a", "b", "c", "e"]
    assert first["metadata"]["remainingItemCount"] == 2
    assert second["metadata"] == {"resourceVersion": first["metadata"]["resourceVersion"]}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("limit=x", 400),
        ("limit=-1", 400),
        ("continue=abc", 400),
        ("continue=eyJsaXN0Ijo5OTksInN0YXJ0IjowfQ==", 410),
        ("fieldSelector=foo%3Dbar", 400),
        ("labelSelector=a+b+c", 400),
        ("resourceVersion=abc", 400),
        ("resourceVersion=99999999", 504),
        ("resourceVersion=1&resourceVersionMatch=Exact", 410),
        ("watch=perhaps", 400),
        ("watch=1&resourceVersion=1", 410),
    ],
)
async def test_options_that_make_no_sense_are_refused(
    tmp_path: Path, query: str, status: int
) -> None:
    async with opened(tmp_path) as door:
        answer = await door.ask("GET", f"{PODS}?{query}")
    assert (answer.status, answer.body["kind"], answer.body["code"]) == (status, "Status", status)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("labelSelector=app%3Dweb", ["a", "b"]),
        ("labelSelector=app%3D%3Dweb,tier%3Dx", ["b"]),
        ("labelSelector=app!%3Dweb", ["c", "d"]),
        ("labelSelector=app in (web,db)", ["a", "b", "c"]),
        ("labelSelector=app notin (web)", ["c", "d"]),
        ("labelSelector=tier", ["b"]),
        ("labelSelector=!app", ["d"]),
        ("fieldSelector=metadata.name%3Dc", ["c"]),
        ("fieldSelector=spec.nodeName%3D", ["a", "b", "d"]),
        ("fieldSelector=spec.nodeName%3Dedge-9,status.phase!%3DFailed", ["c"]),
    ],
)
async def test_selectors_choose(tmp_path: Path, query: str, names: list[str]) -> None:
    labels = {"a": {"app": "web"}, "b": {"app": "web", "tier": "x"}, "c": {"app": "db"}, "d": {}}
    async with opened(tmp_path) as door:
        for name, said in labels.items():
            pod = pod_object(name, **({"nodeName": "edge-9"} if name == "c" else {}))
            pod["metadata"]["labels"] = said
            await door.create(PODS, pod)
        found = await door.get(f"{PODS}?{query}")
    assert [p["metadata"]["name"] for p in found["items"]] == names


async def test_tables_have_the_columns_kubectl_prints(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        await door.create(PODS, pod_object("solo", nodeName="edge-1"))
        await door.until(f"{PODS}/solo", "phase", "Running")
        table = await door.get(PODS, Accept=TABLE)
        cells = dict(
            zip(
                (c["name"] for c in table["columnDefinitions"]),
                table["rows"][0]["cells"],
                strict=True,
            )
        )
    assert (cells["Name"], cells["Ready"], cells["Status"]) == ("solo", "1/1", "Running")
    assert (cells["Restarts"], cells["Node"]) == ("0", "edge-1")
    assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/api/v1/nodes", {"Status": "Ready", "Roles": "cloud"}),
        ("/api/v1/namespaces", {"Name": "default", "Status": "Active"}),
        (DEPLOYMENTS, {"Ready": "0/2", "Selector": "app=web"}),
        ("/api/v1/services", {"Type": "ClusterIP", "Port(s)": "80/TCP", "Selector": "app=web"}),
        ("/apis/coordination.k8s.io/v1/leases", {"Holder": "me"}),
        ("/api/v1/events", {"Reason": "R", "Object": "pod/a", "Count": 3, "Message": "m"}),
        ("/apis/events.k8s.io/v1/events", {"Source": "kubelet, h", "Type": "Warning"}),
    ],
)
async def test_every_kind_has_its_table(
    tmp_path: Path, path: str, shown: dict[str, object]
) -> None:
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
    service = {"metadata": {"name": "web"}, "spec": spec}
    event = {
        "metadata": {"name": "a.1", "namespace": "default"},
        "involvedObject": {"kind": "Pod", "namespace": "default", "name": "a"},
        "source": {"component": "kubelet", "host": "h"},
        "reason": "R",
        "message": "m",
        "type": "Warning",
        "count": 3,
    }
    async with opened(tmp_path) as door:
        await door.create("/api/v1/namespaces/default/events", event)
        table = await door.get(path, Accept=TABLE) if "event" in path else None
        await door.create(DEPLOYMENTS, deployment_object("web", 2))
        await door.create("/api/v1/namespaces/default/services", service)
        leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
        await door.create(leases, {"metadata": {"name": "l"}, "spec": {"holderIdentity": "me"}})
        table = table or await door.get(path, Accept=TABLE)
        names = [column["name"] for column in table["columnDefinitions"]]
        first = dict(zip(names, table["rows"][0]["cells"], strict=True))
    assert {name: first[name] for name in shown} == shown


async def test_a_request_that_wants_another_form_is_not_acceptable(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        answer = await door.ask("GET", PODS, Accept="application/vnd.kubernetes.protobuf")
    assert (answer.status, answer.body["reason"]) == (406, "NotAcceptable")


async def test_only_this_machines_names_are_answered(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        answer = await door.ask("GET", PODS, Host="attacker.example:80")
        named = await door.ask("GET", PODS, Host="localhost:80")
    assert (answer.status, answer.body["reason"], named.status) == (403, "Forbidden", 200)


async def test_a_page_in_a_browser_cannot_write(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        answer = await door.ask("POST", PODS, pod_object("a"), Origin="http://127.0.0.1:8080")
        pods = await door.get(PODS)
    assert (answer.status, answer.body["reason"], pods["items"]) == (403, "Forbidden", [])


@pytest.mark.parametrize("part", ["log", "exec", "attach", "portforward"])
async def test_what_needs_containers_is_refused_in_words(tmp_path: Path, part: str) -> None:
    async with opened(tmp_path) as door:
        await door.create(PODS, pod_object("a"))
        answer = await door.ask("GET", f"{PODS}/a/{part}")
    assert answer.status == 400
    assert "runs no containers" in answer.body["message"]
