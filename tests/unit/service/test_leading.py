"""Replicas that stand by, lead, and are deposed."""

import asyncio
from typing import ClassVar

import pytest
from typing_extensions import override

from scheduler.domain.cluster_events import Lost
from scheduler.domain.errors import BindHeldBack
from scheduler.domain.ports import Binding
from scheduler.service.leading import LeadersCluster
from tests.builders import node, pod, within
from tests.harness import Harness
from tests.memory import MemoryCluster, MemoryLeadership
from tests.unit.service.first_fit import first_fit

pytestmark = pytest.mark.looptime


async def test_a_replica_that_stands_by_follows_the_cluster_and_writes_nothing() -> None:
    async with Harness(first_fit, leadership=MemoryLeadership()) as harness:
        harness.put_node(node("a"))
        harness.put_pod(pod("p"))
        await harness.settle(60)

        assert harness.cluster.bindings == []
        assert harness.cluster.notes == []
        assert harness.runtime.is_ready
        assert not harness.runtime.is_leading


async def test_who_does_not_lead_neither_removes_pods_nor_taints_nodes() -> None:
    under, leadership = MemoryCluster(nodes={"a": node("a")}), MemoryLeadership()
    cluster, stuck = LeadersCluster(under, leadership), pod("p")
    with pytest.raises(BindHeldBack):
        await cluster.remove_pod(stuck)
    with pytest.raises(BindHeldBack):
        await cluster.set_out_of_service("a", is_out=True)
    assert under.writes == []

    leadership.is_leading = True
    await cluster.remove_pod(stuck)
    await cluster.set_out_of_service("a", is_out=True)
    assert under.writes == [stuck.key, "a"]


class AskedAnew(MemoryCluster):
    """Takes note of how many lists had begun when it was asked to list anew."""

    begun: ClassVar[list[int]] = []

    @override
    async def list_anew(self) -> None:
        self.begun.append(self.lists)


async def test_who_leads_from_the_start_begins_its_one_list_after_the_lease_is_its_own() -> None:
    leadership, cluster = MemoryLeadership(), AskedAnew()
    cluster.begun.clear()
    leadership.elect()
    async with Harness(first_fit, leadership=leadership, cluster=cluster) as harness:
        await harness.settle()

        # What is asked anew before any list has begun is that first list.
        assert cluster.begun == [0]
        assert cluster.lists == 1
        assert harness.runtime.is_ready


@pytest.mark.parametrize(("is_held", "after_s"), [(True, 0.1), (False, 1.5)])
async def test_who_does_not_lead_lists_at_once_or_when_no_word_of_the_lease_has_come(
    after_s: float, *, is_held: bool
) -> None:
    leadership, cluster = MemoryLeadership(is_held_by_another=is_held), AskedAnew()
    cluster.begun.clear()
    async with Harness(first_fit, leadership=leadership, cluster=cluster) as harness:
        await harness.settle(0.05)
        assert cluster.lists == int(is_held)
        await harness.settle(after_s)
        assert cluster.lists == 1
        leadership.elect()
        await harness.settle()

        assert cluster.begun == [1]  # what another has bound meanwhile may be missing


async def test_a_new_leader_places_what_has_waited_meanwhile() -> None:
    leadership = MemoryLeadership()
    async with Harness(first_fit, leadership=leadership) as harness:
        harness.put_node(node("a"))
        harness.put_pod(pod("p"))
        await harness.settle(60)
        leadership.elect()
        await harness.settle()

        assert harness.placement == {"p": "a"}


async def test_a_deposed_leader_sends_nothing_new() -> None:
    leadership = MemoryLeadership()
    leadership.elect()
    async with Harness(first_fit, leadership=leadership) as harness:
        sent: list[str] = []

        def first_only(binding: Binding) -> None:
            sent.append(binding.pod.name)
            leadership.depose()

        harness.cluster.before_bind = first_only
        harness.cluster.bind_s = 0.0
        harness.put_node(node("a"))
        for name in ("p", "q", "r"):
            harness.put_pod(pod(name))
        await harness.settle(120)

        # Those under way when it was deposed had been sent; nothing followed.
        assert len(sent) <= 3
        number = len(sent)
        harness.put_pod(pod("late"))
        harness.put_pod(pod("too big", cpu_milli=10**9))
        await harness.settle(120)
        assert len(sent) == number
        assert all(note.reason == "Scheduled" for note in harness.cluster.notes)
        assert "late" not in harness.placement


