"""Pods that refer to a pod whose volumes are being bound: it may still go elsewhere."""

import asyncio
from dataclasses import replace

import pytest

from scheduler.domain.node import Node
from tests.builders import line_rtt, node, pod, within, workload
from tests.harness import Harness
from tests.stored import claim, claiming, plan_with_volumes
from tests.true_network import TrueNetwork
from tests.unit.service.storing import KEY, provision

pytestmark = pytest.mark.looptime


async def two_nodes(harness: Harness) -> None:
    harness.rtt.put(line_rtt(["a", "b"], 10))
    for name in "ab":
        harness.put_node(node(name))
    harness.cluster.put_claim(claim("data"))
    await harness.settle(1)


def put_database(harness: Harness, name: str = "db-0") -> None:
    harness.put_pod(claiming(name, "data", workload=workload("db")))


async def test_who_refers_to_it_waits_for_it_and_nobody_else_does() -> None:
    async with Harness(plan_with_volumes) as harness:
        await two_nodes(harness)
        put_database(harness)
        harness.put_pod(pod("near", delays=(within(5, "db"),)))
        await harness.settle(60)
        harness.put_pod(pod("plain"))
        await harness.settle(0.5)
        assert set(harness.placement) == {"plain"}

        provision(harness)
        await harness.settle(0.5)

        assert harness.placement["near"] == harness.placement["db-0"]


async def test_who_comes_later_waits_for_it_too() -> None:
    async with Harness(plan_with_volumes) as harness:
        await two_nodes(harness)
        put_database(harness)
        await harness.settle(5)
        harness.put_pod(pod("near", delays=(within(5, "db"),)))
        await harness.settle(60)
        assert harness.placement == {}

        provision(harness)
        await harness.settle(0.5)

        assert harness.placement["near"] == harness.placement["db-0"]


async def test_who_refers_to_it_follows_it_to_another_node() -> None:
    async with Harness(plan_with_volumes) as harness:
        await two_nodes(harness)
        put_database(harness)
        harness.put_pod(pod("near", delays=(within(5, "db"),)))
        await harness.settle(5)
        first = harness.cluster.claims[KEY].selected_node
        assert first is not None

        harness.put_node(node(first, is_unschedulable=True))
        harness.cluster.put_claim(replace(harness.cluster.claims[KEY], selected_node=None))
        await harness.settle(5)
        provision(harness)
        await harness.settle(2)

        assert harness.placement["near"] == harness.placement["db-0"] != first


async def test_who_is_near_a_replica_that_stands_need_not_wait_for_another() -> None:
    async with Harness(plan_with_volumes) as harness:
        await two_nodes(harness)
        put_database(harness)
        harness.put_pod(pod("db-1", workload=workload("db")), node="b", phase="Running")
        await harness.settle(1)
        harness.put_pod(pod("near", delays=(within(5, "db"),), node_name="b"))
        await harness.settle(1)

        assert harness.placement["near"] == "b"


async def test_a_delay_is_measured_before_volumes_are_bound_and_once_more_after() -> None:
    measured = TrueNetwork({(i, j): 1_000 for i in "ab" for j in "ab"})
    measured.measure_all(300.0)
    harness = Harness(plan_with_volumes, network=measured)
    harness.cluster.nodes |= {"a": unready("a"), "b": node("b")}
    async with harness:
        harness.cluster.put_claim(claim("data"))
        harness.put_pod(claiming("p", "data", delays=(within(5, "a"),)))
        await harness.settle(2)
        assert measured.probes == [("a", ("b",))]
        assert harness.cluster.claims[KEY].selected_node == "b"

        await asyncio.sleep(300)
        provision(harness)
        await harness.settle(1)

        assert measured.probes == [("a", ("b",))] * 2
        assert harness.placement == {"p": "b"}


def unready(name: str) -> Node:
    return node(name, is_unschedulable=True)
