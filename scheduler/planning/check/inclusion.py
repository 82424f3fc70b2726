"""Which nodes a topology spread constraint counts pods on: its node inclusion policies."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.between import SpreadConstraint
from scheduler.domain.selector import Requirement
from scheduler.domain.snapshot import NodeTable
from scheduler.domain.workload import NodeTerm, PodClass, Toleration
from scheduler.planning.check.domains import domains_of, where
from scheduler.planning.check.nodes import untolerated


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """Nodes that count, shape ``(n + 1,)``; False at the end, where -1 finds it.

    `are_all` says that every node counts.
    """

    is_counted: NDArray[np.bool_]
    are_all: bool
    _domains: dict[str, NDArray[np.int64]] = field(default_factory=dict)

    def domains(self, table: NodeTable, key: str) -> NDArray[np.int64]:
        """Return the domains of `key` that have a node that counts."""
        if key not in self._domains:
            domains = domains_of(table, key)
            has = np.bincount(domains.of[self.is_counted], minlength=len(domains))
            self._domains[key] = np.flatnonzero(has)
        return self._domains[key]


class Inclusion:
    """The nodes that count for constraints, worked out once for all that ask alike."""

    def __init__(self, table: NodeTable) -> None:
        self._table = table
        self._counted: dict[object, Counted] = {}

    def counted(
        self, pod_class: PodClass, keys: tuple[str, ...], constraint: SpreadConstraint
    ) -> Counted:
        """Return the nodes that have all of `keys` and that the class may use as it is asked.

        Parameters
        ----------
        pod_class
            Whose constraint it is.
        keys
            The topology keys of all its hard constraints.
        constraint
            Says whether node affinity and taints are honored.
        """
        asks = (pod_class.node_selector, pod_class.required_nodes)
        affinity = asks if constraint.honors_affinity else ((), None)
        tolerations = pod_class.tolerations if constraint.honors_taints else None
        alike = (keys, affinity, tolerations)
        if alike not in self._counted:
            is_counted = np.ones(len(self._table), dtype=np.bool_)
            for key in keys:
                is_counted &= where(self._table, Requirement(key, "Exists"))
            is_counted &= self._chosen(*affinity)
            if tolerations is not None:
                is_counted &= self._tolerated(tolerations)
            self._counted[alike] = Counted(np.append(is_counted, False), bool(is_counted.all()))
        return self._counted[alike]

    def _chosen(
        self, selector: tuple[tuple[str, str], ...], terms: tuple[NodeTerm, ...] | None
    ) -> NDArray[np.bool_]:
        chosen = np.ones(len(self._table), dtype=np.bool_)
        for key, value in selector:
            chosen &= where(self._table, Requirement(key, "In", (value,)))
        if terms is None:
            return chosen
        is_matched = np.zeros(len(self._table), dtype=np.bool_)
        for term in terms:
            is_matched |= self._matched(term)
        return chosen & is_matched

    def _matched(self, term: NodeTerm) -> NDArray[np.bool_]:
        matched = np.full(len(self._table), bool(term.expressions or term.fields))
        for wanted in term.expressions:
            matched &= where(self._table, wanted)
        for wanted in term.fields:
            matched &= self._named(wanted)
        return matched

    def _named(self, wanted: Requirement) -> NDArray[np.bool_]:
        """Return the nodes whose name is as asked for; nothing else can be asked of fields."""
        is_in = wanted.operator == "In"
        out = np.full(len(self._table), wanted.operator == "NotIn")
        index = self._table.index
        out[[index[name] for name in wanted.values if name in index]] = is_in
        return out & (wanted.key == "metadata.name")

    def _tolerated(self, tolerations: tuple[Toleration, ...]) -> NDArray[np.bool_]:
        """Return the nodes without a taint that keeps pods off; most nodes are tainted alike."""
        key = ("check", "taints")
        if key not in self._table.memo:
            index: dict[object, int] = {}
            of = [index.setdefault(node.taints, len(index)) for node in self._table.nodes]
            self._table.memo[key] = np.array(of, dtype=np.int64), tuple(index)
        of_node, kinds = self._table.memo[key]
        fits = np.array([not any(untolerated(tolerations, kind)) for kind in kinds], dtype=np.bool_)
        tolerated: NDArray[np.bool_] = fits[of_node]
        return tolerated
