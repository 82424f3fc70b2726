"""The scheduler at work, seen from the API server: it is refused nothing."""

from pathlib import Path

import pytest

from tests.real.api import Refused
from tests.real.cluster import Cluster
from tests.real.objects import node, pod
from tests.real.schedulers import Scheduler

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("control-plane")]


def forbidden(cluster: Cluster) -> float:
    """Return how many requests were refused for want of a right, since the API server's start."""
    counters = [
        line.rpartition(" ")
        for line in cluster.api.text("/metrics").splitlines()
        if line.startswith("authorization_attempts_total{")
    ]
    assert any('result="allowed"' in key for key, _, _ in counters)
    return sum(float(count) for key, _, count in counters if 'result="allowed"' not in key)


def test_leading_binding_telling_and_ending_need_no_right_that_is_not_shipped(
    cluster: Cluster, kubeconfig: Path, tmp_path: Path
) -> None:
    before = forbidden(cluster)
    cluster.add_nodes([node("near")])
    cluster.add_pods([pod("game"), pod("giant", cpu="100")])

    with Scheduler(kubeconfig, tmp_path, is_alone=False) as scheduler:
        cluster.wait_for_bound(1)
        cluster.wait_until(lambda: bool(cluster.events("game", "Scheduled")), "the event")
        cluster.wait_until(lambda: bool(cluster.events("giant", "FailedScheduling")), "the reason")
        scheduler.program.stop()

    assert forbidden(cluster) == before


def test_a_request_without_the_right_is_counted(cluster: Cluster, scheduler_token: str) -> None:
    before = forbidden(cluster)
    account = cluster.control_plane.account(scheduler_token)

    with pytest.raises(Refused):
        account.get("/api/v1/secrets")

    account.close()
    assert forbidden(cluster) == before + 1
