"""Who is where, read of a real API server: nodes by address, agents and exporters by label."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path

import pytest

from scheduler.kube.client import connected
from scheduler.kube.cluster import KubeCluster
from scheduler.kube.measuring_pods import PodGroup
from scheduler.kube.peers import ClusterDirectory
from tests.real.api import Object
from tests.real.cluster import Cluster
from tests.real.objects import node, pod
from tests.real.service_tokens import AGENT, add_account, add_agent_pod, set_running

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("control-plane")]


def addressed(name: str, *addresses: tuple[str, str]) -> Object:
    made = node(name)
    made["status"]["addresses"] = [{"type": kind, "address": at} for kind, at in addresses]
    return made


@asynccontextmanager
async def following(cluster: Cluster, kubeconfig: Path) -> AsyncIterator[ClusterDirectory]:
    """Follow the cluster as the scheduler does; yield the directory."""
    agents = PodGroup({"app.kubernetes.io/name": AGENT}, cluster.namespace)
    directory = ClusterDirectory(agents, {"goldpinger": PodGroup({"app": "goldpinger"})})

    async def read(followed: KubeCluster) -> None:
        async with aclosing(followed.events()) as events:
            async for _ in events:
                pass

    before = open_sockets()
    async with connected(kubeconfig) as client:
        reading = asyncio.create_task(read(KubeCluster(client, "ours", directory=directory)))
        try:
            yield directory
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
    # A watch that is broken off says goodbye to the server; that takes a moment, and the loop.
    async with asyncio.timeout(10):
        while open_sockets() > before:  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.01)


def open_sockets() -> int:
    """Return how many sockets this process has open."""
    count = 0
    for one in list(Path("/proc/self/fd").iterdir()):
        with suppress(FileNotFoundError):  # the one that read the folder
            count += str(one.readlink()).startswith("socket:")
    return count


async def until(directory: ClusterDirectory, holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await directory.changed()


async def test_agents_and_nodes_are_known_as_they_come_move_and_go(
    cluster: Cluster, kubeconfig: Path
) -> None:
    cluster.add_nodes(
        [
            addressed("edge-1", ("InternalIP", "192.0.2.1"), ("InternalIP", "2001:db8::1")),
            addressed("edge-2", ("InternalIP", "192.0.2.2"), ("ExternalDNS", "two.example.net")),
        ]
    )
    add_account(cluster, AGENT)
    add_agent_pod(cluster, "agent-1", "edge-1", address="10.0.0.1")
    add_agent_pod(cluster, "agent-2", "edge-2")

    async with following(cluster, kubeconfig) as directory:

        def agents() -> dict[str, str]:
            return {name: one.address for name, one in directory.current.agents.items()}

        await until(directory, lambda: agents() == {"edge-1": "10.0.0.1"})
        assert directory.current.node_of == {
            "edge-1": "edge-1",
            "edge-2": "edge-2",
            "192.0.2.1": "edge-1",
            "2001:db8::1": "edge-1",
            "192.0.2.2": "edge-2",
            "two.example.net": "edge-2",
        }

        await asyncio.to_thread(set_running, cluster, "agent-2", "10.0.0.2")
        await until(directory, lambda: agents() == {"edge-1": "10.0.0.1", "edge-2": "10.0.0.2"})

        await asyncio.to_thread(cluster.delete_pod, "agent-1")
        await until(directory, lambda: agents() == {"edge-2": "10.0.0.2"})

        await asyncio.to_thread(cluster.delete_node, "edge-1")
        await until(directory, lambda: directory.current.nodes == ("edge-2",))


async def test_exporters_are_known_with_their_plain_environment_and_their_nodes_address(
    cluster: Cluster, kubeconfig: Path
) -> None:
    cluster.add_nodes([node("edge-1")])
    made = pod("pinger", labels={"app": "goldpinger"}, scheduler="default-scheduler")
    made["spec"]["nodeName"] = "edge-1"
    made["spec"]["containers"][0]["env"] = [
        {"name": "REFRESH_INTERVAL", "value": "30"},
        {"name": "HOSTNAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
    ]
    cluster.add_pods([made])
    running = {
        "phase": "Running",
        "podIP": "10.0.0.7",
        "podIPs": [{"ip": "10.0.0.7"}],
        "hostIP": "192.0.2.1",
        "hostIPs": [{"ip": "192.0.2.1"}],
    }
    cluster.api.patch(f"{cluster.path}/pods/pinger/status", {"status": running})

    async with following(cluster, kubeconfig) as directory:
        await until(directory, lambda: bool(directory.current.exporters.get("goldpinger")))
        (found,) = directory.current.exporters["goldpinger"]

    assert (found.node, found.address, found.host_address) == ("edge-1", "10.0.0.7", "192.0.2.1")
    assert found.name == f"{cluster.namespace}/pinger"
    assert found.env == {"REFRESH_INTERVAL": "30"}
