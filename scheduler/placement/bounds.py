"""Delays bound to where their references run."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.node import Node
from scheduler.domain.plan import Measured
from scheduler.domain.reasons import PodReason
from scheduler.placement.distances import RttRow
from scheduler.placement.feasibility.verdict import Mask
from scheduler.placement.references import Target
from telemetry.model import UNKNOWN_US


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """One constraint with the RTTs that decide it, and the node each is measured from.

    `row` has shape ``(n,)``, `sources` shape ``(n,)`` or, for a lone source, ``(1,)``.
    """

    target: Target
    row: RttRow
    sources: NDArray[np.int64]

    def measured(self, nodes: Sequence[Node], node: int) -> Measured:
        """Return what is measured at node number `node` of `nodes`."""
        rtt_us = int(self.row[node])
        source = int(self.sources[node if len(self.sources) > 1 else 0])
        name = nodes[source].name if rtt_us != UNKNOWN_US else ""
        return Measured(self.target.constraint, name, rtt_us)


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
