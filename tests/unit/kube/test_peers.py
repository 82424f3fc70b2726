"""Who is where: nodes by their addresses, agents and exporters by their labels."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from scheduler.domain.cluster_events import Listed
from scheduler.kube.cluster import KubeCluster
from scheduler.kube.kinds import Metadata
from scheduler.kube.measuring_pods import PodGroup
from scheduler.kube.peers import ClusterDirectory
from telemetry.agent.wire import node_key
from telemetry.ports import MeasuringPod
from tests.scripted_api import ScriptedApi, added, deleted, node

AGENTS = PodGroup({"app.kubernetes.io/name": "isochrone-agent"}, "kube-system")
PINGERS = PodGroup({"app": "goldpinger"})
LABELS = {"app.kubernetes.io/name": "isochrone-agent"}


@dataclass
class Told:
    """A directory, and a way to tell it things as reflectors do."""

    directory: ClusterDirectory
    problems: list[str] = field(default_factory=list)

    def node(self, name: str, *addresses: str) -> None:
        listed = [{"type": "InternalIP", "address": one} for one in addresses]
        obj = {"metadata": {"name": name}, "status": {"addresses": listed}}
        self.directory.see_node(Metadata(name=name), compact(obj))

    def no_node(self, name: str) -> None:
        self.directory.see_node(Metadata(name=name), b"")

    def pod(self, name: str, **changes: Any) -> None:  # noqa: ANN401 - whatever a pod holds
        made = pod(name, **changes)
        self.directory.see_pod(metadata(made), compact(made))

    def no_pod(self, name: str, namespace: str = "kube-system") -> None:
        self.directory.see_pod(Metadata(name=name, namespace=namespace), b"")

    def agents(self) -> dict[str, str]:
        """Return the agents' addresses by node."""
        return {name: one.address for name, one in self.directory.current.agents.items()}


def told(*, key_of: Callable[[str], int] = node_key) -> Told:
    problems: list[str] = []
    made = ClusterDirectory(AGENTS, {"goldpinger": PINGERS}, problems.append, key_of=key_of)
    made.is_whole()
    return Told(made, problems)


def compact(obj: object) -> bytes:
    """Return JSON as the API server writes it."""
    return json.dumps(obj, separators=(",", ":")).encode()


def metadata(made: dict[str, Any]) -> Metadata:
    return Metadata(name=made["metadata"]["name"], namespace=made["metadata"]["namespace"])


def pod(  # noqa: PLR0913 - each is one thing a pod may differ in
    name: str,
    *,
    on: str = "a",
    address: str = "10.1.0.1",
    labels: dict[str, str] | None = None,
    namespace: str = "kube-system",
    phase: str = "Running",
    created: str = "2026-01-01T00:00:00Z",
    going: bool = False,
    env: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": LABELS if labels is None else labels,
            "creationTimestamp": created,
        },
        "spec": {"nodeName": on, "containers": [{"name": "main", "env": env or []}]},
        "status": {"phase": phase, "podIP": address, "hostIP": "192.0.2.1"},
    }
    if going:
        made["metadata"]["deletionTimestamp"] = "2026-01-02T00:00:00Z"
    return made


def test_a_node_is_found_by_its_name_and_by_each_of_its_addresses() -> None:
    made = told()
    made.node("b", "10.0.0.2", "2001:db8::2", "b.example.net")
    made.node("a", "10.0.0.1")

    found = made.directory.current

    assert found.nodes == ("a", "b")
    assert found.node_of == {
        "a": "a",
        "b": "b",
        "10.0.0.1": "a",
        "10.0.0.2": "b",
        "2001:db8::2": "b",
        "b.example.net": "b",
    }


def test_an_address_that_moves_and_a_node_that_goes_are_followed() -> None:
    made = told()
    made.node("a", "10.0.0.1")
    made.node("b", "10.0.0.2")
    before = made.directory.current

    made.node("a", "10.0.0.9")
    made.no_node("b")

    found = made.directory.current
    assert found.version > before.version
    assert found.node_of == {"a": "a", "10.0.0.9": "a"}


