"""What may be used from which nodes: volumes and capacities, found by a node's labels."""

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

from scheduler.domain.selector import Requirement
from scheduler.planning.check.requirements import holds

_T = TypeVar("_T")


class Reach(Generic[_T]):
    """Things with requirements on nodes. Local ones ask for a host: a node sees only its own."""

    def __init__(self) -> None:
        self._labelled: dict[str, dict[str, list[tuple[tuple[Requirement, ...], _T]]]] = {}
        self._rest: list[tuple[tuple[Requirement, ...], _T]] = []

    def add(self, requirements: tuple[Requirement, ...], thing: _T) -> None:
        """Add a thing for nodes whose labels fulfil all requirements."""
        asked = next((wanted for wanted in requirements if wanted.operator == "In"), None)
        if asked is None:
            self._rest.append((requirements, thing))
            return
        by_value = self._labelled.setdefault(asked.key, {})
        for value in dict.fromkeys(asked.values):
            by_value.setdefault(value, []).append((requirements, thing))

    def of(self, labels: Mapping[str, str]) -> Iterator[_T]:
        """Yield what a node with `labels` may use; a thing added twice maybe twice."""
        candidates = [self._rest]
        candidates += [
            by_value.get(labels[key], [])
            for key, by_value in self._labelled.items()
            if key in labels
        ]
        for some in candidates:
            for requirements, thing in some:
                if all(holds(wanted, labels) for wanted in requirements):
                    yield thing
