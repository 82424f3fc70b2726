"""The in-process door, in the virtual time of the event loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path

import pytest

from scheduler.domain.cluster_events import (
    ClusterEvent,
    Listed,
    NodeChanged,
    PodChanged,
    ServiceChanged,
)
from scheduler.domain.errors import BindConflict
from scheduler.domain.ports import Binding, Cluster, PodNote, RttSource
from scheduler.domain.workload import Pod
from simulator.change import ObjectKey
from simulator.command import Create, FailNodes, Patch
from simulator.happenings import Happenings
from simulator.inprocess import InProcessCluster
from simulator.scenario import parse_scenario
from simulator.status import condition_of
from simulator.world import build
from tests.simulated import pod_object

pytestmark = pytest.mark.looptime

HEAD = """
nodes: {source: metros, count: 20}
timing: {podStart: 2s, nodeGrace: 5s, toleration: 5s}
"""
WEB = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, delay_edge-1: "25"}}
    spec:
      schedulerName: custom-scheduler
      containers: [{name: main, resources: {requests: {cpu: 100m}}}]
"""


@asynccontextmanager
async def running(text: str, tmp_path: Path) -> AsyncIterator[InProcessCluster]:
    (tmp_path / "web.yaml").write_text(WEB)
    scenario = parse_scenario(f"{HEAD}manifests: [web.yaml]\n{text}", "s.yaml")
    door = InProcessCluster(build(scenario, tmp_path / "s.yaml"))
    life = asyncio.create_task(door.live())
    try:
        yield door
    finally:
        life.cancel()
        with suppress(asyncio.CancelledError):
            await life


async def listed(door: Cluster) -> list[ClusterEvent]:
    out: list[ClusterEvent] = []
    async with aclosing(door.events()) as events:  # type: ignore[type-var] # it is a generator
        async for event in events:
            out.append(event)
            if isinstance(event, Listed):
                return out
    raise AssertionError("the list never ended")


async def waiting(door: Cluster) -> list[Pod]:
    found = [e for e in await listed(door) if isinstance(e, PodChanged)]
    return [e.pod for e in found if not e.node]


async def test_the_door_fulfils_the_ports(tmp_path: Path) -> None:
    async with running("", tmp_path) as door:
        cluster: Cluster = door  # held by the type checker
        source: RttSource = door
        async with aclosing(source.tables()) as tables:  # type: ignore[type-var] # a generator
            table = await anext(tables)
        events = await listed(cluster)
    assert set(table.nodes) == {e.node.name for e in events if isinstance(e, NodeChanged)}


async def test_events_list_everything_before_they_say_so(tmp_path: Path) -> None:
    async with running("", tmp_path) as door:
        await asyncio.sleep(1)
        events = await listed(door)

    assert sum(isinstance(e, NodeChanged) for e in events) == 20
    assert sum(isinstance(e, PodChanged) for e in events) == 2
    assert sum(isinstance(e, ServiceChanged) for e in events) == 1
    assert isinstance(events[-1], Listed)


async def test_a_bound_pod_starts_and_its_watchers_see_it(tmp_path: Path) -> None:
    async with running("", tmp_path) as door:
        await asyncio.sleep(1)
        pod = (await waiting(door))[0]
        seen: list[tuple[str, str]] = []

        async def watch() -> None:
            async for event in door.events():
                match event:
                    case PodChanged(changed, node, phase) if changed.key == pod.key:
                        seen.append((node, phase))

        watcher = asyncio.create_task(watch())
        await asyncio.sleep(0)
        await door.bind(Binding(pod, "edge-2", (("isochrone.dev/rtt", "3ms"),)))
        await asyncio.sleep(3)
        watcher.cancel()

        stored = door.cluster.get(ObjectKey("Pod", "default", pod.name))
        assert stored is not None
        assert stored["metadata"]["annotations"] == {"isochrone.dev/rtt": "3ms"}
    assert list(dict.fromkeys(seen)) == [
        ("", "Pending"),
        ("edge-2", "Pending"),
        ("edge-2", "Running"),
    ]


