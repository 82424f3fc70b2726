"""The service moves pods: a place is kept first, budgets of disruption are respected."""

from dataclasses import replace
from functools import partial

import msgspec
import pytest

from scheduler.domain.cover import HOME_ANNOTATION, MOVED_ANNOTATION, REPLACES_ANNOTATION
from scheduler.domain.errors import BindConflict, ClusterUnavailable, EvictionRefused
from scheduler.domain.ports import Binding
from scheduler.domain.workload import Pod
from scheduler.planning.plan import plan
from scheduler.reliability.cover.settings import CoverSettings
from scheduler.reliability.repair.settings import RepairSettings
from scheduler.service.settings import SchedulerConfiguration
from tests.builders import line_rtt, node, pod, within, workload
from tests.harness import Harness
from tests.memory import MemoryLeadership
from tests.true_network import TrueNetwork

pytestmark = pytest.mark.looptime

NO_COVER = CoverSettings(mode="off")
AFTER_S = 30.0


def settings(**repair: object) -> SchedulerConfiguration:
    wanted = msgspec.structs.replace(RepairSettings(after_seconds=AFTER_S), **repair)
    return SchedulerConfiguration(repair=wanted, cover=NO_COVER)


def web(name: str, **fields: object) -> Pod:
    made = pod(name, cpu_milli=600, delays=(within(2, "a"),), workload=workload(name[:-2]))
    return replace(made, **fields)  # type: ignore[arg-type]


def drifted(harness: Harness, names: str = "abcde") -> None:
    """Have some of the nodes a to e, each a millisecond from the next; e is too far from a."""
    harness.rtt.put(line_rtt(list("abcde"), 1))
    for name in names:
        harness.put_node(node(name, cpu_milli=1000))


def told(harness: Harness, reason: str) -> list[str]:
    return [note.message for note in harness.cluster.notes if note.reason == reason]


def marks(harness: Harness, name: str) -> dict[str, str]:
    [binding] = [b for b in harness.cluster.bindings if b.pod.name == name]
    return dict(binding.annotations)


def replaced(harness: Harness, old: str, new: str) -> None:
    """Do what a ReplicaSet does for a pod on its way out, and its kubelet."""
    harness.put_pod(web(new))
    harness.delete_pod(f"default/{old}")


async def test_a_pod_whose_budget_stays_broken_leaves_and_its_successor_has_a_place() -> None:
    async with Harness(plan, settings()) as harness:
        drifted(harness)
        old = harness.put_pod(web("web-1"), node="e", phase="Running")
        await harness.settle(AFTER_S - 5)
        assert harness.cluster.evictions == [], "it might pass"
        await harness.settle(10)

        assert harness.cluster.evictions == ["default/web-1"]
        [said] = told(harness, "Moving")
        assert said == (
            "is made to leave e for a: delay to a within 2ms is broken: 4ms from a to e"
        )
        replaced(harness, "web-1", "web-2")
        await harness.settle(5)
        assert harness.placement == {"web-2": "a"}
        assert marks(harness, "web-2")[REPLACES_ANNOTATION] == old.uid
        assert marks(harness, "web-2")[MOVED_ANNOTATION].startswith("e@")
        assert harness.state.metrics.moves.labels("budget", "evicted")._value.get() == 1  # noqa: SLF001


async def test_the_place_is_kept_from_others_until_the_successor_comes() -> None:
    async with Harness(plan, settings()) as harness:
        drifted(harness, "abe")
        harness.put_pod(web("full-1"), node="a", phase="Running")
        harness.put_pod(web("web-1"), node="e", phase="Running")
        await harness.settle(AFTER_S + 5)
        assert harness.cluster.evictions == ["default/web-1"]

        harness.put_pod(web("rival-1"))
        await harness.settle(5)
        assert "rival-1" not in harness.placement, "b is promised to another"
        replaced(harness, "web-1", "web-2")
        await harness.settle(5)
        assert harness.placement["web-2"] == "b"


async def test_a_place_that_nobody_takes_is_given_to_those_who_wait() -> None:
    async with Harness(plan, settings()) as harness:
        drifted(harness, "abe")
        harness.put_pod(web("full-1"), node="a", phase="Running")
        harness.put_pod(web("web-1"), node="e", phase="Running")
        await harness.settle(AFTER_S + 5)
        harness.delete_pod("default/web-1")  # scaled down meanwhile: nobody comes
        harness.put_pod(web("rival-1"))
        await harness.settle(60)
        assert "rival-1" not in harness.placement
        await harness.settle(90)

        assert harness.placement["rival-1"] == "b"


