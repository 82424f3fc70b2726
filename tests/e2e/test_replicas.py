"""Two replicas from the manifests: one leads, and the other carries on when it dies."""

import os
import signal
from pathlib import Path

import pytest

from scheduler.kube.kinds import followed_kinds
from tests.real.cluster import Cluster
from tests.real.demo import PLACED, WAITING, add_demo, waiting_apps
from tests.real.judging import faults, snapshot_of
from tests.real.objects import deployment, node, pod
from tests.real.relay import Relay
from tests.real.schedulers import Scheduler

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("control-plane")]

LEASE = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/isochrone"


def holder(cluster: Cluster) -> str:
    """Return who holds the Lease."""
    return str(cluster.api.get(LEASE)["spec"].get("holderIdentity", ""))


def test_two_replicas_schedule_the_demo_and_when_the_leader_is_killed_the_other_carries_on(
    cluster: Cluster, kubeconfig: Path, admin: Path, tmp_path: Path
) -> None:
    matrix = add_demo(cluster, tmp_path)
    cluster.wait_until(lambda: len(cluster.pods()) == PLACED + len(WAITING), "its pods are there")
    with (
        Scheduler(kubeconfig, tmp_path, matrix=matrix, is_alone=False) as first,
        Scheduler(kubeconfig, tmp_path, matrix=matrix, is_alone=False) as second,
    ):
        cluster.wait_until(lambda: first.leads or second.leads, "one of them leads")
        leader, other = (first, second) if first.leads else (second, first)
        leader.program.wait_until(lambda: bool(leader.lines("pod.bound")), "it is at work")
        leader.program.kill()
        cluster.wait_for_bound(PLACED, within_s=120)
        cluster.wait_until(lambda: waiting_apps(cluster) == WAITING, "the others wait")
        cluster.wait_until(lambda: other.leads, "the other replica leads")
        cluster.apply([deployment("after", replicas=20)])
        cluster.wait_for_bound(PLACED + 20)

        assert len(other.lines("pod.bound")) >= 20
        assert faults(snapshot_of(admin, matrix)) == []
        assert cluster.api.get(LEASE)["spec"]["leaseTransitions"] >= 1


def test_who_leads_from_the_start_lists_every_kind_once(
    cluster: Cluster, relay: Relay, relayed: Path, tmp_path: Path
) -> None:
    cluster.add_nodes([node("n")])
    cluster.add_pods([pod("p")])
    with Scheduler(relayed, tmp_path, is_alone=False) as leader:
        cluster.wait_until(lambda: leader.leads, "it leads")

        assert cluster.wait_for_bound(1) == {"p": "n"}
    assert "/api/v1/pods" in relay.lists
    assert len(relay.lists) == len(set(relay.lists)) == len(followed_kinds())


def test_a_leader_that_is_asked_to_end_hands_over_at_once(
    cluster: Cluster, kubeconfig: Path, tmp_path: Path
) -> None:
    cluster.add_nodes([node("n")])
    with Scheduler(kubeconfig, tmp_path, is_alone=False) as first:
        cluster.wait_until(lambda: first.leads, "the first leads")
        with Scheduler(kubeconfig, tmp_path, is_alone=False) as second:
            second.wait_until_ready()
            assert first.program.stop() == 0
            assert "run.ended" in first.program.log
            # The Lease was handed back: its 15 s need not run out.
            cluster.wait_until(lambda: second.leads, "the second leads", within_s=10)
            cluster.add_pods([pod("p")])

            assert cluster.wait_for_bound(1) == {"p": "n"}


def test_a_leader_whose_lease_another_has_taken_ends_and_leaves_it_alone(
    cluster: Cluster, kubeconfig: Path, tmp_path: Path
) -> None:
    cluster.add_nodes([node("n")])
    with Scheduler(kubeconfig, tmp_path, is_alone=False) as leader:
        cluster.wait_until(lambda: leader.leads, "it leads")
        cluster.api.patch(LEASE, {"spec": {"holderIdentity": "somebody-else"}})
        cluster.wait_until(lambda: bool(leader.lines("leadership.lost")), "it knows")
        cluster.add_pods([pod("p")])

        assert leader.program.wait(within_s=30) == 1
        assert cluster.bound() == {}
        assert holder(cluster) == "somebody-else"


def test_a_leader_that_was_frozen_sends_nothing_when_it_wakes(
    cluster: Cluster, kubeconfig: Path, relay: Relay, relayed: Path, tmp_path: Path
) -> None:
    cluster.add_nodes([node("n", cpu="32")])
    with Scheduler(relayed, tmp_path, is_alone=False) as first:
        cluster.wait_until(lambda: first.leads, "the first leads")
        relay.hold_bindings()
        cluster.add_pods([pod(f"p-{number}") for number in range(100)])
        relay.wait_for_bindings(64)  # as many as are sent at a time; the others stand in line
        os.kill(first.program.pid, signal.SIGSTOP)
        with Scheduler(kubeconfig, tmp_path, is_alone=False) as second:
            cluster.wait_until(lambda: second.leads, "the second leads", within_s=60)
            cluster.wait_for_bound(100)
            relay.release_bindings()
            sent = len(relay.bindings)
            os.kill(first.program.pid, signal.SIGCONT)

            assert first.program.wait(within_s=60) == 1
            assert len(relay.bindings) == sent
            assert second.leads
