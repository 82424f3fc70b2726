"""Which classes of pods a selector selects. Pods of one class are selected all or none."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from scheduler.domain.between import PodTerm
from scheduler.domain.selector import LabelSelector
from scheduler.domain.workload import PodClass
from scheduler.placement.feasibility.requirement import meets

_NO_LABELS: Mapping[str, str] = {}


def selects(selector: LabelSelector | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector selects what carries `labels`; one of None selects nothing."""
    return selector is not None and all(meets(r, labels.get(r.key)) for r in selector.requirements)


class Namespaces:
    """The namespaces a term speaks of.

    Parameters
    ----------
    labels
        Of each namespace that is known, by its name.
    """

    def __init__(self, labels: Mapping[str, Mapping[str, str]]) -> None:
        self._labels = labels
        self._chosen: dict[LabelSelector, frozenset[str]] = {}

    def of_newcomer(self, term: PodTerm) -> frozenset[str] | None:
        """Return the namespaces of a term of the pod that is to be placed; None for all of them.

        A selector selects among the namespaces that exist. One that selects what has no labels,
        such as ``team notin (a)``, selects every namespace, whatever its labels: so kube-scheduler
        has it up to 1.36, which goes on to hold the selector against no labels at all
        (``mergeAffinityTermNamespacesIfNotEmpty`` works on a copy of the term).
        """
        if term.namespace_selector is None:
            return frozenset(term.namespaces)
        if selects(term.namespace_selector, _NO_LABELS):
            return None
        return frozenset(term.namespaces) | self._selected(term.namespace_selector)

    def of_standing(self, term: PodTerm, namespace: str) -> bool:
        """Whether a term of a pod that stands speaks of a newcomer's namespace."""
        if namespace in term.namespaces:
            return True
        labels = self._labels.get(namespace, _NO_LABELS)
        return term.namespace_selector is not None and selects(term.namespace_selector, labels)

    def _selected(self, selector: LabelSelector) -> frozenset[str]:
        known = self._chosen.get(selector)
        if known is None:
            known = self._chosen[selector] = frozenset(
                name for name, labels in self._labels.items() if selects(selector, labels)
            )
        return known


class ClassIndex:
    """Classes by their labels, so that a selector looks at few of them."""

    def __init__(self, classes: Sequence[PodClass]) -> None:
        self._classes = classes
        self._labels: dict[int, dict[str, str]] = {}
        self._by_pair: dict[tuple[str, str], list[int]] = {}
        for number, pod_class in enumerate(classes):
            for pair in pod_class.labels:
                self._by_pair.setdefault(pair, []).append(number)

    def __len__(self) -> int:
        return len(self._classes)

    def selected(
        self, selector: LabelSelector | None, namespaces: Collection[str] | None = None
    ) -> list[int]:
        """Return the numbers of the classes selected, ascending; of any namespace for None."""
        if selector is None:
            return []
        return [
            number
            for number in self._candidates(selector)
            if (namespaces is None or self._classes[number].namespace in namespaces)
            and selects(selector, self._labels_of(number))
        ]

    def _candidates(self, selector: LabelSelector) -> Iterable[int]:
        """Return the fewest classes among which all that are selected are."""
        fewest: list[list[int]] | None = None
        for requirement in selector.requirements:
            if requirement.operator == "In":
                lists = [self._by_pair.get((requirement.key, v), []) for v in requirement.values]
                if fewest is None or sum(map(len, lists)) < sum(map(len, fewest)):
                    fewest = lists
        if fewest is None:
            return range(len(self._classes))
        if len(fewest) == 1:
            return fewest[0]
        return sorted(number for part in fewest for number in part)

    def _labels_of(self, number: int) -> Mapping[str, str]:
        known = self._labels.get(number)
        if known is None:
            known = self._labels[number] = dict(self._classes[number].labels)
        return known