async def test_an_eviction_that_a_disruption_budget_refuses_is_asked_for_again_later() -> None:
    def protect(_pod: Pod) -> None:
        harness.cluster.evictions.append("asked")
        raise EvictionRefused("Cannot evict pod as it would violate the pod's disruption budget.")

    async with Harness(plan, settings()) as harness:
        harness.cluster.before_eviction = protect
        drifted(harness, "abe")
        harness.put_pod(web("full-1"), node="a", phase="Running")
        harness.put_pod(web("web-1"), node="e", phase="Running")
        await harness.settle(AFTER_S + 5)
        assert harness.cluster.evictions == ["asked"]
        assert "disruption budget" in told(harness, "CannotMove")[0]

        harness.put_pod(web("rival-1"))
        await harness.settle(2)
        assert harness.placement["rival-1"] == "b", "the place is kept for nobody"
        harness.delete_pod("default/rival-1")
        await harness.settle(120)
        assert 3 <= len(harness.cluster.evictions) <= 6, "each wait is twice as long"

        harness.cluster.before_eviction = lambda _pod: None
        await harness.settle(300)
        assert harness.cluster.evictions[-1] == "default/web-1"


async def test_an_eviction_without_an_answer_keeps_the_place_and_is_not_sent_twice() -> None:
    def lose(_pod: Pod) -> None:
        harness.cluster.evictions.append("asked")
        raise ClusterUnavailable("no answer")

    async with Harness(plan, settings()) as harness:
        harness.cluster.before_eviction = lose
        drifted(harness, "abe")
        harness.put_pod(web("full-1"), node="a", phase="Running")
        harness.put_pod(web("web-1"), node="e", phase="Running")
        await harness.settle(AFTER_S + 30)

        assert harness.cluster.evictions == ["asked"]
        harness.put_pod(web("rival-1"))
        await harness.settle(5)
        assert "rival-1" not in harness.placement


async def test_a_dry_run_tells_each_move_once_and_moves_nothing() -> None:
    async with Harness(plan, settings(mode="dryRun")) as harness:
        drifted(harness)
        harness.put_pod(web("web-1"), node="e", phase="Running")
        await harness.settle(AFTER_S + 60)

        assert harness.cluster.evictions == []
        assert told(harness, "MoveProposed") == [
            "would be moved from e to a: delay to a within 2ms is broken: 4ms from a to e"
        ]


async def test_off_moves_and_tells_nothing() -> None:
    async with Harness(plan, settings(mode="off")) as harness:
        drifted(harness)
        harness.put_pod(web("web-1"), node="e", phase="Running")
        await harness.settle(AFTER_S + 60)

        assert harness.cluster.evictions == []
        assert told(harness, "MoveProposed") + told(harness, "CannotMove") == []


async def test_a_replica_that_stands_by_moves_nothing() -> None:
    async with Harness(plan, settings(), leadership=MemoryLeadership()) as harness:
        drifted(harness)
        harness.put_pod(web("web-1"), node="e", phase="Running")
        await harness.settle(AFTER_S + 60)

        assert harness.cluster.evictions == []


async def test_a_pod_that_cannot_be_moved_is_told_once() -> None:
    async with Harness(plan, settings()) as harness:
        drifted(harness, "ae")
        harness.put_pod(web("full-1"), node="a", phase="Running")
        harness.put_pod(web("web-1"), node="e", phase="Running")
        await harness.settle(AFTER_S + 60)

        [said] = told(harness, "CannotMove")
        assert said.startswith("should be moved from e and cannot be: 0/2 nodes are available: ")
        assert harness.state.metrics.moves_stuck._value.get() == 1  # noqa: SLF001


async def test_a_workload_is_moved_no_more_often_than_it_may_be_within_an_hour() -> None:
    async with Harness(plan, settings(moves_per_workload_and_hour=2)) as harness:
        drifted(harness)
        for number in range(1, 4):
            harness.put_pod(web(f"web-{number}"), node="e", phase="Running")
            await harness.settle(AFTER_S + 10)
            if f"default/web-{number}" in harness.cluster.evictions:
                harness.delete_pod(f"default/web-{number}")
                await harness.settle(150)  # nobody comes: the place is given up

        assert harness.cluster.evictions == ["default/web-1", "default/web-2"]
        assert "2 of its pods were moved within an hour" in told(harness, "CannotMove")[0]
        await harness.settle(3600)
        assert harness.cluster.evictions[2:] == ["default/web-3"]


