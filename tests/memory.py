"""A cluster and a source of RTTs in memory, as the service's ports have them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace

from scheduler.domain.errors import BindConflict, ClusterUnavailable
from scheduler.domain.node import Node
from scheduler.domain.ports import (
    Binding,
    ClusterEvent,
    Listed,
    NodeChanged,
    PodChanged,
    PodNote,
    ServiceChanged,
)
from scheduler.domain.workload import Service
from telemetry.model import RttTable


@dataclass
class MemoryCluster:
    """Implements `Cluster`. `before_bind` may raise to refuse; `after_bind` to lose the answer."""

    nodes: dict[str, Node] = field(default_factory=dict)
    pods: dict[str, PodChanged] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    bindings: list[Binding] = field(default_factory=list)
    notes: list[PodNote] = field(default_factory=list)
    before_bind: Callable[[Binding], None] = lambda _binding: None
    after_bind: Callable[[Binding], None] = lambda _binding: None
    before_note: Callable[[PodNote], None] = lambda _note: None
    bind_s: float = 0.001
    lists: int = 0
    is_down: bool = False
    _watchers: list[asyncio.Queue[ClusterEvent | Exception]] = field(default_factory=list)

    def emit(self, event: ClusterEvent | Exception) -> None:
        """Tell whoever watches; an exception ends the watch."""
        for watcher in self._watchers:
            watcher.put_nowait(event)

    def emit_listed(self) -> None:
        """Tell whoever watches that all there is was told."""
        self.emit(Listed())

    async def events(self) -> AsyncIterator[ClusterEvent]:
        """List, then follow."""
        self.lists += 1
        if self.is_down:
            raise ClusterUnavailable("down")
        watcher: asyncio.Queue[ClusterEvent | Exception] = asyncio.Queue()
        self._watchers.append(watcher)
        listed: list[ClusterEvent] = [
            *map(NodeChanged, self.nodes.values()),
            *self.pods.values(),
            *map(ServiceChanged, self.services.values()),
        ]
        try:
            for known in listed:
                yield known
            yield Listed()
            while True:
                event = await watcher.get()
                if isinstance(event, Exception):
                    raise event
                yield event
        finally:
            self._watchers.remove(watcher)

    async def list_anew(self) -> None:
        """Return at once: what happens is told at once."""

    async def bind(self, binding: Binding) -> None:
        """Bind as the API server does: the uid must match and the pod be unbound."""
        await asyncio.sleep(self.bind_s)
        self.before_bind(binding)
        key = binding.pod.key
        known = self.pods.get(key)
        if known is None or known.pod.uid != binding.pod.uid or known.node:
            raise BindConflict(key, binding.node, "already bound or gone")
        self.bindings.append(binding)
        self.pods[key] = replace(known, node=binding.node)
        self.emit(self.pods[key])
        self.after_bind(binding)

    async def note(self, note: PodNote) -> None:
        """Record an event."""
        self.before_note(note)
        self.notes.append(note)


@dataclass
class MemoryRtt:
    """Implements `RttSource`: tables are put in by the test; an exception breaks the source."""

    _tables: asyncio.Queue[RttTable | Exception] = field(default_factory=asyncio.Queue)

    def put(self, table: RttTable | Exception) -> None:
        """Have a table read next."""
        self._tables.put_nowait(table)

    async def tables(self) -> AsyncIterator[RttTable]:
        """Yield what is put in."""
        while True:
            table = await self._tables.get()
            if isinstance(table, Exception):
                raise table
            yield table


@dataclass
class MemoryLeadership:
    """Implements `Leadership`: a test says who leads."""

    is_leading: bool = False
    holder: str = ""
    released: int = 0
    _elected: asyncio.Event = field(default_factory=asyncio.Event)
    _deposed: asyncio.Event = field(default_factory=asyncio.Event)

    def elect(self) -> None:
        """Let this replica lead once it is prepared."""
        self._elected.set()

    def depose(self) -> None:
        """End its leadership, unknown to the service until it asks or is told."""
        self.is_leading = False

    def tell_deposed(self) -> None:
        """Tell it that its leadership has ended."""
        self.depose()
        self._deposed.set()

    async def campaign(self, prepare: Callable[[], Awaitable[None]]) -> None:
        """Wait, prepare, lead."""
        await self._elected.wait()
        await prepare()
        self.is_leading = True
        await self._deposed.wait()

    async def release(self) -> None:
        """Count."""
        self.is_leading = False
        self.released += 1
