"""Node state: readiness, ``spec.unschedulable``, taints and ``spec.nodeName``.

Words and meaning follow kube-scheduler's NodeUnschedulable, TaintToleration and NodeName plugins.
"""

import re

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.node import HELD_DOWN_TAINT, SILENT_TAINT, UNSCHEDULABLE_TAINT, Taint
from scheduler.domain.reasons import Cause
from scheduler.domain.snapshot import NodeTable
from scheduler.domain.workload import PodClass, Toleration
from scheduler.placement.feasibility.requirement import whole_number
from scheduler.placement.feasibility.verdict import Verdict

_HARD_EFFECTS = ("NoSchedule", "NoExecute")
_OUR_TAINTS = {
    HELD_DOWN_TAINT: "node(s) were back only just (held down)",
    SILENT_TAINT: "node(s) were silent to other nodes",
}
"""Marks of snapshots alone, and what is said of them."""
_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,99}")
"""As Kubernetes has it here: no sign but a minus, no zeros ahead."""
_MOST_KNOWN = 1_024
"""Lists of tolerations whose verdicts are kept from one decision to the next."""

Tolerations = tuple[Toleration, ...]


def tolerates(toleration: Toleration, taint: Taint) -> bool:
    """Whether one toleration puts up with one taint (``Toleration.ToleratesTaint`` in the API)."""
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.key and toleration.key != taint.key:
        return False
    match toleration.operator:
        case "Exists":
            return True
        case "" | "Equal":
            return toleration.value == taint.value
        case "Gt" | "Lt":
            return _compares(toleration, taint)
        case _:
            return False


def _compares(toleration: Toleration, taint: Taint) -> bool:
    """Gt tolerates a taint of a greater value, Lt of a smaller one; both are whole numbers."""
    asked, found = whole_number(toleration.value, _NUMBER), whole_number(taint.value, _NUMBER)
    if asked is None or found is None:
        return False
    return found > asked if toleration.operator == "Gt" else found < asked


def readiness(table: NodeTable) -> Verdict:
    """Nodes whose kubelet is believed to answer."""
    return Verdict(Cause.NOT_READY, table.is_ready, [("node(s) were not ready", ~table.is_ready)])


def unschedulable(table: NodeTable, tolerations: Tolerations) -> Verdict:
    """Nodes that are not cordoned, or whose cordon the pod tolerates."""
    taint = Taint(UNSCHEDULABLE_TAINT)
    if any(tolerates(t, taint) for t in tolerations):
        return Verdict(Cause.UNSCHEDULABLE, np.ones(len(table), dtype=np.bool_))
    refused = table.is_unschedulable
    return Verdict(Cause.UNSCHEDULABLE, ~refused, [("node(s) were unschedulable", refused)])


def taints(table: NodeTable, tolerations: Tolerations) -> Verdict:
    """Nodes without a NoSchedule or NoExecute taint that the pod does not tolerate."""
    known: dict[Tolerations, Verdict] = table.memo.setdefault("taints", {})
    verdict = known.get(tolerations)
    if verdict is None:
        if len(known) >= _MOST_KNOWN:
            known.clear()
        verdict = known[tolerations] = _taints(table, tolerations)
    return verdict


def _taints(table: NodeTable, tolerations: Tolerations) -> Verdict:
    refused, *ours = np.zeros((1 + len(_OUR_TAINTS), len(table)), dtype=np.bool_)
    of_key = dict(zip(_OUR_TAINTS, ours, strict=True))
    for i in _tainted(table):
        for taint in table.nodes[i].taints:
            if taint.effect in _HARD_EFFECTS and not any(tolerates(t, taint) for t in tolerations):
                of_key.get(taint.key, refused)[i] = True
    texts = [("node(s) had untolerated taint(s)", refused)]
    texts += [(_OUR_TAINTS[key], marked & ~refused) for key, marked in of_key.items()]
    return Verdict(Cause.TAINT, ~np.logical_or.reduce([refused, *ours]), texts)


def soft_taints(table: NodeTable, tolerations: Tolerations) -> NDArray[np.int64]:
    """Return the number of PreferNoSchedule taints of each node that the pod does not tolerate."""
    known: dict[Tolerations, NDArray[np.int64]] = table.memo.setdefault("soft taints", {})
    counts = known.get(tolerations)
    if counts is None:
        if len(known) >= _MOST_KNOWN:
            known.clear()
        counts = known[tolerations] = np.zeros(len(table), dtype=np.int64)
        for i in _tainted(table):
            for taint in table.nodes[i].taints:
                if taint.effect == "PreferNoSchedule":
                    counts[i] += not any(tolerates(t, taint) for t in tolerations)
    return counts


def _tainted(table: NodeTable) -> list[int]:
    """Return the rows of nodes with any taint: few, as a rule, of very many."""
    known: list[int] | None = table.memo.get("tainted")
    if known is None:
        known = [i for i, node in enumerate(table.nodes) if node.taints]
        table.memo["tainted"] = known
    return known


def declared_features(table: NodeTable, features: tuple[str, ...]) -> Verdict:
    """Nodes that declare all features a pod needs (``status.declaredFeatures``)."""
    passes = np.ones(len(table), dtype=np.bool_)
    if features:
        passes = np.array([set(features) <= n.features for n in table.nodes], dtype=np.bool_)
    return Verdict(
        Cause.NODE_FEATURES, passes, [("node(s) didn't match Pod's required features", ~passes)]
    )


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
