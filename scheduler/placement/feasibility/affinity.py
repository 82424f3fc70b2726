"""Node selectors and node affinity: terms ORed, expressions ANDed, an empty term matches nothing.

Kubernetes: "Assigning Pods to Nodes"; component-helpers ``nodeaffinity`` for Gt, Lt, matchFields.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.reasons import Cause
from scheduler.domain.selector import LabelSelector, Requirement
from scheduler.domain.snapshot import NodeTable
from scheduler.domain.workload import NodeTerm, PodClass
from scheduler.placement.feasibility.requirement import meets
from scheduler.placement.feasibility.verdict import Mask, Verdict

_MOST_MASKS = 4_096
"""Masks kept from one decision to the next: 50 MB at 12,500 nodes."""
_MOST_KEYS = 256
"""Labels whose domains are kept so: 15 MB there."""

TEXT = "node(s) didn't match Pod's node affinity/selector"
NOT_NAMED = "node(s) didn't satisfy plugin(s) [NodeAffinity]"
CONFLICT = "pod affinity terms conflict"


@dataclass(frozen=True, slots=True, eq=False)
class Domains:
    """The topology domains of one label: the nodes that carry each of its values.

    `of` has shape ``(n,)``: each node's index into `values`, -1 where the label is missing.
    """

    of: NDArray[np.int32]
    values: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.values)


class NodeLabels:
    """Label values of all nodes by key; what was looked up serves later decisions, too."""

    def __init__(self, table: NodeTable) -> None:
        self._table = table
        self._domains: dict[str, Domains] = table.memo.setdefault("domains", {})
        self._masks: dict[object, Mask] = table.memo.setdefault("label masks", {})

    def __len__(self) -> int:
        return len(self._table)

    def domains(self, key: str) -> Domains:
        """Return the topology domains of a label, in the order of their first nodes."""
        found = self._domains.get(key)
        if found is None:
            number: dict[str, int] = {}
            of = np.array(
                [
                    -1 if value is None else number.setdefault(value, len(number))
                    for value in (node.labels.get(key) for node in self._table.nodes)
                ],
                dtype=np.int32,
            )
            of.flags.writeable = False
            if len(self._domains) >= _MOST_KEYS:
                self._domains.clear()
            found = self._domains[key] = Domains(of, tuple(number))
        return found

    def meets(self, requirement: Requirement) -> Mask:
        """Return the nodes whose labels meet one expression."""
        mask = self._masks.get(requirement)
        if mask is None:
            domains = self.domains(requirement.key)
            # The last one stands for nodes without the label: -1 finds it.
            passes = [meets(requirement, value) for value in (*domains.values, None)]
            mask = np.array(passes, dtype=np.bool_)[domains.of]
            self._keep(requirement, mask)
        return mask

    def names(self, requirement: Requirement) -> Mask:
        """Return the nodes that meet one expression on fields; only ``metadata.name`` exists."""
        mask = np.zeros(len(self._table), dtype=np.bool_)
        if requirement.key != "metadata.name":
            return mask
        named = [self._table.index[v] for v in requirement.values if v in self._table.index]
        if requirement.operator == "In":
            mask[named] = True
        elif requirement.operator == "NotIn":
            mask[:] = True
            mask[named] = False
        return mask

    def term(self, term: NodeTerm) -> Mask:
        """Return the nodes that meet all expressions of a term; none for an empty term."""
        known = self._masks.get(term)
        if known is not None:
            return known
        is_empty = not term.expressions and not term.fields
        mask = np.full(len(self._table), not is_empty, dtype=np.bool_)
        for requirement in term.expressions:
            mask &= self.meets(requirement)
        for requirement in term.fields:
            mask &= self.names(requirement)
        self._keep(term, mask)
        return mask

    def selected(self, selector: LabelSelector | None) -> Mask:
        """Return the nodes that a label selector selects; none for None."""
        mask = np.full(len(self._table), selector is not None, dtype=np.bool_)
        for requirement in selector.requirements if selector is not None else ():
            mask &= self.meets(requirement)
        return mask

    def required(self, pod_class: PodClass) -> Mask:
        """Return the nodes that meet the node selector and the required node affinity."""
        key = (pod_class.node_selector, pod_class.required_nodes)
        known = self._masks.get(key)
        if known is not None:
            return known
        passes = np.ones(len(self._table), dtype=np.bool_)
        for name, value in pod_class.node_selector:
            passes &= self.meets(Requirement(name, "In", (value,)))
        if pod_class.required_nodes is not None:
            either = np.zeros(len(self._table), dtype=np.bool_)
            for term in pod_class.required_nodes:
                either |= self.term(term)
            passes &= either
        self._keep(key, passes)
        return passes

    def _keep(self, key: object, mask: Mask) -> None:
        if len(self._masks) >= _MOST_MASKS:
            self._masks.clear()
        mask.flags.writeable = False
        self._masks[key] = mask


def node_affinity(labels: NodeLabels, pod_class: PodClass) -> Verdict:
    """Nodes that meet the node selector and the required node affinity."""
    passes = labels.required(pod_class)
    return Verdict(Cause.NODE_AFFINITY, passes, [(TEXT, ~passes)])


def named_nodes(pod_class: PodClass) -> frozenset[str] | None:
    """Return the nodes that the required terms name, by their field; None where one names none.

    As a DaemonSet's pods do. None of them at all, where the terms contradict themselves.
    """
    found: set[str] = set()
    for term in pod_class.required_nodes or ():
        named = [
            set(field.values)
            for field in term.fields
            if field.key == "metadata.name" and field.operator == "In"
        ]
        if not named:
            return None
        found |= set.intersection(*named)
    return frozenset(found) if pod_class.required_nodes else None


def naming(table: NodeTable, pod_class: PodClass) -> Verdict:
    """Nodes that the required terms name, where they name any: no other is looked at."""
    named = named_nodes(pod_class)
    passes = np.full(len(table), named is None, dtype=np.bool_)
    for name in named or ():
        if name in table.index:
            passes[table.index[name]] = True
    return Verdict(Cause.NODE_AFFINITY, passes, [(NOT_NAMED, ~passes)])
