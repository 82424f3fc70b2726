"""Two replicas from the manifests: one leads, and the other carries on when it dies."""

from pathlib import Path

import pytest

from tests.real.cluster import Cluster
from tests.real.judging import faults, snapshot_of
from tests.real.objects import deployment, node, pod
from tests.real.schedulers import Scheduler

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("control-plane")]

LEASE = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/isochrone"


def holder(cluster: Cluster) -> str:
    """Return who holds the Lease."""
    return str(cluster.api.get(LEASE)["spec"].get("holderIdentity", ""))


def test_when_the_leader_is_killed_the_other_replica_carries_on(
    cluster: Cluster, kubeconfig: Path, admin: Path, tmp_path: Path
) -> None:
    cluster.add_nodes([node(f"n-{number}") for number in range(10)])
    with (
        Scheduler(kubeconfig, tmp_path, is_alone=False) as first,
        Scheduler(kubeconfig, tmp_path, is_alone=False) as second,
    ):
        cluster.wait_until(lambda: first.leads or second.leads, "one of them leads")
        cluster.wait_until(lambda: first.is_ready() and second.is_ready(), "both are ready")
        leader, other = (first, second) if first.leads else (second, first)
        assert not other.leads
        cluster.apply([deployment("before", replicas=20)])
        cluster.wait_for_bound(20)
        assert other.lines("pod.bound") == []

        cluster.apply([deployment("during", replicas=150)])
        leader.program.wait_until(lambda: len(leader.lines("pod.bound")) > 40, "it is at work")
        leader.program.kill()
        cluster.wait_for_bound(170, within_s=60)

        assert other.leads
        assert faults(snapshot_of(admin)) == []
        assert cluster.api.get(LEASE)["spec"]["leaseTransitions"] >= 1


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


def test_a_leader_whose_lease_another_has_taken_sends_nothing_new_and_ends(
    cluster: Cluster, kubeconfig: Path, tmp_path: Path
) -> None:
    cluster.add_nodes([node("n")])
    with Scheduler(kubeconfig, tmp_path, is_alone=False) as leader:
        cluster.wait_until(lambda: leader.leads, "it leads")
        cluster.api.patch(LEASE, {"spec": {"holderIdentity": "somebody-else"}})
        cluster.wait_until(lambda: not leader.leads, "it knows that it does not lead")
        cluster.add_pods([pod("p")])

        assert leader.program.wait(within_s=30) == 1
        assert leader.lines("leadership.lost")
        assert cluster.bound() == {}
        assert holder(cluster) == "somebody-else"
