"""What came of two schedulers side by side: who bound what, what was refused, and what is wrong."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from tests.parity.oracle_process import OracleProcess
from tests.real.cluster import Cluster
from tests.real.crowding import overfull
from tests.real.hindsight import Hindsight
from tests.real.kubelet import Kubelets
from tests.real.objects import OURS
from tests.real.schedulers import Scheduler

_REFUSALS = "isochrone_kubelet_refusals_total"


@dataclass(frozen=True, slots=True)
class Result:
    """A run that has come to rest.

    Parameters
    ----------
    bound
        Pods by scheduler.
    refused
        Pods that a kubelet refused, by scheduler and reason.
    misplaced
        Pods that stand where kube-scheduler would not have them by the end, and why. No kubelet
        minds.
    decisions
        How many of ours were judged.
    faults
        Sentences, one for all else that is wrong.
    """

    bound: Mapping[str, int]
    refused: Mapping[str, int]
    misplaced: Mapping[str, tuple[str, ...]]
    decisions: int
    faults: tuple[str, ...]

    def misplaced_among(self, kubelets: Kubelets) -> list[set[str]]:
        """Return, of each node with misplaced pods, the schedulers that put these there."""
        found: dict[str, set[str]] = {}
        for life in kubelets.history.lives():
            if life.key in self.misplaced:
                found.setdefault(life.node, set()).add(life.scheduler)
        return list(found.values())


def result(
    cluster: Cluster, kubelets: Kubelets, scheduler: Scheduler, oracle: OracleProcess
) -> Result:
    """Return what came of a run; all that was bound has been admitted or refused."""
    nodes = cluster.api.items("/api/v1/nodes")
    lives = kubelets.history.lives()
    seen = Hindsight(oracle, nodes, cluster.api.items("/api/v1/namespaces"), lives)
    decisions = [line["decision"] for line in scheduler.lines("plan.made")]
    verdict = seen.judge(decisions)
    bound = Counter(life.scheduler for life in lives if life.bound)
    return Result(
        dict(bound),
        kubelets.refusals(),
        seen.misplaced(),
        verdict.decisions,
        (
            *verdict.faults,
            *overfull(nodes, kubelets.history.changes),
            *_neither_running_nor_refused(cluster, kubelets),
            *(f"{said['event']}: {said}" for said in _complaints(scheduler)),
        ),
    )


def refusals_told(scheduler: Scheduler) -> dict[str, int]:
    """Return how many of our pods were refused, by reason, as our metrics say."""
    found = {}
    for line in scheduler.asked("/metrics").text.splitlines():
        if line.startswith(f"{_REFUSALS}{{"):
            key, _, value = line.rpartition(" ")
            found[key.split('"')[1]] = int(float(value))
    return found


def refusals_seen(kubelets: Kubelets) -> dict[str, int]:
    """Return how many of our pods were refused, by reason, as the kubelets say."""
    ours = (lost.rejection.reason for lost in kubelets.lost if lost.scheduler == OURS)
    return dict(Counter(ours))


def _neither_running_nor_refused(cluster: Cluster, kubelets: Kubelets) -> list[str]:
    refused = {lost.pod["metadata"]["uid"]: lost.rejection for lost in kubelets.lost}
    found = []
    for pod in cluster.pods():
        name, status = pod["metadata"]["name"], pod["status"]
        rejection = refused.get(pod["metadata"]["uid"])
        if rejection is None and status["phase"] != "Running":
            found.append(f"{name} is {status['phase']}")
        elif rejection is not None and (status["phase"], status.get("reason")) != (
            "Failed",
            rejection.reason,
        ):
            found.append(f"{name} was refused and is {status['phase']}")
    return found


def _complaints(scheduler: Scheduler) -> list[dict[str, object]]:
    return [line for event in ("plan.rejected", "cycle.failed") for line in scheduler.lines(event)]
