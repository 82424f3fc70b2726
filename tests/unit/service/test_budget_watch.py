"""Broken budgets: suspected, measured again, believed after three bursts, told once."""

import pytest

from scheduler.planning.plan import plan
from scheduler.service.budget_watch import PROBES_AT_ONCE
from telemetry.model import UNKNOWN_US
from tests.builders import node, pod, within
from tests.harness import Harness
from tests.memory import MemoryLeadership
from tests.true_network import TrueNetwork

pytestmark = pytest.mark.looptime


def network() -> TrueNetwork:
    """Return a, b and c, all 10 ms apart."""
    measured = TrueNetwork({(i, j): 10_000 for i in "abc" for j in "abc" if i != j})
    measured.measure_all()
    return measured


def started(measured: TrueNetwork, leadership: MemoryLeadership | None = None) -> Harness:
    harness = Harness(plan, leadership=leadership, network=measured)
    for name in "abc":
        harness.cluster.nodes[name] = node(name)
    return harness


def run_near_a(harness: Harness) -> None:
    harness.put_pod(pod("p", delays=(within(25, "a"),)), node="b", phase="Running")


def told(harness: Harness, reason: str) -> list[str]:
    return [note.message for note in harness.cluster.notes if note.reason == reason]


def slow(measured: TrueNetwork, rtt_us: int) -> None:
    measured.truth["a", "b"] = measured.truth["b", "a"] = rtt_us


async def test_a_link_that_stays_slow_is_believed_after_three_bursts_and_told_once() -> None:
    measured = network()
    async with started(measured) as harness:
        run_near_a(harness)
        await harness.settle(5)
        assert harness.state.broken == ()
        slow(measured, 60_000)
        measured.measure("a")
        await harness.settle(3)
        assert harness.state.broken == (), "one burst is no news yet"
        await harness.settle(30)
    assert harness.state.broken is not None
    assert len(harness.state.broken) == 1
    said = told(harness, "DelayExceeded")
    assert said == ["delay to a within 25ms is broken: 60ms from a to b"]
    assert measured.probes.count(("a", ("b",))) >= 2


async def test_a_jump_that_is_over_by_the_next_burst_is_never_told() -> None:
    measured = network()
    async with started(measured) as harness:
        run_near_a(harness)
        await harness.settle(5)
        slow(measured, 60_000)
        measured.measure("a")
        slow(measured, 10_000)
        await harness.settle(30)
    assert harness.state.broken == ()
    assert told(harness, "DelayExceeded") == []


async def test_a_budget_that_holds_again_is_told_too() -> None:
    measured = network()
    async with started(measured) as harness:
        run_near_a(harness)
        await harness.settle(5)
        slow(measured, 60_000)
        measured.measure("a")
        await harness.settle(30)
        slow(measured, 10_000)
        measured.measure("a")
        await harness.settle(10)
    assert harness.state.broken == ()
    assert len(told(harness, "DelayExceeded")) == 1
    assert told(harness, "DelayRestored") == [
        "delay to a within 25ms holds again, or is no longer known to be broken"
    ]


async def test_a_node_that_answers_no_more_breaks_no_budget() -> None:
    measured = network()
    async with started(measured) as harness:
        run_near_a(harness)
        await harness.settle(5)
        slow(measured, UNKNOWN_US)
        for _ in range(6):
            measured.measure("a")
            await harness.settle(5)
    assert told(harness, "DelayExceeded") == []


async def test_what_decisions_hang_on_is_what_agents_are_told_to_measure() -> None:
    measured = network()
    slow(measured, 24_000)
    measured.measure_all()
    async with started(measured) as harness:
        run_near_a(harness)
        harness.put_pod(pod("q", delays=(within(5, "c"),)), scheduler="another")
        await harness.settle(5)
    assert measured.stars == {"a", "c"}
    assert measured.near == {"a": frozenset("b")}


async def test_the_last_values_of_a_dead_reference_stay_and_nothing_is_asked_of_it() -> None:
    measured = network()
    async with started(measured) as harness:
        run_near_a(harness)
        await harness.settle(5)
        harness.put_node(node("a", is_ready=False))
        await harness.settle(2_000)
        assert measured.stars == frozenset()
        rtt = harness.state.cache.rtt
        assert int(rtt.from_node(rtt.index["a"])[rtt.index["b"]]) == 10_000
        assert int(rtt.from_node(rtt.index["b"])[rtt.index["c"]]) == UNKNOWN_US


async def test_a_replica_that_stands_by_tells_nothing_and_tells_it_when_it_leads() -> None:
    measured, leadership = network(), MemoryLeadership()
    async with started(measured, leadership) as harness:
        run_near_a(harness)
        await harness.settle(5)
        slow(measured, 60_000)
        for _ in range(4):
            measured.measure("a")
            await harness.settle(5)
        assert told(harness, "DelayExceeded") == []
        leadership.elect()
        await harness.settle(10)
        assert len(told(harness, "DelayExceeded")) == 1


async def test_suspects_behind_more_references_without_agents_than_fit_are_measured() -> None:
    names = [f"r{k:03d}" for k in range(PROBES_AT_ONCE + 6)]
    measured = TrueNetwork({(i, "x"): 10_000 for i in names} | {("x", i): 10_000 for i in names})
    measured.store.know(measured.nodes)
    measured.silent.update({*names[:-1], "x"})
    harness = Harness(plan, network=measured)
    harness.cluster.nodes.update({name: node(name) for name in measured.nodes})
    async with harness:
        for name in names:
            run = pod(f"p-{name}", cpu_milli=10, delays=(within(5, name),))
            harness.put_pod(run, node="x", phase="Running")
        await harness.settle(10)
    assert (names[-1], ("x",)) in measured.probes


async def test_of_more_suspects_than_fit_all_are_measured_in_turn() -> None:
    names = [f"r{k:03d}" for k in range(2 * PROBES_AT_ONCE)]
    measured = TrueNetwork({(i, "x"): 10_000 for i in names} | {("x", i): 10_000 for i in names})
    measured.store.know(measured.nodes)
    measured.deaf.update(names)
    harness = Harness(plan, network=measured)
    harness.cluster.nodes.update({name: node(name) for name in measured.nodes})
    async with harness:
        for name in names:
            run = pod(f"p-{name}", cpu_milli=10, delays=(within(5, name),))
            harness.put_pod(run, node="x", phase="Running")
        await harness.settle(30)
    assert {reference for reference, _ in measured.probes} == set(names)
    counts = [measured.probes.count((name, ("x",))) for name in names]
    assert max(counts) - min(counts) <= 1


async def test_of_a_reference_without_an_agent_the_pairs_that_have_one_are_measured() -> None:
    measured = network()
    measured.silent.update("ac")
    slow(measured, 60_000)
    measured.truth["a", "c"] = measured.truth["c", "a"] = 60_000
    measured.measure_all()
    async with started(measured) as harness:
        run_near_a(harness)
        harness.put_pod(pod("q", delays=(within(25, "a"),)), node="c", phase="Running")
        await harness.settle(10)
    assert ("b", ("a",)) in measured.probes
    assert not [probe for probe in measured.probes if probe[0] in "ac"]
