"""Works out what the classes of one decision wish of other pods, beside the hard rules."""

from collections.abc import Sequence

import numpy as np

from scheduler.domain.between import PodTerm, SpreadConstraint
from scheduler.domain.workload import PodClass
from scheduler.placement.between.rule_maker import RuleMaker
from scheduler.placement.between.standing_pods import REQUIRED_AFFINITY_WEIGHT
from scheduler.placement.between.wishes import ClassWishes, SoftSkew
from scheduler.placement.feasibility.affinity import NodeLabels
from scheduler.placement.feasibility.counters import Counter

_Parts = list[tuple[list[int], int]]
"""Classes, and the weight of each of their pods."""


class WishMaker:
    """Adds wishes to the rules of a decision."""

    def __init__(self, maker: RuleMaker, labels: NodeLabels, classes: Sequence[PodClass]) -> None:
        self._maker = maker
        self._labels = labels
        self._classes = classes

    def make(self) -> None:
        """Work out the wishes of all classes; a class without any is left out."""
        wished_of = self._wished_of()
        for number, pod_class in enumerate(self._classes):
            near = self._near(pod_class, wished_of.get(number, {}))
            skews = self._skews(number, pod_class)
            if near or skews:
                rules = self._maker.rules
                found = rules.wishes[number] = ClassWishes(near, skews)
                found.is_live = any(map(rules.is_subscribed, found.counters()))

    def _near(
        self, pod_class: PodClass, wished_of: dict[str, tuple[_Parts, _Parts]]
    ) -> tuple[Counter, ...]:
        """Return one counter a label: own wishes, and those that others have of the class."""
        parts = {key: (list(a), list(b)) for key, (a, b) in wished_of.items()}
        for weighted in pod_class.preferred_pods:
            term = weighted.term
            both = parts.setdefault(term.topology_key, ([], []))
            both[0].append((self._maker.standing.meeting([term]), weighted.weight))
            both[1].append((self._pending(term), weighted.weight))
        return tuple(
            self._maker.counter(key, standing, pending)
            for key, (standing, pending) in parts.items()
        )

    def _pending(self, term: PodTerm) -> list[int]:
        namespaces = self._maker.namespaces.of_newcomer(term)
        return self._maker.pending.selected(term.selector, namespaces)

    def _wished_of(self) -> dict[int, dict[str, tuple[_Parts, _Parts]]]:
        """Return by class and label who wishes it near, pods that stand and pending ones."""
        holders: dict[tuple[PodTerm, int], tuple[list[int], list[int]]] = {}
        for wish, standing in self._maker.standing.book.wishing.items():
            holders[wish] = (standing, [])
        for number, pod_class in enumerate(self._classes):
            for weighted in pod_class.preferred_pods:
                wish = (weighted.term, weighted.weight)
                holders.setdefault(wish, ([], []))[1].append(number)
            for term in pod_class.pod_affinity:
                wish = (term, REQUIRED_AFFINITY_WEIGHT)
                holders.setdefault(wish, ([], []))[1].append(number)
        out: dict[int, dict[str, tuple[_Parts, _Parts]]] = {}
        for (term, weight), (standing, pending) in holders.items():
            for number in self._maker.concerned(term):
                both = out.setdefault(number, {}).setdefault(term.topology_key, ([], []))
                both[0].append((standing, weight))
                both[1].append((pending, weight))
        return out

    def _skews(self, number: int, pod_class: PodClass) -> tuple[SoftSkew, ...]:
        soft = [c for c in pod_class.spread if not c.is_hard]
        if not soft:
            return ()
        labelled = np.logical_and.reduce(
            [self._labels.domains(c.topology_key).of >= 0 for c in soft]
        )
        return tuple(self._skew(number, pod_class, c, labelled) for c in soft)

    def _skew(
        self,
        number: int,
        pod_class: PodClass,
        constraint: SpreadConstraint,
        labelled: "np.ndarray[tuple[int], np.dtype[np.bool_]]",
    ) -> SoftSkew:
        eligible = labelled & self._maker.eligible(pod_class, constraint)
        counter = self._maker.selected_pods(number, constraint, eligible, is_order=False)
        domain = np.where(labelled, self._labels.domains(constraint.topology_key).of, np.int32(-1))
        return SoftSkew(constraint.topology_key, domain, counter, constraint.max_skew)
