"""When a waiting pod is tried, and together with whom."""

from dataclasses import replace

import pytest

from scheduler.domain.between import PodTerm
from scheduler.domain.pod_group import GroupApi, GroupRef
from scheduler.domain.reasons import Cause, PodCause
from scheduler.domain.selector import LabelSelector, Requirement
from scheduler.domain.storage import Claim, PodVolumes
from scheduler.domain.workload import Pod, PodClass, Service
from scheduler.service.grounds import AnyCause
from scheduler.service.queue import SchedulingQueue
from scheduler.service.queue_settings import QueueSettings
from scheduler.service.queued_pod import Stage
from scheduler.service.rtt_changed import RttChanged
from scheduler.service.wake import NodeAdded, WakeAll, WakeNamed
from tests.builders import line_rtt, node, pod, within, workload
from tests.unit.service.grounded import refused, updated

INDEX = "apps.kubernetes.io/pod-index"


def a_queue() -> SchedulingQueue:
    return SchedulingQueue(QueueSettings())


def stage(queue: SchedulingQueue, one: Pod) -> Stage:
    queued = queue.get(one.key)
    assert queued is not None
    return queued.stage


def parked(queue: SchedulingQueue, one: Pod, now_s: float = 0.0) -> Pod:
    queue.put(one, now_s)
    queue.take(now_s + 0.2)
    queue.park(one, now_s + 0.2)
    return one


def test_a_batch_is_taken_when_no_pod_arrived_for_the_idle_time() -> None:
    queue = a_queue()
    queue.put(pod("a"), 0.0)
    queue.put(pod("b"), 0.008)

    assert queue.take(0.012) == ()
    assert [p.name for p in queue.take(0.0181)] == ["a", "b"]


def test_a_steady_stream_does_not_put_the_batch_off_for_ever() -> None:
    queue = a_queue()
    for k in range(20):
        queue.put(pod(f"p{k:02}"), 0.005 * k)

    assert queue.next_s() == 0.1
    assert len(queue.take(0.1)) == 20


def test_a_batch_is_ordered_by_priority_then_age_then_name() -> None:
    queue = a_queue()
    queue.put(replace(pod("young"), created_s=2.0), 0.0)
    queue.put(replace(pod("b"), created_s=1.0), 0.0)
    queue.put(replace(pod("a"), created_s=1.0), 0.0)
    queue.put(replace(pod("urgent", priority=1), created_s=3.0), 0.0)

    assert [p.name for p in queue.take(1.0)] == ["urgent", "a", "b", "young"]


def test_a_batch_has_so_many_classes_and_the_others_follow_at_once() -> None:
    queue = SchedulingQueue(QueueSettings(batch_max_classes=2))
    one, two, three = (pod(name, cpu_milli=k).pod_class for k, name in enumerate("abc", start=1))
    for k, pod_class in enumerate((one, two, three, one, two)):
        queue.put(Pod(f"p{k}", pod_class, created_s=float(k)), 0.0)

    first = queue.take(1.0)

    assert [p.name for p in first] == ["p0", "p1", "p3", "p4"]
    assert queue.next_s() is not None
    assert [p.name for p in queue.take(1.0)] == ["p2"]


def test_pods_with_volumes_of_their_own_count_as_a_class_each() -> None:
    queue = SchedulingQueue(QueueSettings(batch_max_classes=2))
    for k in range(3):
        volumes = PodVolumes((Claim(f"data-{k}"),))
        queue.put(replace(pod(f"p{k}"), created_s=float(k), volumes=volumes), 0.0)

    assert [p.name for p in queue.take(1.0)] == ["p0", "p1"]
    assert [p.name for p in queue.take(1.0)] == ["p2"]


@pytest.mark.parametrize(("key", "first"), [(INDEX, ["p0", "p1"]), ("app", ["p0", "p1", "p2"])])
def test_numbered_pods_count_as_a_class_each_where_a_selector_asks_for_numbers(
    key: str, first: list[str]
) -> None:
    queue = SchedulingQueue(QueueSettings(batch_max_classes=2))
    term = PodTerm("zone", LabelSelector((Requirement(key, "In", ("0",)),)), ("default",))
    shared = pod("p", pod_anti_affinity=(term,)).pod_class
    for k in range(3):
        labels = ((INDEX, str(k)),)
        queue.put(Pod(f"p{k}", shared, created_s=float(k), identity_labels=labels), 0.0)

    assert [p.name for p in queue.take(1.0)] == first


def test_what_a_pod_of_a_batch_refers_to_comes_along_though_its_class_is_not_in_line() -> None:
    queue = SchedulingQueue(QueueSettings(batch_max_classes=1))
    web = pod("web", delays=(within(5, "db"),))
    queue.put(replace(web, created_s=1.0), 0.0)
    queue.put(replace(pod("db", cpu_milli=7), created_s=2.0), 0.0)

    assert [p.name for p in queue.take(1.0)] == ["web", "db"]


