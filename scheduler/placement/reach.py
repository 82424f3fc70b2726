"""What a class's delays say of each node, now that its references are placed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.plan import Measured
from scheduler.domain.reasons import PodCause, PodReason
from scheduler.domain.workload import PodClass
from scheduler.placement.batch import Batch, PendingClass
from scheduler.placement.distances import RttRow
from scheduler.placement.feasibility.delay import deciding, within
from scheduler.placement.feasibility.verdict import Mask
from scheduler.placement.references import Target
from telemetry.model import UNKNOWN_US

Placing = Mapping[PodClass, Sequence[tuple[int, str]]]
"""Node and name of the pods placed so far in this decision, by class."""


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

    def measured(self, node: int, names: Sequence[str]) -> tuple[Measured, ...]:
        """Return what is measured at `node`; `names` are the nodes' names."""
        return tuple(
            Measured(
                b.target.constraint,
                names[int(b.source[node])] if int(b.row[node]) != UNKNOWN_US else "",
                int(b.row[node]),
            )
            for b in (*self.hard, *self.soft)
        )


def reach(batch: Batch, pending: PendingClass, placing: Placing) -> Reach:
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


def _sources(batch: Batch, target: Target, placing: Placing) -> NDArray[np.int64]:
    if target.node >= 0:
        return np.array([target.node], dtype=np.int64)
    return batch.placed_nodes(target, placing)


def _pending_reference(target: Target) -> PodReason:
    written = target.constraint.written or str(target.constraint.reference)
    return PodReason(
        PodCause.REFERENCE_PENDING,
        f"{written}: waiting for {target.constraint.reference} to be placed first",
    )
