"""The stock kube-scheduler at work beside ours, on one cluster with imitations of kubelets.

How many races there are is up to the moment; what must hold whatever they are is asserted. The
figures are logged (``--log-cli-level=INFO``) and are properties of the JUnit report.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import yaml

from benchmarks.live.contenders import missing as missing_scheduler
from tests.parity.oracle_process import OracleProcess
from tests.real.api import Object
from tests.real.beside import Result, refusals_seen, refusals_told, result
from tests.real.cluster import Cluster
from tests.real.control_plane import ControlPlane
from tests.real.kube_scheduler import STOCK, KubeScheduler
from tests.real.kubelet import Kubelets
from tests.real.mixed import MixedLoad, away_from, mixed_node
from tests.real.objects import OURS, deployment, node, pod
from tests.real.relay import Relay
from tests.real.schedulers import Scheduler

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("control-plane")]

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"
ANTI_AFFINITY = "node(s) didn't match pod anti-affinity rules"

log = logging.getLogger(__name__)


@pytest.fixture(scope="module")
def stock(
    control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[KubeScheduler]:
    """Run kube-scheduler, one for all tests here."""
    assert missing_scheduler() == ""  # it is built along with the control plane
    kubeconfig = control_plane.kubeconfig("kube-scheduler")
    with KubeScheduler(kubeconfig, tmp_path_factory.mktemp("kube-scheduler")) as running:
        yield running


@pytest.fixture
def kubelets(cluster: Cluster, stock: KubeScheduler) -> Iterator[Kubelets]:
    """Run kubelets, and kube-scheduler beside them."""
    assert stock.program.exit_status is None
    with Kubelets(cluster.control_plane) as running:
        yield running


@pytest.fixture
def ours(kubelets: Kubelets, kubeconfig: Path, tmp_path: Path) -> Iterator[Scheduler]:
    """Run our scheduler beside both."""
    assert kubelets.history.lives() == []
    with Scheduler(kubeconfig, tmp_path) as running:
        running.wait_until_ready()
        yield running


def sizes(wave: int) -> tuple[int, int]:
    """Return how many pods of half a CPU, and how many of each other kind, each scheduler has.

    More than fit on twelve nodes, eight halves on each; always the same for a wave.
    """
    choices = np.random.default_rng(wave)
    return int(choices.integers(50, 60)), int(choices.integers(4, 7))


def told(record: Callable[[str, object], None], found: Result) -> Result:
    """Write a run's figures down; return it."""
    for name, figure in asdict(found).items():
        record(name, figure)
        log.info("%s: %s", name, figure)
    return found


def test_what_both_put_on_one_node_its_kubelet_refuses_and_all_is_placed_in_the_end(
    cluster: Cluster,
    kubelets: Kubelets,
    ours: Scheduler,
    oracle: OracleProcess,
    record_property: Callable[[str, object], None],
) -> None:
    cluster.add_nodes([mixed_node(f"n-{k}", k) for k in range(12)])
    load = MixedLoad(cluster, kubelets)
    for wave in range(2):
        load.rise(*sizes(wave))
        load.fall()
    load.rise(*sizes(2))
    cluster.add_nodes([mixed_node(f"late-{k}", k) for k in range(6)])
    load.wait_until_all_run()

    found = told(record_property, result(cluster, kubelets, ours, oracle))

    assert found.faults == ()
    # Nobody refuses a pod for its anti-affinity once it is bound.
    assert {why for reasons in found.misplaced.values() for why in reasons} <= {ANTI_AFFINITY}
    assert all(who == {OURS, STOCK} for who in found.misplaced_among(kubelets))
    cluster.wait_until(
        lambda: refusals_told(ours) == refusals_seen(kubelets), "our metrics count what we lost"
    )


def test_in_pools_of_their_own_neither_loses_a_pod(
    cluster: Cluster,
    kubelets: Kubelets,
    ours: Scheduler,
    oracle: OracleProcess,
    record_property: Callable[[str, object], None],
) -> None:
    cluster.add_nodes([mixed_node(f"theirs-{k}", k) for k in range(6)])
    cluster.add_nodes([in_our_pool(mixed_node(f"ours-{k}", k)) for k in range(6)])
    load = MixedLoad(cluster, kubelets, {OURS: lambda spec: spec | documented_pool()})
    load.rise(*sizes(0))
    load.fall()
    load.rise(*sizes(1))
    cluster.add_nodes([mixed_node(f"late-theirs-{k}", k) for k in range(3)])
    cluster.add_nodes([in_our_pool(mixed_node(f"late-ours-{k}", k)) for k in range(3)])
    load.wait_until_all_run()

    found = told(record_property, result(cluster, kubelets, ours, oracle))

    assert found.faults == ()
    assert (found.refused, found.misplaced, refusals_told(ours)) == ({}, {}, {})
    placed = [life for life in kubelets.history.lives() if life.bound]
    assert all(("ours" in life.node) == (life.scheduler == OURS) for life in placed)


