"""Whether each node takes the pods assigned to it: state, taints, selectors, affinity, role."""

import re
from collections.abc import Iterator, Mapping

import numpy as np

from scheduler.domain.node import UNSCHEDULABLE_TAINT, Node, Taint
from scheduler.domain.snapshot import NodeTable
from scheduler.domain.workload import NodeTerm, Pod, PodClass, Requirement, Toleration
from scheduler.planning.check.ledger import Decided

_CORDON = Taint(UNSCHEDULABLE_TAINT, "", "NoSchedule")
_REPELS = ("NoSchedule", "NoExecute")
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")


def refused_nodes(table: NodeTable, decided: Decided, *, may_overflow: bool) -> list[str]:
    """Return the assignments that a node or the pod's own spec rules out."""
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
                found += [_said(reason, decided.pods[k], node.name) for k in rows[on == i]]
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
    for taint in node.taints:
        if taint.effect in _REPELS and not _tolerates(pod_class.tolerations, taint):
            yield "taint", f"untolerated taint {taint.key}={taint.value}:{taint.effect}"
    for key, value in pod_class.node_selector:
        if node.labels.get(key) != value:
            yield "node selector", f"the node is not labelled {key}={value}"
    terms = pod_class.required_nodes
    if terms is not None and not any(_matches(term, node) for term in terms):
        yield "node affinity", "no required term matches the node"


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


def _matches(term: NodeTerm, node: Node) -> bool:
    if not (term.expressions or term.fields):
        return False
    named: Mapping[str, str] = {"metadata.name": node.name}
    return all(_holds(e, node.labels) for e in term.expressions) and all(
        e.key in named and _holds(e, named) for e in term.fields
    )


def _holds(wanted: Requirement, labels: Mapping[str, str]) -> bool:
    """Whether a requirement holds: ``labels.Requirement.Matches`` of apimachinery."""
    value = labels.get(wanted.key)
    match wanted.operator:
        case "In":
            return value is not None and value in wanted.values
        case "NotIn":
            return value is None or value not in wanted.values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt" | "Lt":
            return _compares(wanted, value)
        case _:
            return False


def _compares(wanted: Requirement, value: str | None) -> bool:
    if value is None or len(wanted.values) != 1:
        return False
    left, right = _int64(value), _int64(wanted.values[0])
    if left is None or right is None:
        return False
    return left > right if wanted.operator == "Gt" else left < right


def _int64(text: str) -> int | None:
    """Return what ``strconv.ParseInt(text, 10, 64)`` would, else None."""
    if _INTEGER.fullmatch(text) is None:
        return None
    value = int(text)
    return value if -(1 << 63) <= value < 1 << 63 else None
