"""Which namespaces the terms of affinity are about, which depends on whose term it is."""

from collections.abc import Iterable, Mapping

from scheduler.domain.between import PodTerm
from scheduler.domain.selector import LabelSelector
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.planning.check.groups import Groups
from scheduler.planning.check.requirements import selects
from scheduler.planning.check.selection import EVERYWHERE


class TermNamespaces:
    """Namespaces of terms, looked up once a selector."""

    def __init__(self, snapshot: ClusterSnapshot, groups: Groups) -> None:
        self._existing = _Chosen(snapshot.namespaces)
        # A namespace that nobody knows has no labels, which a selector may select too.
        judged = {groups.classes[group].namespace for group in groups.assigned}
        self._judged = _Chosen({name: snapshot.namespaces.get(name, {}) for name in judged})

    def of_own(self, term: PodTerm) -> Iterable[str]:
        """Return the namespaces of a term of the pod judged: its selector finds existing ones.

        kube-scheduler also holds the selector against no labels at all, whatever the namespace:
        one that only says what labels must not be finds them all.
        """
        selector = term.namespace_selector
        if selector is None:
            return term.namespaces
        if selects(selector, {}):
            return EVERYWHERE
        return {*term.namespaces, *self._existing.by(selector)}

    def of_other(self, term: PodTerm) -> Iterable[str]:
        """Return which of the judged pods' namespaces a term of another pod is about."""
        selector = term.namespace_selector
        if selector is None:
            return term.namespaces
        return {*term.namespaces, *self._judged.by(selector)}


class _Chosen:
    """Those of some namespaces that a selector selects, by their labels."""

    def __init__(self, labels: Mapping[str, Mapping[str, str]]) -> None:
        self._labels = labels
        self._found: dict[object, list[str]] = {}

    def by(self, selector: LabelSelector) -> list[str]:
        if selector not in self._found:
            labelled = self._labels.items()
            self._found[selector] = [name for name, own in labelled if selects(selector, own)]
        return self._found[selector]
