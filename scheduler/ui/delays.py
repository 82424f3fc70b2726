"""The delays of placed pods as they stand now: measured, against what was asked for."""

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.delay import Quantifier
from scheduler.domain.plan import Measured
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import PodClass
from scheduler.placement.references import ReferenceBook, Target
from telemetry.model import UNKNOWN_US


class PlacedDelays:
    """Measures the delays of pods of one snapshot. References are resolved once a class."""

    def __init__(self, snapshot: ClusterSnapshot) -> None:
        self._snapshot = snapshot
        self._book = ReferenceBook(snapshot)
        self._targets: dict[PodClass, list[Target]] = {}
        placed = snapshot.placed
        self._row_of_class = {c: k for k, c in enumerate(placed.classes)}
        live = (placed.node_of >= 0) & ~placed.is_terminating
        self._slots = np.flatnonzero(live)
        # Slots grouped by class: one sort, instead of one pass for each reference.
        self._slots = self._slots[np.argsort(placed.class_of[self._slots], kind="stable")]
        self._sorted_classes = placed.class_of[self._slots]

    def of(self, slot: int) -> tuple[Measured, ...]:
        """Return the delays of the placed pod at row `slot`; none for a pod on a node that is gone.

        A pod that refers to its own workload is not its own reference.
        """
        placed = self._snapshot.placed
        node = int(placed.node_of[slot])
        if node < 0:
            return ()
        return tuple(self._measure(target, node, slot) for target in self._of_class(slot))

    def _of_class(self, slot: int) -> list[Target]:
        pod_class = self._snapshot.placed.pods[slot].pod_class
        if pod_class not in self._targets:
            self._targets[pod_class] = [
                self._book.target(pod_class, delay) for delay in pod_class.delays
            ]
        return self._targets[pod_class]

    def _measure(self, target: Target, node: int, slot: int) -> Measured:
        names = self._snapshot.nodes.nodes
        sources = [target.node] if target.node >= 0 else self._sources(target, slot)
        if not sources and target.is_self:
            return Measured(target.constraint, names[node].name, 0)  # the first of its kind
        rtts_us = [self._rtt_us(source, node) for source in sources]
        if not rtts_us:
            return Measured(target.constraint, "", UNKNOWN_US)
        if target.quantifier is Quantifier.ALL:
            worst = max(range(len(rtts_us)), key=lambda k: _far(rtts_us[k]))
        else:
            worst = min(range(len(rtts_us)), key=lambda k: _far(rtts_us[k]))
        return Measured(target.constraint, names[sources[worst]].name, rtts_us[worst])

    def _sources(self, target: Target, slot: int) -> list[int]:
        """Return the nodes a reference runs on, each once, in the order of the node table."""
        placed = self._snapshot.placed
        found: set[int] = set()
        for pod_class in target.classes:
            for other in self._members(pod_class):
                is_named = not target.pod_name or placed.pods[other].name == target.pod_name
                if is_named and int(other) != slot:
                    found.add(int(placed.node_of[other]))
        return sorted(found)

    def _members(self, pod_class: PodClass) -> NDArray[np.int64]:
        row = self._row_of_class.get(pod_class)
        if row is None:
            return np.zeros(0, dtype=np.int64)
        first, last = np.searchsorted(self._sorted_classes, [row, row + 1])
        return self._slots[first:last]

    def _rtt_us(self, source: int, node: int) -> int:
        if source == node:
            return 0
        rtt, nodes = self._snapshot.rtt, self._snapshot.nodes.nodes
        row, column = rtt.index.get(nodes[source].name), rtt.index.get(nodes[node].name)
        if row is None or column is None:
            return UNKNOWN_US
        return int(rtt.between(np.array([row]), np.array([column]))[0])


def _far(rtt_us: int) -> float:
    return float("inf") if rtt_us == UNKNOWN_US else float(rtt_us)
