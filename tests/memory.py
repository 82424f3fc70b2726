"""A cluster and a source of RTTs in memory, as the service's ports have them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace

from scheduler.domain.cluster_events import (
    ClusterEvent,
    Listed,
    NodeChanged,
    PodChanged,
    PodDeleted,
    ServiceChanged,
)
from scheduler.domain.errors import (
    BindConflict,
    ClusterUnavailable,
    EvictionRefused,
    PlaceholderRefused,
    VolumeRefused,
)
from scheduler.domain.node import OUT_OF_SERVICE, Node
from scheduler.domain.object_events import NamespaceChanged, StorageChanged
from scheduler.domain.placeholder import PLACEHOLDER_LABELS, Placeholder
from scheduler.domain.ports import Binding, PodNote
from scheduler.domain.storage import ClaimRef, PersistentVolume, PersistentVolumeClaim
from scheduler.domain.workload import Pod, PodClass, Service
from telemetry.model import RttTable


@dataclass
class MemoryCluster:
    """Implements `Cluster`. `before_bind` may raise to refuse; `after_bind` to lose the answer.

    `before_write` and `after_write` are the same for writes to claims and volumes.
    """

    nodes: dict[str, Node] = field(default_factory=dict)
    pods: dict[str, PodChanged] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    namespaces: dict[str, dict[str, str]] = field(default_factory=dict)
    claims: dict[str, PersistentVolumeClaim] = field(default_factory=dict)
    volumes: dict[str, PersistentVolume] = field(default_factory=dict)
    version: int = 0
    bindings: list[Binding] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    notes: list[PodNote] = field(default_factory=list)
    backups: dict[str, str] = field(default_factory=dict)
    evictions: list[str] = field(default_factory=list)
    placeholders: list[str] = field(default_factory=list)
    before_placeholder: Callable[[str], None] = lambda _what: None
    surges_to: int = 0
    asked_for: list[int] = field(default_factory=list)
    before_eviction: Callable[[Pod], None] = lambda _pod: None
    before_bind: Callable[[Binding], None] = lambda _binding: None
    after_bind: Callable[[Binding], None] = lambda _binding: None
    before_write: Callable[[str], None] = lambda _key: None
    after_write: Callable[[str], None] = lambda _key: None
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
            *(NamespaceChanged(name, labels) for name, labels in self.namespaces.items()),
            *map(StorageChanged, self.claims.values()),
            *map(StorageChanged, self.volumes.values()),
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

    def put_claim(self, claim: PersistentVolumeClaim) -> PersistentVolumeClaim:
        """Add or change a claim, under a version of its own."""
        self.version += 1
        stored = self.claims[claim.key] = replace(claim, version=str(self.version))
        self.emit(StorageChanged(stored))
        return stored

    def put_volume(self, volume: PersistentVolume) -> PersistentVolume:
        """Add or change a volume, under a version of its own."""
        self.version += 1
        stored = self.volumes[volume.name] = replace(volume, version=str(self.version))
        self.emit(StorageChanged(stored))
        return stored

    async def reserve_volume(self, volume: PersistentVolume, claim: PersistentVolumeClaim) -> str:
        """Reserve a volume as the API server does: its version must be the latest."""
        await self._begin_write(volume.name)
        known = self.volumes.get(volume.name)
        if known is None or known.version != volume.version:
            raise VolumeRefused(f'persistentvolumes "{volume.name}" has been modified')
        reference = ClaimRef(claim.namespace, claim.name, claim.uid)
        written = self.put_volume(replace(known, claim=reference))
        self.after_write(volume.name)
        return written.version

    async def select_node(self, claim: PersistentVolumeClaim, node: str) -> str:
        """Select a node as the API server takes it: the claim's version must be the latest."""
        await self._begin_write(claim.key)
        known = self.claims.get(claim.key)
        if known is None or known.version != claim.version:
            raise VolumeRefused(f'persistentvolumeclaims "{claim.name}" has been modified')
        written = self.put_claim(replace(known, selected_node=node))
        self.after_write(claim.key)
        return written.version

    async def _begin_write(self, key: str) -> None:
        await asyncio.sleep(self.bind_s)
        self.before_write(key)
        self.writes.append(key)

    async def mark_backup(self, pod: Pod, backup: str) -> None:
        """Record which node is reserved for a pod."""
        await asyncio.sleep(self.bind_s)
        self.backups[pod.key] = backup

    async def evict(self, pod: Pod) -> None:
        """Delete a pod as the API server does: at once marked, gone when the test says so."""
        await asyncio.sleep(self.bind_s)
        self.before_eviction(pod)
        known = self.pods.get(pod.key)
        if known is None or known.pod.uid != pod.uid:
            raise EvictionRefused(f'pods "{pod.name}" not found')
        self.evictions.append(pod.key)
        self.pods[pod.key] = replace(known, is_terminating=True)
        self.emit(self.pods[pod.key])

    async def create_placeholder(self, placeholder: Placeholder) -> None:
        """Create a pod on its node; `placeholders` records what was written, and in which order."""
        await self._write_placeholder("create", placeholder.node)
        labels = tuple(sorted(PLACEHOLDER_LABELS.items()))
        made = PodClass(placeholder.namespace, labels=labels, requests=placeholder.requests)
        name, scheduler = placeholder.name, placeholder.scheduler_name
        self.version += 1
        pod = Pod(name, made, uid=f"placeholder-{self.version}", scheduler_name=scheduler)
        if pod.key in self.pods:
            raise PlaceholderRefused(f'pods "{pod.name}" already exists')
        self.pods[pod.key] = PodChanged(pod, placeholder.node, "Running", is_terminating=False)
        self.emit(self.pods[pod.key])

    async def delete_placeholder(self, pod: Pod) -> None:
        """Delete a pod at once, and tell of it; done where it is gone."""
        known = self.pods.get(pod.key)
        await self._write_placeholder("delete", known.node if known is not None else pod.name)
        known = self.pods.get(pod.key)
        if known is None:
            return
        if pod.uid not in ("", known.pod.uid):
            raise PlaceholderRefused(f"the uid of {pod.key} is another")
        del self.pods[pod.key]
        self.emit(PodDeleted(pod.key, known.pod.uid))

    async def _write_placeholder(self, verb: str, node: str) -> None:
        await asyncio.sleep(self.bind_s)
        self.before_placeholder(f"{verb} {node}")
        self.placeholders.append(f"{verb} {node}")

    async def surge(self, pod: Pod) -> int:
        """Count what a Deployment is asked for: `surges_to` says how many, 0 that it does not."""
        await asyncio.sleep(self.bind_s)
        self.before_eviction(pod)
        if self.surges_to:
            self._mark_surge(pod, str(self.surges_to))
            self.asked_for.append(self.surges_to)
        return self.surges_to

    async def end_surge(self, pod: Pod, replicas: int, *, stays: bool) -> bool:
        """Count what it is asked for then."""
        await asyncio.sleep(self.bind_s)
        self.before_eviction(pod)
        if stays:
            self._mark_surge(pod, "")
        if replicas:
            self.asked_for.append(replicas - 1)
        return bool(replicas)

    def _mark_surge(self, pod: Pod, surge: str) -> None:
        known = self.pods.get(pod.key)
        if known is not None and known.pod.uid == pod.uid:
            self.pods[pod.key] = replace(known, pod=replace(known.pod, surge=surge))
            self.emit(self.pods[pod.key])

    async def remove_pod(self, pod: Pod) -> None:
        """Remove a pod as the API server does: the uid must match."""
        await self._begin_write(pod.key)
        known = self.pods.get(pod.key)
        if known is not None and known.pod.uid == pod.uid:
            del self.pods[pod.key]
            self.emit(PodDeleted(pod.key, pod.uid))

    async def set_out_of_service(self, node: str, *, is_out: bool) -> None:
        """Put our taint on a node, or take it off."""
        await self._begin_write(node)
        known = self.nodes[node]
        taints = tuple(taint for taint in known.taints if taint != OUT_OF_SERVICE)
        if is_out and all(taint.key != OUT_OF_SERVICE.key for taint in taints):
            taints = (*taints, OUT_OF_SERVICE)
        self.nodes[node] = replace(known, taints=taints)
        self.emit(NodeChanged(self.nodes[node]))

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
    is_held_by_another: bool = False
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