async def test_no_pod_is_moved_to_where_its_workload_was_badly_off_within_the_hour() -> None:
    """Also by the word of a scheduler before this one: the trail is on the pod."""
    async with Harness(plan, settings()) as harness:
        drifted(harness, "abe")
        await harness.settle(4000)
        harness.put_pod(web("full-1"), node="a", phase="Running")
        trail = f"b@{round(harness.state.clock.wall_s()) - 1800}"
        harness.put_pod(web("web-1", moved_from=trail), node="e", phase="Running")
        await harness.settle(AFTER_S + 10)

        assert harness.cluster.evictions == []
        assert "was badly off" in told(harness, "CannotMove")[0]
        await harness.settle(1900)
        assert harness.cluster.evictions == ["default/web-1"]


async def test_agents_confirm_a_slow_link_and_the_pod_is_moved_at_once() -> None:
    measured = TrueNetwork({(i, j): 1_000 for i in "abc" for j in "abc" if i != j})
    measured.measure_all()
    async with Harness(plan, settings(), network=measured) as harness:
        for name in "abc":
            harness.put_node(node(name, cpu_milli=1000))
        harness.put_pod(web("web-1"), node="b", phase="Running")
        await harness.settle(5)
        measured.truth["a", "b"] = measured.truth["b", "a"] = 60_000
        measured.measure("a")
        await harness.settle(20)

        assert harness.cluster.evictions == ["default/web-1"]
        replaced(harness, "web-1", "web-2")
        await harness.settle(5)
        assert harness.placement["web-2"] in ("a", "c")


async def test_pods_come_home_once_their_node_has_been_back_for_a_while() -> None:
    wanted = settings(come_home=True, home_after_seconds=60.0)
    async with Harness(plan, wanted) as harness:
        drifted(harness, "abc")
        harness.put_node(replace(node("a", cpu_milli=1000), is_ready=False))
        old = harness.put_pod(web("web-1"), node="a", phase="Running")
        await harness.settle(1)
        replaced(harness, "web-1", "web-2")
        await harness.settle(5)
        assert harness.placement == {"web-2": "b"}
        assert marks(harness, "web-2")[HOME_ANNOTATION] == "a"
        assert marks(harness, "web-2")[REPLACES_ANNOTATION] == old.uid

        # As the API server has it from the binding.
        known = harness.cluster.pods["default/web-2"].pod
        harness.put_pod(replace(known, home="a", replaces=old.uid), node="b", phase="Running")
        harness.put_node(node("a", cpu_milli=1000))
        await harness.settle(50)
        assert harness.cluster.evictions == []
        await harness.settle(30)
        assert harness.cluster.evictions == ["default/web-2"]
        replaced(harness, "web-2", "web-3")
        await harness.settle(5)
        assert harness.placement == {"web-3": "a"}
        assert HOME_ANNOTATION not in marks(harness, "web-3")


async def test_pods_stay_where_they_are_unless_they_are_to_come_home() -> None:
    async with Harness(partial(plan), settings()) as harness:
        drifted(harness, "abc")
        harness.put_pod(web("web-1", home="a"), node="b", phase="Running")
        await harness.settle(600)

        assert harness.cluster.evictions == []


def surging(**fields: object) -> SchedulerConfiguration:
    return settings(surge=True, surge_seconds=100.0, **fields)


async def test_a_deployment_that_surges_makes_the_successor_first() -> None:
    async with Harness(plan, surging()) as harness:
        harness.cluster.surges_to = 4
        drifted(harness)
        old = harness.put_pod(web("web-1"), node="e", phase="Running")
        await harness.settle(AFTER_S + 5)
        assert harness.cluster.asked_for == [4]

        harness.put_pod(web("web-2"))
        await harness.settle(20)
        assert harness.placement["web-2"] == "a"
        assert harness.cluster.asked_for == [4], "the successor is not ready yet"
        known = harness.cluster.pods["default/web-2"].pod
        marked = replace(known, replaces=old.uid)
        harness.put_pod(marked, node="a", phase="Running", is_ready=True)
        await harness.settle(5)
        assert harness.cluster.asked_for == [4, 3]
        await harness.settle(10)
        harness.delete_pod("default/web-1")
        await harness.settle(60)
        assert harness.cluster.asked_for == [4, 3]
        assert harness.cluster.evictions == []


