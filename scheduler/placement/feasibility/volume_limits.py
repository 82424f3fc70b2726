"""How many volumes drivers attach to a node, as kube-scheduler's NodeVolumeLimits counts."""

from collections.abc import Iterable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.reasons import Cause
from scheduler.domain.snapshot import NodeTable
from scheduler.domain.storage import (
    MOVED_PLUGINS,
    Disk,
    PersistentVolumeClaim,
    PodVolumes,
    Storage,
)
from scheduler.placement.feasibility.verdict import Mask, Verdict
from scheduler.placement.feasibility.volume_mounts import StandingPods
from scheduler.placement.feasibility.volume_problems import is_made_for, not_made_for

TOO_MANY = "node(s) exceed max volume count"
NO_NAME = "node(s) have no name for a disk of an in-tree plugin"
"""Words of our own: kube-scheduler gives the pod up with an error."""

_MOVED_KINDS = frozenset(
    {"gcePersistentDisk", "awsElasticBlockStore", "azureDisk", "cinder", "portworxVolume"}
)
_NO_LIMIT = np.iinfo(np.int64).max
_UNBOUND = "\0"
"""Before the name of a claim that stands in for the volume it has not got: no handle begins so."""

Attached = tuple[str, str]
"""Driver and handle."""


class AttachLimits:
    """Volumes attached to each node, by driver.

    A volume of several pods of a node counts once. One that is attached and used by no pod that is
    known counts too, and once more for a new pod that will use it.
    """

    def __init__(self, storage: Storage, table: NodeTable, standing: StandingPods) -> None:
        self._storage = storage
        self._table = table
        self._standing = standing
        self._users: dict[Attached, set[int]] = {}
        self._idle: set[tuple[Attached, int]] = set()
        self._faults: dict[str, list[int]] = {}

    def verdict(self, namespace: str, volumes: PodVolumes) -> Verdict | None:
        """Return the nodes with room for the pod's volumes; None where they have no drivers."""
        new, is_nameless = self._attached(namespace, volumes)
        texts: list[tuple[str, Mask]] = []
        if is_nameless:
            texts.append((NO_NAME, self._nodes(self._storage.csi_nodes)))
        limited = sorted({driver for driver, _ in new} & self._limits.keys())
        if new and self._limits:
            counts = self._counts
            texts += [(text, self._rows(rows)) for text, rows in self._faults.items()]
            over = np.zeros(len(self._table), dtype=np.bool_)
            for driver in limited:
                more = self._more(driver, new)
                over |= (more > 0) & (counts[driver] + more > self._limits[driver])
            for _, mask in texts:
                over &= ~mask
            texts.append((TOO_MANY, over))
        if not texts:
            return None
        refused = np.logical_or.reduce([mask for _, mask in texts])
        return Verdict(Cause.VOLUME, ~refused, texts)

    def place(self, namespace: str, volumes: PodVolumes, node: int) -> None:
        """Take note that a pod was placed on a node."""
        new, _ = self._attached(namespace, volumes)
        if any(driver in self._limits for driver, _ in new):
            self._add(self._counts, new, node)

    def _more(self, driver: str, new: set[Attached]) -> NDArray[np.int64]:
        """Return how many volumes of a driver each node would have to attach."""
        asked = [one for one in new if one[0] == driver]
        more = np.full(len(self._table), len(asked), dtype=np.int64)
        for one in asked:
            more[list(self._users.get(one, ()))] -= 1
        return more

    def _add(self, counts: dict[str, NDArray[np.int64]], new: set[Attached], node: int) -> None:
        for one in new:
            if one[0] in counts and node not in self._users.setdefault(one, set()):
                self._users[one].add(node)
                counts[one[0]][node] += (one, node) not in self._idle

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
    def _counts(self) -> dict[str, NDArray[np.int64]]:
        """Volumes attached, by limited driver, shape ``(n,)`` each."""
        counts = {d: np.zeros(len(self._table), dtype=np.int64) for d in self._limits}
        for attachment in self._storage.attachments.values():
            volume = self._storage.volumes.get(attachment.volume_name)
            i = self._table.index.get(attachment.node)
            if i is None or volume is None or volume.csi is None:
                continue
            one = (attachment.attacher, volume.csi[1])
            if one[0] in counts and (one, i) not in self._idle:
                self._idle.add((one, i))
                counts[one[0]][i] += 1
        for i, pod in self._standing.with_volumes:
            attached, is_nameless = self._attached(pod.namespace, pod.volumes)
            fault = NO_NAME if is_nameless else self._fault(pod.namespace, pod.uid, pod.volumes)
            if fault and any(limits[i] != _NO_LIMIT for limits in self._limits.values()):
                self._faults.setdefault(fault, []).append(i)
            self._add(counts, attached, i)
        return counts

    def _attached(self, namespace: str, volumes: PodVolumes) -> tuple[set[Attached], bool]:
        """Return the volumes that drivers attach for a pod, and whether one has no name."""
        found: set[Attached] = set()
        for one in volumes.claims:
            claim = self._storage.claims.get(f"{namespace}/{one.name}")
            attached = None if claim is None else self._of_claim(claim)
            if attached is not None:
                found.add(attached)
        found.update(disk.csi for disk in volumes.disks if disk.csi is not None)
        return found, any(_is_nameless(disk) for disk in volumes.disks)

    def _of_claim(self, claim: PersistentVolumeClaim) -> Attached | None:
        """Return the volume of a claim; before it has one, its class says of which driver."""
        volume = self._storage.volumes.get(claim.volume_name)
        if volume is not None:
            csi = volume.csi or (volume.in_tree.csi if volume.in_tree else None)
            return csi if csi is not None and all(csi) else None
        storage_class = self._storage.classes.get(claim.storage_class or "")
        if storage_class is None:
            return None
        provisioner = storage_class.provisioner
        driver = MOVED_PLUGINS.get(provisioner, provisioner)
        return (driver, _UNBOUND + claim.key) if driver else None

    def _fault(self, namespace: str, uid: str, volumes: PodVolumes) -> str:
        """Return what is wrong with the claims of a placed pod, for which its node is refused."""
        for one in volumes.claims:
            claim = self._storage.claims.get(f"{namespace}/{one.name}")
            if claim is not None and not is_made_for(one, claim, uid):
                return not_made_for(namespace, one)
        return ""

    def _nodes(self, names: Iterable[str]) -> Mask:
        return self._rows(self._table.index[name] for name in names if name in self._table.index)

    def _rows(self, rows: Iterable[int]) -> Mask:
        mask = np.zeros(len(self._table), dtype=np.bool_)
        mask[list(rows)] = True
        return mask


def _is_nameless(disk: Disk) -> bool:
    """Whether a driver took over disks of this kind but has no name for this one."""
    return disk.kind in _MOVED_KINDS and disk.csi is None
