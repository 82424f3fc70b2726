"""The whole service over a cluster in memory: what is bound, what is said, what is never lost."""

from dataclasses import replace

import pytest

from scheduler.domain.errors import BindConflict, ClusterUnavailable, PlanRejected
from scheduler.domain.plan import Assignment, Plan, Unplaced
from scheduler.domain.ports import Binding, PodNote
from scheduler.domain.reasons import Cause, NodeReason, Refusal
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.placement.settings import PlacementSettings
from scheduler.service.queued_pod import Stage
from tests.builders import line_rtt, node, pod, within
from tests.harness import Harness
from tests.unit.service.first_fit import first_fit

pytestmark = pytest.mark.looptime


def reasons(harness: Harness) -> list[str]:
    return [note.reason for note in harness.cluster.notes]


async def test_a_pod_is_bound_and_the_cluster_is_told() -> None:
    async with Harness(first_fit) as harness:
        harness.put_node(node("a"))
        harness.put_pod(pod("p"))
        await harness.settle()

        assert harness.placement == {"p": "a"}
        assert [n.message for n in harness.cluster.notes] == [
            "Successfully assigned default/p to a"
        ]


async def test_pods_of_another_scheduler_are_left_alone_and_count_as_load() -> None:
    async with Harness(first_fit) as harness:
        harness.put_node(node("a", cpu_milli=1000))
        harness.put_pod(pod("theirs", cpu_milli=600), scheduler="default-scheduler", node="a")
        harness.put_pod(pod("waiting"), scheduler="default-scheduler")
        harness.put_pod(pod("ours", cpu_milli=600))
        await harness.settle()

        assert harness.cluster.bindings == []


async def test_a_waiting_pod_is_placed_when_a_node_joins() -> None:
    async with Harness(first_fit) as harness:
        harness.put_pod(pod("p"))
        await harness.settle()
        harness.put_node(node("a"))
        await harness.settle(2)

        assert harness.placement == {"p": "a"}


async def test_a_waiting_pod_is_placed_when_another_is_deleted() -> None:
    async with Harness(first_fit) as harness:
        harness.put_node(node("a", cpu_milli=100))
        harness.put_pod(pod("first"))
        await harness.settle()
        harness.put_pod(pod("second"))
        await harness.settle(20)
        harness.delete_pod("default/first")
        await harness.settle(1)

        assert harness.placement == {"second": "a"}


async def test_a_waiting_pod_is_placed_when_another_finishes() -> None:
    async with Harness(first_fit) as harness:
        harness.put_node(node("a", cpu_milli=100))
        first = harness.put_pod(pod("first"))
        await harness.settle()
        harness.put_pod(pod("second"))
        await harness.settle(20)
        harness.put_pod(first, node="a", phase="Succeeded")
        await harness.settle(1)

        assert harness.placement["second"] == "a"


def near_only(snapshot: ClusterSnapshot, settings: PlacementSettings) -> Plan:
    """First fit, once the table knows the nodes."""
    if snapshot.rtt.nodes:
        return first_fit(snapshot, settings)
    far = NodeReason(Cause.DELAY_UNKNOWN, "node(s) had no measured delay", len(snapshot.nodes))
    refusal = Refusal(len(snapshot.nodes), node_reasons=(far,))
    return Plan((), tuple(Unplaced(pod, refusal) for pod in snapshot.pending))


async def test_a_waiting_pod_is_placed_when_the_matrix_changes() -> None:
    async with Harness(near_only) as harness:
        harness.put_node(node("a"))
        harness.put_pod(pod("p", delays=(within(5, "a"),)))
        await harness.settle(20)
        harness.rtt.put(line_rtt(["a"]))
        await harness.settle(1)

        assert harness.placement == {"p": "a"}


