"""A pod that refers to pods is bound only where they really stand."""

import pytest

from scheduler.domain.delay import Quantifier
from scheduler.domain.errors import BindConflict
from scheduler.domain.ports import Binding
from scheduler.planning.plan import plan
from tests.builders import line_rtt, node, pod, within, workload
from tests.harness import Harness

pytestmark = pytest.mark.looptime


def nodes_on_a_line(harness: Harness, names: str, step_ms: float) -> None:
    harness.rtt.put(line_rtt(list(names), step_ms))
    for name in names:
        harness.put_node(node(name))


async def test_a_dependant_follows_its_reference_whose_binding_is_refused() -> None:
    async with Harness(plan) as harness:
        nodes_on_a_line(harness, "abc", 10)
        refused: list[str] = []

        def refuse_once(binding: Binding) -> None:
            if binding.pod.name == "db" and not refused:
                refused.append(binding.node)
                harness.put_node(node(binding.node, is_unschedulable=True, cpu_milli=150))
                raise BindConflict(binding.pod.key, binding.node, "no")

        harness.cluster.before_bind = refuse_once
        harness.put_pod(pod("db", workload=workload("db")))
        harness.put_pod(pod("near", delays=(within(5, "db"),)))
        await harness.settle(30)

        assert refused
        assert harness.placement["db"] == harness.placement["near"] != refused[0]


async def test_a_reference_that_moves_during_the_decision_is_followed() -> None:
    async with Harness(plan) as harness:
        nodes_on_a_line(harness, "abc", 10)
        harness.put_pod(pod("db", workload=workload("db")), node="a", phase="Running")
        await harness.settle(1)
        harness.put_pod(pod("near", delays=(within(5, "db"),)))

        def move() -> None:
            harness.delete_pod("default/db")
            harness.put_pod(pod("db", workload=workload("db")), node="c", phase="Running")

        harness.meanwhile = move
        await harness.settle(30)

        assert harness.placement["near"] == "c"


async def test_a_replica_that_appears_too_far_during_the_decision_keeps_the_pod_waiting() -> None:
    async with Harness(plan) as harness:
        nodes_on_a_line(harness, "abc", 10)
        harness.put_pod(pod("db-0", workload=workload("db")), node="a", phase="Running")
        await harness.settle(1)
        harness.put_pod(pod("near", delays=(within(5, "db", of=Quantifier.ALL),)))

        def appear() -> None:
            harness.put_pod(pod("db-1", workload=workload("db")), node="c", phase="Running")

        harness.meanwhile = appear
        await harness.settle(30)

        assert "near" not in harness.placement


async def test_pods_that_refer_to_each_other_are_still_bound() -> None:
    async with Harness(plan) as harness:
        nodes_on_a_line(harness, "abc", 10)
        harness.put_pod(pod("ping", workload=workload("ping"), delays=(within(5, "pong"),)))
        harness.put_pod(pod("pong", workload=workload("pong"), delays=(within(5, "ping"),)))
        await harness.settle(30)

        assert harness.placement["ping"] == harness.placement["pong"]


async def test_a_chain_of_references_is_bound_in_one_cycle() -> None:
    async with Harness(plan) as harness:
        nodes_on_a_line(harness, "abc", 10)
        harness.put_pod(pod("c3", workload=workload("c3"), delays=(within(5, "c2"),)))
        harness.put_pod(pod("c2", workload=workload("c2"), delays=(within(5, "c1"),)))
        harness.put_pod(pod("c1", workload=workload("c1"), delays=(within(5, "b"),)))
        await harness.settle(0.5)

        assert harness.placement == {"c1": "b", "c2": "b", "c3": "b"}
