"""Watches of the two APIs, the simulator's and the real one: resuming, bookmarks, expiry."""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import pytest

from scheduler.kube.answers import Expired
from scheduler.kube.client import KubeClient, connected
from scheduler.kube.pages import pages
from scheduler.kube.watch import Change, watch
from simulator.rest.launch import started
from simulator.world import Options
from tests.contract.doors import SCENARIO, ApiDoor
from tests.real.api import Api
from tests.real.cluster import Cluster
from tests.real.objects import node

REAL = [pytest.mark.e2e, pytest.mark.xdist_group("control-plane")]
WINDOW = 5


@dataclass
class Server:
    """An API server; `forget` makes it forget what came after any version up to now."""

    client: KubeClient
    door: ApiDoor
    forget: Callable[[], None]


@pytest.fixture(
    params=[
        pytest.param("simulator", id="simulator"),
        pytest.param("real", id="real", marks=REAL),
    ]
)
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Server]:
    if request.param == "real":
        cluster = request.getfixturevalue("cluster")
        assert isinstance(cluster, Cluster)
        kubeconfig = cluster.control_plane.kubeconfig("contract")
        async with connected(kubeconfig) as client:
            door = ApiDoor(cluster.api, cluster.namespace)
            yield Server(client, door, cluster.control_plane.expire_versions)
        return
    path, kubeconfig = tmp_path / "scenario.yaml", tmp_path / "kubeconfig"
    path.write_text(SCENARIO)
    async with started(Options(scenario=path), kubeconfig=kubeconfig, window=WINDOW) as simulator:
        api = Api(simulator.server, "", kubeconfig)

        def forget() -> None:
            for number in range(2 * WINDOW):
                api.create("/api/v1/nodes", node(f"filler-{number}"))

        try:
            async with connected(kubeconfig) as client:
                yield Server(client, ApiDoor(api), forget)
        finally:
            api.close()


async def version(server: Server) -> str:
    found = [page async for page in pages(server.client, "/api/v1/nodes", page_size=2)]
    assert len({page.resource_version for page in found}) == 1
    return found[0].resource_version


async def seen(server: Server, after: str, number: int) -> list[Change]:
    """Return the first changes after a version, bookmarks left out."""
    out: list[Change] = []
    async with aclosing(watch(server.client, "/api/v1/nodes", after)) as watched:
        async for changes in watched:
            out += [change for change in changes if change.type != "BOOKMARK"]
            if len(out) >= number:
                break
    return out


async def test_a_watch_goes_on_from_any_version_it_has_told(server: Server) -> None:
    began = await version(server)
    for name in ("a", "b", "c"):
        server.door.create(node(name))
    server.door.delete("Node", "a")

    whole = await seen(server, began, 4)
    rest = await seen(server, whole[1].metadata.resource_version, 2)

    assert [(c.type, c.metadata.name) for c in whole] == [
        ("ADDED", "a"),
        ("ADDED", "b"),
        ("ADDED", "c"),
        ("DELETED", "a"),
    ]
    assert rest == whole[2:]
    assert whole[3].metadata.uid == whole[0].metadata.uid


async def test_a_list_and_a_watch_from_its_version_miss_nothing(server: Server) -> None:
    server.door.create(node("before"))
    began = await version(server)
    server.door.create(node("after"))

    [change] = await seen(server, began, 1)

    assert change.metadata.name == "after"


async def test_a_watch_from_a_version_that_is_forgotten_has_expired(server: Server) -> None:
    began = await version(server)
    server.door.create(node("a"))
    server.forget()

    with pytest.raises(Expired, match="too old resource version"):
        await seen(server, began, 1)
