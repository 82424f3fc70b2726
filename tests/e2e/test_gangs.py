"""Pod groups on the real API server, with the CRD that we ship."""

from collections import Counter
from pathlib import Path

import pytest

from tests.real.api import Object, read_manifests
from tests.real.cluster import Cluster
from tests.real.objects import node, pod
from tests.real.schedulers import Scheduler

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("control-plane")]

CRD = Path(__file__).parents[2] / "configs" / "kubernetes" / "optional" / "podgroups.yaml"
LABEL = "scheduling.x-k8s.io/pod-group"


@pytest.fixture
def gangs(cluster: Cluster) -> Cluster:
    """Give a cluster that knows pod groups."""
    definitions = read_manifests(CRD)
    cluster.api.apply(definitions)
    served = "/apis/scheduling.x-k8s.io/v1alpha1"
    cluster.wait_until(
        lambda: any(one["name"] == "podgroups" for one in cluster.api.get(served)["resources"]),
        "PodGroups are served",
    )
    return cluster


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
    gangs: Cluster, kubeconfig: Path, tmp_path: Path
) -> None:
    gangs.add_nodes([node("n", cpu="4")])
    gangs.apply([group("nginx", 3)])
    gangs.add_pods(members("nginx", 2))
    with Scheduler(kubeconfig, tmp_path):
        gangs.wait_until(lambda: gangs.condition("nginx-1") is not None, "it is said why it waits")
        said = gangs.condition("nginx-1")
        assert said is not None
        assert "Wait for pod number of PodGroup to be 3, got 2 now" in said["message"]
        assert gangs.bound() == {}

        gangs.add_pods(members("nginx", 1, first=2))
        assert gangs.wait_for_bound(3) == dict.fromkeys(("nginx-0", "nginx-1", "nginx-2"), "n")


def test_of_a_hundred_gangs_as_many_start_as_there_is_room_for_and_each_whole(
    gangs: Cluster, kubeconfig: Path, tmp_path: Path
) -> None:
    gangs.add_nodes([node(f"n{k}", cpu="3") for k in range(60)])
    gangs.apply([group(f"g{k}", 3) for k in range(100)])
    gangs.add_pods([one for k in range(100) for one in members(f"g{k}", 3)])
    with Scheduler(kubeconfig, tmp_path):
        bound = gangs.wait_for_bound(180, within_s=120)
    whole = Counter(name.partition("-")[0] for name in bound)
    assert sorted(whole.values()) == [3] * 60


def test_a_gang_that_has_no_room_starts_when_there_is_some(
    gangs: Cluster, kubeconfig: Path, tmp_path: Path
) -> None:
    gangs.add_nodes([node("n", cpu="2")])
    gangs.apply([group("g", 3)])
    gangs.add_pods(members("g", 3))
    with Scheduler(kubeconfig, tmp_path):
        gangs.wait_until(lambda: gangs.condition("g-0") is not None, "it is said why it waits")
        said = gangs.condition("g-0")
        assert said is not None
        assert "PodGroup" in said["message"]
        assert gangs.bound() == {}
        gangs.add_nodes([node("m", cpu="1")])

        assert sorted(gangs.wait_for_bound(3).values()) == ["m", "n", "n"]