async def test_what_does_not_surge_is_evicted() -> None:
    async with Harness(plan, surging()) as harness:
        drifted(harness)
        harness.put_pod(web("web-1"), node="e", phase="Running")
        await harness.settle(AFTER_S + 5)

        assert harness.cluster.asked_for == []
        assert harness.cluster.evictions == ["default/web-1"]


async def test_a_successor_that_is_not_ready_in_time_is_given_up_and_the_pod_stays() -> None:
    async with Harness(plan, surging()) as harness:
        harness.cluster.surges_to = 2
        drifted(harness)
        harness.put_pod(web("web-1"), node="e", phase="Running")
        await harness.settle(AFTER_S + 5)
        harness.put_pod(web("web-2"))
        await harness.settle(105)

        assert harness.cluster.asked_for[:2] == [2, 1]
        assert harness.cluster.evictions == []
        said = told(harness, "CannotMove")
        assert any("its successor was not ready in time" in one for one in said)


async def test_a_surplus_that_an_earlier_scheduler_asked_for_is_taken_back() -> None:
    harness = Harness(plan, settings())
    old = harness.put_pod(web("web-1", surge="3"), node="e", phase="Running")
    successor = web("web-2", replaces=old.uid)
    harness.put_pod(successor, node="a", phase="Running", is_ready=True)
    async with harness:
        drifted(harness)
        await harness.settle(5)

        assert harness.cluster.asked_for == [2]


async def test_a_surge_that_is_refused_is_asked_for_again_later() -> None:
    def refuse(_pod: Pod) -> None:
        harness.cluster.asked_for.append(-1)
        raise EvictionRefused("a roll-out of deployment/web is under way")

    async with Harness(plan, surging()) as harness:
        harness.cluster.surges_to = 2
        harness.cluster.before_eviction = refuse
        drifted(harness)
        harness.put_pod(web("web-1"), node="e", phase="Running")
        await harness.settle(AFTER_S + 5)
        assert harness.cluster.asked_for == [-1]
        assert "a roll-out of deployment/web is under way" in told(harness, "CannotMove")[0]
        harness.cluster.before_eviction = lambda _pod: None
        await harness.settle(15)
        assert harness.cluster.asked_for == [-1, 2]


async def test_load_is_evened_out_one_pod_a_minute_where_it_pays() -> None:
    async with Harness(plan, settings(even_share=0.3)) as harness:
        drifted(harness, "abc")
        for name in ("p-1", "q-1"):
            harness.put_pod(pod(name, cpu_milli=450, workload=workload(name)), node="c")
        await harness.settle(70)
        assert len(harness.cluster.evictions) == 1

        [gone] = harness.cluster.evictions
        name = gone.removeprefix("default/")
        harness.delete_pod(gone)
        harness.put_pod(pod(f"{name}-new", cpu_milli=450, workload=workload(name)))
        await harness.settle(300)
        assert harness.placement[f"{name}-new"] in ("a", "b")
        assert len(harness.cluster.evictions) == 1, "it would not pay any more"


async def test_nothing_is_moved_while_most_nodes_are_away_and_we_may_be_cut_off() -> None:
    async with Harness(plan, settings()) as harness:
        drifted(harness)
        harness.put_pod(web("web-1"), node="e", phase="Running")
        await harness.settle(AFTER_S - 5)
        for name in "bcd":
            harness.put_node(replace(node(name, cpu_milli=1000), is_ready=False))
        await harness.settle(60)
        assert harness.state.beliefs.is_suspect
        assert harness.cluster.evictions == []

        for name in "bcd":
            harness.put_node(node(name, cpu_milli=1000))
        await harness.settle(60)
        assert harness.cluster.evictions == ["default/web-1"]


async def test_nothing_is_moved_to_a_node_that_is_held_down() -> None:
    async with Harness(plan, settings()) as harness:
        drifted(harness, "abe")
        harness.put_pod(web("full-1"), node="a", phase="Running")
        harness.put_node(replace(node("b", cpu_milli=1000), is_ready=False))
        await harness.settle(AFTER_S - 2)
        harness.put_pod(web("web-1"), node="e", phase="Running")
        await harness.settle(AFTER_S - 1)
        harness.put_node(node("b", cpu_milli=1000))
        await harness.settle(5)
        assert harness.state.beliefs.held_down == {"b"}
        assert harness.cluster.evictions == []
        await harness.settle(15)
        assert harness.cluster.evictions == ["default/web-1"]


