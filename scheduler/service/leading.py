"""A cluster that only the leader writes to: a deposed leader sends nothing new."""

from collections.abc import AsyncIterator

from scheduler.domain.cluster_events import ClusterEvent
from scheduler.domain.errors import BindHeldBack, EvictionRefused, PlaceholderRefused, VolumeRefused
from scheduler.domain.placeholder import Placeholder
from scheduler.domain.ports import Binding, Cluster, Leadership, PodNote
from scheduler.domain.storage import PersistentVolume, PersistentVolumeClaim
from scheduler.domain.workload import Pod

_REASON = "this replica does not lead; nothing was sent"


class LeadersCluster:
    """Passes everything on, and writes while we lead.

    Parameters
    ----------
    cluster
        What is written to.
    leadership
        Asked before each write.
    """

    def __init__(self, cluster: Cluster, leadership: Leadership) -> None:
        self._cluster = cluster
        self._leadership = leadership

    def events(self) -> AsyncIterator[ClusterEvent]:
        """Follow the cluster; a replica that stands by does too."""
        return self._cluster.events()

    async def list_anew(self) -> None:
        """Have everything told again."""
        await self._cluster.list_anew()

    async def bind(self, binding: Binding) -> None:
        """Bind a pod, if we lead.

        Raises
        ------
        BindHeldBack
            If we do not lead.
        BindConflict
            As the cluster says.
        ClusterUnavailable
            As the cluster says.
        """
        if not self._leadership.is_leading:
            raise BindHeldBack(binding.pod.key, binding.node, _REASON)
        await self._cluster.bind(binding)

    async def note(self, note: PodNote) -> None:
        """Write an event, if we lead; else the leader says it."""
        if self._leadership.is_leading:
            await self._cluster.note(note)

    async def reserve_volume(self, volume: PersistentVolume, claim: PersistentVolumeClaim) -> str:
        """Reserve a volume, if we lead.

        Raises
        ------
        VolumeRefused
            If we do not lead, or as the cluster says.
        ClusterUnavailable
            As the cluster says.
        """
        if not self._leadership.is_leading:
            raise VolumeRefused(_REASON)
        return await self._cluster.reserve_volume(volume, claim)

    async def mark_backup(self, pod: Pod, backup: str) -> None:
        """Write on a pod which node is reserved for it. Raises as `bind`."""
        if not self._leadership.is_leading:
            raise BindHeldBack(pod.key, backup, _REASON)
        await self._cluster.mark_backup(pod, backup)

    async def evict(self, pod: Pod) -> None:
        """Have a pod leave its node, if we lead.

        Raises
        ------
        EvictionRefused
            If we do not lead, or as the cluster says.
        ClusterUnavailable
            As the cluster says.
        """
        if not self._leadership.is_leading:
            raise EvictionRefused(_REASON)
        await self._cluster.evict(pod)

    async def create_placeholder(self, placeholder: Placeholder) -> None:
        """Create a placeholder, if we lead.

        Raises
        ------
        PlaceholderRefused
            If we do not lead, or as the cluster says.
        ClusterUnavailable
            As the cluster says.
        """
        if not self._leadership.is_leading:
            raise PlaceholderRefused(_REASON)
        await self._cluster.create_placeholder(placeholder)

    async def delete_placeholder(self, pod: Pod) -> None:
        """Delete a placeholder, if we lead; raises as `create_placeholder`."""
        if not self._leadership.is_leading:
            raise PlaceholderRefused(_REASON)
        await self._cluster.delete_placeholder(pod)

    async def surge(self, pod: Pod) -> int:
        """Have a pod's Deployment make one more, if we lead. Raises as `evict`."""
        if not self._leadership.is_leading:
            raise EvictionRefused(_REASON)
        return await self._cluster.surge(pod)

    async def end_surge(self, pod: Pod, replicas: int, *, stays: bool) -> bool:
        """Want one replica less, if we lead. Raises as `evict`."""
        if not self._leadership.is_leading:
            raise EvictionRefused(_REASON)
        return await self._cluster.end_surge(pod, replicas, stays=stays)

    async def remove_pod(self, pod: Pod) -> None:
        """Remove a pod without its kubelet's word. Raises as `bind`."""
        if not self._leadership.is_leading:
            raise BindHeldBack(pod.key, "", _REASON)
        await self._cluster.remove_pod(pod)

    async def set_out_of_service(self, node: str, *, is_out: bool) -> None:
        """Put a node out of service, or back. Raises as `bind`."""
        if not self._leadership.is_leading:
            raise BindHeldBack("", node, _REASON)
        await self._cluster.set_out_of_service(node, is_out=is_out)

    async def select_node(self, claim: PersistentVolumeClaim, node: str) -> str:
        """Have a claim provisioned, if we lead; raises as `reserve_volume`."""
        if not self._leadership.is_leading:
            raise VolumeRefused(_REASON)
        return await self._cluster.select_node(claim, node)
