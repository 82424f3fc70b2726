"""Budgets of running pods that no longer hold: a link got slower, or a reference moved or left."""

from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.delay import DelayConstraint, Quantifier, format_ms
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import Pod, PodClass
from scheduler.placement.references import ReferenceBook, Target
from telemetry.model import UNKNOWN_US

_FAR = np.int64(1) << 40
_BLOCK = 1 << 20
"""Pairs looked at together: 8 MB an array."""


class Break(Enum):
    """How a budget came to be broken."""

    TOO_FAR = "too far"
    NOT_MEASURED = "not measured"
    NO_REPLICA = "reference has no pod placed"
    UNKNOWN_REFERENCE = "reference is gone"


@dataclass(frozen=True, slots=True)
class BrokenBudget:
    """One delay of one running pod that does not hold.

    `reference_node` is the node that decides, empty where the reference has none; `rtt_us` is the
    RTT measured from it, `UNKNOWN_US` where there is none. `too_far` are the nodes of all replicas
    that are measured beyond the budget, the deciding one first; `quantifier` tells whether all of
    them have to be, for the budget to be broken (``any``), or one (``all``).
    """

    pod: Pod
    node: str
    constraint: DelayConstraint
    kind: Break
    reference_node: str = ""
    rtt_us: int = UNKNOWN_US
    too_far: tuple[str, ...] = ()
    quantifier: Quantifier = Quantifier.ANY


def broken_budgets(
    snapshot: ClusterSnapshot, of: Container[PodClass] | None = None
) -> tuple[BrokenBudget, ...]:
    """Return the hard delays of placed pods that do not hold by the snapshot's RTTs.

    Pods that are terminating or on a node that is gone are past help and left out. Sorted by pod.

    Parameters
    ----------
    snapshot
        What is known.
    of
        The classes whose pods are looked at; None for all.

    Notes
    -----
    One look at the pairs (replica, pod) a class and delay: O(classes + pairs).
    """
    found = _Audit(snapshot).broken(of)
    return tuple(sorted(found, key=lambda b: (b.pod.key, str(b.constraint))))


def asked(budget: BrokenBudget) -> str:
    """Return what was asked for, in words."""
    return f"delay to {budget.constraint.reference} within {budget.constraint.within_ms}"


def in_words(budget: BrokenBudget) -> str:
    """Return how a budget is broken, in words."""
    if budget.kind is Break.TOO_FAR:
        rtt = format_ms(budget.rtt_us)
        return f"{asked(budget)} is broken: {rtt} from {budget.reference_node} to {budget.node}"
    return f"{asked(budget)} is broken: {budget.kind.value}"


