"""The service with nodes that die, return and vanish: who is held down, who waits, what is told."""

from dataclasses import dataclass, field, replace
from functools import partial

import pytest

from scheduler.domain.cluster_events import Listed
from scheduler.domain.cover import BACKUP_ANNOTATION
from scheduler.domain.node import HELD_DOWN_TAINT, Node
from scheduler.domain.ports import ServiceNote
from scheduler.planning.plan import plan
from scheduler.reliability.cover.settings import CoverSettings
from scheduler.service.belief_watch import BeliefWatch
from scheduler.service.logs import silent_logger
from tests.builders import line_rtt, node, pod, within
from tests.harness import Harness

pytestmark = pytest.mark.looptime

COVERED = partial(plan, covering=CoverSettings())
HELD = "back only just (held down)"


def dead(name: str) -> Node:
    return replace(node(name), is_ready=False)


def flap(harness: Harness, name: str) -> None:
    harness.put_node(dead(name))
    harness.put_node(node(name))


@dataclass
class Written:
    """Implements `Announcer`."""

    notes: list[ServiceNote] = field(default_factory=list)

    async def announce(self, note: ServiceNote) -> None:
        self.notes.append(note)


async def test_a_pod_waits_for_a_node_that_is_back_only_just_and_is_told_why() -> None:
    async with Harness(COVERED) as harness:
        harness.put_node(node("a"))
        flap(harness, "a")
        harness.put_pod(pod("p"))
        await harness.settle(9)

        assert harness.placement == {}
        assert f"1 node(s) were {HELD}" in harness.cluster.notes[-1].message
        await harness.settle(4)
        assert harness.placement == {"p": "a"}


async def test_others_take_the_pods_of_a_node_that_is_held_down_and_those_it_runs_stay() -> None:
    async with Harness(COVERED) as harness:
        harness.put_node(node("a"))
        harness.put_node(node("b"))
        harness.put_pod(pod("old"), node="a", phase="Running")
        flap(harness, "a")
        for name in ("one", "two"):
            harness.put_pod(pod(name))
        await harness.settle(2)

        assert harness.placement == {"old": "a", "one": "b", "two": "b"}


async def test_what_a_flap_promised_stays_where_it_was() -> None:
    async with Harness(COVERED) as harness:
        harness.rtt.put(line_rtt(["a", "b", "c"], 1))
        for name in "abc":
            harness.put_node(node(name))
        harness.put_pod(pod("web-1", delays=(within(5, "a"),)))
        await harness.settle(2)
        [binding] = harness.cluster.bindings
        backup = dict(binding.annotations)[BACKUP_ANNOTATION]
        known = harness.state.cache.node(backup)
        assert known is not None
        harness.put_node(replace(known, is_ready=False))
        harness.put_node(known)
        await harness.settle(5)

        assert harness.state.beliefs.held_down == {backup}
        assert harness.cluster.backups == {}


async def test_a_node_that_keeps_dying_is_held_down_for_longer_each_time() -> None:
    async with Harness(COVERED) as harness:
        harness.put_node(node("a"))
        for _ in range(3):
            flap(harness, "a")
            await harness.settle(0.5)
        harness.put_pod(pod("p"))
        await harness.settle(38)
        assert harness.placement == {}
        await harness.settle(5)

        assert harness.placement == {"p": "a"}


async def test_a_node_that_joins_is_trusted_though_it_was_not_ready_at_first() -> None:
    async with Harness(COVERED) as harness:
        harness.put_node(dead("a"))
        harness.put_pod(pod("p"))
        await harness.settle(1)
        harness.put_node(node("a"))
        await harness.settle(2)

        assert harness.placement == {"p": "a"}


async def test_the_hold_down_is_in_snapshots_and_not_on_the_node_that_people_see() -> None:
    async with Harness(COVERED) as harness:
        harness.put_node(node("a"))
        flap(harness, "a")
        await harness.settle(0.5)
        cache = harness.state.cache
        [frozen] = cache.freeze((), 0.0).nodes.nodes

        assert [taint.key for taint in frozen.taints] == [HELD_DOWN_TAINT]
        assert cache.node("a") == node("a")
        await harness.settle(10)
        assert cache.freeze((), 0.0).nodes.nodes == (node("a"),)


async def test_a_node_that_a_complete_list_no_longer_names_has_vanished() -> None:
    async with Harness(COVERED) as harness:
        for name in "abcd":
            harness.put_node(node(name))
        await harness.settle(0.5)
        state = harness.state
        state.cache.begin_listing()
        state.intake.apply(Listed(), state.clock.now_s(), state.clock.wall_s())

        assert state.beliefs.is_suspect


def metric(harness: Harness, name: str) -> float:
    lines = harness.state.metrics.render().decode().splitlines()
    return next(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


async def test_when_half_of_the_nodes_vanish_we_are_suspect_and_say_so_and_when_it_is_over() -> (
    None
):
    async with Harness(COVERED) as harness:
        for name in "abcde":
            harness.put_node(node(name))
        await harness.settle(0.5)
        for name in "abc":
            harness.put_node(dead(name))
        await harness.settle(100)

        beliefs = harness.state.beliefs
        assert beliefs.is_suspect
        assert beliefs.dead == set("abc")
        assert metric(harness, "isochrone_observer_suspect") == 1
        assert metric(harness, 'isochrone_nodes_believed{state="dead"}') == 3
        said = [entry.text for entry in harness.state.journal.since()]
        assert sum("3 of 5 nodes vanished at once" in text for text in said) == 1

        for name in "abc":
            harness.put_node(node(name))
        await harness.settle(1)
        assert not beliefs.is_suspect
        assert beliefs.held_down == set("abc")
        assert metric(harness, "isochrone_observer_suspect") == 0
        assert metric(harness, 'isochrone_nodes_believed{state="held_down"}') == 3
        said = [entry.text for entry in harness.state.journal.since()]
        assert sum("are back, or were removed" in text for text in said) == 1


async def test_the_leader_has_suspicion_and_its_end_written_down_in_the_cluster() -> None:
    written = Written()
    async with Harness(COVERED) as harness:
        watch = BeliefWatch(harness.state, written, silent_logger())
        for name in "abcde":
            harness.put_node(node(name))
        await harness.settle(0.5)
        for name in "abc":
            harness.put_node(dead(name))
        await harness.settle(0.5)
        await watch.look()
        assert written.notes == []

        watch.is_leading = True
        await watch.look()
        await watch.look()
        for name in "abc":
            harness.put_node(node(name))
        await harness.settle(0.5)
        await watch.look()

        assert [(n.kind, n.reason) for n in written.notes] == [
            ("Warning", "ObserverSuspect"),
            ("Normal", "ObserverTrusted"),
        ]
