"""What a class's delays say of each node, now that its references are placed."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.plan import Measured
from scheduler.domain.reasons import PodCause, PodReason
from scheduler.placement.batch import Batch, PendingClass, PlacedSoFar
from scheduler.placement.distances import RttRow
from scheduler.placement.feasibility.delay import deciding, within
from scheduler.placement.feasibility.verdict import Mask
from scheduler.placement.references import Target
from telemetry.model import UNKNOWN_US


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """One constraint with the RTTs that decide it and the node each is measured from."""

    target: Target
    row: RttRow
    source: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """The delays of one class over all nodes.

    `mask` (shape ``(n,)``) are the nodes within all hard budgets. `problems` says which references
    are not placed; then no node is within reach.
    """

    mask: Mask
    hard: tuple[Bound, ...]
    soft: tuple[Bound, ...]
    problems: tuple[PodReason, ...]

    def measured(self, batch: Batch, placing: PlacedSoFar, node: int) -> tuple[Measured, ...]:
        """Return what is measured for a pod of the class on `node`."""
        return tuple(self._measured(batch, placing, node))

    def _measured(self, batch: Batch, placing: PlacedSoFar, node: int) -> Iterator[Measured]:
        for bound in (*self.hard, *self.soft):
            row, source = bound.row, bound.source
            if bound.target.is_self:
                others = batch.replicas(bound.target, placing)
                others.remove(node)  # the pod itself, which is no reference of its own
                if not others:
                    continue
                sources = np.array(sorted(set(others)), dtype=np.int64)
                row, source = deciding(batch.distances, bound.target.quantifier, sources)
            rtt_us = int(row[node])
            name = batch.table.nodes[int(source[node])].name if rtt_us != UNKNOWN_US else ""
            yield Measured(bound.target.constraint, name, rtt_us)


def reach(batch: Batch, pending: PendingClass, placing: PlacedSoFar) -> Reach:
    """Bind a class's references to the nodes they run on and judge all nodes.

    A reference to the class's own workload does not bind while none of it runs: the first replica
    is admitted anywhere.
    """
    mask = np.ones(len(batch.table), dtype=np.bool_)
    hard, soft, problems = [], [], []
    for target in pending.targets:
        sources = _sources(batch, target, placing)
        if len(sources):
            row, source = deciding(batch.distances, target.quantifier, sources)
            hard.append(Bound(target, row, source))
            mask &= within(row, target.constraint.within_us)
        elif not target.is_self:
            problems.append(_pending_reference(target))
    for target in pending.soft_targets:
        sources = _sources(batch, target, placing)
        if len(sources):
            soft.append(Bound(target, *deciding(batch.distances, target.quantifier, sources)))
    if problems:
        mask = np.zeros(len(batch.table), dtype=np.bool_)
    return Reach(mask, tuple(hard), tuple(soft), tuple(problems))


def _sources(batch: Batch, target: Target, placing: PlacedSoFar) -> NDArray[np.int64]:
    if target.node >= 0:
        return np.array([target.node], dtype=np.int64)
    return batch.placed_nodes(target, placing)


def _pending_reference(target: Target) -> PodReason:
    written = target.constraint.written or str(target.constraint.reference)
    return PodReason(
        PodCause.REFERENCE_PENDING,
        f"{written}: waiting for {target.constraint.reference} to be placed first",
    )