class _Audit:
    """The placed pods of a snapshot by class, and their RTTs."""

    def __init__(self, snapshot: ClusterSnapshot) -> None:
        placed = snapshot.placed
        self._snapshot, self._placed = snapshot, placed
        self._book = ReferenceBook(snapshot)
        self._lives = ~placed.is_terminating & (placed.node_of >= 0)
        order = np.argsort(placed.class_of, kind="stable")
        starts = np.searchsorted(placed.class_of[order], np.arange(len(placed.classes) + 1))
        self._rows = {
            pod_class: order[starts[c] : starts[c + 1]]
            for c, pod_class in enumerate(placed.classes)
        }
        index = snapshot.rtt.index
        self._columns = np.array([index.get(n.name, -1) for n in snapshot.nodes.nodes], np.int64)

    def broken(self, of: Container[PodClass] | None = None) -> Iterator[BrokenBudget]:
        for pod_class, rows in self._rows.items():
            if of is not None and pod_class not in of:
                continue
            alive = rows[self._lives[rows]]
            for delay in pod_class.hard_delays if len(alive) else ():
                yield from self._of(self._book.target(pod_class, delay), alive)

    def _of(self, target: Target, rows: NDArray[np.int64]) -> Iterator[BrokenBudget]:
        if target.problem is not None:
            yield from (self._said(k, target, Break.UNKNOWN_REFERENCE) for k in rows.tolist())
            return
        nodes, replicas = self._replicas(target)
        step = max(1, _BLOCK // max(1, len(nodes)))
        for start in range(0, len(rows), step):
            yield from self._judged(target, rows[start : start + step], nodes, replicas)

    def _judged(
        self,
        target: Target,
        rows: NDArray[np.int64],
        nodes: NDArray[np.int64],
        replicas: NDArray[np.int64],
    ) -> Iterator[BrokenBudget]:
        at = self._placed.node_of[rows].astype(np.int64)
        rtt_us = self._between(nodes[:, None], at[None, :])
        # A pod is no reference of its own: the last replica on its node is itself.
        is_itself = (replicas[:, None] == 1) & (nodes[:, None] == at[None, :])
        counted = ~(is_itself & target.is_self)
        is_all = target.quantifier is Quantifier.ALL
        # What is not known is nearest for nobody and farthest for everybody.
        rank = np.where(rtt_us == UNKNOWN_US, _FAR, rtt_us)
        rank = np.where(counted, rank, -1 if is_all else _FAR + 1)
        for k, row in enumerate(rows.tolist()):
            if not counted[:, k].any():
                if not target.is_self:
                    yield self._said(row, target, Break.NO_REPLICA)
                continue
            best = int(rank[:, k].argmax() if is_all else rank[:, k].argmin())
            decides = (int(nodes[best]), int(rtt_us[best, k]))
            if decides[1] == UNKNOWN_US:
                yield self._said(row, target, Break.NOT_MEASURED, decides)
            elif decides[1] > target.constraint.within_us:
                beyond = counted[:, k] & (rtt_us[:, k] > target.constraint.within_us)
                others = nodes[beyond & (nodes != nodes[best])]
                said = self._said(row, target, Break.TOO_FAR, decides)
                too_far = (said.reference_node, *(self._name(i) for i in others.tolist()))
                yield replace(said, too_far=too_far, quantifier=target.quantifier)

    def _replicas(self, target: Target) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the nodes a target's pods run on and how many on each."""
        if target.node >= 0:
            return np.array([target.node], np.int64), np.array([1], np.int64)
        rows = np.concatenate(
            [np.zeros(0, np.int64), *(self._alive(c, target.pod_name) for c in target.classes)]
        )
        nodes, replicas = np.unique(self._placed.node_of[rows], return_counts=True)
        return nodes.astype(np.int64), replicas.astype(np.int64)

    def _alive(self, pod_class: PodClass, pod_name: str) -> NDArray[np.int64]:
        rows = self._rows.get(pod_class, np.zeros(0, np.int64))
        alive = rows[self._lives[rows]]
        if not pod_name:
            return alive
        return alive[[self._placed.pods[row].name == pod_name for row in alive]]

    def _between(self, nodes: NDArray[np.int64], at: NDArray[np.int64]) -> NDArray[np.int64]:
        sources, targets = np.broadcast_arrays(self._columns[nodes], self._columns[at])
        known = (sources >= 0) & (targets >= 0)
        out = np.full(known.shape, UNKNOWN_US, dtype=np.int64)
        out[known] = self._snapshot.rtt.between(sources[known], targets[known])
        return np.where(nodes == at, np.int64(0), out)

    def _said(
        self, row: int, target: Target, kind: Break, decides: tuple[int, int] | None = None
    ) -> BrokenBudget:
        on = self._name(int(self._placed.node_of[row]))
        pod = self._placed.pods[row]
        if decides is None:
            return BrokenBudget(pod, on, target.constraint, kind)
        return BrokenBudget(pod, on, target.constraint, kind, self._name(decides[0]), decides[1])

    def _name(self, node: int) -> str:
        return self._snapshot.nodes.nodes[node].name
