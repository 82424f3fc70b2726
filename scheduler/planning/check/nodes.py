"""Whether each node takes the pods assigned to it: state, taints, selectors, affinity, role."""

from collections.abc import Iterator

import numpy as np

from scheduler.domain.node import HELD_DOWN_TAINT, UNSCHEDULABLE_TAINT, Node, Taint
from scheduler.domain.snapshot import NodeTable
from scheduler.domain.workload import Pod, PodClass, Toleration
from scheduler.planning.check.ledger import Decided
from scheduler.planning.check.promised import kin
from scheduler.planning.check.requirements import node_matches

_CORDON = Taint(UNSCHEDULABLE_TAINT, "", "NoSchedule")
_HELD_DOWN = f"untolerated taint {HELD_DOWN_TAINT}="
_REPELS = ("NoSchedule", "NoExecute")


def refused_nodes(
    table: NodeTable,
    decided: Decided,
    *,
    may_overflow: bool,
    promised: frozenset[tuple[object, str]] = frozenset(),
) -> list[str]:
    """Return the assignments that a node or the pod's own spec rules out.

    Parameters
    ----------
    table, decided
        The nodes, and what is assigned to them.
    may_overflow
        Whether pods without a delay may leave the cloud.
    promised
        As `promised_places` has them: a hold-down keeps nobody off who has a place there.
    """
    found: list[str] = []
    for pod_class, rows in zip(decided.classes, decided.rows_of, strict=True):
        for reason in _never(pod_class):
            found += [_said(reason, decided.pods[row], "any node") for row in rows]
        on = decided.node_of[rows]
        for i in np.unique(on).tolist():
            node = table.nodes[i]
            reasons = list(_against(pod_class, node))
            if not (table.is_ready[i] and node.is_ready):
                reasons.append(("not ready", "the node is not ready"))
            if not (may_overflow or pod_class.delays or pod_class.node_name or node.is_cloud):
                reasons.append(("overflow", "a pod without a delay stays on cloud nodes"))
            for reason in reasons:
                found += [
                    _said(reason, decided.pods[k], node.name)
                    for k in rows[on == i]
                    if not (
                        reason[1].startswith(_HELD_DOWN)
                        and decided.assignments[k].replaces
                        and (kin(decided.pods[k]), node.name) in promised
                    )
                ]
    found += [
        _said(("gated", "the pod has scheduling gates"), pod, "any node")
        for pod in decided.pods
        if pod.is_gated
    ]
    return found


def _said(reason: tuple[str, str], pod: Pod, node: str) -> str:
    return f"{reason[0]}: {pod.key} on {node}: {reason[1]}"


def _never(pod_class: PodClass) -> Iterator[tuple[str, str]]:
    """Yield why a pod may not be assigned at all."""
    for fault in pod_class.faults:
        yield "bad delay", str(fault)
    for feature in pod_class.unsupported:
        yield "unsupported", f"{feature} is not supported"


def _against(pod_class: PodClass, node: Node) -> Iterator[tuple[str, str]]:
    """Yield (rule, detail) for everything by which `node` does not take the class."""
    if pod_class.node_name and pod_class.node_name != node.name:
        yield "node name", f"the pod insists on {pod_class.node_name}"
    if node.is_unschedulable and not _tolerates(pod_class.tolerations, _CORDON):
        yield "unschedulable", "the node is unschedulable"
    for taint in untolerated(pod_class.tolerations, node.taints):
        yield "taint", f"untolerated taint {taint.key}={taint.value}:{taint.effect}"
    for key, value in pod_class.node_selector:
        if node.labels.get(key) != value:
            yield "node selector", f"the node is not labelled {key}={value}"
    terms = pod_class.required_nodes
    if terms is not None and not any(node_matches(term, node.name, node.labels) for term in terms):
        yield "node affinity", "no required term matches the node"
    undeclared = [feature for feature in pod_class.features if feature not in node.features]
    if undeclared:
        yield "node features", f"the node does not declare {', '.join(undeclared)}"


def untolerated(tolerations: tuple[Toleration, ...], taints: tuple[Taint, ...]) -> Iterator[Taint]:
    """Yield those of `taints` that keep pods with such tolerations off."""
    for taint in taints:
        if taint.effect in _REPELS and not _tolerates(tolerations, taint):
            yield taint


def _tolerates(tolerations: tuple[Toleration, ...], taint: Taint) -> bool:
    return any(_covers(toleration, taint) for toleration in tolerations)


def _covers(toleration: Toleration, taint: Taint) -> bool:
    """Whether a toleration covers a taint: ``Toleration.ToleratesTaint`` of the core API."""
    if toleration.effect not in ("", taint.effect) or toleration.key not in ("", taint.key):
        return False
    match toleration.operator:
        case "Exists":
            return True
        case "" | "Equal":
            return toleration.value == taint.value
        case _:
            return False
