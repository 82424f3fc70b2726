"""Namespaces and their labels, by which terms of pod affinity may choose them."""

from collections.abc import Iterator, Mapping

from scheduler.domain.object_events import NamespaceChanged, NamespaceDeleted
from scheduler.service.shelf import Shelf
from scheduler.service.wake import NamespaceRelabelled, Wake


class NamespaceTable:
    """The namespaces of the cluster, by name."""

    def __init__(self) -> None:
        self._labels: Shelf[Mapping[str, str]] = Shelf()

    def __iter__(self) -> Iterator[str]:
        return iter(self._labels)

    def put(self, event: NamespaceChanged) -> list[Wake]:
        """Add or change a namespace."""
        old = self._labels.get(event.name)
        is_changed = self._labels.put(event.name, event.labels)
        return [NamespaceRelabelled(event.name, old, event.labels)] if is_changed else []

    def drop(self, event: NamespaceDeleted) -> list[Wake]:
        """Remove a namespace; harmless for one that is not known."""
        old = self._labels.get(event.name)
        is_gone = self._labels.drop(event.name)
        return [NamespaceRelabelled(event.name, old, None)] if is_gone else []

    def freeze(self) -> Mapping[str, Mapping[str, str]]:
        """Return the labels of all namespaces by name."""
        return self._labels.freeze()
