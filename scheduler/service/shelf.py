"""Objects of one kind by key: patched by events, handed out whole, copied only when changed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from typing_extensions import override

from scheduler.domain.storage import PersistentVolume, PersistentVolumeClaim

T = TypeVar("T")
A = TypeVar("A", PersistentVolumeClaim, PersistentVolume)


class Shelf(Generic[T]):
    """What snapshots see of one kind."""

    def __init__(self) -> None:
        self._objects: dict[str, T] = {}
        self._is_lent = False

    def get(self, key: str) -> T | None:
        """Return an object, or None."""
        return self._objects.get(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._objects)

    def freeze(self) -> Mapping[str, T]:
        """Return all objects by key; the same mapping as long as none has changed."""
        self._is_lent = True
        return self._objects

    def put(self, key: str, obj: T) -> bool:
        """Add or change an object; return whether that makes a difference."""
        return self._set(key, obj)

    def drop(self, key: str) -> bool:
        """Remove an object; return whether it was there."""
        if key not in self._objects:
            return False
        self._unlend()
        del self._objects[key]
        return True

    def _set(self, key: str, obj: T) -> bool:
        is_same = key in self._objects and self._objects[key] == obj
        if not is_same:
            self._unlend()
        # An equal object may still be a newer one, for who writes it: nobody else needs to know.
        self._objects[key] = obj
        return not is_same

    def _unlend(self) -> None:
        """Leave what was handed out as it is."""
        if self._is_lent:
            self._objects, self._is_lent = dict(self._objects), False


@dataclass(slots=True)
class _Assumption(Generic[A]):
    """`told` is the object as the cluster last told of it; `owners` are uids of pods.

    `written` is the version that the cluster gave to the assumed object, empty before it was sent.
    """

    told: A
    owners: set[str]
    written: str = ""


class AssumingShelf(Shelf[A]):
    """A shelf whose objects count as what pods have chosen them for, until the cluster says so.

    An assumption ends when the cluster tells of a change of its object, or when the pods that rest
    on it have let go of it. One that was written stays until the cluster tells of that version or a
    later one: a list may pass over what was written and undone.
    """

    def __init__(self) -> None:
        super().__init__()
        self._assumed: dict[str, _Assumption[A]] = {}

    def told(self, key: str) -> A | None:
        """Return an object as the cluster last told of it, or None."""
        assumption = self._assumed.get(key)
        return assumption.told if assumption is not None else self.get(key)

    def assume(self, key: str, obj: A, owner: str) -> None:
        """Count an object as changed, for a pod by its uid."""
        assumption = self._assumed.get(key)
        if assumption is None:
            assumption = self._assumed[key] = _Assumption(self._objects[key], set())
        assumption.owners.add(owner)
        self._set(key, obj)

    def is_assumed(self, key: str) -> bool:
        """Whether an object counts as something that the cluster has not told yet."""
        return key in self._assumed

    def written(self, key: str) -> str:
        """Return the version under which an assumption was written; empty if it was not."""
        assumption = self._assumed.get(key)
        return assumption.written if assumption is not None else ""

    def note_written(self, key: str, version: str) -> None:
        """Take note that an assumption was written to the cluster, which will tell."""
        assumption = self._assumed.get(key)
        if assumption is None:
            return
        assumption.written = version
        if _is_since(assumption.told.version, version):
            self.put(key, assumption.told)

    def release(self, key: str, owner: str) -> bool:
        """Let go of an assumption, if it is one; return whether the object is as told again."""
        assumption = self._assumed.get(key)
        if assumption is None:
            return False
        assumption.owners.discard(owner)
        if assumption.owners or assumption.written:
            return False
        del self._assumed[key]
        return self._set(key, assumption.told)

    @override
    def put(self, key: str, obj: A) -> bool:
        assumption = self._assumed.get(key)
        is_same = assumption is not None and assumption.told == obj
        if assumption is not None and is_same and not _is_since(obj.version, assumption.written):
            assumption.told = obj
            return False
        self._assumed.pop(key, None)
        return self._set(key, obj)

    @override
    def drop(self, key: str) -> bool:
        self._assumed.pop(key, None)
        return super().drop(key)


def _is_since(version: str, written: str) -> bool:
    """Whether a resourceVersion is not before another; versions are whole numbers that grow."""
    return version.isdecimal() and written.isdecimal() and int(version) >= int(written)
