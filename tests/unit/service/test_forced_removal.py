"""Pods stuck on silent nodes: what is removed, when, and what never is."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from scheduler.domain.cluster_events import Lost
from scheduler.domain.errors import ClusterUnavailable
from scheduler.domain.node import OUT_OF_SERVICE, UNREACHABLE_TAINT, Node, Taint
from scheduler.domain.workload import Pod, WorkloadRef
from scheduler.planning.plan import plan
from scheduler.reliability.cover.settings import NO_COVER
from scheduler.reliability.failover.settings import FailoverSettings, ForceDelete
from scheduler.service.settings import SchedulerConfiguration
from tests.builders import node, pod
from tests.harness import OURS, Harness
from tests.memory import MemoryLeadership

pytestmark = pytest.mark.looptime

DELETE = FailoverSettings(force_delete="delete")
OUT = FailoverSettings(force_delete="outOfService")
LONG_S, SHORT_S = 33.0, 28.0
"""Longer and shorter than a node must be silent for its pods to be removed."""

NODES = "abcde"


def silent(name: str) -> Node:
    lost = (Taint(UNREACHABLE_TAINT), Taint(UNREACHABLE_TAINT, effect="NoExecute"))
    return replace(node(name), is_ready=False, taints=lost)


def of(kind: str, name: str) -> Pod:
    return pod(name, workload=WorkloadRef(kind, "default", "db"))


def forcing(failover: FailoverSettings, **more: object) -> Harness:
    settings = SchedulerConfiguration(failover=failover, cover=NO_COVER)
    harness = Harness(plan, settings, **more)  # type: ignore[arg-type]
    for name in NODES:
        harness.put_node(node(name))
    return harness


def put_stuck(harness: Harness, one: Pod, on: str = "a", scheduler: str = OURS) -> Pod:
    """Put a pod on a node that is to end and does not."""
    put = harness.put_pod(one, node=on, phase="Running", scheduler=scheduler)
    ending = replace(harness.cluster.pods[put.key], is_terminating=True)
    harness.cluster.pods[put.key] = ending
    harness.cluster.emit(ending)
    return put


def taints(harness: Harness, name: str) -> tuple[Taint, ...]:
    return harness.cluster.nodes[name].taints


async def test_a_terminating_pod_is_removed_once_its_node_was_silent_for_long_enough() -> None:
    async with forcing(DELETE) as harness:
        harness.put_node(silent("a"))
        put_stuck(harness, of("StatefulSet", "db-0"))
        await harness.settle(SHORT_S)
        assert harness.cluster.writes == []
        await harness.settle(LONG_S - SHORT_S)

        assert harness.cluster.writes == ["default/db-0"]
        assert harness.cluster.pods == {}
        said = [line.text for line in harness.state.journal.since()]
        assert "default/db-0 removed by force: a is silent and the pod was to end" in said
        assert b'isochrone_forced_removals_total{result="pod_removed"} 1.0' in (
            harness.state.metrics.render()
        )


@pytest.mark.parametrize(
    "put",
    [
        lambda h: h.put_pod(of("StatefulSet", "p"), node="a", phase="Running"),
        lambda h: put_stuck(h, pod("p")),
        lambda h: put_stuck(h, of("DaemonSet", "p")),
        lambda h: put_stuck(h, of("Workflow", "p")),
        lambda h: put_stuck(h, of("StatefulSet", "p"), scheduler="default-scheduler"),
        lambda h: put_stuck(h, of("StatefulSet", "p"), on="b"),
    ],
    ids=["not to end", "bare", "daemon", "of who knows whom", "others'", "on a living node"],
)
async def test_other_pods_are_left_alone(put: Callable[[Harness], object]) -> None:
    async with forcing(DELETE) as harness:
        harness.put_node(silent("a"))
        put(harness)
        await harness.settle(10 * LONG_S)

        assert harness.cluster.writes == []


@pytest.mark.parametrize("mode", ["delete", "outOfService"])
async def test_a_node_that_says_itself_that_it_is_not_ready_still_obeys(mode: ForceDelete) -> None:
    async with forcing(FailoverSettings(force_delete=mode)) as harness:
        harness.put_node(replace(node("a"), is_ready=False))
        put_stuck(harness, of("StatefulSet", "db-0"))
        await harness.settle(LONG_S)

        assert harness.cluster.writes == []


async def test_by_default_nothing_is_done() -> None:
    async with forcing(FailoverSettings()) as harness:
        harness.put_node(silent("a"))
        put_stuck(harness, of("StatefulSet", "db-0"))
        await harness.settle(10 * LONG_S)

        assert harness.cluster.writes == []


async def test_a_node_that_is_back_in_time_keeps_its_pods() -> None:
    async with forcing(DELETE) as harness:
        harness.put_node(silent("a"))
        put_stuck(harness, of("StatefulSet", "db-0"))
        await harness.settle(SHORT_S)
        harness.put_node(node("a"))
        await harness.settle(1)
        harness.put_node(silent("a"))
        await harness.settle(SHORT_S)

        assert harness.cluster.writes == []


@pytest.mark.parametrize("mode", ["delete", "outOfService"])
async def test_a_partition_that_cuts_off_most_nodes_costs_no_pod_until_most_are_back(
    mode: ForceDelete,
) -> None:
    async with forcing(FailoverSettings(force_delete=mode)) as harness:
        for name in "abc":
            harness.put_node(silent(name))
            put_stuck(harness, of("StatefulSet", f"db-{name}"), on=name)
        await harness.settle(20 * LONG_S)
        assert harness.cluster.writes == []
        assert harness.state.beliefs.is_suspect

        for name in "bc":
            harness.put_node(node(name))
        await harness.settle(3)
        assert not harness.state.beliefs.is_suspect
        assert harness.cluster.writes == ["default/db-a" if mode == "delete" else "a"]


async def test_where_suspicion_is_off_a_person_has_taken_the_decision() -> None:
    async with forcing(FailoverSettings(force_delete="delete", suspect_share=1)) as harness:
        for name in "abc":
            harness.put_node(silent(name))
            put_stuck(harness, of("StatefulSet", f"db-{name}"), on=name)
        await harness.settle(LONG_S)

        assert sorted(harness.cluster.writes) == [f"default/db-{name}" for name in "abc"]


async def test_no_more_are_removed_within_a_minute_than_the_settings_allow() -> None:
    few = FailoverSettings(force_delete="delete", deletions_per_minute=2)
    async with forcing(few) as harness:
        harness.put_node(silent("a"))
        for number in range(5):
            put_stuck(harness, of("StatefulSet", f"db-{number}"))
        await harness.settle(LONG_S)
        removed = [len(harness.cluster.writes)]
        for _ in range(2):
            await harness.settle(60)
            removed.append(len(harness.cluster.writes))

        assert removed == [2, 4, 5]


async def test_what_the_cluster_did_not_answer_is_asked_for_again_later() -> None:
    async with forcing(DELETE) as harness:

        def refuse(_key: str) -> None:
            harness.cluster.before_write = lambda _key: None
            raise ClusterUnavailable("down")

        harness.cluster.before_write = refuse
        harness.put_node(silent("a"))
        put_stuck(harness, of("StatefulSet", "db-0"))
        await harness.settle(LONG_S)
        assert harness.cluster.writes == []
        await harness.settle(20)

        assert harness.cluster.writes == ["default/db-0"]
        assert b'{result="failed"} 1.0' in harness.state.metrics.render()


async def test_a_replica_that_does_not_lead_removes_nothing() -> None:
    async with forcing(DELETE, leadership=MemoryLeadership()) as harness:
        harness.put_node(silent("a"))
        put_stuck(harness, of("StatefulSet", "db-0"))
        await harness.settle(10 * LONG_S)

        assert harness.cluster.writes == []


async def test_who_may_have_missed_changes_removes_nothing() -> None:
    async with forcing(DELETE) as harness:
        harness.put_node(silent("a"))
        put_stuck(harness, of("StatefulSet", "db-0"))
        await harness.settle(SHORT_S)
        harness.cluster.emit(Lost("out of step"))
        await harness.settle(LONG_S)
        assert harness.cluster.writes == []


async def test_a_silent_node_is_put_out_of_service_and_back_when_it_lives() -> None:
    async with forcing(OUT) as harness:
        harness.put_node(silent("a"))
        harness.put_node(silent("b"))  # nothing is stuck there
        harness.put_pod(of("StatefulSet", "db-0"), node="a", phase="Running")
        await harness.settle(SHORT_S)
        assert harness.cluster.writes == []
        await harness.settle(LONG_S)
        assert harness.cluster.writes == ["a"]
        assert OUT_OF_SERVICE in taints(harness, "a")

        harness.put_node(replace(node("a"), taints=(OUT_OF_SERVICE,)))
        await harness.settle(2)
        assert harness.cluster.writes == ["a", "a"]
        assert taints(harness, "a") == ()


async def test_a_node_that_a_person_put_out_of_service_is_theirs() -> None:
    theirs = Taint(OUT_OF_SERVICE.key, "nodeshutdown", "NoExecute")
    async with forcing(OUT) as harness:
        dead = silent("a")
        harness.put_node(replace(dead, taints=(*dead.taints, theirs)))
        harness.put_pod(of("StatefulSet", "db-0"), node="a", phase="Running")
        await harness.settle(LONG_S)
        harness.put_node(replace(node("a"), taints=(theirs,)))
        await harness.settle(LONG_S)

        assert harness.cluster.writes == []
