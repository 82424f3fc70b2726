"""Whom an event concerns, of those that wait for what happens to a few objects."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Literal

from scheduler.domain.cluster_events import (
    ClusterEvent,
    Listed,
    NodeChanged,
    NodeDeleted,
    PodChanged,
    PodDeleted,
)
from scheduler.domain.node import Node
from scheduler.domain.object_events import StorageChanged, StorageDeleted, StorageObject
from scheduler.domain.storage import PersistentVolume, PersistentVolumeClaim
from scheduler.domain.workload import Pod

Watched = tuple[Literal["pod", "node", "claim", "volume"], str]
"""Kind and key of an object."""

_KINDS: dict[str, Literal["claim", "volume"]] = {
    "PersistentVolumeClaim": "claim",
    "PersistentVolume": "volume",
}


class ObjectWatch:
    """Wakes who waits for news of an object; of a claim, also where they are of its volume."""

    def __init__(self) -> None:
        self._waiting: dict[Watched, set[asyncio.Event]] = {}

    @contextmanager
    def watching(self, objects: Iterable[Watched]) -> Iterator[asyncio.Event]:
        """Yield what is set whenever there may be news of one of the objects."""
        news = asyncio.Event()
        watched = set(objects)
        for key in watched:
            self._waiting.setdefault(key, set()).add(news)
        try:
            yield news
        finally:
            for key in watched:
                self._waiting[key].discard(news)
                if not self._waiting[key]:
                    del self._waiting[key]

    def hear(self, event: ClusterEvent) -> None:
        """Wake those whom an event concerns, after the cache took it in."""
        if not self._waiting:
            return
        if isinstance(event, Listed):  # what it does not name is gone
            self.wake_all()
            return
        for key in _concerned(event):
            for news in self._waiting.get(key, ()):
                news.set()

    def wake_all(self) -> None:
        """Wake all who wait."""
        for waiting in self._waiting.values():
            for news in waiting:
                news.set()


def _concerned(event: ClusterEvent) -> tuple[Watched, ...]:
    match event:
        case PodChanged(pod=Pod(key=key)) | PodDeleted(key):
            return (("pod", key),)
        case NodeChanged(node=Node(name=name)) | NodeDeleted(name):
            return (("node", name),)
        case StorageChanged(obj):
            return _of_storage(obj)
        case StorageDeleted(kind, key) if kind in _KINDS:
            return ((_KINDS[kind], key),)
        case _:
            return ()


def _of_storage(obj: StorageObject) -> tuple[Watched, ...]:
    match obj:
        case PersistentVolumeClaim():
            return (("claim", obj.key),)
        case PersistentVolume(claim=None):
            return (("volume", obj.name),)
        case PersistentVolume(claim=reference) if reference is not None:
            return (("volume", obj.name), ("claim", f"{reference.namespace}/{reference.name}"))
        case _:
            return ()
