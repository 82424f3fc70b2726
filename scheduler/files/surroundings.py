"""What stands around pods in a file: namespaces, claims, volumes, classes and drivers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from scheduler.domain.object_events import StorageObject
from scheduler.domain.storage import Storage
from scheduler.domain.stored import storage_of
from scheduler.objects.storage import read_namespace
from scheduler.objects.storage_kinds import READERS

Tree = Mapping[str, object]

NAME_LABEL = "kubernetes.io/metadata.name"
"""A namespace carries its own name: the API server sees to it."""


@dataclass(slots=True)
class Surroundings:
    """Takes objects one after the other; of two of one name the later counts."""

    namespaces: dict[str, dict[str, str]] = field(default_factory=dict)
    _stored: list[StorageObject] = field(default_factory=list)

    def take(self, kind: object, tree: Tree) -> bool:
        """Take an object if it is of a kind that matters here; return whether it is.

        Raises
        ------
        InputError
            If it is malformed.
        """
        if kind == "Namespace":
            name, labels = read_namespace(tree)
            self.namespaces[name] = labels
            return True
        for known, read in READERS.items():
            if kind == known:
                self._stored.append(read(tree))
                return True
        return False

    @property
    def storage(self) -> Storage:
        """All that was taken of storage."""
        return storage_of(self._stored)

    def labels_of(self, used: Iterable[str]) -> dict[str, dict[str, str]]:
        """Return the labels of all namespaces; one that is only used has but its own name."""
        names = {*self.namespaces, *used}
        return {name: {NAME_LABEL: name} | self.namespaces.get(name, {}) for name in sorted(names)}
