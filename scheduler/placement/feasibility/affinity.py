"""Node selectors and node affinity: terms ORed, expressions ANDed, an empty term matches nothing.

Kubernetes: "Assigning Pods to Nodes"; component-helpers ``nodeaffinity`` for Gt, Lt, matchFields.
"""

import re

import numpy as np

from scheduler.domain.reasons import Cause
from scheduler.domain.snapshot import NodeTable
from scheduler.domain.workload import NodeTerm, PodClass, Requirement
from scheduler.placement.feasibility.verdict import Mask, Verdict

_WHOLE = re.compile(r"[+-]?[0-9]{1,100}")
_LIMIT = 1 << 63

TEXT = "node(s) didn't match Pod's node affinity/selector"


class NodeLabels:
    """Label values of all nodes by key, looked up once a decision."""

    def __init__(self, table: NodeTable) -> None:
        self._table = table
        self._values: dict[str, list[str | None]] = {}
        self._masks: dict[Requirement, Mask] = {}

    def values(self, key: str) -> list[str | None]:
        """Return each node's value of `key`, None where the label is missing."""
        found = self._values.get(key)
        if found is None:
            found = self._values[key] = [node.labels.get(key) for node in self._table.nodes]
        return found

    def meets(self, requirement: Requirement) -> Mask:
        """Return the nodes whose labels meet one expression."""
        mask = self._masks.get(requirement)
        if mask is None:
            values = self.values(requirement.key)
            mask = np.array([_meets(requirement, value) for value in values], dtype=np.bool_)
            self._masks[requirement] = mask
        return mask

    def names(self, requirement: Requirement) -> Mask:
        """Return the nodes that meet one expression on fields; only ``metadata.name`` exists."""
        return np.array(
            [
                requirement.key == "metadata.name" and _meets(requirement, node.name)
                for node in self._table.nodes
            ],
            dtype=np.bool_,
        )

    def term(self, term: NodeTerm) -> Mask:
        """Return the nodes that meet all expressions of a term; none for an empty term."""
        if not term.expressions and not term.fields:
            return np.zeros(len(self._table), dtype=np.bool_)
        mask = np.ones(len(self._table), dtype=np.bool_)
        for requirement in term.expressions:
            mask &= self.meets(requirement)
        for requirement in term.fields:
            mask &= self.names(requirement)
        return mask


def _meets(requirement: Requirement, value: str | None) -> bool:
    match requirement.operator:
        case "In":
            return value is not None and value in requirement.values
        case "NotIn":
            return value is None or value not in requirement.values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt" | "Lt":
            return _compares(requirement, value)


def _compares(requirement: Requirement, value: str | None) -> bool:
    """Gt and Lt compare whole numbers; anything else does not match."""
    if value is None or len(requirement.values) != 1:
        return False
    here, bound = _whole(value), _whole(requirement.values[0])
    if here is None or bound is None:
        return False
    return here > bound if requirement.operator == "Gt" else here < bound


def _whole(text: str) -> int | None:
    """Return a 64-bit number as Go reads it; Python's `int` takes ``1_0`` and other scripts too."""
    number = int(text) if _WHOLE.fullmatch(text) else _LIMIT
    return number if -_LIMIT <= number < _LIMIT else None


def node_affinity(labels: NodeLabels, table: NodeTable, pod_class: PodClass) -> Verdict:
    """Nodes that meet the node selector and the required node affinity."""
    passes = np.ones(len(table), dtype=np.bool_)
    for key, value in pod_class.node_selector:
        passes &= labels.meets(Requirement(key, "In", (value,)))
    if pod_class.required_nodes is not None:
        either = np.zeros(len(table), dtype=np.bool_)
        for term in pod_class.required_nodes:
            either |= labels.term(term)
        passes &= either
    return Verdict(Cause.NODE_AFFINITY, passes, [(TEXT, ~passes)])
