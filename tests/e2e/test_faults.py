"""Faults injected into a running system: nothing is lost, nothing is bound twice."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.cluster import Cluster
from tests.real.judging import faults, snapshot_of
from tests.real.objects import node, pod
from tests.real.relay import Relay
from tests.real.schedulers import Scheduler

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("control-plane")]

PODS = 400


@pytest.fixture
def busy(cluster: Cluster) -> Iterator[Cluster]:
    """Give a cluster with room for just the pods there are, so that a place lost would show."""
    cluster.add_nodes([node(f"n-{number}", cpu="2") for number in range(PODS // 20)])
    cluster.add_pods([pod(f"p-{number}") for number in range(PODS)])
    yield cluster
    cluster.control_plane.ensure_api_server()


def is_told_once(cluster: Cluster) -> bool:
    """Whether no pod has two events of having been scheduled."""
    path = f"/apis/events.k8s.io/v1/namespaces/{cluster.namespace}/events"
    events = cluster.api.items(path, fieldSelector="reason=Scheduled")
    counts = Counter(event["regarding"]["uid"] for event in events)
    return all(count == 1 for count in counts.values())


def judge(cluster: Cluster, admin: Path, scheduler: Scheduler) -> None:
    assert len(cluster.bound()) == PODS
    assert faults(snapshot_of(admin)) == []
    assert is_told_once(cluster)
    assert scheduler.program.exit_status is None
    for bug in ("plan.rejected", "plan.failed", "cycle.failed", "binding.failed"):
        assert scheduler.lines(bug) == []


def test_an_api_server_killed_in_the_middle_of_bindings(
    busy: Cluster, relay: Relay, relayed: Path, admin: Path, tmp_path: Path
) -> None:
    relay.hold_bindings()
    with Scheduler(relayed, tmp_path) as scheduler:
        relay.wait_for_bindings(64)
        # These are carried out and nobody hears of it; then the server dies under the others.
        relay.lose_answers(30)
        relay.release_bindings()
        busy.wait_until(lambda: len(relay.lost) == 30, "answers are lost")
        busy.control_plane.kill_api_server()
        scheduler.program.wait_until(
            lambda: len(scheduler.lines("binding.unanswered")) > 30, "it notices"
        )
        busy.control_plane.start_api_server()
        busy.wait_for_bound(PODS, within_s=120)

        judge(busy, admin, scheduler)


def test_an_api_server_killed_and_restarted_without_a_relay_between(
    busy: Cluster, kubeconfig: Path, admin: Path, tmp_path: Path
) -> None:
    with Scheduler(kubeconfig, tmp_path) as scheduler:
        scheduler.program.wait_until(
            lambda: len(scheduler.lines("pod.bound")) > 20, "it has begun", within_s=120
        )
        busy.control_plane.kill_api_server()
        busy.control_plane.start_api_server()
        busy.wait_for_bound(PODS, within_s=120)

        judge(busy, admin, scheduler)


def test_an_api_server_that_is_restarted_in_peace(
    busy: Cluster, kubeconfig: Path, admin: Path, tmp_path: Path
) -> None:
    with Scheduler(kubeconfig, tmp_path) as scheduler:
        busy.wait_for_bound(PODS, within_s=120)
        busy.control_plane.stop_api_server()
        busy.control_plane.start_api_server()
        busy.add_nodes([node("after")])
        busy.add_pods([pod("after")])
        busy.wait_until(lambda: "after" in busy.bound(), "it goes on")
        busy.delete_pod("after")

        judge(busy, admin, scheduler)


def test_watches_closed_cleanly_again_and_again(
    busy: Cluster, relay: Relay, relayed: Path, admin: Path, tmp_path: Path
) -> None:
    relay.delay(0.005)
    with Scheduler(relayed, tmp_path) as scheduler:
        for bound in range(0, PODS, 40):
            busy.wait_for_bound(bound, within_s=120)
            relay.end_watches()
        busy.wait_for_bound(PODS, within_s=120)
        relay.end_watches()
        # What happens after is seen too: by a watch that was resumed, not by a new list.
        busy.delete_pod("p-0")
        busy.add_pods([pod("after")])
        busy.wait_until(lambda: "after" in busy.bound(), "it still follows")

        judge(busy, admin, scheduler)
        assert scheduler.lines("cluster.unseen") == []
        assert scheduler.metric('isochrone_watch_ends_total{kind="pods"}') >= 5


def test_connections_broken_in_the_middle_of_whatever_they_carry(
    busy: Cluster, relay: Relay, relayed: Path, admin: Path, tmp_path: Path
) -> None:
    with Scheduler(relayed, tmp_path) as scheduler:
        for bound in range(0, PODS, 80):
            busy.wait_for_bound(bound, within_s=120)
            relay.cut()
        busy.wait_for_bound(PODS, within_s=120)

        judge(busy, admin, scheduler)


def test_bindings_that_are_put_off_and_refused_are_tried_again(
    busy: Cluster, relay: Relay, relayed: Path, admin: Path, tmp_path: Path
) -> None:
    relay.refuse_bindings(50, status=500)
    with Scheduler(relayed, tmp_path) as scheduler:
        busy.wait_for_bound(PODS, within_s=120)

        judge(busy, admin, scheduler)


def test_a_watch_that_has_expired_is_listed_anew_and_what_is_gone_is_gone(
    busy: Cluster, relay: Relay, relayed: Path, admin: Path, tmp_path: Path
) -> None:
    with Scheduler(relayed, tmp_path) as scheduler:
        busy.wait_for_bound(PODS, within_s=120)
        busy.add_nodes([node("spare", cpu="2")])
        scheduler.program.wait_until(lambda: _knows(scheduler, PODS // 20 + 1), "it knows of spare")
        relay.refuse_connections()
        # Behind its back: a node goes, room is freed elsewhere, and the history is forgotten.
        busy.delete_node("spare")
        for number in range(20):
            busy.delete_pod(f"p-{number}")
        busy.control_plane.expire_versions()
        busy.add_pods([pod(f"late-{number}") for number in range(20)])
        relay.accept_connections()
        busy.wait_for_bound(PODS, within_s=120)

        judge(busy, admin, scheduler)
        said = [line["what"] for line in scheduler.lines("cluster.unseen")]
        assert any("410" in what for what in said)


def _knows(scheduler: Scheduler, nodes: int) -> bool:
    return scheduler.metric('scheduler_cache_size{type="nodes"}') == nodes
