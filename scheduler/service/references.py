"""Which queued pods refer to a name, which go by it, and which are of one group."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from scheduler.domain.pod_group import GroupRef
from scheduler.domain.workload import Pod, PodClass

_Name = tuple[str, str]
_Key = TypeVar("_Key")


def referred(pod_class: PodClass) -> Iterator[_Name]:
    """Yield namespace and name of what the delays of a class are measured from.

    Nodes are left out: a node that comes or changes wakes every pod.
    """
    for delay in pod_class.delays:
        if delay.reference.kind != "node":
            yield delay.reference.namespace, delay.reference.name


def _own_names(pod: Pod) -> Iterator[_Name]:
    yield pod.namespace, pod.name
    if pod.pod_class.workload is not None:
        yield pod.namespace, pod.pod_class.workload.name


class ReferenceIndex:
    """Look-ups over the pods of the queue, by namespace and name and by group."""

    def __init__(self) -> None:
        self._referrers: dict[_Name, set[str]] = {}
        self._named: dict[_Name, set[str]] = {}
        self._members: dict[GroupRef, set[str]] = {}

    def add(self, pod: Pod) -> None:
        """Take a pod in."""
        for name in referred(pod.pod_class):
            self._referrers.setdefault(name, set()).add(pod.key)
        for name in _own_names(pod):
            self._named.setdefault(name, set()).add(pod.key)
        if pod.pod_class.group is not None:
            self._members.setdefault(pod.pod_class.group, set()).add(pod.key)

    def remove(self, pod: Pod) -> None:
        """Take a pod out."""
        for name in referred(pod.pod_class):
            _discard(self._referrers, name, pod.key)
        for name in _own_names(pod):
            _discard(self._named, name, pod.key)
        if pod.pod_class.group is not None:
            _discard(self._members, pod.pod_class.group, pod.key)

    def to(self, namespace: str, names: Iterable[str]) -> list[str]:
        """Return the keys of pods with a delay to any of `names`, sorted."""
        found: set[str] = set()
        for name in names:
            found |= self._referrers.get((namespace, name), set())
        return sorted(found)

    def named(self, namespace: str, name: str) -> set[str]:
        """Return the keys of pods that are, or belong to a workload, of this name."""
        return self._named.get((namespace, name), set())

    def members(self, group: GroupRef) -> set[str]:
        """Return the keys of pods of a group."""
        return self._members.get(group, set())


def _discard(index: dict[_Key, set[str]], name: _Key, key: str) -> None:
    keys = index.get(name)
    if keys is not None:
        keys.discard(key)
        if not keys:
            del index[name]
