"""Whether labels are what selectors ask for: apimachinery's selectors, on the domain's words."""

import re
from collections.abc import Mapping

from scheduler.domain.selector import LabelSelector, Requirement
from scheduler.domain.workload import NodeTerm

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")


def holds(wanted: Requirement, labels: Mapping[str, str]) -> bool:
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


def selects(selector: LabelSelector | None, labels: Mapping[str, str]) -> bool:
    """Whether a selector selects what carries `labels`; no selector selects nothing."""
    return selector is not None and all(holds(wanted, labels) for wanted in selector.requirements)


def node_matches(term: NodeTerm, name: str, labels: Mapping[str, str]) -> bool:
    """Whether a term of a pod's node affinity matches a node; an empty term matches none."""
    if not (term.expressions or term.fields):
        return False
    named: Mapping[str, str] = {"metadata.name": name}
    return all(holds(e, labels) for e in term.expressions) and all(
        e.key in named and holds(e, named) for e in term.fields
    )


def volume_reaches(terms: tuple[NodeTerm, ...] | None, labels: Mapping[str, str]) -> bool:
    """Whether a volume with such node affinity may be used on a node with `labels`.

    kube-scheduler holds the terms of a volume against labels alone (``CheckNodeAffinity``): what
    they say of fields is passed over.
    """
    return terms is None or any(
        bool(term.expressions or term.fields) and all(holds(e, labels) for e in term.expressions)
        for term in terms
    )


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