def test_what_changes_nothing_of_this_makes_no_new_version() -> None:
    made = told()
    made.node("a", "10.0.0.1")
    made.pod("agent")
    before = made.directory.current

    made.node("a", "10.0.0.1")
    made.pod("agent")
    made.pod("web", labels={"app": "web"})
    made.no_pod("web")
    made.no_node("never-seen")

    assert made.directory.current is before


def test_an_address_that_two_nodes_claim_is_nobodys_and_said_once() -> None:
    made = told()
    made.node("a", "10.0.0.1", "10.9.9.9")
    made.node("b", "10.9.9.9", "a")

    assert made.directory.current.node_of == {"a": "a", "b": "b", "10.0.0.1": "a"}
    made.node("c", "10.0.0.3")
    assert made.directory.current.nodes == ("a", "b", "c")
    (problem,) = made.problems
    assert "nodes a and b all have the address 10.9.9.9" in problem


def test_nodes_that_reports_cannot_tell_apart_are_left_out_with_both_names() -> None:
    made = told(key_of=len)
    for name in ("aa", "bb", "c"):
        made.node(name, f"10.0.0.{name}")
        made.pod(f"agent-{name}", on=name)

    found = made.directory.current

    assert found.nodes == ("c",)
    assert set(found.node_of) == {"c", "10.0.0.c"}
    assert ["aa and bb" in problem for problem in made.problems] == [True]
    made.no_node("aa")
    assert made.directory.current.nodes == ("bb", "c")


def test_agents_are_found_by_label_and_namespace() -> None:
    made = told()
    made.pod("agent-a", on="a", address="10.1.0.1")
    made.pod("agent-b", on="b", address="10.1.0.2", namespace="elsewhere")
    made.pod("other", on="c", address="10.1.0.3", labels={"app": "isochrone-agent"})

    assert made.directory.current.agents == {
        "a": MeasuringPod("kube-system/agent-a", "a", "10.1.0.1", "192.0.2.1")
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"phase": "Pending"},
        {"phase": "Failed"},
        {"phase": "Unknown"},
        {"address": ""},
        {"going": True},
        {"on": ""},
        {"labels": {"app": "web"}},
    ],
    ids=str,
)
def test_only_a_pod_that_runs_somewhere_and_stays_is_an_agent(changes: dict[str, Any]) -> None:
    made = told()
    made.pod("agent", **changes)
    assert made.agents() == {}

    made.pod("agent")
    assert made.agents() == {"a": "10.1.0.1"}

    made.pod("agent", **changes)
    assert made.agents() == {}


def test_of_two_pods_on_a_node_the_newer_counts_once_it_runs() -> None:
    made = told()
    made.pod("agent-1", address="10.1.0.1", created="2026-01-01T00:00:00Z")
    made.pod("agent-2", address="10.1.0.2", created="2026-01-01T00:00:05Z", phase="Pending")
    assert made.agents() == {"a": "10.1.0.1"}

    made.pod("agent-2", address="10.1.0.2", created="2026-01-01T00:00:05Z")
    assert made.agents() == {"a": "10.1.0.2"}

    made.no_pod("agent-1")
    assert made.agents() == {"a": "10.1.0.2"}
    made.no_pod("agent-2")
    assert made.agents() == {}