def test_the_backoff_doubles_from_one_second_to_ten() -> None:
    queue, one, now_s, waits_s = a_queue(), pod("a"), 0.0, []
    queue.put(one, now_s)
    for _ in range(6):
        due_s = queue.next_s()
        while (taken := queue.take(due_s or 0.0)) == ():
            due_s = queue.next_s()
        now_s = due_s or 0.0
        queue.retry(taken[0], now_s)
        queued = queue.get(one.key)
        waits_s.append(round((queued.retry_s if queued else 0.0) - now_s, 6))

    assert waits_s == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


def test_an_unschedulable_pod_waits_for_something_that_could_help() -> None:
    queue = a_queue()
    one = parked(queue, pod("a"))

    assert queue.take(200.0) == ()
    queue.wake([WakeAll("NodeAdd")], 200.0)
    assert queue.take(200.02) == (one,)


def test_an_unschedulable_pod_is_tried_after_five_minutes_all_the_same() -> None:
    queue = a_queue()
    one = parked(queue, pod("a"))
    queue.take(300.3)

    assert queue.take(300.4) == (one,)


def test_what_could_help_while_a_pod_is_decided_on_is_not_missed() -> None:
    queue, one = a_queue(), pod("a")
    queue.put(one, 0.0)
    queue.take(0.2)
    queue.wake([WakeAll("NodeAdd")], 0.3)
    queue.park(one, 0.4)

    assert stage(queue, one) is Stage.BACKOFF


def test_a_changed_matrix_wakes_only_pods_that_ask_for_a_delay() -> None:
    queue = a_queue()
    plain, near = parked(queue, pod("plain")), parked(queue, pod("near", delays=(within(5, "n"),)))
    queue.wake([RttChanged(line_rtt(["n"]), line_rtt(["n", "m"]), {"n", "m"})], 50.0)

    assert stage(queue, plain) is Stage.UNSCHEDULABLE
    assert stage(queue, near) is Stage.ACTIVE


def test_a_reference_that_appears_wakes_only_those_that_refer_to_it() -> None:
    queue = a_queue()
    near = parked(queue, pod("near", delays=(within(5, "db"),)))
    other = parked(queue, pod("other", delays=(within(5, "web"),)))
    queue.wake([WakeNamed("PodAdd", "default", frozenset({"db"}), skips_backoff=True)], 0.3)

    assert stage(queue, near) is Stage.ACTIVE
    assert stage(queue, other) is Stage.UNSCHEDULABLE


def test_pods_that_refer_to_each_other_come_in_one_batch_whatever_their_backoff() -> None:
    queue = a_queue()
    ping = parked(queue, pod("ping", delays=(within(5, "pong"),), workload=workload("ping")))
    queue.put(pod("pong", delays=(within(5, "ping"),), workload=workload("pong")), 0.3)

    assert {p.name for p in queue.take(0.5)} == {"ping", "pong"}
    assert stage(queue, ping) is Stage.IN_FLIGHT


def test_pods_behind_a_service_come_along_with_those_that_refer_to_it() -> None:
    service = Service("default", "db", (("app", "db"),))
    queue = SchedulingQueue(QueueSettings(), lambda _, name: service if name == "db" else None)
    parked(queue, pod("store", labels=(("app", "db"),)))
    queue.put(pod("near", delays=(within(5, "db"),)), 0.3)

    assert {p.name for p in queue.take(0.5)} == {"near", "store"}


def test_a_pod_that_changed_while_it_was_unschedulable_is_tried_again() -> None:
    queue = a_queue()
    one = parked(queue, pod("a"))
    queue.put(replace(one, pod_class=PodClass(priority=1)), 20.0)

    assert stage(queue, one) is Stage.ACTIVE


def refuse(queue: SchedulingQueue, one: Pod, *causes: AnyCause, now_s: float = 0.2) -> None:
    queued = queue.get(one.key)
    assert queued is not None
    queued.refusal = refused(*causes)
    queue.park(one, now_s)


def taken(queue: SchedulingQueue, one: Pod, now_s: float = 0.0) -> Pod:
    queue.put(one, now_s)
    assert one in queue.take(now_s + 0.2)
    return one


def test_a_pod_waits_on_through_what_cannot_lift_its_refusal() -> None:
    queue = a_queue()
    one = taken(queue, pod("a", cpu_milli=9_000))
    refuse(queue, one, Cause.RESOURCE)
    queue.wake([NodeAdded(node("small")), RttChanged(None, line_rtt(["n"]))], 50.0)

    assert stage(queue, one) is Stage.UNSCHEDULABLE
    queue.wake([NodeAdded(node("large", cpu_milli=9_000))], 51.0)
    assert stage(queue, one) is Stage.ACTIVE


