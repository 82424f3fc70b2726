"""What is told to waiting pods when nodes and other pods come, go, or change."""

from dataclasses import replace

from scheduler.domain.cluster_events import Listed, NodeChanged, NodeDeleted, PodChanged, PodDeleted
from scheduler.domain.workload import Pod
from scheduler.service.cache import Cache
from scheduler.service.wake import (
    NodeAdded,
    NodeRemoved,
    PodGone,
    PodLeaving,
    PodPlaced,
    PodRelabelled,
    RoomFreed,
    Wake,
    WakeNamed,
)
from tests.builders import node, pod
from tests.unit.service.grounded import of_app


def a_cache(*names: str) -> Cache:
    cache = Cache()
    cache.apply(Listed())
    for name in names:
        cache.apply(NodeChanged(node(name)))
    return cache


def tell(
    cache: Cache, one: Pod, at: str = "", phase: str = "Running", *, is_terminating: bool = False
) -> list[Wake]:
    return cache.apply(PodChanged(one, at, phase, is_terminating=is_terminating))


def kinds(events: list[Wake]) -> list[type[Wake]]:
    return [type(event) for event in events]


def test_a_pod_that_is_assumed_is_placed_and_may_be_a_reference() -> None:
    cache, one = a_cache("n"), pod("p")
    tell(cache, one)

    events = cache.pods.assume(one, "n")

    assert kinds(events) == [PodPlaced, WakeNamed]
    assert tell(cache, one, "n") == []


def test_a_pod_that_goes_frees_its_room() -> None:
    cache, one = a_cache("n"), pod("p", cpu_milli=500)
    tell(cache, one, "n")

    events = cache.apply(PodDeleted(one.key, one.uid))

    assert kinds(events) == [RoomFreed, PodGone, WakeNamed]
    freed = events[0]
    assert isinstance(freed, RoomFreed)
    assert freed.room.free["cpu"] == 4_000
    assert freed.freed == (("cpu", 500), ("pods", 1))
    assert {event.why for event in events} == {"AssignedPodDelete"}


def test_a_pod_that_finishes_and_one_that_is_forgotten_are_gone_alike() -> None:
    cache, one, other = a_cache("n"), pod("p"), pod("q")
    tell(cache, one, "n")
    tell(cache, other)
    cache.pods.assume(other, "n")

    assert kinds(tell(cache, one, "n", "Succeeded")) == [RoomFreed, PodGone, WakeNamed]
    assert kinds(cache.pods.forget(other)) == [RoomFreed, PodGone, WakeNamed]


def test_a_pod_that_a_decision_would_have_placed_and_that_goes_nowhere_is_told_of() -> None:
    cache, one = a_cache("n"), pod("p")
    tell(cache, one)

    events = cache.pods.renounce(one, "n")

    assert kinds(events) == [RoomFreed, PodGone, WakeNamed]
    assert isinstance(events[0], RoomFreed)
    assert events[0].freed is None


def test_a_pod_that_went_unplaced_frees_nothing() -> None:
    cache, one = a_cache("n"), pod("p")
    tell(cache, one)

    assert kinds(cache.apply(PodDeleted(one.key, one.uid))) == [WakeNamed]


def test_a_pod_found_on_another_node_than_assumed_leaves_the_one_and_is_on_the_other() -> None:
    cache, one = a_cache("n", "m"), pod("p")
    tell(cache, one)
    cache.pods.assume(one, "n")

    events = tell(cache, one, "m")

    assert kinds(events) == [RoomFreed, PodGone, WakeNamed, PodPlaced, WakeNamed]


def test_a_placed_pod_that_is_terminating_is_leaving_and_one_that_waits_is_not() -> None:
    cache, one, other = a_cache("n"), pod("p"), pod("q")
    tell(cache, one, "n")
    tell(cache, other)

    assert kinds(tell(cache, one, "n", is_terminating=True)) == [PodLeaving, WakeNamed]
    assert kinds(tell(cache, other, is_terminating=True)) == [WakeNamed]


def test_a_placed_pod_that_changes_its_labels_is_told_by_what_it_was_and_what_it_is() -> None:
    cache, one = a_cache("n"), of_app("web")
    tell(cache, one, "n")

    events = tell(cache, replace(of_app("db"), name=one.name), "n")

    assert kinds(events) == [WakeNamed, WakeNamed, PodRelabelled]


def test_a_placed_pod_that_only_changes_its_own_number_is_told_of() -> None:
    cache, one = a_cache("n"), of_app("web")
    tell(cache, one, "n")

    events = tell(cache, replace(one, identity_labels=(("index", "1"),)), "n")

    assert kinds(events) == [PodRelabelled]


def test_a_pod_resized_in_place_frees_what_it_takes_less() -> None:
    cache, one = a_cache("n"), pod("p", cpu_milli=500)
    tell(cache, one, "n")

    smaller = tell(cache, pod("p", cpu_milli=200), "n")
    larger = tell(cache, pod("p", cpu_milli=900), "n")

    assert [e.freed for e in smaller if isinstance(e, RoomFreed)] == [(("cpu", 300),)]
    assert RoomFreed not in kinds(larger)


def test_pods_of_a_node_that_goes_count_no_more_and_do_again_when_it_is_back() -> None:
    cache, one = a_cache("n"), pod("p")
    tell(cache, one, "n")

    gone = cache.apply(NodeDeleted("n"))
    back = cache.apply(NodeChanged(node("n")))

    assert kinds(gone) == [NodeRemoved, PodGone, WakeNamed]
    assert kinds(back) == [NodeAdded, PodPlaced, WakeNamed]


def test_a_pod_that_goes_after_its_node_frees_no_room() -> None:
    cache, one = a_cache("n"), pod("p")
    tell(cache, one, "n")
    cache.apply(NodeDeleted("n"))

    assert kinds(cache.apply(PodDeleted(one.key, one.uid))) == [PodGone, WakeNamed]


def test_nothing_is_told_while_nobody_listens_and_what_is_known_is_the_same() -> None:
    loud, quiet = a_cache("n", "m"), a_cache("n", "m")
    quiet.pods.events.is_heard = lambda: False
    one, other = pod("p"), pod("q")

    def live(cache: Cache) -> list[Wake]:
        wakes = tell(cache, one) + cache.pods.assume(one, "n") + tell(cache, one, "n")
        wakes += tell(cache, other, "m") + tell(cache, other, "m", is_terminating=True)
        wakes += tell(cache, replace(one, pod_class=of_app("web").pod_class), "n")
        wakes += cache.pods.renounce(other, "m")
        return wakes + cache.apply(PodDeleted(other.key, other.uid))

    assert set(kinds(live(loud))) >= {PodPlaced, PodGone, PodLeaving, RoomFreed, WakeNamed}
    assert live(quiet) == []
    assert kinds(loud.apply(NodeDeleted("n")))[0] is NodeRemoved
    assert kinds(quiet.apply(NodeDeleted("n"))) == [NodeRemoved]
    assert loud.pods.records.keys() == quiet.pods.records.keys()
    assert loud.pods.version == quiet.pods.version
