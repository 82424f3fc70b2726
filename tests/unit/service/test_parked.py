"""What it costs to tell thousands of waiting pods of an event, and what pods in flight are told.

Costs are counted in judgements: an event held against the grounds of some pods.
"""

from dataclasses import replace

from scheduler.domain.node import Taint
from scheduler.domain.reasons import Cause
from scheduler.service.event_log import EventLog
from scheduler.service.grounds import grounds_of
from scheduler.service.parked import ParkedPods
from scheduler.service.rtt_changed import RttChanged
from scheduler.service.wake import (
    NodeAdded,
    PodGone,
    PodPlaced,
    Room,
    RoomFreed,
    Wake,
    WakeAll,
)
from telemetry.model import empty_rtt
from tests.builders import node, pod, within
from tests.unit.service.grounded import evenly, of_app, placed, refused, updated, waiting

TOO_LARGE = 9_000
FULL = Room(node("n"), {"cpu": 4_000, "pods": 9})
WEB = PodPlaced(placed(of_app("web")))


def ten_thousand(classes: int, cause: Cause = Cause.RESOURCE) -> ParkedPods:
    """Return pods of some classes that no node is large enough for."""
    parked = ParkedPods()
    for k in range(10_000):
        made = pod(f"p{k}", cpu_milli=TOO_LARGE + k % classes)
        parked.add(made.key, grounds_of(made, refused(cause)))
    return parked


def cost(parked: ParkedPods, event: Wake) -> int:
    before = parked.judged
    assert parked.helped_by(event) == []
    return parked.judged - before


def test_pods_of_one_class_that_were_refused_alike_are_judged_once() -> None:
    parked = ten_thousand(classes=20)

    assert cost(parked, RoomFreed(FULL, None)) == 20
    assert cost(parked, NodeAdded(node("m"))) == 20


def test_an_event_that_no_cause_asks_for_costs_no_judgement() -> None:
    parked = ten_thousand(classes=1_000)

    assert cost(parked, WEB) == 0
    assert cost(parked, PodGone(WEB.pod)) == 0
    assert cost(parked, RttChanged(None, empty_rtt())) == 0


def test_a_change_of_a_node_is_held_against_each_class_once_for_all_its_causes() -> None:
    parked = ParkedPods()
    causes = refused(Cause.TAINT, Cause.NODE_AFFINITY, Cause.DELAY)
    for k in range(100):
        made = pod(f"p{k}", cpu_milli=TOO_LARGE + k % 10)
        parked.add(made.key, grounds_of(made, causes))

    assert cost(parked, updated(node("n", taints=(Taint("x"),)), node("n"))) == 10


def test_the_rules_of_topology_spread_are_asked_in_the_pods_own_namespace_only() -> None:
    parked = ParkedPods()
    for k in range(1_000):
        made = pod(f"p{k}", namespace=f"ns-{k}", spread=(evenly("web"),))
        parked.add(made.key, grounds_of(made, refused(Cause.SPREAD)))
    event = PodPlaced(placed(of_app("db", namespace="ns-7")))

    assert cost(parked, event) == 1


def test_all_pods_that_wait_on_the_same_grounds_are_helped_and_no_others() -> None:
    parked = ParkedPods()
    for name, cpu_milli in (("a", 100), ("b", 100), ("c", TOO_LARGE)):
        made = pod(name, cpu_milli=cpu_milli)
        parked.add(made.key, grounds_of(made, refused(Cause.RESOURCE)))

    assert parked.helped_by(RoomFreed(FULL, None)) == ["default/a", "default/b"]
    assert len(parked.helped_by(WakeAll("KindListed"))) == 3


def test_a_pod_that_left_is_told_nothing() -> None:
    parked = ParkedPods()
    parked.add("default/p", waiting(Cause.RESOURCE))
    parked.remove("default/p")
    parked.remove("default/p")

    assert parked.helped_by(WakeAll("KindListed")) == []
    assert len(parked) == 0


def test_what_came_before_a_pod_was_taken_is_not_held_against_its_refusal() -> None:
    log, grounds = EventLog(), waiting(Cause.RESOURCE)
    log.add(RoomFreed(FULL, None))
    since = log.at

    assert not log.has_helped(grounds, since)
    assert log.has_helped(grounds, since - 1)


def test_what_is_alike_is_kept_once_and_counts_as_the_last() -> None:
    log, grounds = EventLog(), waiting(Cause.SPREAD, spread=(evenly("web"),))
    log.add(WEB)
    since = log.at
    log.add(PodPlaced(placed(replace(of_app("web"), name="web-1"))))

    assert log.has_helped(grounds, since)
    assert log.kept == 1


def test_room_that_was_there_before_counts_for_a_pod_in_flight() -> None:
    """A decision may have given it to a pod that is not assumed yet, and may never be."""
    log = EventLog()
    log.add(RoomFreed(FULL, (("pods", 1),)))

    assert log.has_helped(waiting(Cause.RESOURCE), 0)


def test_any_new_table_counts_for_a_pod_in_flight_that_is_refused_for_a_delay() -> None:
    log = EventLog()
    log.add(RttChanged(empty_rtt(), empty_rtt()))

    assert log.has_helped(waiting(Cause.DELAY, delays=(within(5, "n"),)), 0)
    assert not log.has_helped(waiting(Cause.RESOURCE), 0)


def test_the_log_is_bounded_and_who_missed_something_is_tried_again() -> None:
    log = EventLog()
    one = pod("p")
    for k in range(20_000):
        log.add(PodPlaced(placed(replace(one, identity_labels=(("index", str(k)),)))))

    assert log.kept < 20_000
    assert log.has_helped(waiting(Cause.RESOURCE), 0)
    assert not log.has_helped(waiting(Cause.RESOURCE), log.at - 1)


def test_nothing_is_kept_once_nobody_is_in_flight() -> None:
    log = EventLog()
    log.add(WEB)
    log.clear()

    assert log.kept == 0
    assert not log.has_helped(waiting(Cause.SPREAD, spread=(evenly("web"),)), log.at)