async def test_a_refused_binding_is_tried_again_after_its_backoff() -> None:
    async with Harness(first_fit) as harness:
        refusals = ["once"]

        def refuse(binding: Binding) -> None:
            if refusals:
                raise BindConflict(binding.pod.key, binding.node, refusals.pop())

        harness.cluster.before_bind = refuse
        harness.put_node(node("a"))
        harness.put_pod(pod("p"))
        await harness.settle(0.9)
        assert harness.placement == {}
        await harness.settle(0.5)

        assert harness.placement == {"p": "a"}


async def test_a_lost_answer_binds_nothing_twice_and_holds_the_room() -> None:
    async with Harness(first_fit) as harness:
        lost = ["answer"]

        def lose(_binding: Binding) -> None:
            if lost:
                raise ClusterUnavailable(lost.pop())

        harness.cluster.after_bind = lose
        harness.put_node(node("a", cpu_milli=100))
        harness.put_pod(pod("p"))
        await harness.settle(0.02)
        harness.put_pod(pod("q"))
        await harness.settle(60)

        assert harness.placement == {"p": "a"}
        assert len(harness.cluster.bindings) == 1


async def test_a_binding_that_never_arrived_is_sent_again_to_the_same_node() -> None:
    async with Harness(first_fit) as harness:
        outage = [ClusterUnavailable("down"), ClusterUnavailable("down")]

        def fail(_binding: Binding) -> None:
            if outage:
                raise outage.pop()

        harness.cluster.before_bind = fail
        harness.put_node(node("a", cpu_milli=100))
        harness.put_pod(pod("p"))
        await harness.settle(0.3)
        harness.put_node(node("A", cpu_milli=100))
        harness.put_pod(pod("q"))
        await harness.settle(10)

        assert harness.placement == {"p": "a", "q": "A"}


async def test_an_unanswered_binding_that_would_be_wrong_by_now_is_given_up_at_last() -> None:
    async with Harness(first_fit) as harness:
        outage = [ClusterUnavailable("down")]

        def fail(_binding: Binding) -> None:
            if outage:
                raise outage.pop()

        harness.cluster.before_bind = fail
        harness.put_node(node("a"))
        harness.put_pod(pod("p"))
        await harness.settle(0.3)
        harness.put_node(node("a", is_ready=False))
        harness.put_node(node("b"))
        await harness.settle(20)
        assert harness.placement == {}
        await harness.settle(100)

        assert harness.placement == {"p": "b"}


async def test_a_list_that_shows_the_pod_unbound_ends_the_doubt() -> None:
    async with Harness(first_fit) as harness:
        outage = [ClusterUnavailable("down")]

        def fail(_binding: Binding) -> None:
            if outage:
                raise outage.pop()

        harness.cluster.before_bind = fail
        harness.put_node(node("a"))
        harness.put_pod(pod("p"))
        await harness.settle(0.1)
        harness.put_node(node("a", is_ready=False))
        harness.put_node(node("b"))
        harness.cluster.emit(ClusterUnavailable("watch cut"))
        await harness.settle(5)

        assert harness.placement == {"p": "b"}


async def test_a_pod_deleted_during_its_binding_leaves_nothing_behind() -> None:
    async with Harness(first_fit) as harness:
        harness.cluster.bind_s = 1.0
        harness.put_node(node("a", cpu_milli=100))
        harness.put_pod(pod("p"))
        await harness.settle(0.3)
        harness.delete_pod("default/p")
        harness.put_pod(pod("q"))
        await harness.settle(5)

        assert harness.placement == {"q": "a"}
        assert len(harness.state.queue) == 0


async def test_a_pod_created_anew_under_its_name_is_bound_as_another_pod() -> None:
    async with Harness(first_fit) as harness:
        harness.cluster.bind_s = 1.0
        harness.put_node(node("a"))
        old = harness.put_pod(pod("p"))
        await harness.settle(0.3)
        harness.delete_pod("default/p")
        new = harness.put_pod(pod("p"))
        await harness.settle(5)

        assert [b.pod.uid for b in harness.cluster.bindings] == [new.uid]
        assert new.uid != old.uid


