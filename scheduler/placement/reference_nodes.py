"""On which nodes a delay's reference runs, as a snapshot has it."""

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.delay import DelayConstraint, Quantifier
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import Pod, PodClass
from scheduler.placement.references import ReferenceBook, Target


class ReferenceNodes:
    """Looks references up; what each runs on is worked out once."""

    def __init__(self, snapshot: ClusterSnapshot) -> None:
        self._nodes = snapshot.nodes.nodes
        self._placed = snapshot.placed
        self._book = ReferenceBook(snapshot)
        self._known: dict[tuple[PodClass, DelayConstraint], tuple[str, ...]] = {}
        alive = ~self._placed.is_terminating & (self._placed.node_of >= 0)
        order = np.argsort(self._placed.class_of, kind="stable")
        order = order[alive[order]]
        starts = np.searchsorted(
            self._placed.class_of[order], np.arange(len(self._placed.classes) + 1)
        )
        self._rows = {
            pod_class: order[starts[c] : starts[c + 1]]
            for c, pod_class in enumerate(self._placed.classes)
        }

    def rows(self, pod_class: PodClass) -> NDArray[np.int64]:
        """Return the rows of a class's pods that are placed and stay."""
        return self._rows.get(pod_class, np.zeros(0, dtype=np.int64))

    def of(self, pod_class: PodClass, delay: DelayConstraint) -> tuple[str, ...]:
        """Return the names of the nodes a delay is measured from, sorted; none for a bad one."""
        key = (pod_class, delay)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._found(pod_class, delay)
        return found

    def of_others(self, pod: Pod, delay: DelayConstraint) -> tuple[str, ...]:
        """Return the same for one pod, which is no reference of its own."""
        if not self.is_own(pod.pod_class, delay):
            return self.of(pod.pod_class, delay)
        return self._names(self._book.target(pod.pod_class, delay), besides=pod.key)

    def is_own(self, pod_class: PodClass, delay: DelayConstraint) -> bool:
        """Whether a delay is measured from the class's own pods, among others."""
        return self._book.target(pod_class, delay).is_self

    def must_all_hold(self, pod_class: PodClass, delay: DelayConstraint) -> bool:
        """Whether a delay has to hold from each of its nodes, not from the nearest."""
        return self._book.target(pod_class, delay).quantifier is Quantifier.ALL

    def _found(self, pod_class: PodClass, delay: DelayConstraint) -> tuple[str, ...]:
        target = self._book.target(pod_class, delay)
        if target.problem is not None:
            return ()
        if target.node >= 0:
            return (self._nodes[target.node].name,)
        return self._names(target)

    def _names(self, target: Target, besides: str = "") -> tuple[str, ...]:
        """Return the nodes of a target's pods, but for the one of the key `besides`."""
        names: set[str] = set()
        for other in target.classes:
            rows = self.rows(other)
            if target.pod_name or besides:
                pods = [self._placed.pods[row] for row in rows.tolist()]
                is_named = [not target.pod_name or pod.name == target.pod_name for pod in pods]
                is_other = [pod.key != besides for pod in pods]
                rows = rows[np.array(is_named, dtype=bool) & np.array(is_other, dtype=bool)]
            on = np.unique(self._placed.node_of[rows]).tolist()
            names.update(self._nodes[node].name for node in on)
        return tuple(sorted(names))
