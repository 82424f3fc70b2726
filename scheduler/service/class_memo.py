"""What was worked out for classes of pods, kept as long as each class itself.

A rollout makes a new class of a Deployment's pods, so classes come and go for as long as a cluster
lives. Whoever has a pod has its class; a memo has neither, so that its size is that of what lives.
"""

from collections.abc import Iterator
from typing import Generic, TypeVar
from weakref import ref

from scheduler.domain.workload import PodClass

V = TypeVar("V")


class ClassMemo(Generic[V]):
    """A value for each class that is alive; of equal classes each has its own.

    Found by identity: comparing two classes takes longer than what is remembered of most. Readers
    make equal classes one object (`scheduler.objects.pod_reader`).
    """

    def __init__(self) -> None:
        self._entries: dict[int, tuple[ref[PodClass], V]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, pod_class: PodClass) -> V | None:
        """Return what is remembered of a class, or None."""
        entry = self._entries.get(id(pod_class))
        return None if entry is None else entry[1]

    def put(self, pod_class: PodClass, value: V) -> V:
        """Remember a value until the class is gone; return it. It must not hold the class."""
        key, entries = id(pod_class), self._entries

        def forget(_gone: ref[PodClass]) -> None:
            # Called before another object can have this id.
            entries.pop(key, None)

        entries[key] = (ref(pod_class, forget), value)
        return value

    def classes(self) -> Iterator[PodClass]:
        """Yield the classes of which something is remembered."""
        for known, _ in tuple(self._entries.values()):
            pod_class = known()
            if pod_class is not None:
                yield pod_class

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