async def test_a_second_binding_is_a_conflict(tmp_path: Path) -> None:
    async with running("", tmp_path) as door:
        await asyncio.sleep(1)
        pod = (await waiting(door))[0]
        await door.bind(Binding(pod, "edge-2"))

        with pytest.raises(BindConflict, match="already assigned"):
            await door.bind(Binding(pod, "edge-3"))


async def test_a_note_is_an_event_and_a_condition(tmp_path: Path) -> None:
    async with running("", tmp_path) as door:
        await asyncio.sleep(1)
        pod = (await waiting(door))[0]
        said = PodNote(
            pod, "Warning", "FailedScheduling", "0/20 nodes are available", "Unschedulable"
        )
        await door.note(said)
        await door.note(said)

        stored = door.cluster.get(ObjectKey("Pod", "default", pod.name))
        assert stored is not None
        condition = condition_of(stored, "PodScheduled")
        events = [e for e in door.cluster.all_of("Event") if e["reason"] == "FailedScheduling"]
    assert condition is not None
    assert (condition["status"], condition["reason"]) == ("False", "Unschedulable")
    assert [(e["count"], e["source"]["component"]) for e in events] == [(2, "custom-scheduler")]


async def test_a_note_about_a_pod_that_is_bound_leaves_its_condition(tmp_path: Path) -> None:
    async with running("", tmp_path) as door:
        await asyncio.sleep(1)
        pod = (await waiting(door))[0]
        await door.bind(Binding(pod, "edge-2"))
        await door.note(PodNote(pod, "Warning", "FailedScheduling", "too late", "Unschedulable"))

        stored = door.cluster.get(ObjectKey("Pod", "default", pod.name))
    assert stored is not None
    condition = condition_of(stored, "PodScheduled")
    assert condition is not None
    assert condition["status"] == "True"


async def test_tables_follow_the_drift_and_the_slow_links(tmp_path: Path) -> None:
    timeline = (
        "drift: 60s\ntimeline: [{at: 20s, slow: {link: [edge-1, edge-2], to: 80ms, for: 20s}}]"
    )
    seen: list[tuple[float, int]] = []
    async with running(timeline, tmp_path) as door:

        async def watch() -> None:
            async for table in door.tables():
                rtt_us = int(table.from_node(table.index["edge-1"])[table.index["edge-2"]])
                seen.append((door.now_s(), rtt_us))

        watcher = asyncio.create_task(watch())
        await asyncio.sleep(61)
        watcher.cancel()
        assert door.drifts == 3

    assert [round(at_s, 3) for at_s, _ in seen] == [0, 20, 40, 60]
    assert seen[1][1] == 80_000
    assert seen[0][1] == seen[2][1] != seen[3][1]


async def test_the_timeline_happens_and_is_told(tmp_path: Path) -> None:
    timeline = """timeline:
  - {at: 10s, fail: {node: edge-2, for: 20s}}
  - {at: 12s, scale: {deployment: web, replicas: 3}}
  - {at: 13s, scale: {deployment: nobody, replicas: 3}}
"""
    async with running(timeline, tmp_path) as door:
        await asyncio.sleep(1)
        for pod in await waiting(door):
            await door.bind(Binding(pod, "edge-2"))
        await asyncio.sleep(59)
        told = {h.text: h.at_s for h in door.happenings}
        facts = door.facts()

    assert told["node edge-2 died"] == 10
    assert told["node edge-2 is unreachable"] == pytest.approx(15)
    assert told["deployment web scaled to 3"] == 12
    assert told['refused: deployments.apps "nobody" not found'] == 13
    assert told["node edge-2 is ready"] == 30
    assert facts.pending == 3  # two were evicted, one was never bound
    assert facts.running == 0


async def test_facts_are_quiet_when_all_is_placed(tmp_path: Path) -> None:
    async with running("settlesAfter: 10s", tmp_path) as door:
        await asyncio.sleep(1)
        before = door.facts()
        for pod in await waiting(door):
            await door.bind(Binding(pod, "edge-2"))
        await asyncio.sleep(5)
        too_early = door.facts()
        await asyncio.sleep(5)
        after = door.facts()

    assert len(before.missing) == 2
    assert not before.is_as_expected
    assert not too_early.is_quiet
    assert after.is_as_expected
    assert (after.running, after.pending, after.nodes_ready) == (2, 0, 20)


