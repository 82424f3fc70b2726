"""A Kubernetes cluster as the service sees it: `scheduler.domain.ports.Cluster` over its API."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress

from scheduler.domain.cluster_events import ClusterEvent, Listed, Lost
from scheduler.domain.cover import BACKUP_ANNOTATION
from scheduler.domain.errors import BindConflict, BindRefused
from scheduler.domain.placeholder import Placeholder
from scheduler.domain.ports import Binding, PodNote, ServiceNote
from scheduler.domain.storage import PersistentVolume, PersistentVolumeClaim
from scheduler.domain.workload import Pod
from scheduler.kube import placeholders
from scheduler.kube.answers import Denied, PutOff
from scheduler.kube.client import KubeClient
from scheduler.kube.dead_nodes import DeadNodeWriter
from scheduler.kube.events import NOTE_TIMEOUT_S, EventWriter
from scheduler.kube.evictions import evict
from scheduler.kube.kinds import Metadata, followed_kinds
from scheduler.kube.peers import ClusterDirectory
from scheduler.kube.reflector import Reflector, Telling
from scheduler.kube.surges import Surger
from scheduler.kube.volumes import MERGE_PATCH, VolumeWriter
from scheduler.kube.watch import SILENCE_S

BIND_TIMEOUT_S = 15.0
"""For the answer of a binding; one that takes longer is treated as lost, and sent again."""

_NOT_FOUND = 404
_CONFLICT = 409


class KubeCluster:
    """Follows what decisions rest on; binds pods and their volumes; writes events and conditions.

    Parameters
    ----------
    client
        Connected.
    scheduler_name
        Who reports events: ``spec.schedulerName`` of our pods.
    silence_s
        As `scheduler.kube.watch.watch`.
    watch_ended
        Called with a kind's name whenever a watch of it ended, to be resumed.
    directory
        Sees nodes and pods pass by; None where nobody measures.
    lease
        Namespace and name of the Lease that events about the scheduler itself regard.
    """

    def __init__(
        self,
        client: KubeClient,
        scheduler_name: str,
        *,
        silence_s: float = SILENCE_S,
        watch_ended: Callable[[str], None] = lambda _kind: None,
        directory: ClusterDirectory | None = None,
        lease: tuple[str, str] = ("kube-system", "isochrone"),
    ) -> None:
        self._client = client
        self._directory = directory
        self._lease = lease
        self._writer = EventWriter(client, scheduler_name, self._metadata_of)
        self._volumes = VolumeWriter(client)
        self._surger = Surger(client)
        self._dead_nodes = DeadNodeWriter(client)
        self._silence_s = silence_s
        self._watch_ended = watch_ended
        self._reflectors: list[Reflector] = []
        self._lists = _Lists()

    async def events(self) -> AsyncGenerator[ClusterEvent, None]:
        """List everything, say `Listed`, then follow changes until cancelled.

        Raises
        ------
        ClusterUnavailable, Denied
            If a list fails.
        """
        inbox: asyncio.Queue[ClusterEvent | Exception] = asyncio.Queue()
        self._lists.skip()
        reading = asyncio.create_task(self._reflect(inbox))
        try:
            while True:
                event = await inbox.get()
                if isinstance(event, Exception):
                    raise event
                yield event
                if isinstance(event, Listed):
                    self._lists.take()
                    if self._directory is not None:
                        self._directory.is_whole()
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading
            self._reflectors = []

    async def list_anew(self) -> None:
        """Have everything listed again, and return when all of it was taken in.

        What a new leader does before its first binding: its watch may be behind what the leader
        before it has bound.
        """
        number = self._lists.told
        for reflector in self._reflectors:
            reflector.list_anew()
        await self._lists.taken_after(number)

    async def bind(self, binding: Binding) -> None:
        """Bind a pod; the server checks its uid and copies the annotations to it.

        Raises
        ------
        BindConflict
            If the pod is gone, bound already, or another one of that name.
        BindRefused
            If the server does not allow it.
        ClusterUnavailable
            If there is no answer: the pod may be bound.
        """
        pod = binding.pod
        body = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {
                "namespace": pod.namespace,
                "name": pod.name,
                "uid": pod.uid,
                "annotations": dict(binding.annotations),
            },
            "target": {"apiVersion": "v1", "kind": "Node", "name": binding.node},
        }
        path = f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}/binding"
        try:
            await self._client.send("POST", path, body, answer_timeout_s=BIND_TIMEOUT_S)
        except PutOff as error:
            raise BindRefused(pod.key, binding.node, str(error)) from None
        except Denied as error:
            kind = BindConflict if error.status in (_NOT_FOUND, _CONFLICT) else BindRefused
            raise kind(pod.key, binding.node, error.said) from None

    async def note(self, note: PodNote) -> None:
        """Write an event, and the pod's ``PodScheduled=False`` condition where the note asks.

        Raises
        ------
        ClusterUnavailable, Denied
            If one of them is not written.
        """
        await self._writer.write(note)

    async def reserve_volume(self, volume: PersistentVolume, claim: PersistentVolumeClaim) -> str:
        """Reserve a volume for a claim, as `scheduler.kube.volumes` says."""
        return await self._volumes.reserve(volume, claim)

    async def select_node(self, claim: PersistentVolumeClaim, node: str) -> str:
        """Have a claim provisioned for a node, as `scheduler.kube.volumes` says."""
        return await self._volumes.select_node(claim, node)

    async def mark_backup(self, pod: Pod, backup: str) -> None:
        """Write on a bound pod which node is reserved for it now; the empty name for none.

        By way of ``pods/status``, as the kubelet changes annotations: that needs no right to write
        pods themselves. With the uid, a later pod of that name is left alone.

        Raises
        ------
        ClusterUnavailable, Denied
            If it is not written.
        """
        marks = {BACKUP_ANNOTATION: backup or None}
        body = {"metadata": {"uid": pod.uid, "annotations": marks}}
        path = f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}/status"
        try:
            await self._client.send(
                "PATCH", path, body, content_type=MERGE_PATCH, answer_timeout_s=NOTE_TIMEOUT_S
            )
        except Denied as error:
            if error.status != _NOT_FOUND and "metadata.uid: Invalid" not in error.said:
                raise

    async def evict(self, pod: Pod) -> None:
        """Have a bound pod leave its node, as `scheduler.kube.evictions` says."""
        await evict(self._client, pod)

    async def create_placeholder(self, placeholder: Placeholder) -> None:
        """Create a pod that holds room, as `scheduler.kube.placeholders` says."""
        await placeholders.create(self._client, placeholder)

    async def delete_placeholder(self, pod: Pod) -> None:
        """Delete a placeholder at once, as `scheduler.kube.placeholders` says."""
        await placeholders.delete(self._client, pod)

    async def surge(self, pod: Pod) -> int:
        """Have a pod's Deployment make one more, as `scheduler.kube.surges` says."""
        return await self._surger.begin(pod)

    async def end_surge(self, pod: Pod, replicas: int, *, stays: bool) -> bool:
        """Want one replica less, as `scheduler.kube.surges` says."""
        return await self._surger.end(pod, replicas, stays=stays)

    async def remove_pod(self, pod: Pod) -> None:
        """Remove a pod without its kubelet's word, as `scheduler.kube.dead_nodes` says."""
        await self._dead_nodes.remove_pod(pod)

    async def set_out_of_service(self, node: str, *, is_out: bool) -> None:
        """Put a node out of service or back, as `scheduler.kube.dead_nodes` says."""
        await self._dead_nodes.set_out_of_service(node, is_out=is_out)

    async def announce(self, note: ServiceNote) -> None:
        """Write an event about the scheduler.

        Raises
        ------
        ClusterUnavailable, Denied
            If it is not written.
        """
        await self._writer.announce(note, self._lease)

    def _metadata_of(self, pod: Pod) -> Metadata | None:
        """Return what was last told of a pod's metadata, if it still is that pod."""
        for reflector in self._reflectors:
            if reflector.plural == "pods":
                known = reflector.known(pod.namespace, pod.name)
                return known if known is not None and known.uid == pod.uid else None
        return None

    def _onlooker(self, plural: str) -> Callable[[Metadata, bytes], None]:
        """Return what sees each object of a kind."""
        if self._directory is not None and plural == "nodes":
            return self._directory.see_node
        if self._directory is not None and plural == "pods":
            return self._directory.see_pod
        return lambda _metadata, _obj: None

    async def _reflect(self, inbox: "asyncio.Queue[ClusterEvent | Exception]") -> None:
        """Run the reflectors; say `Listed` when all are in step, `Lost` when one is not."""
        steps = _Steps(inbox, self._lists)
        if self._directory is not None:
            self._directory.begin()
        self._reflectors = [
            Reflector(
                self._client,
                kind,
                Telling(
                    inbox.put_nowait,
                    steps.teller(kind.plural),
                    self._watch_ended,
                    self._onlooker(kind.plural),
                ),
                silence_s=self._silence_s,
            )
            for kind in followed_kinds()
        ]
        try:
            async with asyncio.TaskGroup() as group:
                for reflector in self._reflectors:
                    group.create_task(reflector.run())
        except* Exception as errors:  # noqa: BLE001 - whoever reads the events is to know
            inbox.put_nowait(errors.exceptions[0])