async def test_the_next_pod_leaves_when_the_successor_of_the_last_is_ready() -> None:
    async with Harness(plan, settings()) as harness:
        drifted(harness)
        for name in ("web-1", "web-2"):
            harness.put_pod(web(name), node="e", phase="Running")
        await harness.settle(AFTER_S + 5)
        assert harness.cluster.evictions == ["default/web-1"]

        gone = harness.cluster.pods["default/web-1"].pod
        replaced(harness, "web-1", "web-3")
        await harness.settle(100)
        assert harness.cluster.evictions == ["default/web-1"]
        [said] = told(harness, "CannotMove")
        assert said.endswith("the successor of web-1, which was moved, is not ready")
        successor = replace(harness.cluster.pods["default/web-3"].pod, replaces=gone.uid)
        node_of = harness.placement["web-3"]
        harness.put_pod(successor, node=node_of, phase="Running", is_ready=True)
        await harness.settle(5)
        assert harness.cluster.evictions == ["default/web-1", "default/web-2"]


async def test_a_place_is_kept_for_as_long_as_its_pod_takes_to_end() -> None:
    async with Harness(plan, settings()) as harness:
        drifted(harness, "abe")
        harness.put_pod(web("full-1"), node="a", phase="Running")
        old = harness.put_pod(web("web-1"), node="e", phase="Running")
        await harness.settle(AFTER_S + 400)
        assert harness.cluster.evictions == ["default/web-1"]
        harness.put_pod(web("rival-1"))
        await harness.settle(5)
        assert "rival-1" not in harness.placement

        replaced(harness, "web-1", "web-2")
        await harness.settle(5)
        assert harness.placement["web-2"] == "b"
        assert marks(harness, "web-2")[REPLACES_ANNOTATION] == old.uid


async def test_a_surge_that_is_given_up_is_not_taken_up_again() -> None:
    async with Harness(plan, surging()) as harness:
        harness.cluster.surges_to = 2
        drifted(harness)
        harness.put_pod(web("web-1"), node="e", phase="Running")
        await harness.settle(AFTER_S + 5)
        harness.put_pod(web("web-2"))
        await harness.settle(100)
        assert harness.cluster.asked_for == [2, 1]
        assert harness.cluster.pods["default/web-1"].pod.surge == ""
        harness.cluster.surges_to = 0
        harness.delete_pod("default/web-2")
        await harness.settle(4)

        assert harness.cluster.asked_for == [2, 1]


async def test_where_another_pod_was_removed_the_mark_is_taken_away() -> None:
    async with Harness(plan, surging()) as harness:
        harness.cluster.surges_to = 2
        drifted(harness)
        old = harness.put_pod(web("web-1"), node="e", phase="Running")
        await harness.settle(AFTER_S + 5)
        harness.put_pod(web("web-2"))
        await harness.settle(5)
        successor = replace(harness.cluster.pods["default/web-2"].pod, replaces=old.uid)
        harness.put_pod(successor, node="a", phase="Running", is_ready=True)
        await harness.settle(5)
        assert harness.cluster.asked_for == [2, 1]
        harness.cluster.surges_to = 0
        await harness.settle(40)

        assert harness.cluster.pods["default/web-1"].pod.surge == ""
        assert harness.cluster.asked_for == [2, 1]


async def test_a_place_stays_kept_where_its_successors_binding_is_refused() -> None:
    async with Harness(plan, settings()) as harness:
        drifted(harness)
        old = harness.put_pod(web("web-1"), node="e", phase="Running")
        await harness.settle(AFTER_S + 5)
        assert harness.cluster.evictions == ["default/web-1"]

        def refuse(binding: Binding) -> None:
            raise BindConflict(binding.pod.key, binding.node, "not now")

        harness.cluster.before_bind = refuse
        replaced(harness, "web-1", "web-2")
        await harness.settle(0.5)
        assert "web-2" not in harness.placement
        harness.cluster.before_bind = lambda _binding: None
        await harness.settle(20)

        assert marks(harness, "web-2")[REPLACES_ANNOTATION] == old.uid
        assert marks(harness, "web-2")[MOVED_ANNOTATION].startswith("e@")
