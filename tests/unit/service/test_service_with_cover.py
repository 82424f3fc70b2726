"""The service with cover: backups on bindings, reserves kept, lost pods replaced there."""

from dataclasses import replace
from functools import partial

import pytest

from scheduler.domain.cluster_events import PodChanged
from scheduler.domain.cover import BACKUP_ANNOTATION, REPLACES_ANNOTATION
from scheduler.domain.node import Node
from scheduler.domain.workload import Pod, Toleration
from scheduler.planning.plan import plan
from scheduler.reliability.cover.settings import CoverSettings
from tests.builders import line_rtt, node, pod, within, workload
from tests.harness import Harness

pytestmark = pytest.mark.looptime

COVERED = partial(plan, covering=CoverSettings())
A_NODE = 1000
HELD_DOWN_S = 12.0
"""Longer than a node takes to be trusted that died once."""


def small(name: str, **spec: object) -> Node:
    return replace(node(name, cpu_milli=A_NODE), **spec)  # type: ignore[arg-type]


def web(name: str, cpu_milli: int = 600) -> Pod:
    near = (within(5, "a"),)
    return pod(name, cpu_milli=cpu_milli, delays=near, workload=workload("web"))


def three(harness: Harness) -> None:
    """Three nodes a millisecond from each other."""
    harness.rtt.put(line_rtt(["a", "b", "c"], 1))
    for name in "abc":
        harness.put_node(small(name))


def marks(harness: Harness, name: str) -> dict[str, str]:
    [binding] = [b for b in harness.cluster.bindings if b.pod.name == name]
    return dict(binding.annotations)


async def test_the_backup_travels_on_the_binding() -> None:
    async with Harness(COVERED) as harness:
        three(harness)
        harness.put_pod(web("web-1"))
        await harness.settle()

        assert harness.placement == {"web-1": "a"}
        assert marks(harness, "web-1")[BACKUP_ANNOTATION] in ("b", "c")


async def test_a_reserve_is_kept_from_pods_that_come_later() -> None:
    async with Harness(COVERED) as harness:
        three(harness)
        harness.put_pod(web("web-1"))
        await harness.settle()
        backup = marks(harness, "web-1")[BACKUP_ANNOTATION]
        for name in ("one", "two"):
            harness.put_pod(pod(name, cpu_milli=600))
            await harness.settle()

        assert backup not in harness.placement.values()
        assert sorted(harness.placement) in (["one", "web-1"], ["two", "web-1"])
        assert "kept their room for pods of a node that fails" in harness.cluster.notes[-1].message


async def test_a_reserve_is_given_back_when_its_pod_goes() -> None:
    async with Harness(COVERED) as harness:
        three(harness)
        harness.put_pod(web("web-1"))
        await harness.settle()
        for name in ("one", "two"):
            harness.put_pod(pod(name, cpu_milli=600))
            await harness.settle()
        harness.delete_pod("default/web-1")
        await harness.settle(2)

        assert sorted(harness.placement) == ["one", "two"]


async def test_the_backup_is_read_back_after_a_restart() -> None:
    async with Harness(COVERED) as harness:
        three(harness)
        harness.put_pod(replace(web("web-1"), backup="c"), node="a", phase="Running")
        for name in ("one", "two"):
            harness.put_pod(pod(name, cpu_milli=600))
        await harness.settle()

        assert [p for p, on in harness.placement.items() if on == "c"] == []
        assert harness.cluster.backups == {}


async def a_pod_is_lost(harness: Harness) -> tuple[Pod, str]:
    """Have a covered pod lose its node, and be told to go; return it and its backup."""
    three(harness)
    lost = harness.put_pod(web("web-1"))
    await harness.settle()
    backup = marks(harness, "web-1")[BACKUP_ANNOTATION]
    harness.put_node(small("a", is_ready=False))
    event = PodChanged(lost, "a", "Running", is_terminating=True)
    harness.cluster.pods[lost.key] = event
    harness.cluster.emit(event)
    return lost, backup


async def test_a_replacement_is_bound_to_the_place_of_the_pod_it_replaces() -> None:
    async with Harness(COVERED) as harness:
        lost, backup = await a_pod_is_lost(harness)
        harness.put_pod(pod("other", cpu_milli=600))
        harness.put_pod(web("web-2"))
        await harness.settle()

        assert harness.placement["web-2"] == backup
        assert marks(harness, "web-2")[REPLACES_ANNOTATION] == lost.uid


async def test_a_place_is_promised_before_the_replacement_is_there() -> None:
    async with Harness(COVERED) as harness:
        _, backup = await a_pod_is_lost(harness)
        for name in ("one", "two"):
            harness.put_pod(pod(name, cpu_milli=600))
            await harness.settle()
        assert backup not in [on for name, on in harness.placement.items() if name != "web-1"]

        harness.put_pod(web("web-2"))
        await harness.settle()

        assert harness.placement["web-2"] == backup


async def test_a_pod_removed_before_its_replacement_comes_is_remembered() -> None:
    async with Harness(COVERED) as harness:
        lost, backup = await a_pod_is_lost(harness)
        await harness.settle()
        harness.delete_pod(lost.key)
        await harness.settle()
        harness.put_pod(pod("other", cpu_milli=600))
        await harness.settle()
        harness.put_pod(web("web-2"))
        await harness.settle()

        assert harness.placement["web-2"] == backup


