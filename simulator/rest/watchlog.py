"""The change log that watches read: bounded, so that a watch can come too late."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from simulator.change import Change, JsonObject, ObjectKey
from simulator.cluster import EmbeddedCluster
from simulator.kinds import KINDS
from simulator.rest.answers import expired

WINDOW = 50_000
"""Changes kept. A real API server keeps a few thousand a resource, and grows under load."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A change, and the object as it was before; None if there was none."""

    change: Change
    before: JsonObject | None


class WatchLog:
    """Changes by resourceVersion.

    Parameters
    ----------
    cluster
        Whose present objects the log starts with.
    window
        Changes kept.

    Attributes
    ----------
    newest
        The newest resourceVersion.
    is_closed
        Whether no change will come any more.
    """

    def __init__(self, cluster: EmbeddedCluster, window: int = WINDOW) -> None:
        self.newest = self._oldest = cluster.version
        self._window = window
        self._entries: dict[int, Entry] = {}
        self._latest: dict[ObjectKey, JsonObject] = {
            change.key: change.object
            for kind in KINDS
            for change in (Change("ADDED", obj) for obj in cluster.all_of(kind))
        }
        self._grown = asyncio.Event()
        self.is_closed = False

    def close(self) -> None:
        """Have all who wait for changes stop waiting."""
        self.is_closed = True
        self._grown.set()

    def add(self, change: Change) -> None:
        """Take in a change; the oldest one beyond the window goes."""
        if change.version <= self.newest:
            return  # from before the log was opened
        key = change.key
        self._entries[change.version] = Entry(change, self._latest.get(key))
        if change.type == "DELETED":
            self._latest.pop(key, None)
        else:
            self._latest[key] = change.object
        self.newest = change.version
        if len(self._entries) > self._window:
            oldest = next(iter(self._entries))
            del self._entries[oldest]
            self._oldest = oldest
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()

    def after(self, version: int) -> Iterator[Entry]:
        """Return the changes after a resourceVersion, oldest first.

        Raises
        ------
        Refused
            410 if some of them are not kept any more.
        """
        if version < self._oldest:
            raise expired(f"too old resource version: {version} ({self._oldest})")
        numbers = range(version + 1, self.newest + 1)
        return (self._entries[k] for k in numbers if k in self._entries)

    async def grown(self, version: int) -> None:
        """Wait until there is a change after `version`, or the log is closed."""
        while self.newest <= version and not self.is_closed:
            await self._grown.wait()
