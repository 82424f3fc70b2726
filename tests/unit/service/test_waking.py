"""The whole service: whom events wake that waits, and whom not."""

from dataclasses import replace

import pytest

from scheduler.domain.between import HostPort
from scheduler.planning.plan import plan
from scheduler.service.queued_pod import Stage
from tests.builders import node, pod
from tests.harness import Harness

pytestmark = pytest.mark.looptime

BEYOND_ANY_BACKOFF_S = 15.0


def attempts(harness: Harness, name: str) -> int:
    queued = harness.state.queue.get(f"default/{name}")
    assert queued is not None
    return queued.attempts


async def test_a_pod_too_large_for_any_node_is_not_tried_again_for_whatever_happens() -> None:
    async with Harness(plan) as harness:
        harness.put_node(node("a"))
        harness.put_pod(pod("huge", cpu_milli=9_000))
        await harness.settle(5)
        for k in range(10):
            harness.put_node(node("a", labels={"beat": str(k)}))
            harness.put_pod(pod(f"p{k}"))
            await harness.settle(BEYOND_ANY_BACKOFF_S)
            harness.delete_pod(f"default/p{k}")
            await harness.settle(1)

        assert attempts(harness, "huge") == 1


async def test_room_kept_for_a_pod_that_goes_while_it_is_decided_on_is_given_to_the_next() -> None:
    async with Harness(plan) as harness:
        harness.put_node(node("a", cpu_milli=100))
        harness.meanwhile = lambda: harness.delete_pod("default/first")
        harness.put_pod(pod("first", priority=1))
        harness.put_pod(pod("second"))
        await harness.settle(BEYOND_ANY_BACKOFF_S)

        assert harness.placement == {"second": "a"}


async def test_a_host_port_that_is_freed_is_given_to_the_pod_that_waits_for_it() -> None:
    async with Harness(plan) as harness:
        harness.put_node(node("a"))
        ports = (HostPort("0.0.0.0", "TCP", 80),)  # noqa: S104 - as pods write it
        harness.put_pod(pod("first", host_ports=ports))
        await harness.settle(1)
        harness.put_pod(pod("second", host_ports=ports))
        await harness.settle(BEYOND_ANY_BACKOFF_S)
        harness.delete_pod("default/first")
        await harness.settle(1)

        assert harness.placement == {"second": "a"}


async def test_a_pod_that_no_event_helps_waits_in_the_unschedulable_queue() -> None:
    async with Harness(plan) as harness:
        harness.put_node(replace(node("a"), is_unschedulable=True))
        harness.put_pod(pod("p"))
        await harness.settle(BEYOND_ANY_BACKOFF_S)
        assert harness.state.queue.count_of(Stage.UNSCHEDULABLE) == 1
        harness.put_node(node("a"))
        await harness.settle(1)

        assert harness.placement == {"p": "a"}