def test_exporters_are_grouped_with_what_they_are_started_with_in_plain_text() -> None:
    made = told()
    env = [
        {"name": "REFRESH_INTERVAL", "value": "30"},
        {"name": "HOSTNAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        {"name": "EMPTY"},
    ]
    labels = {"app": "goldpinger", "version": "3"}
    made.pod("p-b", on="b", address="10.1.0.2", labels=labels, namespace="mon", env=env)
    made.pod("p-a", on="a", address="10.1.0.1", labels=labels, namespace="mon")

    found = made.directory.current

    assert found.agents == {}
    assert [one.name for one in found.exporters["goldpinger"]] == ["mon/p-a", "mon/p-b"]
    assert found.exporters["goldpinger"][1].env == {"REFRESH_INTERVAL": "30", "EMPTY": ""}


@pytest.mark.parametrize("obj", [b'{"goldpinger"', b'"goldpinger"', b'["isochrone-agent"]'])
def test_a_pod_that_cannot_be_read_is_no_agent(obj: bytes) -> None:
    made = told()
    made.pod("agent")
    made.directory.see_pod(Metadata(name="agent", namespace="kube-system"), obj)

    assert made.agents() == {}


def test_a_node_that_cannot_be_read_is_known_by_its_name() -> None:
    made = told()
    made.directory.see_node(Metadata(name="a"), b'{"status":{"addresses":7}}')

    assert made.directory.current.node_of == {"a": "a"}


def test_labels_are_found_however_the_json_is_spaced_and_ordered() -> None:
    made = told()
    one = pod("agent", labels={"a": "b", **LABELS, "z": "isochrone"})
    one["metadata"]["annotations"] = {"note": '{"labels":{"x":"y"}}'}
    one["spec"]["volumes"] = [{"ephemeral": {"metadata": {"labels": {"app": "web"}}}}]
    for obj in (compact(one), json.dumps(one, indent=2).encode(), sorted_json(one)):
        made.directory.see_pod(metadata(one), obj)
        assert made.agents() == {"a": "10.1.0.1"}
        made.no_pod("agent")
        assert made.agents() == {}


def sorted_json(one: dict[str, Any]) -> bytes:
    return json.dumps(one, separators=(",", ":"), sort_keys=True).encode()


@pytest.mark.parametrize("labels", [{}, {"app": ""}, {"app": "x", "tier": ""}])
def test_a_group_without_a_label_is_refused(labels: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="at least one label"):
        PodGroup(labels)


async def test_who_waits_for_a_change_is_told_of_each() -> None:
    made = told()
    seen: list[tuple[str, ...]] = []

    async def follow() -> None:
        while len(seen) < 2:
            await made.directory.changed()
            seen.append(made.directory.current.nodes)

    following = asyncio.create_task(follow())
    await asyncio.sleep(0)
    made.node("a", "10.0.0.1")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    made.node("b", "10.0.0.2")
    async with asyncio.timeout(10):
        await following

    assert seen == [("a",), ("a", "b")]


async def events_until(cluster: KubeCluster, count: int) -> None:
    """Read events until everything was listed, and `count` more."""
    left = -1
    events = cluster.events()
    try:
        async with asyncio.timeout(10):
            async for event in events:
                left = count if isinstance(event, Listed) else left - 1 if left > 0 else left
                if left == 0:
                    return
    finally:
        await events.aclose()


async def test_the_directory_sees_what_the_scheduler_follows_and_forgets_what_is_not_listed_again(
    tmp_path: Path,
) -> None:
    api = ScriptedApi()
    nodes, pods = api.kinds["nodes"], api.kinds["pods"]
    nodes.items = [node("a"), node("old")]
    pods.items = [pod("agent-a"), pod("agent-old", on="old", address="10.1.0.9")]
    nodes.watches = [[added(node("b", 7))]]
    pods.watches = [[deleted(pod("agent-old")), added(pod("agent-b", on="b", address="10.1.0.2"))]]
    directory = ClusterDirectory(AGENTS, {})
    async with api.client(tmp_path) as client:
        cluster = KubeCluster(client, "ours", directory=directory)
        assert not directory.current.nodes
        await events_until(cluster, 3)
        first = directory.current

        nodes.items, pods.items = [node("b")], []
        nodes.watches = pods.watches = []
        reading = cluster.events()
        async with asyncio.timeout(10):
            await anext(reading)
            assert directory.current.nodes == first.nodes  # as it was, until all is told
            async for event in reading:
                if isinstance(event, Listed):
                    break
            await asyncio.wait_for(until_taken(reading, directory, ("b",)), 10)
        await reading.aclose()

    assert first.nodes == ("a", "b", "old")
    assert {name: one.address for name, one in first.agents.items()} == {
        "a": "10.1.0.1",
        "b": "10.1.0.2",
    }
    assert directory.current.agents == {}


async def until_taken(reading: Any, directory: ClusterDirectory, nodes: tuple[str, ...]) -> None:  # noqa: ANN401
    """Go on reading, in vain, until the directory is whole again."""
    more = asyncio.create_task(anext(reading))
    while directory.current.nodes != nodes:  # noqa: ASYNC110 - the reader has no more to tell
        await asyncio.sleep(0.01)
    more.cancel()
    await asyncio.gather(more, return_exceptions=True)