async def test_a_node_deleted_while_a_pod_is_assumed_on_it_sends_the_pod_elsewhere() -> None:
    async with Harness(first_fit) as harness:
        harness.cluster.bind_s = 1.0

        def gone(binding: Binding) -> None:
            if binding.node not in harness.cluster.nodes:
                raise BindConflict(binding.pod.key, binding.node, "no such node")

        harness.cluster.before_bind = gone
        harness.put_node(node("a"))
        harness.put_pod(pod("p"))
        await harness.settle(0.3)
        harness.delete_node("a")
        harness.put_node(node("b"))
        await harness.settle(5)

        assert harness.placement == {"p": "b"}


async def test_why_a_pod_waits_is_written_again_only_when_it_changes() -> None:
    async with Harness(first_fit) as harness:
        harness.put_node(node("a", cpu_milli=1))
        harness.put_pod(pod("p"))
        await harness.settle(5)
        for _ in range(3):
            harness.put_node(node("a", cpu_milli=2))
            await harness.settle(330)
            harness.put_node(node("a", cpu_milli=1))
            await harness.settle(330)
        harness.put_node(node("b", cpu_milli=1))
        await harness.settle(330)

        assert [n.message for n in harness.cluster.notes] == [
            "0/1 nodes are available: 1 Insufficient cpu.",
            "0/2 nodes are available: 2 Insufficient cpu.",
        ]
        assert all(n.condition for n in harness.cluster.notes)


async def test_a_note_that_could_not_be_written_is_written_at_the_next_attempt() -> None:
    async with Harness(first_fit) as harness:
        outage = [ClusterUnavailable("down")]

        def fail(_note: PodNote) -> None:
            if outage:
                raise outage.pop()

        harness.cluster.before_note = fail
        harness.put_pod(pod("p"))
        await harness.settle(400)

        assert reasons(harness) == ["FailedScheduling"]


async def test_a_rejected_plan_binds_nothing_and_the_others_are_still_placed() -> None:
    def rejects_bad(snapshot: ClusterSnapshot, settings: PlacementSettings) -> Plan:
        if any(p.name == "bad" for p in snapshot.pending):
            raise PlanRejected(("bad is on a node without room",))
        return first_fit(snapshot, settings)

    async with Harness(rejects_bad) as harness:
        harness.put_node(node("a"))
        for name in ("p", "bad", "q", "r"):
            harness.put_pod(pod(name))
        await harness.settle(0.5)

        assert sorted(harness.placement) == ["p", "q", "r"]
        assert harness.state.queue.counts()[Stage.BACKOFF] == 1
        assert b"isochrone_plans_rejected_total 3.0" in harness.state.metrics.render()


async def test_an_exception_in_a_decision_does_not_end_the_service() -> None:
    crashes = [ZeroDivisionError("oops")]

    def crashing(snapshot: ClusterSnapshot, settings: PlacementSettings) -> Plan:
        if crashes:
            raise crashes.pop()
        return first_fit(snapshot, settings)

    async with Harness(crashing) as harness:
        harness.put_node(node("a"))
        harness.put_pod(pod("p"))
        await harness.settle(3)

        assert harness.placement == {"p": "a"}


async def test_an_assignment_nobody_asked_for_is_not_carried_out() -> None:
    def doubling(snapshot: ClusterSnapshot, settings: PlacementSettings) -> Plan:
        plan = first_fit(snapshot, settings)
        stranger = Assignment(replace(pod("stranger"), uid="x"), "a")
        return replace(plan, assignments=(*plan.assignments, *plan.assignments, stranger))

    async with Harness(doubling) as harness:
        harness.put_node(node("a"))
        harness.put_pod(pod("p"))
        await harness.settle(3)

        assert [b.pod.name for b in harness.cluster.bindings] == ["p"]