class _Steps:
    """Which kinds are in step with the server."""

    def __init__(self, inbox: "asyncio.Queue[ClusterEvent | Exception]", lists: "_Lists") -> None:
        self._inbox = inbox
        self._lists = lists
        self._out_of_step: dict[str, str] = {}

    def teller(self, kind: str) -> Callable[[str], None]:
        """Return what a kind's reflector calls; it counts as out of step until it does."""
        self._out_of_step[kind] = "not listed yet"

        def tell(what: str) -> None:
            was_in_step = not self._out_of_step
            if what:
                self._out_of_step[kind] = what
                if was_in_step:
                    self._inbox.put_nowait(Lost(what))
            elif self._out_of_step.pop(kind, None) is not None and not self._out_of_step:
                self._lists.told += 1
                self._inbox.put_nowait(Listed())

        return tell


class _Lists:
    """How many lists were told, and how many of them the reader of the events has taken in."""

    def __init__(self) -> None:
        self.told = 0
        self._taken = 0
        self._waiting: list[tuple[int, asyncio.Event]] = []

    def skip(self) -> None:
        """Forget lists that nobody will take in any more."""
        self._taken = self.told

    def take(self) -> None:
        """Take note that the next list was taken in."""
        self._taken += 1
        for number, event in self._waiting:
            if self._taken > number:
                event.set()

    async def taken_after(self, number: int) -> None:
        """Wait until a list told after the first `number` is taken in."""
        entry = (number, asyncio.Event())
        self._waiting.append(entry)
        try:
            await entry[1].wait()
        finally:
            self._waiting.remove(entry)
