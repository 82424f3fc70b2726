"""Which groups of pods a selector selects, looked up by namespace and label."""

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain

from scheduler.domain.selector import LabelSelector, Requirement
from scheduler.planning.check.groups import Groups

EVERYWHERE = ("*",)
"""All namespaces, in place of their names; no namespace has this one."""

_NONE: frozenset[int] = frozenset()
_NEGATIVE = ("NotIn", "DoesNotExist")


@dataclass(frozen=True, slots=True)
class _Index:
    """Groups by namespace, by label and value, and by label."""

    within: dict[str, set[int]] = field(default_factory=dict)
    labelled: dict[tuple[str, str, str], set[int]] = field(default_factory=dict)
    carrying: dict[tuple[str, str], set[int]] = field(default_factory=dict)


class Selection:
    """Some groups by namespace and label; only by labels that some selector asks for."""

    def __init__(self, groups: Groups, ids: Iterable[int]) -> None:
        self._groups, self._ids = groups, ids

    def select(self, selector: LabelSelector | None, namespaces: Iterable[str]) -> AbstractSet[int]:
        """Return the groups in `namespaces` whose labels are selected; none by no selector."""
        if selector is None:
            return _NONE
        parts = [self._selected(selector.requirements, namespace) for namespace in namespaces]
        return parts[0] if len(parts) == 1 else _NONE.union(*parts)

    def _selected(self, requirements: tuple[Requirement, ...], namespace: str) -> AbstractSet[int]:
        found: AbstractSet[int] | None = None
        for wanted in requirements:
            if wanted.operator not in _NEGATIVE:
                carriers = self._carriers(wanted, namespace)
                found = carriers if found is None else found & carriers
        if found is None:
            found = self._index_of(namespace).within.get(namespace, _NONE)
        for wanted in requirements:
            if wanted.operator in _NEGATIVE:
                found = found - self._carriers(wanted, namespace)
        return found

    def _carriers(self, wanted: Requirement, namespace: str) -> AbstractSet[int]:
        """Return the groups that carry the label, with one of the values if any are named."""
        key, values = wanted.key, wanted.values
        index = self._index_of(namespace)
        if wanted.operator in ("Exists", "DoesNotExist"):
            return index.carrying.get((namespace, key), _NONE)
        if len(values) == 1:
            return index.labelled.get((namespace, key, values[0]), _NONE)
        named = (index.labelled.get((namespace, key, value), _NONE) for value in values)
        return frozenset(chain.from_iterable(named))

    def _index_of(self, namespace: str) -> _Index:
        return self._anywhere if namespace in EVERYWHERE else self._by_namespace

    @cached_property
    def _by_namespace(self) -> _Index:
        return self._indexed(lambda group: self._groups.classes[group].namespace)

    @cached_property
    def _anywhere(self) -> _Index:
        return self._indexed(lambda _: EVERYWHERE[0])

    def _indexed(self, place: Callable[[int], str]) -> _Index:
        index, keys = _Index(), self._groups.keys
        for group in self._ids:
            namespace = place(group)
            index.within.setdefault(namespace, set()).add(group)
            for key, value in self._groups.labels[group]:
                if key in keys:
                    index.labelled.setdefault((namespace, key, value), set()).add(group)
                    index.carrying.setdefault((namespace, key), set()).add(group)
        return index
