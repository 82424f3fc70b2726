"""The shipped scheduler, under the shipped rights, on a real control plane."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.real.cluster import Cluster
from tests.real.demo import PLACED, WAITING, add_demo, waiting_apps
from tests.real.judging import faults, snapshot_of
from tests.real.matrices import on_a_line, write_matrix
from tests.real.objects import deployment, node, pod
from tests.real.relay import Relay
from tests.real.schedulers import Scheduler

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("control-plane")]


def test_two_hundred_pods_of_the_demo_are_bound_and_every_budget_holds(
    cluster: Cluster, kubeconfig: Path, admin: Path, tmp_path: Path
) -> None:
    matrix = add_demo(cluster, tmp_path)

    with Scheduler(kubeconfig, tmp_path, matrix=matrix) as scheduler:
        cluster.wait_for_bound(PLACED, within_s=120)
        assert waiting_apps(cluster) == WAITING
        assert faults(snapshot_of(admin, matrix)) == []
        cluster.wait_until(
            lambda: all(_is_told(cluster, p) for p in cluster.pods()), "why the others wait is told"
        )
        assert scheduler.lines("plan.rejected") == []
        assert scheduler.lines("cycle.failed") == []


def test_why_a_pod_waits_is_an_event_and_a_condition_in_kubernetes_own_form(
    cluster: Cluster, kubeconfig: Path, tmp_path: Path
) -> None:
    cluster.add_nodes([node("edge-1", cpu="1"), node("edge-2", cpu="4")])
    matrix = write_matrix(tmp_path / "m.npz", ["edge-1", "edge-2"], on_a_line([0, 30]))
    cluster.add_pods([pod("big", cpu="8"), pod("near", cpu="2", labels={"delay_edge-1": "25"})])
    said = {
        "big": "0/2 nodes are available: 2 Insufficient cpu.",
        "near": "0/2 nodes are available: 1 Insufficient cpu, "
        "1 node(s) exceeded delay to edge-1 (25ms; nearest edge-2 30ms).",
    }

    with Scheduler(kubeconfig, tmp_path, matrix=matrix):
        for name, message in said.items():
            cluster.wait_until(_says(cluster, name, message), f"{name} says why it waits")

    for name, message in said.items():
        condition = cluster.condition(name)
        assert condition is not None
        assert (condition["status"], condition["reason"]) == ("False", "Unschedulable")
        assert condition["message"] == message
        assert condition["lastTransitionTime"]
        event = cluster.events(name, "FailedScheduling")[-1]
        assert (event["type"], event["action"], event["note"]) == ("Warning", "Scheduling", message)
        assert event["reportingController"] == "custom-scheduler"
        assert event["regarding"]["uid"] == cluster.pod(name)["metadata"]["uid"]


def test_a_bound_pod_has_its_event_and_the_rtt_it_was_bound_with(
    cluster: Cluster, kubeconfig: Path, tmp_path: Path
) -> None:
    cluster.add_nodes([node("edge-1"), node("edge-2")])
    matrix = write_matrix(tmp_path / "m.npz", ["edge-1", "edge-2"], on_a_line([0, 3]))
    picky = pod("game", cpu="3", labels={"delay_edge-1": "5"})
    cluster.add_pods([pod("first", cpu="3", labels={"delay_edge-1": "1"}), picky])

    with Scheduler(kubeconfig, tmp_path, matrix=matrix):
        assert cluster.wait_for_bound(2) == {"first": "edge-1", "game": "edge-2"}
        cluster.wait_until(lambda: bool(cluster.events("game", "Scheduled")), "its event is there")

    annotations = cluster.pod("game")["metadata"]["annotations"]
    assert annotations["isochrone.dev/rtt"] == "edge-1=3ms"
    assert annotations["isochrone.dev/decision"]
    [event] = cluster.events("game", "Scheduled")
    namespace = cluster.namespace
    assert event["note"] == f"Successfully assigned {namespace}/game to edge-2"
    assert (event["type"], event["action"]) == ("Normal", "Binding")


def test_a_waiting_pod_is_bound_when_a_node_joins(
    cluster: Cluster, kubeconfig: Path, tmp_path: Path
) -> None:
    cluster.add_pods([pod("p")])
    with Scheduler(kubeconfig, tmp_path):
        cluster.wait_until(lambda: cluster.condition("p") is not None, "p waits")
        cluster.add_nodes([node("late")])

        assert cluster.wait_for_bound(1) == {"p": "late"}


def test_a_waiting_pod_is_bound_when_another_is_deleted(
    cluster: Cluster, kubeconfig: Path, tmp_path: Path
) -> None:
    cluster.add_nodes([node("n", cpu="1")])
    cluster.add_pods([pod("old", cpu="1")])
    cluster.bind("old", "n")
    cluster.add_pods([pod("new", cpu="1")])
    with Scheduler(kubeconfig, tmp_path):
        cluster.wait_until(lambda: cluster.condition("new") is not None, "new waits")
        cluster.delete_pod("old")

        assert cluster.wait_for_bound(1) == {"new": "n"}


def test_a_waiting_pod_is_bound_when_the_matrix_changes(
    cluster: Cluster, kubeconfig: Path, tmp_path: Path
) -> None:
    names = ["edge-1", "edge-2"]
    cluster.add_nodes([node("edge-1", cpu="1"), node("edge-2", cpu="4")])
    matrix = write_matrix(tmp_path / "m.npz", names, on_a_line([0, 30]))
    cluster.add_pods([pod("p", cpu="2", labels={"delay_edge-1": "25"})])
    with Scheduler(kubeconfig, tmp_path, matrix=matrix):
        cluster.wait_until(lambda: cluster.condition("p") is not None, "p waits")
        write_matrix(matrix, names, on_a_line([0, 20]))

        assert cluster.wait_for_bound(1) == {"p": "edge-2"}


def test_without_round_trip_times_it_says_so_and_places_what_needs_none(
    cluster: Cluster, kubeconfig: Path, tmp_path: Path
) -> None:
    cluster.add_nodes([node("n")])
    cluster.add_pods([pod("plain"), pod("near", labels={"delay_n2": "5"})])
    with Scheduler(kubeconfig, tmp_path) as scheduler:
        assert cluster.wait_for_bound(1) == {"plain": "n"}
        assert scheduler.lines("rtt.none")
        assert "round-trip times" in scheduler.asked("/readyz?verbose").text
        assert scheduler.is_ready()


def test_pods_of_other_schedulers_are_left_alone_and_count_as_load(
    cluster: Cluster, kubeconfig: Path, tmp_path: Path
) -> None:
    cluster.add_nodes([node("n", cpu="1")])
    cluster.add_pods([pod("theirs", cpu="600m", scheduler="other")])
    cluster.bind("theirs", "n")
    foreign = pod("lost", scheduler="other", labels={"delay_n": "5"})
    cluster.add_pods([foreign, pod("big", cpu="600m"), pod("small", cpu="300m")])
    with Scheduler(kubeconfig, tmp_path):
        cluster.wait_for_bound(2)
        cluster.wait_until(lambda: cluster.condition("big") is not None, "big waits")
        cluster.wait_until(lambda: bool(cluster.events("lost", "DelayIgnored")), "it is warned of")

        assert cluster.bound() == {"theirs": "n", "small": "n"}


def test_pods_deleted_while_they_are_bound_leave_their_room_to_others(
    cluster: Cluster, relay: Relay, relayed: Path, admin: Path, tmp_path: Path
) -> None:
    cluster.add_nodes([node("n", cpu="1")])
    relay.hold_bindings()
    cluster.add_pods([pod("doomed", cpu="1")])
    with Scheduler(relayed, tmp_path) as scheduler:
        relay.wait_for_bindings(1)
        cluster.delete_pod("doomed")
        cluster.add_pods([pod("doomed", cpu="1"), pod("other", cpu="100m")])
        relay.release_bindings()
        cluster.wait_for_bound(1)

        assert scheduler.program.exit_status is None
        # The later pod of that name is another one: the first binding was not for it.
        cluster.wait_until(
            lambda: bool(cluster.bound()) and _is_explained(cluster), "the other one is told why"
        )
        assert faults(snapshot_of(admin)) == []


def _is_explained(cluster: Cluster) -> bool:
    waiting = [p for p in ("doomed", "other") if p not in cluster.bound()]
    return all(cluster.condition(p) is not None for p in waiting)


def test_a_thousand_pods_over_five_hundred_nodes(
    cluster: Cluster, kubeconfig: Path, admin: Path, tmp_path: Path
) -> None:
    names = [f"edge-{number}" for number in range(500)]
    cluster.add_nodes([node(name, cpu="2") for name in names])
    matrix = write_matrix(tmp_path / "m.npz", names, on_a_line(range(500)))
    cluster.apply(
        [
            deployment("plain", replicas=600),
            *(
                deployment(f"near-{at}", replicas=40, labels={f"delay_edge-{at}": "20"})
                for at in range(20, 500, 48)
            ),
        ]
    )
    with Scheduler(kubeconfig, tmp_path, matrix=matrix) as scheduler:
        cluster.wait_for_bound(1000, within_s=180)

        assert faults(snapshot_of(admin, matrix)) == []
        assert scheduler.metric('isochrone_bindings_total{result="bound"}') == 1000
        assert scheduler.program.stop() == 0


def _says(cluster: Cluster, name: str, message: str) -> Callable[[], bool]:
    def says() -> bool:
        events = cluster.events(name, "FailedScheduling")
        return any(event["note"] == message for event in events)

    return says


def _is_told(cluster: Cluster, pod: dict[str, dict[str, str]]) -> bool:
    if pod["spec"].get("nodeName"):
        return True
    condition = cluster.condition(pod["metadata"]["name"])
    return condition is not None and condition["status"] == "False"
