"""How many volumes drivers attach to a node, as kube-scheduler's NodeVolumeLimits counts."""

from collections.abc import Iterable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.reasons import Cause
from scheduler.domain.snapshot import NodeTable
from scheduler.domain.storage import PodVolumes, Storage
from scheduler.placement.feasibility.verdict import Mask, Verdict
from scheduler.placement.feasibility.volume.counts import (
    Attached,
    AttachedCounts,
    SavedCounts,
    attached_volumes,
)
from scheduler.placement.feasibility.volume.problems import is_made_for, not_made_for
from scheduler.placement.feasibility.volume.users import VolumeUsers

TOO_MANY = "node(s) exceed max volume count"
NO_NAME = "node(s) have no name for a disk of an in-tree plugin"
"""Words of our own: kube-scheduler gives the pod up with an error."""

_MOVED_KINDS = frozenset(
    {"gcePersistentDisk", "awsElasticBlockStore", "azureDisk", "cinder", "portworxVolume"}
)
_NO_LIMIT = np.iinfo(np.int64).max


class AttachLimits:
    """Whether nodes can attach a pod's volumes.

    A volume of several pods of a node counts once. One that is attached and used by no pod that is
    known counts too, and once more for a new pod that will use it.
    """

    def __init__(self, storage: Storage, table: NodeTable, standing: VolumeUsers) -> None:
        self._storage = storage
        self._table = table
        self._standing = standing

    def verdict(self, namespace: str, volumes: PodVolumes) -> Verdict | None:
        """Return the nodes with room for the pod's volumes; None where they have no drivers."""
        new = attached_volumes(self._storage, namespace, volumes)
        texts: list[tuple[str, Mask]] = []
        if _has_nameless(volumes):
            index, names = self._table.index, self._storage.csi_nodes
            texts.append((NO_NAME, self._mask(index[name] for name in names if name in index)))
        elif new and self._limits:
            texts += [(text, self._mask(rows)) for text, rows in self._faults.items()]
        over = self._over(new)
        for _, mask in texts:
            over &= ~mask
        if not texts and not over.any():
            return None
        texts.append((TOO_MANY, over))
        refused = np.logical_or.reduce([mask for _, mask in texts])
        return Verdict(Cause.VOLUME, ~refused, texts)

    def place(self, namespace: str, volumes: PodVolumes, node: int) -> None:
        """Take note that a pod was placed on a node."""
        new = attached_volumes(self._storage, namespace, volumes)
        if any(driver in self._limits for driver, _ in new):
            self._counts.add(new, node)

    def saved(self) -> SavedCounts | None:
        """Return what changes as pods are placed, for `restore`."""
        return self._counts.saved() if self._limits else None

    def restore(self, saved: SavedCounts | None) -> None:
        """Forget what was placed since."""
        if saved is not None:
            self._counts.restore(saved)

    def _over(self, new: set[Attached]) -> Mask:
        """Return the nodes that would have too many volumes of a driver."""
        over = np.zeros(len(self._table), dtype=np.bool_)
        for driver in {driver for driver, _ in new} & self._limits.keys():
            limit = self._limits[driver]
            most = sum(one[0] == driver for one in new)
            doubtful = np.flatnonzero(self._counts.at_most > limit - most)
            if len(doubtful):
                there, more = self._counts.on(doubtful, driver, new)
                over[doubtful] |= (more > 0) & (there + more > limit[doubtful])
        return over

    def _mask(self, rows: Iterable[int]) -> Mask:
        mask = np.zeros(len(self._table), dtype=np.bool_)
        mask[list(rows)] = True
        return mask

    @cached_property
    def _limits(self) -> dict[str, NDArray[np.int64]]:
        """Limits of the drivers that have any, shape ``(n,)`` each."""
        limits: dict[str, NDArray[np.int64]] = {}
        for csi_node in self._storage.csi_nodes.values():
            i = self._table.index.get(csi_node.name)
            for driver, limit in csi_node.limits.items():
                if i is not None and limit is not None:
                    if driver not in limits:
                        limits[driver] = np.full(len(self._table), _NO_LIMIT, dtype=np.int64)
                    limits[driver][i] = limit
        return limits

    @cached_property
    def _counts(self) -> AttachedCounts:
        return AttachedCounts(self._storage, self._table, self._standing, self._limits)

    @cached_property
    def _faults(self) -> dict[str, list[int]]:
        """Nodes with limits and a pod whose volumes cannot be counted, by what is wrong.

        kube-scheduler gives the pod up with an error; here such a node is refused.
        """
        limited = np.logical_or.reduce([limit != _NO_LIMIT for limit in self._limits.values()])
        faults: dict[str, list[int]] = {}
        for i, pod in zip(self._standing.rows.tolist(), self._standing.pods, strict=True):
            fault = self._fault(pod.namespace, pod.uid, pod.volumes)
            if fault and limited[i]:
                faults.setdefault(fault, []).append(i)
        return faults

    def _fault(self, namespace: str, uid: str, volumes: PodVolumes) -> str:
        for one in volumes.claims:
            if one.is_ephemeral:
                claim = self._storage.claims.get(f"{namespace}/{one.name}")
                if claim is not None and not is_made_for(one, claim, uid):
                    return not_made_for(namespace, one)
        return NO_NAME if _has_nameless(volumes) else ""


def _has_nameless(volumes: PodVolumes) -> bool:
    """Whether a driver took over disks of a kind of which it has no name for one."""
    return any(disk.kind in _MOVED_KINDS and disk.csi is None for disk in volumes.disks)
