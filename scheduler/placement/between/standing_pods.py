"""The pods that stand, as the rules between pods look at them: once a decision."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.between import HostPort, PodTerm
from scheduler.domain.selector import LabelSelector
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import PodClass, WorkloadRef
from scheduler.placement.feasibility.counters import PlacedRows
from scheduler.placement.feasibility.matching import ClassIndex, Namespaces


def selectors(classes: Iterable[PodClass]) -> Iterator[LabelSelector]:
    """Yield the selectors by which pods ask for other pods."""
    for pod_class in classes:
        asked = [constraint.selector for constraint in pod_class.spread]
        asked += [term.selector for term in pod_class.pod_affinity]
        asked += [term.selector for term in pod_class.pod_anti_affinity]
        asked += [weighted.term.selector for weighted in pod_class.preferred_pods]
        yield from (selector for selector in asked if selector is not None)


def selected_keys(classes: Iterable[PodClass]) -> Iterator[str]:
    """Yield the label keys that selectors between pods name."""
    for selector in selectors(classes):
        yield from (r.key for r in selector.requirements)


Holders = dict[PodTerm, list[int]]
"""Numbers of the classes whose pods have a term."""

WeightedHolders = dict[tuple[PodTerm, int], list[int]]

REQUIRED_AFFINITY_WEIGHT = 1
"""What a required affinity term of a pod that stands adds to the wish that a newcomer it selects be
near it: kube-scheduler's ``hardPodAffinityWeight``."""


class ClassBook:
    """Classes by labels, by terms and by workload; serves as long as the classes stay the same."""

    def __init__(self, classes: tuple[PodClass, ...]) -> None:
        self.classes = classes

    @cached_property
    def index(self) -> ClassIndex:
        """Classes by labels."""
        return ClassIndex(self.classes)

    @cached_property
    def owned(self) -> Mapping[WorkloadRef, Sequence[int]]:
        """Classes by their workload."""
        out: dict[WorkloadRef, list[int]] = {}
        for number, pod_class in enumerate(self.classes):
            if pod_class.workload is not None:
                out.setdefault(pod_class.workload, []).append(number)
        return out

    @cached_property
    def anti_affine(self) -> Holders:
        """Classes by required anti-affinity term."""
        out: Holders = {}
        for number, pod_class in enumerate(self.classes):
            for term in pod_class.pod_anti_affinity:
                out.setdefault(term, []).append(number)
        return out

    @cached_property
    def wishing(self) -> WeightedHolders:
        """Classes by what they wish of newcomers, with the weight of the wish."""
        out: WeightedHolders = {}
        for number, pod_class in enumerate(self.classes):
            for weighted in pod_class.preferred_pods:
                out.setdefault((weighted.term, weighted.weight), []).append(number)
            for term in pod_class.pod_affinity:
                out.setdefault((term, REQUIRED_AFFINITY_WEIGHT), []).append(number)
        return out

    @cached_property
    def ported(self) -> Mapping[tuple[str, int], Sequence[tuple[HostPort, int]]]:
        """Ports of the host that are held, by protocol and number, each with its class."""
        out: dict[tuple[str, int], list[tuple[HostPort, int]]] = {}
        for number, pod_class in enumerate(self.classes):
            for port in pod_class.host_ports:
                out.setdefault((port.protocol, port.port), []).append((port, number))
        return out

    @cached_property
    def asked_keys(self) -> frozenset[str]:
        """Label keys that selectors between pods name."""
        return frozenset(selected_keys(self.classes))


def book_of(snapshot: ClusterSnapshot) -> ClassBook:
    """Return the book of the placed pods' classes, that of an earlier decision where it serves."""
    classes = snapshot.placed.classes
    known: ClassBook | None = snapshot.nodes.memo.get("classes")
    if known is None or known.classes is not classes:
        known = snapshot.nodes.memo["classes"] = ClassBook(classes)
    return known


class StandingPods:
    """The pods that stand: which classes a term means, and where their pods are."""

    def __init__(self, snapshot: ClusterSnapshot, namespaces: Namespaces) -> None:
        self._placed = snapshot.placed
        self.namespaces = namespaces
        self.book = book_of(snapshot)

    @cached_property
    def _rows(self) -> PlacedRows:
        return PlacedRows(self._placed)

    def nodes(self, classes: Iterable[int], *, staying: bool = False) -> NDArray[np.int32]:
        """Return the node of each pod of some classes; of those that stay only, if asked."""
        return self._rows.nodes(classes, staying=staying)

    def meeting(self, terms: Iterable[PodTerm]) -> list[int]:
        """Return the classes whose pods meet all of a newcomer's terms."""
        found: set[int] | None = None
        for term in terms:
            met = self.book.index.selected(term.selector, self.namespaces.of_newcomer(term))
            found = set(met) if found is None else found & set(met)
        return sorted(found or ())

    def selected(self, selector: LabelSelector | None, namespace: str) -> list[int]:
        """Return the classes of a namespace that a selector selects."""
        return self.book.index.selected(selector, (namespace,))
