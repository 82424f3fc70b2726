"""A link gets slow: pods are moved by real evictions, as far as real disruption budgets allow."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.real.api import Object, read_manifests
from tests.real.cluster import Cluster
from tests.real.kubelet import Kubelets
from tests.real.matrices import on_a_line, write_matrix
from tests.real.objects import deployment, node
from tests.real.schedulers import Scheduler
from tests.real.sightings import Sightings

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("control-plane")]

NODES = ["edge-1", "edge-2", "edge-3", "edge-4"]
BUDGET = {"delay_edge-1": "25"}
WITHIN = {"edge-1", "edge-2", "edge-3"}
SETTINGS = {"repair": {"afterSeconds": 1}, "cover": {"mode": "off"}}
BEFORE_MS = [0, 10, 20, 40]
SLOW_MS = [0, 60, 20, 40]
REPLACES = "isochrone.dev/replaces"
OPTIONAL = Path(__file__).parents[2] / "configs" / "kubernetes" / "optional"


def disruption_budget(name: str, app: str, **spec: object) -> Object:
    selector = {"matchLabels": {"app": app}}
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name},
        "spec": {"selector": selector, **spec},
    }


def web(replicas: int, cpu: str = "1") -> Object:
    return deployment("web", replicas=replicas, cpu=cpu, labels=BUDGET)


def matrix(place: Path, at_ms: Sequence[float]) -> Path:
    return write_matrix(place / "edge.npz", NODES, on_a_line(at_ms))


def ready(sightings: Sightings) -> list[str]:
    return sorted(one.node for one in sightings.wanted() if one.is_ready)


def allowed(cluster: Cluster, name: str) -> int:
    path = f"/apis/policy/v1/namespaces/{cluster.namespace}/poddisruptionbudgets/{name}"
    status: dict[str, Any] = cluster.api.get(path).get("status", {})
    return int(status.get("disruptionsAllowed", -1)) if status.get("currentHealthy") else -1


def forget(cluster: Cluster, name: str) -> None:
    path = f"/apis/policy/v1/namespaces/{cluster.namespace}/poddisruptionbudgets/{name}"
    cluster.api.delete(path)


def said(cluster: Cluster, sightings: Sightings, reason: str) -> list[str]:
    names = {one.name for one in sightings.all()}
    return [event["note"] for name in names for event in cluster.events(name, reason)]


@contextmanager
def may_surge(cluster: Cluster) -> Iterator[None]:
    """Give the optional rights, which are lost afterwards."""
    cluster.api.apply(read_manifests(OPTIONAL / "surge.yaml"))
    try:
        yield
    finally:
        bindings = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
        cluster.api.delete(f"{bindings}/isochrone-surge")


def test_pods_behind_a_slow_link_are_moved_one_at_a_time_and_no_others(
    cluster: Cluster, kubeconfig: Path, tmp_path: Path
) -> None:
    rtt = matrix(tmp_path, BEFORE_MS)
    cluster.add_nodes([node(name, cpu="4") for name in NODES])
    with (
        Sightings(cluster.control_plane) as sightings,
        Kubelets(cluster.control_plane),
        Scheduler(kubeconfig, tmp_path, matrix=rtt, settings=SETTINGS) as scheduler,
    ):
        cluster.apply([web(6), disruption_budget("web", "web", maxUnavailable=1)])
        cluster.wait_until(lambda: len(ready(sightings)) == 6, "all run")
        cluster.wait_until(lambda: allowed(cluster, "web") == 1, "the budget is counted")
        slow = {one.uid for one in sightings.all() if one.node == "edge-2"}
        assert slow, "replicas spread over the nodes within the budget"
        matrix(tmp_path, SLOW_MS)
        cluster.wait_until(
            lambda: len(ready(sightings)) == 6 and set(ready(sightings)) <= {"edge-1", "edge-3"},
            "all are where the delay holds",
        )

        ended = [one for one in sightings.all() if not one.is_wanted]
        assert {one.uid for one in ended} == slow, "those and no others"
        order = sorted(ended, key=lambda one: one.marked_s)
        for earlier, later in pairwise(order):
            successor = next(p for p in sightings.all() if p.annotation(REPLACES) == earlier.uid)
            assert successor.bound_s < later.marked_s, "the next leaves when this one has a place"
        [line, *_] = said(cluster, sightings, "Moving")
        assert "delay to edge-1 within 25ms is broken: 60ms from edge-1 to edge-2" in line
        for bug in ("plan.rejected", "plan.failed", "cycle.failed", "moves.look_failed"):
            assert scheduler.lines(bug) == []


def test_what_a_disruption_budget_protects_stays_until_it_is_allowed(
    cluster: Cluster, kubeconfig: Path, tmp_path: Path
) -> None:
    rtt = matrix(tmp_path, [0, 10, 40, 50])
    cluster.add_nodes([node(name, cpu="1") for name in NODES])
    with (
        Sightings(cluster.control_plane) as sightings,
        Kubelets(cluster.control_plane),
        Scheduler(kubeconfig, tmp_path, matrix=rtt, settings=SETTINGS),
    ):
        filler = deployment("filler", replicas=1, cpu="900m", labels={"delay_edge-1": "0.5"})
        cluster.apply([filler])
        cluster.wait_until(lambda: ready(sightings) == ["edge-1"], "it runs")
        cluster.apply([web(1, "900m"), disruption_budget("none", "web", maxUnavailable=0)])
        cluster.wait_until(lambda: ready(sightings) == ["edge-1", "edge-2"], "web runs")
        cluster.wait_until(lambda: allowed(cluster, "none") == 0, "the budget is counted")
        matrix(tmp_path, [0, 60, 20, 50])
        cluster.wait_until(lambda: bool(said(cluster, sightings, "CannotMove")), "it is said")
        [line, *_] = said(cluster, sightings, "CannotMove")
        assert "Cannot evict pod as it would violate the pod's disruption budget" in line

        # Two budgets that select one pod: the API server evicts it not at all.
        cluster.apply([disruption_budget("more", "web", maxUnavailable=1)])
        several = "more than one PodDisruptionBudget selects it"
        cluster.wait_until(
            lambda: any(several in line for line in said(cluster, sightings, "CannotMove")),
            "it is said",
        )
        assert ready(sightings) == ["edge-1", "edge-2"]
        forget(cluster, "none")
        cluster.wait_until(lambda: ready(sightings) == ["edge-1", "edge-3"], "it is moved then")


def test_a_dry_run_tells_moves_and_makes_none(
    cluster: Cluster, kubeconfig: Path, tmp_path: Path
) -> None:
    rtt = matrix(tmp_path, BEFORE_MS)
    dry = {**SETTINGS, "repair": {"afterSeconds": 1, "mode": "dryRun"}}
    cluster.add_nodes([node(name, cpu="4") for name in NODES])
    with (
        Sightings(cluster.control_plane) as sightings,
        Kubelets(cluster.control_plane),
        Scheduler(kubeconfig, tmp_path, matrix=rtt, settings=dry),
    ):
        cluster.apply([web(6)])
        cluster.wait_until(lambda: len(ready(sightings)) == 6, "all run")
        assert "edge-2" in ready(sightings), "replicas spread over the nodes within the budget"
        matrix(tmp_path, SLOW_MS)
        cluster.wait_until(lambda: bool(said(cluster, sightings, "MoveProposed")), "it is said")

        [line] = said(cluster, sightings, "MoveProposed")
        assert line.startswith("would be moved from edge-2 to edge-")
        assert all(one.is_wanted for one in sightings.all())


def test_a_deployment_that_surges_has_the_successor_ready_before_its_pod_leaves(
    cluster: Cluster, kubeconfig: Path, tmp_path: Path
) -> None:
    rtt = matrix(tmp_path, [0, 10, 40, 50])
    surge = {**SETTINGS, "repair": {"afterSeconds": 1, "surge": True}}
    cluster.add_nodes([node(name, cpu="1") for name in NODES])
    with (
        may_surge(cluster),
        Sightings(cluster.control_plane) as sightings,
        Kubelets(cluster.control_plane),
        Scheduler(kubeconfig, tmp_path, matrix=rtt, settings=surge) as scheduler,
    ):
        cluster.apply(
            [deployment("filler", replicas=1, cpu="900m", labels={"delay_edge-1": "0.5"})]
        )
        cluster.wait_until(lambda: ready(sightings) == ["edge-1"], "it runs")
        cluster.apply([web(1, "900m"), disruption_budget("one", "web", minAvailable=1)])
        cluster.wait_until(lambda: ready(sightings) == ["edge-1", "edge-2"], "web runs")
        matrix(tmp_path, [0, 60, 20, 50])
        cluster.wait_until(lambda: ready(sightings) == ["edge-1", "edge-3"], "it is moved")

        [old, new] = [one for one in sightings.all() if one.app == "web"]
        assert new.annotation(REPLACES) == old.uid
        assert new.ready_s < old.marked_s
        path = f"/apis/apps/v1/namespaces/{cluster.namespace}/deployments/web"
        assert cluster.api.get(path)["spec"]["replicas"] == 1
        assert scheduler.lines("moves.look_failed") == []
