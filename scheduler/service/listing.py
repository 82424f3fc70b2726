"""A full list replaces what was known: without this, deletions between two watches are lost."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from scheduler.domain.object_events import StorageKind
from scheduler.domain.pod_group import GroupRef

ObjectKey = tuple[StorageKind | Literal["Namespace"], str] | GroupRef
"""Kind and key of an object of storage, or of a namespace; a pod group as its pods call it."""


@dataclass(frozen=True, slots=True)
class Gone:
    """What was known and is not in the list."""

    nodes: tuple[str, ...] = ()
    pods: tuple[str, ...] = ()
    services: tuple[tuple[str, str], ...] = ()
    objects: tuple[ObjectKey, ...] = ()


@dataclass(slots=True)
class Listing:
    """Which objects the list under way has named.

    `number` counts the listings begun; `is_complete` holds between a `finish` and the next `begin`;
    `is_open` while a list is under way.
    """

    number: int = 0
    is_complete: bool = False
    is_open: bool = False
    _nodes: set[str] = field(default_factory=set)
    _pods: set[str] = field(default_factory=set)
    _services: set[tuple[str, str]] = field(default_factory=set)
    _objects: set[ObjectKey] = field(default_factory=set)

    def begin(self) -> None:
        """Start over: nothing is named yet."""
        self.number += 1
        self.is_complete, self.is_open = False, True
        self._clear()

    def saw_node(self, name: str) -> None:
        """Remember a node as named."""
        if self.is_open:
            self._nodes.add(name)

    def saw_pod(self, key: str) -> None:
        """Remember a pod as named."""
        if self.is_open:
            self._pods.add(key)

    def saw_service(self, key: tuple[str, str]) -> None:
        """Remember a Service as named."""
        if self.is_open:
            self._services.add(key)

    def saw_object(self, key: ObjectKey) -> None:
        """Remember an object of storage, a namespace or a pod group as named."""
        if self.is_open:
            self._objects.add(key)

    def finish(
        self,
        nodes: Iterable[str],
        pods: Iterable[str],
        services: Iterable[tuple[str, str]],
        objects: Iterable[ObjectKey] = (),
    ) -> Gone:
        """Close the list and return which of the known objects it did not name.

        A `Listed` without a `begin` names nothing as gone: it repeats an earlier one.
        """
        self.is_complete = True
        if not self.is_open:
            return Gone()
        gone = Gone(
            nodes=tuple(name for name in nodes if name not in self._nodes),
            pods=tuple(key for key in pods if key not in self._pods),
            services=tuple(key for key in services if key not in self._services),
            objects=tuple(key for key in objects if key not in self._objects),
        )
        self.is_open = False
        self._clear()
        return gone

    def _clear(self) -> None:
        self._nodes, self._pods = set(), set()
        self._services, self._objects = set(), set()
