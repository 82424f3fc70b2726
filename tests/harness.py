"""The true service over a cluster in memory, in virtual time. What it binds and says is recorded.

Mark tests with ``@pytest.mark.looptime``: then `settle` costs nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Self, TypeVar

from scheduler.domain.errors import BindConflict
from scheduler.domain.node import Node
from scheduler.domain.ports import (
    Binding,
    ClusterEvent,
    Listed,
    NodeChanged,
    NodeDeleted,
    PodChanged,
    PodDeleted,
    PodNote,
    ServiceChanged,
)
from scheduler.domain.workload import Pod, Service
from scheduler.service.cycle import Decider
from scheduler.service.logs import silent_logger
from scheduler.service.runtime import Outside, Runtime, ZoneFunction
from scheduler.service.settings import SchedulerConfiguration
from scheduler.service.state import Clock, PlanFunction, new_state
from telemetry.model import RttTable

OURS = "custom-scheduler"
T = TypeVar("T")


async def in_place(work: Callable[[], T]) -> T:
    """Run work where it stands: virtual time does not pass in threads."""
    return work()


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
    _watchers: list[asyncio.Queue[ClusterEvent | Exception]] = field(default_factory=list)

    def emit(self, event: ClusterEvent | Exception) -> None:
        """Tell whoever watches; an exception ends the watch."""
        for watcher in self._watchers:
            watcher.put_nowait(event)

    async def events(self) -> AsyncIterator[ClusterEvent]:
        """List, then follow."""
        self.lists += 1
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


class Harness:
    """Runs the service; use ``async with``."""

    def __init__(
        self,
        plan: PlanFunction,
        settings: SchedulerConfiguration | None = None,
        zones: ZoneFunction | None = None,
    ) -> None:
        now_s = asyncio.get_running_loop().time
        self.cluster, self.rtt = MemoryCluster(), MemoryRtt()
        self.state = new_state(settings or SchedulerConfiguration(), Clock(now_s, now_s))
        outside = Outside(self.cluster, self.rtt)
        decider = Decider(plan, in_place)
        self.runtime = Runtime(self.state, outside, decider, zones, silent_logger())
        self._uid = 0

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self.runtime.run())
        await self.settle(0.05)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.runtime.stop()
        await self._task

    async def settle(self, seconds: float = 0.5) -> None:
        """Let virtual time pass."""
        await asyncio.sleep(seconds)

    def put_node(self, node: Node) -> None:
        """Add or change a node."""
        self.cluster.nodes[node.name] = node
        self.cluster.emit(NodeChanged(node))

    def delete_node(self, name: str) -> None:
        """Take a node away."""
        del self.cluster.nodes[name]
        self.cluster.emit(NodeDeleted(name))

    def put_pod(
        self, pod: Pod, *, scheduler: str = OURS, node: str = "", phase: str = "Pending"
    ) -> Pod:
        """Add a pod under a uid of its own, or change one that has a uid."""
        self._uid += 1
        pod = replace(pod, uid=pod.uid or f"uid-{self._uid}", scheduler_name=scheduler)
        event = PodChanged(pod, node, phase, is_terminating=False)
        self.cluster.pods[pod.key] = event
        self.cluster.emit(event)
        return pod

    def delete_pod(self, key: str) -> None:
        """Take a pod away."""
        gone = self.cluster.pods.pop(key)
        self.cluster.emit(PodDeleted(key, gone.pod.uid))

    @property
    def placement(self) -> dict[str, str]:
        """Pod name to node, of all bound pods."""
        return {p.pod.name: p.node for p in self.cluster.pods.values() if p.node}
