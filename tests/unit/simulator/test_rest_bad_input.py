"""Whatever a client sends is answered with a Status, and the server goes on."""

from pathlib import Path

import pytest

from simulator.status import merged
from tests.rest_door import MERGE, PODS, STRATEGIC, opened
from tests.simulated import deployment_object, node_object, pod_object

DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
APPLY = "application/apply-patch+yaml"
JSON_PATCH = "application/json-patch+json"
DEEP = b'{"a":' * 5000 + b"1" + b"}" * 5000


@pytest.mark.parametrize("body", [b"xx", b"[]", b'"text"', b"{", b"\xff\xfe", b"", b"null", DEEP])
@pytest.mark.parametrize("path", [PODS, f"{PODS}/a/binding", f"{PODS}/a/eviction"])
async def test_a_body_that_is_no_object_is_a_bad_request(
    tmp_path: Path, path: str, body: bytes
) -> None:
    async with opened(tmp_path) as door:
        await door.create(PODS, pod_object("a"))
        answer = await door.ask("POST", path, body)
        healthy = await door.get("/version")
    assert (answer.status, answer.body["reason"]) == (400, "BadRequest")
    assert healthy["major"] == "1"


@pytest.mark.parametrize("form", [MERGE, STRATEGIC, JSON_PATCH, APPLY])
@pytest.mark.parametrize("body", [b"[", b"7", b"\xff", b'{"metadata": 7}', b"[[]]", b"a: [", DEEP])
async def test_a_patch_that_is_none_is_refused(tmp_path: Path, form: str, body: bytes) -> None:
    async with opened(tmp_path) as door:
        await door.create(PODS, pod_object("a"))
        answer = await door.ask("PATCH", f"{PODS}/a", body, Content_Type=form)
        same = await door.get(f"{PODS}/a")
    assert answer.status in (400, 422), answer
    assert answer.body["kind"] == "Status"
    assert same["metadata"]["name"] == "a"


async def test_a_body_beyond_three_mebibytes_is_too_large(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        pod = pod_object("a")
        pod["metadata"]["annotations"] = {"x": "y" * 3 * 1024 * 1024}
        answer = await door.ask("POST", PODS, pod)
    assert (answer.status, answer.body["reason"]) == (413, "RequestEntityTooLarge")


@pytest.mark.parametrize("form", ["text/plain", "application/vnd.kubernetes.protobuf"])
async def test_a_body_that_is_not_said_to_be_json_is_not_read(tmp_path: Path, form: str) -> None:
    async with opened(tmp_path) as door:
        created = await door.ask("POST", PODS, pod_object("a"), Content_Type=form)
        patched = await door.ask("PATCH", f"{PODS}/a", {}, Content_Type=form)
    assert (created.status, created.body["reason"]) == (415, "UnsupportedMediaType")
    assert (patched.status, patched.body["reason"]) == (415, "UnsupportedMediaType")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", PODS),
        ("PATCH", PODS),
        ("POST", f"{PODS}/a"),
        ("POST", "/api/v1/pods"),
        ("DELETE", f"{PODS}/a/binding"),
        ("GET", f"{PODS}/a/binding"),
        ("OPTIONS", PODS),
    ],
)
async def test_a_method_a_resource_does_not_have_is_not_allowed(
    tmp_path: Path, method: str, path: str
) -> None:
    async with opened(tmp_path) as door:
        answer = await door.ask(method, path, {})
    assert (answer.status, answer.body["reason"]) == (405, "MethodNotAllowed")


async def test_a_thing_of_another_kind_or_place_is_a_bad_request(tmp_path: Path) -> None:
    elsewhere = pod_object("a")
    elsewhere["metadata"]["namespace"] = "other"
    async with opened(tmp_path) as door:
        kind = await door.ask("POST", PODS, deployment_object("a", 1))
        place = await door.ask("POST", PODS, elsewhere)
        await door.create(PODS, pod_object("a"))
        name = await door.ask("PUT", f"{PODS}/a", pod_object("b"))
        nowhere = await door.ask("POST", "/api/v1/namespaces/no/pods", {"metadata": {"name": "x"}})
    assert [a.status for a in (kind, place, name, nowhere)] == [400, 400, 400, 404]
    assert kind.body["message"].startswith('Deployment in version "v1" cannot be handled as a Pod')


@pytest.mark.parametrize("dry", ["POST", "PATCH", "DELETE"])
async def test_a_dry_run_is_refused_and_not_carried_out(tmp_path: Path, dry: str) -> None:
    async with opened(tmp_path) as door:
        await door.create(PODS, pod_object("a"))
        path = PODS if dry == "POST" else f"{PODS}/a"
        answer = await door.ask(dry, f"{path}?dryRun=All", pod_object("b"))
        names = [p["metadata"]["name"] for p in (await door.get(PODS))["items"]]
    assert (answer.status, names) == (400, ["a"])


ODD = [7, "text", [], [7], {}, {"a": 7}, True, -1, [{}], [{"name": 7}], {"a": None}, 2**70]
PLACES = {
    PODS: (
        pod_object("a"),
        (
            "metadata.labels metadata.annotations metadata.ownerReferences metadata.name spec "
            "spec.containers spec.tolerations spec.nodeSelector spec.affinity spec.overhead "
            "spec.initContainers spec.schedulingGates spec.nodeName spec.resources spec.priority "
            "spec.terminationGracePeriodSeconds spec.volumes status metadata"
        ),
    ),
    DEPLOYMENTS: (
        deployment_object("a", 1),
        (
            "spec spec.replicas spec.selector spec.template spec.strategy spec.template.spec "
            "spec.selector.matchLabels spec.template.metadata spec.template.metadata.labels"
        ),
    ),
    "/api/v1/nodes": (
        node_object("a"),
        (
            "spec status status.conditions status.allocatable status.capacity status.addresses "
            "metadata.labels spec.taints spec.unschedulable"
        ),
    ),
    "/api/v1/namespaces/default/services": (
        {"metadata": {"name": "a"}, "spec": {}},
        "spec spec.ports spec.selector spec.type status",
    ),
    "/api/v1/namespaces/default/events": (
        {"metadata": {"name": "a"}},
        "involvedObject source count series firstTimestamp reason type eventTime",
    ),
    "/apis/coordination.k8s.io/v1/namespaces/default/leases": (
        {"metadata": {"name": "a"}},
        "spec spec.holderIdentity spec.renewTime",
    ),
}
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


@pytest.mark.parametrize("path", list(PLACES))
async def test_no_value_of_a_field_breaks_the_server(tmp_path: Path, path: str) -> None:
    """Put odd values everywhere, create and patch; all stays readable, and time goes on."""
    obj, places = PLACES[path]
    async with opened(tmp_path) as door:
        for place in places.split():
            for value in ODD:
                odd: object = value
                for name in reversed(place.split(".")):
                    odd = {name: odd}
                await door.ask("DELETE", f"{path}/a?gracePeriodSeconds=0")
                created = await door.ask("POST", path, merged(obj, odd))
                await door.ask("POST", path, obj)
                patched = await door.ask("PATCH", f"{path}/a", odd, Content_Type=MERGE)
                assert created.status < 500, (place, value, created)
                assert patched.status < 500, (place, value, patched)
        await door.get(path)
        await door.get(path, Accept=TABLE)
        await door.create(PODS, pod_object("after", nodeName="edge-1"))
        await door.until(f"{PODS}/after", "phase", "Running")
