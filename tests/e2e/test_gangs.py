"""Pod groups on the real API server, with the CRD that we ship."""

from collections import Counter
from pathlib import Path

import pytest

from tests.real.api import Object
from tests.real.cluster import Cluster
from tests.real.objects import node, pod
from tests.real.schedulers import Scheduler

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("control-plane"),
    pytest.mark.usefixtures("definition"),
]

LABEL = "scheduling.x-k8s.io/pod-group"


def group(name: str, least: int) -> Object:
    """Return a PodGroup."""
    return {
        "apiVersion": "scheduling.x-k8s.io/v1alpha1",
        "kind": "PodGroup",
        "metadata": {"name": name},
        "spec": {"minMember": least},
    }


def members(name: str, count: int, *, first: int = 0, cpu: str = "1") -> list[Object]:
    """Return pods of a group."""
    return [pod(f"{name}-{k}", cpu=cpu, labels={LABEL: name}) for k in range(first, first + count)]


def test_the_classic_example_waits_for_its_third_pod_and_then_starts(
    cluster: Cluster, kubeconfig: Path, tmp_path: Path
) -> None:
    cluster.add_nodes([node("n", cpu="4")])
    cluster.apply([group("nginx", 3)])
    cluster.add_pods(members("nginx", 2))
    with Scheduler(kubeconfig, tmp_path):
        cluster.wait_until(
            lambda: cluster.condition("nginx-1") is not None, "it is said why it waits"
        )
        said = cluster.condition("nginx-1")
        assert said is not None
        assert "Wait for pod number of PodGroup to be 3, got 2 now" in said["message"]
        assert cluster.bound() == {}

        cluster.add_pods(members("nginx", 1, first=2))
        assert cluster.wait_for_bound(3) == dict.fromkeys(("nginx-0", "nginx-1", "nginx-2"), "n")


def test_of_a_hundred_gangs_as_many_start_as_there_is_room_for_and_each_whole(
    cluster: Cluster, kubeconfig: Path, tmp_path: Path
) -> None:
    cluster.add_nodes([node(f"n{k}", cpu="3") for k in range(60)])
    cluster.apply([group(f"g{k}", 3) for k in range(100)])
    cluster.add_pods([one for k in range(100) for one in members(f"g{k}", 3)])
    with Scheduler(kubeconfig, tmp_path):
        bound = cluster.wait_for_bound(180, within_s=120)
    whole = Counter(name.partition("-")[0] for name in bound)
    assert sorted(whole.values()) == [3] * 60


def test_a_gang_that_has_no_room_starts_when_there_is_some(
    cluster: Cluster, kubeconfig: Path, tmp_path: Path
) -> None:
    cluster.add_nodes([node("n", cpu="2")])
    cluster.apply([group("g", 3)])
    cluster.add_pods(members("g", 3))
    with Scheduler(kubeconfig, tmp_path):
        cluster.wait_until(lambda: cluster.condition("g-0") is not None, "it is said why")
        said = cluster.condition("g-0")
        assert said is not None
        assert "PodGroup" in said["message"]
        assert cluster.bound() == {}
        cluster.add_nodes([node("m", cpu="1")])

        assert sorted(cluster.wait_for_bound(3).values()) == ["m", "n", "n"]
