"""Where the embedded cluster stands: counts for the table, and what ``--once`` judges by."""

from dataclasses import dataclass

from simulator import kubelet
from simulator.change import JsonObject, key_of
from simulator.cluster import EmbeddedCluster
from simulator.expectation import expectation_of
from simulator.status import is_true


@dataclass(frozen=True, slots=True)
class Facts:
    """The cluster in numbers.

    Parameters
    ----------
    is_quiet
        Nothing is under way in the cluster, and the time before which the scenario is not to be
        judged is over. Pods may still wait for a scheduler.
    missing
        Keys of pods that wait although they are expected to be placed.
    surprising
        Keys of pods that have a node although they are expected to wait.
    settles_after_s
        The time before which the scenario is not to be judged.
    """

    now_s: float
    nodes: int
    nodes_ready: int
    pending: int
    starting: int
    running: int
    failed: int
    terminating: int
    is_quiet: bool
    missing: tuple[str, ...]
    surprising: tuple[str, ...]
    settles_after_s: float = 0.0

    @property
    def is_as_expected(self) -> bool:
        """Whether the cluster is quiet and every pod is where it should be."""
        return self.is_quiet and not self.missing and not self.surprising


def facts_of(cluster: EmbeddedCluster, *, now_s: float, settles_after_s: float) -> Facts:
    """Count what the cluster holds."""
    nodes, pods = cluster.all_of("Node"), cluster.all_of("Pod")
    terminating = [p for p in pods if p["metadata"].get("deletionTimestamp")]
    going = {key_of(p) for p in terminating}
    failed = [p for p in pods if kubelet.is_finished(p)]
    active = [p for p in pods if not kubelet.is_finished(p) and key_of(p) not in going]
    waiting = [p for p in active if not p["spec"].get("nodeName")]
    bound = [p for p in active if p["spec"].get("nodeName")]
    running = sum(1 for p in bound if p["status"]["phase"] == "Running")
    return Facts(
        now_s=now_s,
        nodes=len(nodes),
        nodes_ready=sum(1 for node in nodes if is_true(node, "Ready")),
        pending=len(waiting),
        starting=len(bound) - running,
        running=running,
        failed=len(failed),
        terminating=len(terminating),
        is_quiet=cluster.is_settled() and now_s >= settles_after_s,
        missing=tuple(_name(p) for p in waiting if expectation_of(p) == "placed"),
        surprising=tuple(_name(p) for p in bound if expectation_of(p) == "pending"),
        settles_after_s=settles_after_s,
    )


def _name(pod: JsonObject) -> str:
    key = key_of(pod)
    return f"{key.namespace}/{key.name}"
