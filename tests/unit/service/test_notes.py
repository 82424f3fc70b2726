"""Events and conditions beside the main path: in order, tried again, and never too late."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from typing_extensions import override

from scheduler.domain.errors import BindRefused, ClusterUnavailable, SchedulerError
from scheduler.domain.plan import Plan, Unplaced
from scheduler.domain.ports import Binding, PodNote
from scheduler.domain.reasons import Cause, NodeReason, Refusal
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.placement.settings import PlacementSettings
from scheduler.service.logs import silent_logger
from scheduler.service.notes import MOST_TRIES, MOST_TRIES_REFUSED, NoteWriter
from tests.builders import node, pod
from tests.harness import Harness
from tests.memory import MemoryCluster
from tests.unit.service.first_fit import first_fit

pytestmark = pytest.mark.looptime


@asynccontextmanager
async def writing(cluster: MemoryCluster) -> AsyncIterator[NoteWriter]:
    writer = NoteWriter(cluster, silent_logger())
    running = asyncio.create_task(writer.run())
    try:
        yield writer
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def lose_answers(cluster: MemoryCluster, times: int) -> None:
    """Let the next notes go unanswered."""
    answers = [ClusterUnavailable("down")] * times

    def down(_: PodNote) -> None:
        if answers:
            raise answers.pop()

    cluster.before_note = down


def waits(name: str, why: str) -> PodNote:
    return PodNote(pod(name), "Warning", "FailedScheduling", why, "Unschedulable")


async def test_a_note_that_goes_unanswered_is_tried_again() -> None:
    cluster = MemoryCluster()
    lose_answers(cluster, 2)
    async with writing(cluster) as writer:
        writer.put(waits("p", "no room"))
        await writer.drain()

    assert [note.message for note in cluster.notes] == ["no room"]


async def test_a_note_that_is_never_answered_is_given_up_and_whoever_put_it_knows() -> None:
    cluster = MemoryCluster()
    tries: list[PodNote] = []
    unwritten: list[str] = []

    def down(note: PodNote) -> None:
        tries.append(note)
        raise ClusterUnavailable("down")

    cluster.before_note = down
    async with writing(cluster) as writer:
        writer.put(waits("p", "no room"), on_failure=lambda: unwritten.append("p"))
        await writer.drain()

    assert len(tries) == MOST_TRIES
    assert unwritten == ["p"]


async def test_a_note_that_is_refused_at_first_is_written_once_it_is_let_in() -> None:
    cluster = MemoryCluster()
    refusals = [SchedulerError("403, forbidden")]

    def starting(_: PodNote) -> None:
        if refusals:
            raise refusals.pop()

    cluster.before_note = starting
    async with writing(cluster) as writer:
        writer.put(waits("p", "no room"))
        await writer.drain()

    assert [note.message for note in cluster.notes] == ["no room"]


async def test_a_note_that_is_refused_again_and_again_is_given_up_sooner() -> None:
    cluster = MemoryCluster()
    tries: list[PodNote] = []
    unwritten: list[str] = []

    def refused(note: PodNote) -> None:
        tries.append(note)
        raise SchedulerError("403, forbidden")

    cluster.before_note = refused
    async with writing(cluster) as writer:
        writer.put(waits("p", "no room"), on_failure=lambda: unwritten.append("p"))
        await writer.drain()

    assert len(tries) == MOST_TRIES_REFUSED
    assert unwritten == ["p"]


async def test_a_newer_note_takes_the_place_of_one_that_waits_to_be_tried_again() -> None:
    cluster = MemoryCluster()
    lose_answers(cluster, 1)
    async with writing(cluster) as writer:
        writer.put(waits("p", "old"))
        await asyncio.sleep(0.5)
        writer.put(waits("p", "new"))
        await writer.drain()
        await asyncio.sleep(60)

    assert [note.message for note in cluster.notes] == ["new"]


async def test_a_withdrawn_note_is_not_written() -> None:
    cluster = MemoryCluster()
    lose_answers(cluster, 1)
    async with writing(cluster) as writer:
        writer.put(waits("p", "no room"))
        await asyncio.sleep(0.5)
        await writer.withdraw(pod("p"), "FailedScheduling")
        await writer.drain()
        await asyncio.sleep(60)

    assert cluster.notes == []


@dataclass
class SlowNotes(MemoryCluster):
    """Takes five seconds for each note, and remembers what was done in which order."""

    order: list[str] = field(default_factory=list)

    @override
    async def note(self, note: PodNote) -> None:
        await asyncio.sleep(5)
        self.order.append(f"{note.reason} {note.pod.name}")

    @override
    async def bind(self, binding: Binding) -> None:
        await super().bind(binding)
        self.order.append(f"bound {binding.pod.name}")


async def test_a_condition_that_says_a_pod_waits_never_arrives_after_its_binding() -> None:
    slow = SlowNotes()
    async with Harness(first_fit, cluster=slow) as harness:
        harness.put_pod(pod("p"))
        await harness.settle(0.5)  # its note is under way
        harness.put_node(node("a"))
        await harness.settle(30)

    assert slow.order == ["FailedScheduling p", "bound p", "Scheduled p"]


async def test_a_binding_that_is_not_allowed_is_told_on_the_pod() -> None:
    async with Harness(first_fit) as harness:

        def no(binding: Binding) -> None:
            raise BindRefused(binding.pod.key, binding.node, "quota says no")

        harness.cluster.before_bind = no
        harness.put_node(node("a"))
        harness.put_pod(pod("p"))
        await harness.settle(60)

        [note] = harness.cluster.notes
        assert (note.reason, note.condition) == ("FailedScheduling", "SchedulerError")
        assert note.message == "binding rejected: quota says no"
        assert not harness.placement


async def test_a_node_that_goes_while_a_note_is_waited_for_is_not_bound_to() -> None:
    slow = SlowNotes()
    async with Harness(first_fit, cluster=slow) as harness:
        harness.put_pod(pod("p"))
        await harness.settle(0.5)  # its note is under way
        harness.put_node(node("a"))
        await harness.settle(2)
        harness.delete_node("a")
        await harness.settle(30)

        assert harness.cluster.bindings == []


async def test_a_binding_that_goes_unanswered_again_and_again_is_told_on_the_pod() -> None:
    async with Harness(first_fit) as harness:

        def fail(binding: Binding) -> None:
            raise ClusterUnavailable(f"500, failed calling webhook for {binding.pod.name}")

        harness.cluster.before_bind = fail
        harness.put_node(node("a"))
        harness.put_pod(pod("p"))
        await harness.settle(10)

        [note] = harness.cluster.notes
        assert note.condition == "SchedulerError"
        assert "failed calling webhook" in note.message


async def test_a_pod_whose_bindings_go_unanswered_is_tried_elsewhere_in_the_end() -> None:
    async with Harness(first_fit) as harness:

        def fail(binding: Binding) -> None:
            if binding.node == "a":
                raise ClusterUnavailable("500, the quota of a is broken")

        harness.cluster.before_bind = fail
        harness.put_node(node("a"))
        harness.put_pod(pod("p"))
        await harness.settle(5)
        harness.delete_node("a")
        harness.put_node(node("a", cpu_milli=50))
        harness.put_node(node("b"))
        await harness.settle(300)

        assert harness.placement == {"p": "b"}


async def test_a_nearest_node_that_drifts_is_told_again_only_after_a_while() -> None:
    at_ms = [31.0]

    def drifting(snapshot: ClusterSnapshot, _: PlacementSettings) -> Plan:
        far = f"node(s) exceeded delay to a (25ms; nearest b {at_ms[0]}ms)"
        said = NodeReason(Cause.DELAY, far, 1)
        return Plan((), tuple(Unplaced(p, Refusal(1, (), (said,))) for p in snapshot.pending))

    async with Harness(drifting) as harness:
        harness.put_pod(pod("p"))
        for _ in range(20):
            at_ms[0] += 0.1
            harness.put_node(node("b", cpu_milli=1000 + round(at_ms[0] * 10)))
            await harness.settle(20)

        assert 1 < len(harness.cluster.notes) <= 3
