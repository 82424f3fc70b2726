"""Which pods of dead nodes may be removed by force, and which nodes put out of service."""

from collections.abc import Mapping

from scheduler.domain.node import OUT_OF_SERVICE, Node
from scheduler.domain.workload import Pod
from scheduler.reliability.failover.belief import SILENT, Death

_RE_CREATED = frozenset(
    {"CronJob", "Deployment", "Job", "ReplicaSet", "ReplicationController", "StatefulSet"}
)
"""Controllers that make another pod somewhere else. A DaemonSet would make it on the same node."""


def silent_nodes(dead: Mapping[str, Death], after_s: float, now_s: float) -> frozenset[str]:
    """Return the names of nodes that have been silent for `after_s` seconds at `now_s`."""
    return frozenset(
        name
        for name, death in dead.items()
        if death.sign in SILENT and now_s - death.sign_since_s >= after_s
    )


def is_re_created(pod: Pod) -> bool:
    """Whether a controller makes another pod when this one is removed, maybe on another node."""
    workload = pod.pod_class.workload
    return workload is not None and workload.kind in _RE_CREATED


def is_out_of_service(node: Node) -> bool:
    """Whether anyone has put a node out of service."""
    return any(taint.key == OUT_OF_SERVICE.key for taint in node.taints)


def is_out_by_us(node: Node) -> bool:
    """Whether it was us who put a node out of service."""
    return OUT_OF_SERVICE in node.taints
