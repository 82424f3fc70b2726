"""On which nodes a delay's reference runs, as a snapshot has it."""

import numpy as np

from scheduler.domain.delay import DelayConstraint, Quantifier
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import PodClass
from scheduler.placement.references import ReferenceBook


class ReferenceNodes:
    """Looks references up; what each runs on is worked out once."""

    def __init__(self, snapshot: ClusterSnapshot) -> None:
        self._nodes = snapshot.nodes.nodes
        self._placed = snapshot.placed
        self._book = ReferenceBook(snapshot)
        self._known: dict[tuple[PodClass, DelayConstraint], tuple[str, ...]] = {}
        self._class_row = {pod_class: c for c, pod_class in enumerate(self._placed.classes)}
        self._alive = ~self._placed.is_terminating & (self._placed.node_of >= 0)

    def of(self, pod_class: PodClass, delay: DelayConstraint) -> tuple[str, ...]:
        """Return the names of the nodes a delay is measured from, sorted; none for a bad one."""
        key = (pod_class, delay)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._found(pod_class, delay)
        return found

    def must_all_hold(self, pod_class: PodClass, delay: DelayConstraint) -> bool:
        """Whether a delay has to hold from each of its nodes, not from the nearest."""
        return self._book.target(pod_class, delay).quantifier is Quantifier.ALL

    def _found(self, pod_class: PodClass, delay: DelayConstraint) -> tuple[str, ...]:
        target = self._book.target(pod_class, delay)
        if target.problem is not None:
            return ()
        if target.node >= 0:
            return (self._nodes[target.node].name,)
        classes = [self._class_row[c] for c in target.classes if c in self._class_row]
        rows = np.flatnonzero(self._alive & np.isin(self._placed.class_of, classes))
        names = {
            self._nodes[int(self._placed.node_of[row])].name
            for row in rows.tolist()
            if not target.pod_name or self._placed.pods[row].name == target.pod_name
        }
        return tuple(sorted(names))