async def test_a_pod_that_is_to_wait_must_not_be_placed(tmp_path: Path) -> None:
    async with running("", tmp_path) as door:
        await asyncio.sleep(1)
        pod = pod_object("wishful")
        pod["metadata"]["annotations"] = {"demo.isochrone.dev/expect": "pending"}
        door.execute(Create(pod))
        assert "default/wishful" not in door.facts().missing

        (wishful,) = [p for p in await waiting(door) if p.name == "wishful"]
        await door.bind(Binding(wishful, "edge-1"))
        assert door.facts().surprising == ("default/wishful",)


async def test_a_faster_world_does_more_in_the_same_time(tmp_path: Path) -> None:
    scenario = parse_scenario(f"{HEAD}timeline: [{{at: 100s, cordon: edge-1}}]", "s.yaml")
    door = InProcessCluster(build(scenario, tmp_path / "s.yaml"), speed=50)
    life = asyncio.create_task(door.live())
    await asyncio.sleep(2.1)
    life.cancel()

    assert "node edge-1 cordoned" in [h.text for h in door.happenings]


async def test_a_command_wakes_the_sleeping_world(tmp_path: Path) -> None:
    async with running("drift: 0s", tmp_path) as door:
        await asyncio.sleep(500)
        door.execute(FailNodes(("edge-2",)))
        await asyncio.sleep(6)

        told = {h.text: h.at_s for h in door.happenings}
    assert told["node edge-2 is unreachable"] == pytest.approx(505)


def test_the_log_of_happenings_is_bounded_and_can_be_followed() -> None:
    log = Happenings(kept=3)
    for k in range(5):
        log.say(k, f"line {k}")

    assert [h.text for h in log] == ["line 2", "line 3", "line 4"]
    assert [h.text for h in log.since(4)] == ["line 4"]


async def test_a_new_list_is_taken_in_when_all_that_was_told_is(tmp_path: Path) -> None:
    async with running("", tmp_path) as door:
        taken: list[ClusterEvent] = []

        async def read() -> None:
            async for event in door.events():
                await asyncio.sleep(0.1)
                taken.append(event)

        reader = asyncio.create_task(read())
        await asyncio.sleep(0)
        door.execute(Create(pod_object("late")))
        await door.list_anew()
        reader.cancel()
        told = [e.pod.name for e in taken if isinstance(e, PodChanged)]
    assert "late" in told


async def test_a_surplus_replica_is_made_and_the_marked_pod_goes_when_it_is_taken_back(
    tmp_path: Path,
) -> None:
    async with running("", tmp_path) as door:
        await asyncio.sleep(1)
        [first, second] = await waiting(door)
        for one in (first, second):
            await door.bind(Binding(one, "edge-1"))
        await asyncio.sleep(5)

        assert await door.surge(first) == 3
        await asyncio.sleep(1)
        [third] = await waiting(door)
        await door.bind(Binding(third, "edge-2"))
        await asyncio.sleep(5)
        assert await door.end_surge(first, 3, stays=False)
        await asyncio.sleep(60)

        told = [e for e in await listed(door) if isinstance(e, PodChanged)]
        assert {e.pod.uid for e in told} == {second.uid, third.uid}
        assert all(e.is_ready for e in told)
        assert not await door.end_surge(second, 3, stays=False), (
            "somebody else has set the number by now"
        )


async def test_a_deployment_that_is_recreated_does_not_surge(tmp_path: Path) -> None:
    async with running("", tmp_path) as door:
        await asyncio.sleep(1)
        [first, _] = await waiting(door)
        key = ObjectKey("Deployment", "default", "web")
        door.execute(Patch(key, {"spec": {"strategy": {"type": "Recreate"}}}))

        assert await door.surge(first) == 0