async def test_a_pod_the_plan_says_nothing_of_is_tried_again() -> None:
    answers = [Plan()]

    def silent(snapshot: ClusterSnapshot, settings: PlacementSettings) -> Plan:
        return answers.pop() if answers else first_fit(snapshot, settings)

    async with Harness(silent) as harness:
        harness.put_node(node("a"))
        harness.put_pod(pod("p"))
        await harness.settle(3)

        assert harness.placement == {"p": "a"}


async def test_a_watch_that_breaks_is_read_anew_and_its_gap_is_closed() -> None:
    async with Harness(first_fit) as harness:
        harness.put_node(node("a", cpu_milli=100))
        harness.put_pod(pod("first"))
        await harness.settle()
        harness.cluster.emit(ClusterUnavailable("cut"))
        await harness.settle(0.1)
        assert not harness.runtime.is_ready
        harness.delete_pod("default/first")  # nobody watches
        harness.put_pod(pod("second"))
        await harness.settle(3)

        assert harness.placement == {"second": "a"}
        assert harness.cluster.lists == 2


async def test_an_rtt_source_that_breaks_is_read_again_and_the_last_table_kept() -> None:
    async with Harness(first_fit) as harness:
        table = line_rtt(["a", "b"])
        harness.rtt.put(table)
        await harness.settle(0.1)
        harness.rtt.put(OSError("no route"))
        await harness.settle(0.1)
        assert harness.state.cache.rtt is table
        newer = line_rtt(["a", "b", "c"])
        harness.rtt.put(newer)
        await harness.settle(5)

        assert harness.state.cache.rtt is newer


async def test_stopping_lets_bindings_under_way_finish() -> None:
    async with Harness(first_fit) as harness:
        harness.cluster.bind_s = 2.0
        harness.put_node(node("a"))
        harness.put_pod(pod("p"))
        await harness.settle(0.3)
        assert harness.placement == {}
        harness.runtime.stop()
        await harness.settle(5)

        assert harness.placement == {"p": "a"}
        assert reasons(harness) == ["Scheduled"]


async def test_after_stopping_no_new_binding_is_sent() -> None:
    async with Harness(first_fit) as harness:
        harness.put_node(node("a"))
        harness.runtime.stop()
        harness.put_pod(pod("late"))
        await harness.settle(5)

        assert harness.cluster.bindings == []


async def test_a_delay_addressed_to_another_scheduler_is_warned_of_once() -> None:
    async with Harness(first_fit) as harness:
        lost = harness.put_pod(pod("lost", delays=(within(5, "a"),)), scheduler="default-scheduler")
        harness.put_pod(pod("plain"), scheduler="default-scheduler")
        harness.put_pod(lost, scheduler="default-scheduler")
        await harness.settle(1)

        assert reasons(harness) == ["DelayIgnored"]
        assert "custom-scheduler" in harness.cluster.notes[0].message


async def test_a_gated_pod_waits_for_its_gates() -> None:
    async with Harness(first_fit) as harness:
        harness.put_node(node("a"))
        gated = harness.put_pod(replace(pod("p"), is_gated=True))
        await harness.settle(30)
        assert harness.placement == {}
        harness.put_pod(replace(gated, is_gated=False))
        await harness.settle(1)

        assert harness.placement == {"p": "a"}


async def test_a_thousand_pods_are_each_bound_once_and_no_node_overflows() -> None:
    async with Harness(first_fit) as harness:
        for k in range(50):
            harness.put_node(node(f"n{k}", cpu_milli=2000))
        for k in range(1000):
            harness.put_pod(pod(f"p{k}"))
        await harness.settle(5)

        assert len(harness.placement) == 1000
        assert len({b.pod.uid for b in harness.cluster.bindings}) == 1000
        used = list(harness.placement.values())
        assert max(used.count(name) for name in set(used)) <= 20
