"""Listing a live cluster once, against a server that answers as the API server does."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from scheduler.domain.errors import ClusterUnavailable, InputError
from scheduler.domain.placeholder import PLACEHOLDER_LABELS
from scheduler.kube.client import KubeClient, connected
from scheduler.kube.listing import list_cluster, list_objects
from scheduler.objects.node import read_node

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def node(name: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": {"topology.kubernetes.io/zone": "metro-1"}},
        "spec": {},
        "status": {
            "allocatable": {"cpu": "3920m", "memory": "7Gi", "pods": "110"},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def pod(name: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any field of a pod
    """Return a pod; changes are written ``spec__nodeName="edge-1"``."""
    tree: dict[str, Any] = {
        "metadata": {"name": name, "namespace": "default", "uid": f"uid-{name}"},
        "spec": {
            "schedulerName": "custom-scheduler",
            "containers": [{"name": "c", "resources": {"requests": {"cpu": "100m"}}}],
        },
        "status": {"phase": "Pending"},
    }
    for path, value in changes.items():
        part, key = path.split("__")
        tree[part][key] = value
    return tree


def listed(items: list[dict[str, Any]], token: str = "") -> web.Response:
    return web.json_response(
        {"metadata": {"resourceVersion": "7", "continue": token}, "items": items}
    )


def refused(status: int, message: str) -> web.Response:
    return web.json_response({"kind": "Status", "message": message, "code": status}, status=status)


def always(*items: dict[str, Any]) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        return listed(list(items))

    return answer


def kubeconfig(folder: Path, server: str) -> Path:
    path = folder / "kubeconfig"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "here", "cluster": {"server": server}}],
        "users": [{"name": "me", "user": {"token": "secret-token"}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
    }
    path.write_text(yaml.safe_dump(config))
    return path


@asynccontextmanager
async def cluster(folder: Path, **answers: Answer) -> AsyncIterator[KubeClient]:
    """Connect to a server of which only the named collections are not empty."""
    app = web.Application()
    for kind in ("nodes", "pods", "services"):
        app.router.add_get(f"/api/v1/{kind}", answers.get(kind, always()))
    if "groups" in answers:
        app.router.add_get("/apis/scheduling.x-k8s.io/v1alpha1/podgroups", answers["groups"])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        async with connected(kubeconfig(folder, f"http://{host}:{port}")) as client:
            yield client
    finally:
        await runner.cleanup()


async def test_a_cluster_is_listed_into_the_words_of_the_domain(tmp_path: Path) -> None:
    service = {"metadata": {"name": "db", "namespace": "default"}, "spec": {"selector": {"a": "b"}}}

    async with cluster(
        tmp_path, nodes=always(node("edge-1")), pods=always(pod("web")), services=always(service)
    ) as client:
        listing = await list_cluster(client)

    assert [n.name for n in listing.nodes] == ["edge-1"]
    assert [p.pod.key for p in listing.pods] == ["default/web"]
    assert [s.name for s in listing.services] == ["db"]


MEMBER = pod("w", metadata__labels={"scheduling.x-k8s.io/pod-group": "train"})


async def test_groups_that_pods_name_are_listed_and_handed_to_the_decision(tmp_path: Path) -> None:
    group = {"metadata": {"name": "train", "namespace": "default"}, "spec": {"minMember": 3}}

    async with cluster(tmp_path, pods=always(MEMBER), groups=always(group)) as client:
        listing = await list_cluster(client)

    snapshot = listing.snapshot("custom-scheduler")
    [waiting] = snapshot.pending
    assert waiting.pod_class.group is not None
    assert snapshot.groups[waiting.pod_class.group].min_member == 3


async def test_where_a_named_groups_api_is_not_served_there_is_no_group(tmp_path: Path) -> None:
    async with cluster(tmp_path, pods=always(MEMBER)) as client:
        listing = await list_cluster(client)

    assert (len(listing.pods), listing.groups) == (1, ())


async def test_nobody_needs_a_right_to_groups_that_no_pod_names(tmp_path: Path) -> None:
    async def denied(_: web.Request) -> web.StreamResponse:
        return refused(403, "no right to podgroups")

    async with cluster(tmp_path, pods=always(pod("web")), groups=denied) as client:
        assert (await list_cluster(client)).groups == ()
    async with cluster(tmp_path, pods=always(MEMBER), groups=denied) as client:
        with pytest.raises(InputError, match="no right to podgroups"):
            await list_cluster(client)


async def test_pages_are_followed_to_the_last(tmp_path: Path) -> None:
    asked: list[str] = []

    async def pages(request: web.Request) -> web.StreamResponse:
        asked.append(request.query.get("continue", ""))
        return {"": listed([node("a")], "t+1/="), "t+1/=": listed([node("b")])}[asked[-1]]

    async with cluster(tmp_path, nodes=pages) as client:
        nodes = await list_objects(client, "/api/v1/nodes", read_node, page_size=1)

    assert [n.name for n in nodes] == ["a", "b"]


async def test_a_list_that_expires_between_pages_starts_over(tmp_path: Path) -> None:
    answers = iter(
        [listed([node("old")], "t"), refused(410, "expired"), listed([node("new")])],
    )

    async def once_expired(_: web.Request) -> web.StreamResponse:
        return next(answers)

    async with cluster(tmp_path, nodes=once_expired) as client:
        nodes = await list_objects(client, "/api/v1/nodes", read_node)

    assert [n.name for n in nodes] == ["new"]


async def test_a_list_that_expires_again_is_unavailable(tmp_path: Path) -> None:
    async def expired(_: web.Request) -> web.StreamResponse:
        return refused(410, "the provided continue parameter is too old")

    async with cluster(tmp_path, nodes=expired) as client:
        with pytest.raises(ClusterUnavailable, match="too old"):
            await list_objects(client, "/api/v1/nodes", read_node)


@pytest.mark.parametrize(
    ("status", "fix"), [(401, "renew"), (403, "rbac.yaml"), (404, "Kubernetes API server")]
)
async def test_a_refusal_says_what_would_be_right(tmp_path: Path, status: int, fix: str) -> None:
    async def no(_: web.Request) -> web.StreamResponse:
        return refused(status, "nodes is forbidden")

    async with cluster(tmp_path, nodes=no) as client:
        with pytest.raises(InputError, match=fix):
            await list_cluster(client)


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_server_in_trouble_is_unavailable(tmp_path: Path, status: int) -> None:
    async def trouble(_: web.Request) -> web.StreamResponse:
        return refused(status, "etcd leader changed")

    async with cluster(tmp_path, nodes=trouble) as client:
        with pytest.raises(ClusterUnavailable, match="etcd leader changed"):
            await list_cluster(client)


@pytest.mark.parametrize("body", ["", "<html>", "[]", "{}", '{"items": 7}'])
async def test_an_answer_that_is_no_list_is_unavailable(tmp_path: Path, body: str) -> None:
    async def other(_: web.Request) -> web.StreamResponse:
        return web.Response(text=body)

    async with cluster(tmp_path, nodes=other) as client:
        with pytest.raises(ClusterUnavailable, match="no list of Kubernetes"):
            await list_cluster(client)


async def test_an_empty_list_that_is_written_as_null_is_empty(tmp_path: Path) -> None:
    async def null(_: web.Request) -> web.StreamResponse:
        return web.json_response({"metadata": {}, "items": None})

    async with cluster(tmp_path, nodes=null) as client:
        assert await list_objects(client, "/api/v1/nodes", read_node) == ()


async def test_a_server_that_hangs_up_is_unavailable(tmp_path: Path) -> None:
    async def hang_up(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with cluster(tmp_path, nodes=hang_up) as client:
        with pytest.raises(ClusterUnavailable, match="no answer"):
            await list_cluster(client)


async def test_a_server_nobody_listens_at_is_unavailable(tmp_path: Path) -> None:
    async with connected(kubeconfig(tmp_path, "http://127.0.0.1:9")) as client:
        with pytest.raises(ClusterUnavailable, match="no answer"):
            await list_cluster(client)


async def test_the_token_of_the_kubeconfig_is_sent(tmp_path: Path) -> None:
    seen: list[str] = []

    async def note(request: web.Request) -> web.StreamResponse:
        seen.append(request.headers.get("Authorization", ""))
        return listed([])

    async with cluster(tmp_path, nodes=note) as client:
        await list_cluster(client)

    assert seen == ["Bearer secret-token"]


async def test_a_pod_that_cannot_be_read_is_named_and_not_left_out(tmp_path: Path) -> None:
    bad = pod("bad", spec__containers=[{"resources": {"requests": {"cpu": "abc"}}}])

    async with cluster(tmp_path, pods=always(bad)) as client:
        with pytest.raises(InputError, match="default/bad"):
            await list_cluster(client)


async def test_a_snapshot_tells_pending_held_and_placed_pods_apart(tmp_path: Path) -> None:
    pods = [
        pod("late", metadata__creationTimestamp="2026-11-22T12:00:01Z"),
        pod("early", metadata__creationTimestamp="2026-11-22T12:00:00Z"),
        pod("urgent", spec__priority=5, metadata__creationTimestamp="2026-11-22T12:00:02Z"),
        pod("gated", spec__schedulingGates=[{"name": "wait"}]),
        pod("theirs", spec__schedulerName="default-scheduler"),
        pod("going", metadata__deletionTimestamp="2026-11-22T12:00:00Z"),
        pod("running", spec__nodeName="edge-1", status__phase="Running"),
        pod("done", spec__nodeName="edge-1", status__phase="Succeeded"),
    ]

    async with cluster(tmp_path, nodes=always(node("edge-1")), pods=always(*pods)) as client:
        snapshot = (await list_cluster(client)).snapshot("custom-scheduler")

    assert [p.name for p in snapshot.pending] == ["urgent", "early", "late"]
    assert [p.name for p in snapshot.held] == ["gated", "theirs"]
    assert [p.name for p in snapshot.placed.pods] == ["running"]


async def test_a_pod_of_another_scheduler_counts_as_load(tmp_path: Path) -> None:
    theirs = pod("theirs", spec__schedulerName="default-scheduler", spec__nodeName="edge-1")

    async with cluster(tmp_path, nodes=always(node("edge-1")), pods=always(theirs)) as client:
        snapshot = (await list_cluster(client)).snapshot("custom-scheduler")

    assert snapshot.nodes.requested[0, snapshot.nodes.resources.index("cpu")] == 100


async def test_a_placeholder_is_no_load_where_it_is_kept(tmp_path: Path) -> None:
    holds = pod("holds", metadata__labels=PLACEHOLDER_LABELS, spec__nodeName="edge-1")

    async with cluster(tmp_path, nodes=always(node("edge-1")), pods=always(holds)) as client:
        listing = await list_cluster(client)

    namespace = listing.pods[0].pod.namespace
    for elsewhere in ("", "other"):
        counted = listing.snapshot("custom-scheduler", placeholders_in=elsewhere)
        assert [one.name for one in counted.placed.pods] == ["holds"]
    found = listing.snapshot("custom-scheduler", placeholders_in=namespace)
    assert found.placed.pods == ()
    assert not found.nodes.requested.any()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "a: [",
        "\x00",
        "clusters: {}",
        "clusters: [7]",
        json.dumps({"clusters": [{"name": "here"}], "contexts": [], "current-context": "here"}),
    ],
)
async def test_a_file_that_is_no_kubeconfig_is_refused_by_its_name(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "config"
    path.write_text(text)

    with pytest.raises(InputError, match="config: "):
        async with connected(path):
            pass


async def test_a_kubeconfig_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        async with connected(tmp_path / "nowhere"):
            pass


async def test_a_context_that_is_not_in_the_kubeconfig_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="elsewhere"):
        async with connected(kubeconfig(tmp_path, "http://127.0.0.1:9"), context="elsewhere"):
            pass


async def test_outside_a_cluster_a_kubeconfig_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)

    with pytest.raises(InputError, match="--kubeconfig"):
        async with connected():
            pass
