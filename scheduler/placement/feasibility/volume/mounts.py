"""What may be mounted once only, as kube-scheduler's VolumeRestrictions has it."""

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from scheduler.domain.reasons import Cause
from scheduler.domain.snapshot import NodeTable
from scheduler.domain.storage import Disk, PodVolumes, Storage
from scheduler.placement.feasibility.verdict import Verdict
from scheduler.placement.feasibility.volume.users import VolumeUsers

DISK_CONFLICT = "node(s) had no available disk"
CLAIM_IN_USE = (
    "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already "
    "in-use by another pod"
)

_EXCLUSIVE = frozenset({"gcePersistentDisk", "awsElasticBlockStore", "iscsi", "rbd"})
_NEVER_SHARED = "awsElasticBlockStore"
_ONE_POD = "ReadWriteOncePod"

Identity = tuple[str, tuple[str, ...]]

SavedMounts = tuple[set[str], dict[Identity, list[tuple[int, Disk]]]]


class VolumeMounts:
    """Disks that one pod of a node may mount, and claims that one pod of the cluster may use."""

    def __init__(self, storage: Storage, table: NodeTable, standing: VolumeUsers) -> None:
        self._storage = storage
        self._table = table
        self._standing = standing

    def verdict(self, namespace: str, volumes: PodVolumes) -> Verdict | None:
        """Return the nodes where nothing is in use; None where the pod asks for nothing of it."""
        exclusive = [disk for disk in volumes.disks if disk.kind in _EXCLUSIVE]
        lone = list(self._lone_claims(namespace, volumes))
        in_use = bool(lone) and not self._used.isdisjoint(lone)
        if not exclusive and not in_use:
            return None
        clash = np.zeros(len(self._table), dtype=np.bool_)
        for disk in exclusive:
            mounted = self._mounted.get((disk.kind, disk.identity), ())
            clash[[i for i, other in mounted if _clash(disk, other)]] = True
        rest = ~clash & in_use
        return Verdict(
            Cause.VOLUME, ~(clash | rest), [(DISK_CONFLICT, clash), (CLAIM_IN_USE, rest)]
        )

    def place(self, namespace: str, volumes: PodVolumes, node: int) -> None:
        """Take note that a pod was placed on a node."""
        lone = list(self._lone_claims(namespace, volumes))
        if lone:
            self._used.update(lone)
        for disk in volumes.disks:
            if disk.kind in _EXCLUSIVE:
                self._mounted.setdefault((disk.kind, disk.identity), []).append((node, disk))

    def saved(self) -> SavedMounts:
        """Return what changes as pods are placed, for `restore`."""
        return set(self._used), {key: list(mounts) for key, mounts in self._mounted.items()}

    def restore(self, saved: SavedMounts) -> None:
        """Forget what was placed since."""
        self._used, self._mounted = saved

    def _lone_claims(self, namespace: str, volumes: PodVolumes) -> Iterator[str]:
        """Yield the claims that are for one pod only. An ephemeral one is by nature."""
        for one in volumes.claims:
            claim = self._storage.claims.get(f"{namespace}/{one.name}")
            if claim is not None and not one.is_ephemeral and _ONE_POD in claim.access_modes:
                yield claim.key

    @cached_property
    def _used(self) -> set[str]:
        return {
            f"{pod.namespace}/{one.name}"
            for pod in self._standing.pods
            for one in pod.volumes.claims
            if not one.is_ephemeral
        }

    @cached_property
    def _mounted(self) -> dict[Identity, list[tuple[int, Disk]]]:
        mounted: dict[Identity, list[tuple[int, Disk]]] = {}
        for i, pod in zip(self._standing.rows.tolist(), self._standing.pods, strict=True):
            for disk in pod.volumes.disks:
                if disk.kind in _EXCLUSIVE:
                    mounted.setdefault((disk.kind, disk.identity), []).append((i, disk))
        return mounted


def _clash(disk: Disk, other: Disk) -> bool:
    """Whether two disks of one kind and identity cannot both be mounted on a node."""
    if disk.kind == _NEVER_SHARED:
        return True
    if disk.is_read_only and other.is_read_only:
        return False
    return disk.kind != "rbd" or not set(disk.monitors).isdisjoint(other.monitors)
