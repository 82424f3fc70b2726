"""Node state: readiness, ``spec.unschedulable``, taints and ``spec.nodeName``.

Words and meaning follow kube-scheduler's NodeUnschedulable, TaintToleration and NodeName plugins.
"""

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.node import UNSCHEDULABLE_TAINT, Taint
from scheduler.domain.reasons import Cause
from scheduler.domain.snapshot import NodeTable
from scheduler.domain.workload import PodClass, Toleration
from scheduler.placement.feasibility.verdict import Verdict

_HARD_EFFECTS = ("NoSchedule", "NoExecute")


def tolerates(toleration: Toleration, taint: Taint) -> bool:
    """Whether one toleration puts up with one taint (``Toleration.ToleratesTaint`` in the API)."""
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.key and toleration.key != taint.key:
        return False
    if toleration.operator == "Exists":
        return True
    return (
        toleration.operator in ("", "Equal")
        and bool(toleration.key)
        and toleration.value == taint.value
    )


def readiness(table: NodeTable) -> Verdict:
    """Nodes whose kubelet is believed to answer."""
    return Verdict(Cause.NOT_READY, table.is_ready, [("node(s) were not ready", ~table.is_ready)])


def unschedulable(table: NodeTable, pod_class: PodClass) -> Verdict:
    """Nodes that are not cordoned, or whose cordon the pod tolerates."""
    taint = Taint(UNSCHEDULABLE_TAINT)
    if any(tolerates(t, taint) for t in pod_class.tolerations):
        return Verdict(Cause.UNSCHEDULABLE, np.ones(len(table), dtype=np.bool_))
    refused = table.is_unschedulable
    return Verdict(Cause.UNSCHEDULABLE, ~refused, [("node(s) were unschedulable", refused)])


def taints(table: NodeTable, pod_class: PodClass) -> Verdict:
    """Nodes without a NoSchedule or NoExecute taint that the pod does not tolerate.

    As in the stock scheduler the first such taint of a node is the one named.
    """
    passes = np.ones(len(table), dtype=np.bool_)
    named: dict[str, list[int]] = {}
    for i in _tainted(table):
        for taint in table.nodes[i].taints:
            if taint.effect in _HARD_EFFECTS and not any(
                tolerates(t, taint) for t in pod_class.tolerations
            ):
                passes[i] = False
                text = f"node(s) had untolerated taint {{{taint.key}: {taint.value}}}"
                named.setdefault(text, []).append(i)
                break
    masks = []
    for text, rows in named.items():
        mask = np.zeros(len(table), dtype=np.bool_)
        mask[rows] = True
        masks.append((text, mask))
    return Verdict(Cause.TAINT, passes, masks)


def soft_taints(table: NodeTable, pod_class: PodClass) -> NDArray[np.int64]:
    """Return the number of PreferNoSchedule taints of each node that the pod does not tolerate."""
    counts = np.zeros(len(table), dtype=np.int64)
    for i in _tainted(table):
        for taint in table.nodes[i].taints:
            if taint.effect == "PreferNoSchedule":
                counts[i] += not any(tolerates(t, taint) for t in pod_class.tolerations)
    return counts


def _tainted(table: NodeTable) -> list[int]:
    """Return the rows of nodes with any taint: few, as a rule, of very many."""
    return [i for i, node in enumerate(table.nodes) if node.taints]


def node_name(table: NodeTable, pod_class: PodClass) -> Verdict:
    """Return the one node that ``spec.nodeName`` asks for, or all."""
    if not pod_class.node_name:
        return Verdict(Cause.NODE_NAME, np.ones(len(table), dtype=np.bool_))
    passes = np.zeros(len(table), dtype=np.bool_)
    wanted = table.index.get(pod_class.node_name)
    if wanted is not None:
        passes[wanted] = True
    return Verdict(
        Cause.NODE_NAME, passes, [("node(s) didn't match the requested node name", ~passes)]
    )