def test_what_happened_while_a_pod_was_decided_on_is_judged_by_the_answer() -> None:
    queue = a_queue()
    small, large = pod("small", cpu_milli=100), pod("large", cpu_milli=9_000)
    for one in (small, large):
        queue.put(one, 0.0)
    queue.take(0.2)
    queue.wake([NodeAdded(node("n"))], 0.3)
    for one in (small, large):
        refuse(queue, one, Cause.RESOURCE, now_s=0.4)

    assert stage(queue, small) is Stage.BACKOFF
    assert stage(queue, large) is Stage.UNSCHEDULABLE


def test_a_reference_that_moves_meanwhile_is_judged_by_the_answer_too() -> None:
    queue = a_queue()
    near, full = (pod(name, delays=(within(5, "db"),)) for name in ("near", "full"))
    for one in (near, full):
        queue.put(one, 0.0)
    queue.take(0.2)
    queue.wake([WakeNamed("PodUpdate", "default", frozenset({"db"}))], 0.3)
    refuse(queue, near, Cause.DELAY, now_s=0.4)
    refuse(queue, full, Cause.RESOURCE, now_s=0.4)

    assert stage(queue, near) is Stage.BACKOFF
    assert stage(queue, full) is Stage.UNSCHEDULABLE


def test_pods_in_each_others_way_are_tried_once_more_and_then_wait_for_anything() -> None:
    queue = a_queue()
    one = taken(queue, pod("a"))
    refuse(queue, one, PodCause.CROWDED_OUT)
    assert stage(queue, one) is Stage.BACKOFF
    queue.take(2.0)
    assert queue.take(2.02) == (one,)
    refuse(queue, one, PodCause.CROWDED_OUT, now_s=2.1)
    assert stage(queue, one) is Stage.UNSCHEDULABLE
    queue.wake([NodeAdded(node("n"))], 50.0)

    assert stage(queue, one) is Stage.ACTIVE


def test_a_change_of_labels_leaves_a_pod_that_waits_for_room_where_it_is() -> None:
    queue = a_queue()
    one = taken(queue, pod("a", cpu_milli=9_000))
    refuse(queue, one, Cause.RESOURCE)
    queue.put(pod("a", cpu_milli=9_000, labels=(("x", "y"),)), 20.0)
    assert stage(queue, one) is Stage.UNSCHEDULABLE
    queue.wake([NodeAdded(node("large", cpu_milli=9_000))], 51.0)

    assert stage(queue, one) is Stage.ACTIVE


def test_a_pod_that_asks_for_less_is_tried_again() -> None:
    queue = a_queue()
    one = taken(queue, pod("a", cpu_milli=9_000))
    refuse(queue, one, Cause.RESOURCE)
    queue.put(pod("a", cpu_milli=100), 20.0)

    assert stage(queue, one) is Stage.ACTIVE


def test_what_brings_a_pod_back_is_counted_by_kube_schedulers_name() -> None:
    counted: list[tuple[str, str]] = []
    queue = SchedulingQueue(QueueSettings(), count=lambda *what: counted.append(what))
    one = taken(queue, pod("a"))
    refuse(queue, one, Cause.UNSCHEDULABLE)
    queue.wake([updated(node("n", is_unschedulable=True), node("n"))], 50.0)

    assert counted[-1] == ("active", "NodeUpdateNodeTaint")


def test_it_listens_while_an_event_could_have_a_pod_tried_earlier() -> None:
    queue, one = a_queue(), pod("p")
    assert not queue.listens()
    queue.put(replace(pod("gated"), is_gated=True), 0.0)
    queue.put(one, 0.0)
    assert not queue.listens()  # it is tried next anyway

    queue.take(1.0)
    assert queue.listens()
    queue.park(one, 1.0)
    assert queue.listens()
    queue.drop(one.key)
    assert not queue.listens()

    queue.put(one, 2.0)
    queue.take(3.0)
    queue.retry(one, 3.0)
    assert stage(queue, one) is Stage.BACKOFF
    assert queue.listens()


def test_the_pods_of_a_group_are_taken_together_whatever_they_wait_for() -> None:
    queue = a_queue()
    group = GroupRef(GroupApi.COSCHEDULING, "default", "g")
    first, second, third = (pod(f"g-{k}", group=group) for k in range(3))
    other = parked(queue, pod("other", group=GroupRef(GroupApi.VOLCANO, "default", "g")))
    parked(queue, first)
    queue.put(second, 1.0)
    queue.take(2.0)
    queue.park(first, 2.0)
    queue.retry(second, 2.0)
    assert (stage(queue, first), stage(queue, second)) == (Stage.UNSCHEDULABLE, Stage.BACKOFF)
    queue.put(third, 2.5)

    assert [p.name for p in queue.take(2.6)] == ["g-0", "g-1", "g-2"]
    assert stage(queue, other) is Stage.UNSCHEDULABLE