async def test_bindings_that_stand_in_line_are_not_sent_once_deposed() -> None:
    leadership = MemoryLeadership()
    leadership.elect()
    async with Harness(first_fit, leadership=leadership) as harness:
        harness.cluster.bind_s = 1.0
        harness.put_node(node("a", cpu_milli=100_000))
        for number in range(100):  # of which 64 are under way at a time
            harness.put_pod(pod(f"p{number}"))
        await harness.settle(0.5)
        leadership.depose()
        await harness.settle(60)

        assert len(harness.cluster.bindings) == 64


async def test_a_leader_that_is_told_of_its_end_stops_and_releases() -> None:
    leadership = MemoryLeadership()
    leadership.elect()
    harness = Harness(first_fit, leadership=leadership)
    running = asyncio.create_task(harness.runtime.run())
    await harness.settle()
    leadership.tell_deposed()
    async with asyncio.timeout(60):
        await running

    assert harness.runtime.is_deposed
    assert leadership.released == 1


async def test_nothing_is_decided_while_changes_may_have_been_missed() -> None:
    async with Harness(first_fit) as harness:
        harness.put_node(node("a"))
        await harness.settle()
        harness.cluster.emit(Lost("pods: too old resource version"))
        harness.put_pod(pod("p"))
        await harness.settle(30)
        assert harness.cluster.bindings == []
        assert not harness.runtime.is_ready

        harness.cluster.emit_listed()
        await harness.settle()
        assert harness.placement == {"p": "a"}


async def test_a_restarted_service_does_not_repeat_what_the_condition_says_already() -> None:
    async with Harness(first_fit) as harness:
        harness.put_node(node("a", cpu_milli=1))
        said = "0/1 nodes are available: 1 Insufficient cpu."
        harness.put_pod(pod("p"), said=said)
        await harness.settle(5)
        assert harness.cluster.notes == []

        harness.put_node(node("b", cpu_milli=1))
        await harness.settle(330)
        assert [note.message for note in harness.cluster.notes] == [
            "0/2 nodes are available: 2 Insufficient cpu."
        ]
        assert harness.cluster.notes[0].has_condition


async def test_a_leader_that_is_out_of_touch_for_a_while_goes_on_when_it_is_back() -> None:
    leadership = MemoryLeadership()
    leadership.elect()
    async with Harness(first_fit, leadership=leadership) as harness:
        harness.put_node(node("a"))
        await harness.settle()
        leadership.is_leading = False
        harness.put_pod(pod("p"))
        await harness.settle(30)
        assert harness.cluster.bindings == []
        leadership.is_leading = True  # a renewal that nobody is told of
        await harness.settle(2)

        assert harness.placement == {"p": "a"}


async def test_a_new_leader_tells_of_delays_that_have_no_effect() -> None:
    leadership = MemoryLeadership()
    async with Harness(first_fit, leadership=leadership) as harness:
        foreign = pod("p", delays=(within(5, "edge-1"),))
        harness.put_pod(foreign, scheduler="default-scheduler")
        await harness.settle(60)
        assert harness.cluster.notes == []
        leadership.elect()
        await harness.settle()

        assert [note.reason for note in harness.cluster.notes] == ["DelayIgnored"]


async def test_nothing_new_is_sent_once_it_is_to_stop() -> None:
    async with Harness(first_fit) as harness:
        harness.cluster.bind_s = 5.0
        harness.put_node(node("a", cpu_milli=100_000))
        for number in range(100):  # of which 64 are under way at a time
            harness.put_pod(pod(f"p{number}"))
        await harness.settle(1)
        harness.runtime.stop()
        await harness.settle(30)

        assert len(harness.cluster.bindings) == 64


@pytest.mark.parametrize(("bind_s", "released"), [(5.0, 1), (500.0, 0)])
async def test_leadership_is_given_up_only_when_nothing_is_under_way_any_more(
    bind_s: float, released: int
) -> None:
    leadership = MemoryLeadership()
    leadership.elect()
    harness = Harness(first_fit, leadership=leadership)
    harness.cluster.bind_s = bind_s
    running = asyncio.create_task(harness.runtime.run())
    await harness.settle()
    harness.put_node(node("a"))
    harness.put_pod(pod("p"))
    await harness.settle(1)
    harness.runtime.stop()
    await running

    assert leadership.released == released
