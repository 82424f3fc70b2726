"""The service with the true core: delays unblocked, references met, RTTs on the bindings."""

import pytest

from scheduler.domain.zone import ZoneTree
from scheduler.planning.plan import plan
from scheduler.service.binding import DECISION_ANNOTATION, RTT_ANNOTATION
from scheduler.topology.layers import zone_tree
from telemetry.model import RttTable
from tests.builders import line_rtt, node, pod, within, workload
from tests.harness import Harness

pytestmark = pytest.mark.looptime


def a_line(harness: Harness, names: str, step_ms: float) -> None:
    harness.rtt.put(line_rtt(list(names), step_ms))
    for name in names:
        harness.put_node(node(name))


async def test_a_pod_is_placed_once_the_matrix_brings_a_node_into_its_budget() -> None:
    async with Harness(plan) as harness:
        a_line(harness, "ab", step_ms=10)
        harness.put_node(node("a", is_ready=False))
        harness.put_pod(pod("near", delays=(within(5, "a"),)))
        await harness.settle(15)
        assert harness.placement == {}
        assert "exceeded delay to a (5ms" in harness.cluster.notes[0].message

        harness.rtt.put(line_rtt(["a", "b"], 4))
        await harness.settle(1)

        assert harness.placement == {"near": "b"}


async def test_the_measured_rtt_and_the_decision_travel_on_the_binding() -> None:
    async with Harness(plan) as harness:
        a_line(harness, "ab", step_ms=4)
        harness.put_node(node("a", is_unschedulable=True))
        harness.put_pod(pod("near", delays=(within(5, "a"),)))
        await harness.settle(1)

        said = dict(harness.cluster.bindings[0].annotations)
        assert said[RTT_ANNOTATION] == "a=4ms"
        assert len(said[DECISION_ANNOTATION]) == 16


async def test_pods_that_refer_to_each_other_are_placed_although_one_came_much_later() -> None:
    async with Harness(plan) as harness:
        a_line(harness, "abc", step_ms=10)
        harness.put_pod(pod("ping", delays=(within(5, "pong"),), workload=workload("ping")))
        await harness.settle(30)
        assert harness.placement == {}
        harness.put_pod(pod("pong", delays=(within(5, "ping"),), workload=workload("pong")))
        await harness.settle(1)

        assert len(set(harness.placement.values())) == 1
        assert sorted(harness.placement) == ["ping", "pong"]


async def test_a_pod_follows_as_soon_as_its_reference_is_bound_by_another_scheduler() -> None:
    async with Harness(plan) as harness:
        a_line(harness, "abc", step_ms=10)
        db = harness.put_pod(pod("db"), scheduler="default-scheduler")
        harness.put_pod(pod("near", delays=(within(5, "db"),)))
        await harness.settle(20)
        assert harness.placement == {}
        harness.put_pod(db, scheduler="default-scheduler", node="c")
        await harness.settle(1)

        assert harness.placement == {"db": "c", "near": "c"}


async def test_a_budget_that_broke_while_the_decision_was_made_is_not_bound() -> None:
    async with Harness(plan) as harness:
        a_line(harness, "ab", step_ms=4)
        harness.put_node(node("a", is_unschedulable=True))
        await harness.settle(1)

        harness.meanwhile = lambda: harness.rtt.put(line_rtt(["a", "b"], 80))
        harness.put_pod(pod("near", delays=(within(5, "a"),)))
        await harness.settle(0.5)

        assert harness.cluster.bindings == []


async def test_without_any_rtt_a_pod_without_a_delay_is_placed_and_one_with_a_delay_waits() -> None:
    async with Harness(plan) as harness:
        harness.put_node(node("a"))
        harness.put_node(node("b"))
        harness.put_node(node("b", is_ready=False))
        harness.put_pod(pod("plain"))
        harness.put_pod(pod("near", delays=(within(5, "b"),)))
        await harness.settle(1)

        assert harness.placement == {"plain": "a"}


async def test_zones_are_made_when_the_matrix_comes_and_kept_when_clustering_fails() -> None:
    calls: list[int] = []

    def fails_second(
        rtt: RttTable, diameters_us: tuple[int, ...], previous: ZoneTree | None = None
    ) -> ZoneTree:
        calls.append(1)
        if len(calls) > 1:
            raise MemoryError
        return zone_tree(rtt, diameters_us, previous)

    async with Harness(plan, zones=fails_second) as harness:
        a_line(harness, "abc", step_ms=10)
        await harness.settle(1)
        zones = harness.state.cache.zones
        harness.rtt.put(line_rtt(["a", "b"], 4))
        await harness.settle(1)

        assert len(calls) == 2
        assert harness.state.cache.zones is zones
        assert [len(layer.names) for layer in zones.layers] == [3, 1, 1]


async def test_room_another_scheduler_took_while_the_decision_was_made_is_not_taken_twice() -> None:
    async with Harness(plan) as harness:
        harness.put_node(node("a", cpu_milli=100))
        theirs = pod("theirs", cpu_milli=100)
        harness.meanwhile = lambda: harness.put_pod(theirs, scheduler="default-scheduler", node="a")
        harness.put_pod(pod("ours", cpu_milli=100))
        await harness.settle(0.5)

        assert harness.cluster.bindings == []


async def test_a_pod_deleted_while_the_decision_was_made_is_not_bound() -> None:
    async with Harness(plan) as harness:
        sent: list[object] = []
        harness.cluster.before_bind = sent.append
        harness.put_node(node("a"))
        harness.meanwhile = lambda: harness.delete_pod("default/p")
        harness.put_pod(pod("p"))
        await harness.settle(0.5)

        assert sent == []