async def test_one_place_is_given_to_one_replacement() -> None:
    async with Harness(COVERED) as harness:
        lost, _ = await a_pod_is_lost(harness)
        for name in ("web-2", "web-3"):
            harness.put_pod(web(name, cpu_milli=600))
            await harness.settle()

        replacing = [
            b for b in harness.cluster.bindings if (REPLACES_ANNOTATION, lost.uid) in b.annotations
        ]
        assert [b.pod.name for b in replacing] == ["web-2"]


async def test_the_place_is_free_again_when_the_node_is_back() -> None:
    async with Harness(COVERED) as harness:
        _, backup = await a_pod_is_lost(harness)
        harness.delete_pod("default/web-1")
        await harness.settle()
        harness.put_node(small("a"))
        await harness.settle()
        for name in ("one", "two", "three"):
            harness.put_pod(pod(name, cpu_milli=600))
        await harness.settle(HELD_DOWN_S)

        assert backup in harness.placement.values()
        assert len(harness.placement) == 3


async def test_a_backup_whose_node_dies_is_chosen_anew_and_written_on_the_pod() -> None:
    async with Harness(COVERED) as harness:
        three(harness)
        harness.put_pod(web("web-1"))
        await harness.settle(2)
        backup = marks(harness, "web-1")[BACKUP_ANNOTATION]
        harness.put_node(small(backup, is_ready=False))
        await harness.settle(5)

        [other] = {"b", "c"} - {backup}
        assert harness.cluster.backups == {"default/web-1": other}


async def test_a_pod_that_loses_its_cover_says_so_and_says_when_it_has_it_again() -> None:
    async with Harness(COVERED) as harness:
        three(harness)
        harness.put_pod(web("web-1"))
        await harness.settle(2)
        for name in "bc":
            harness.put_node(small(name, is_ready=False))
        await harness.settle(5)
        assert [n.reason for n in harness.cluster.notes][-1] == "NotCovered"
        said = harness.state.metrics.render().decode()
        assert 'isochrone_cover_pods{state="uncovered"} 1.0' in said

        harness.put_node(small("b"))
        await harness.settle(HELD_DOWN_S)

        assert [n.reason for n in harness.cluster.notes][-1] == "CoveredAgain"
        assert harness.cluster.backups == {"default/web-1": "b"}


async def test_a_pod_that_was_placed_before_there_was_cover_gets_a_backup() -> None:
    async with Harness(COVERED) as harness:
        three(harness)
        harness.put_pod(web("web-1"), node="a", phase="Running")
        await harness.settle(5)

        assert harness.cluster.backups["default/web-1"] in ("b", "c")


async def test_room_freed_beside_a_reserve_wakes_whom_the_reserve_kept_out() -> None:
    """It fitted there before, but for the reserve; now it fits beside the reserve too."""
    async with Harness(COVERED) as harness:
        three(harness)
        harness.put_pod(replace(web("web-1", cpu_milli=300), backup="c"), node="a", phase="Running")
        harness.put_pod(pod("there", cpu_milli=300), node="c", phase="Running")
        harness.put_pod(pod("full", cpu_milli=900), node="b", phase="Running")
        harness.put_pod(pod("more", cpu_milli=600), node="a", phase="Running")
        await harness.settle()
        harness.put_pod(pod("waits", cpu_milli=600))
        await harness.settle(15)
        assert "waits" not in harness.placement
        assert "kept their room" in harness.cluster.notes[-1].message

        harness.delete_pod("default/there")
        await harness.settle(2)

        assert harness.placement["waits"] == "c"


async def test_a_reserve_that_the_cluster_tells_to_be_elsewhere_wakes_whom_it_kept_out() -> None:
    async with Harness(COVERED) as harness:
        three(harness)
        covered = replace(web("web-1"), backup="c")
        covered = harness.put_pod(covered, node="a", phase="Running")
        harness.put_pod(pod("full", cpu_milli=300), node="b", phase="Running")
        await harness.settle()
        harness.put_pod(pod("waits", cpu_milli=900))
        await harness.settle(15)
        assert "waits" not in harness.placement

        harness.put_pod(replace(covered, backup="b"), node="a", phase="Running")
        await harness.settle(2)

        assert harness.placement["waits"] == "c"


async def test_a_place_that_nobody_takes_is_given_to_others_in_the_end() -> None:
    async with Harness(COVERED) as harness:
        lost, backup = await a_pod_is_lost(harness)
        harness.delete_pod(lost.key)
        for name in ("one", "two"):
            harness.put_pod(pod(name, cpu_milli=600))
        await harness.settle(500)
        assert backup not in harness.placement.values()
        await harness.settle(110)

        assert backup in harness.placement.values()


async def test_who_replaces_a_pod_elsewhere_gives_its_place_to_others() -> None:
    """A place that does not admit the successor any more is kept for nobody."""
    async with Harness(COVERED) as harness:
        lost, backup = await a_pod_is_lost(harness)
        other = "c" if backup == "b" else "b"
        harness.put_node(small(backup, is_unschedulable=True))
        await harness.settle()
        tolerant = (Toleration("node.kubernetes.io/unschedulable", "Exists"),)
        harness.put_pod(pod("waits", cpu_milli=600, tolerations=tolerant, node_name=backup))
        await harness.settle(5)
        assert "waits" not in harness.placement
        harness.put_pod(web("web-2"))
        await harness.settle(2)
        assert harness.placement["web-2"] == other
        assert marks(harness, "web-2")[REPLACES_ANNOTATION] == lost.uid

        assert harness.placement["waits"] == backup