def documented_pool() -> Object:
    """Return what the handbook has pods say that are to run in our pool."""
    section = OPERATIONS.read_text().partition("## Beside kube-scheduler")[2]
    written: Object = yaml.safe_load(section.partition("```yaml")[2].partition("```")[0])
    said: Object = written["spec"]["template"]["spec"]
    return {name: said[name] for name in ("nodeSelector", "tolerations")}


def in_our_pool(made: Object) -> Object:
    """Return a node with the label and the taint that the handbook names."""
    made["metadata"]["labels"]["dedicated"] = "isochrone"
    taint = {"key": "dedicated", "value": "isochrone", "effect": "NoSchedule"}
    return {**made, "spec": {"taints": [taint]}}


def test_a_pod_that_the_other_has_bound_counts_for_the_next_decision_of_each(
    cluster: Cluster, kubelets: Kubelets, ours: Scheduler
) -> None:
    cluster.add_nodes([node(f"n-{k}", cpu="1") for k in range(16)])
    ours.wait_until_ready()

    # Each pod is made once the one before is seen to be bound, on no other grounds.
    for number in range(16):
        scheduler = (STOCK, OURS)[number % 2]
        cluster.add_pods([pod(f"p-{number}", cpu="600m", scheduler=scheduler)])
        cluster.wait_until(lambda n=number: bindings(kubelets) == n + 1, "it is bound")  # type: ignore[misc]

    assert len(set(cluster.bound().values())) == 16
    assert kubelets.lost == []


def bindings(kubelets: Kubelets) -> int:
    """Return how many pods are known to be bound."""
    return sum(bool(life.bound) for life in kubelets.history.lives())


def test_of_two_pods_bound_to_the_last_place_at_once_the_later_is_refused_and_placed_anew(
    cluster: Cluster, kubelets: Kubelets, relay: Relay, relayed: Path, tmp_path: Path
) -> None:
    cluster.add_nodes([node("n", cpu="1")])
    relay.hold_bindings()
    with Scheduler(relayed, tmp_path) as ours:
        cluster.apply([deployment("ours", replicas=1, cpu="600m")])
        relay.wait_for_bindings(1)
        cluster.add_pods([pod("theirs", cpu="600m", scheduler=STOCK)])
        assert cluster.wait_for_bound(1) == {"theirs": "n"}
        relay.release_bindings()
        cluster.wait_until(lambda: len(cluster.pods()) == 3, "the refused pod has a successor")
        [refused] = (lost.pod["metadata"]["name"] for lost in kubelets.lost)
        [successor] = {p["metadata"]["name"] for p in cluster.pods()} - {"theirs", refused}
        cluster.wait_until(lambda: refusals_told(ours) == {"OutOfcpu": 1}, "it is counted")
        cluster.wait_until(lambda: cluster.condition(successor) is not None, "it waits")
        cluster.add_nodes([node("late", cpu="1")])
        cluster.wait_for_bound(3)

    status = cluster.pod(refused)["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "OutOfcpu")
    assert status["message"] == (
        "Pod was rejected: Node didn't have enough resource: cpu, "
        "requested: 600, used: 600, capacity: 1000"
    )
    assert cluster.bound()[successor] == "late"
    assert kubelets.refusals() == {"custom-scheduler OutOfcpu": 1}


@pytest.mark.parametrize(("first", "then"), [(OURS, STOCK), (STOCK, OURS)])
def test_pods_of_two_schedulers_keep_apart_whichever_came_first(
    cluster: Cluster, kubelets: Kubelets, ours: Scheduler, first: str, then: str
) -> None:
    cluster.add_nodes([node("a"), node("b")])
    repelled = [pod(f"noisy-{k}", labels={"app": "noisy"}, scheduler=first) for k in range(4)]
    repelling = pod("quiet", scheduler=then)
    repelling["spec"]["affinity"] = away_from({"app": "noisy"})

    cluster.add_pods(repelled[:1])
    cluster.wait_for_bound(1)
    cluster.add_pods([repelling])
    cluster.wait_for_bound(2)
    cluster.add_pods(repelled[1:])
    placed = cluster.wait_for_bound(5)

    assert {placed[f"noisy-{k}"] for k in range(4)} == {"a", "b"} - {placed["quiet"]}
    assert kubelets.lost == []
    assert ours.program.exit_status is None
