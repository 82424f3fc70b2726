"""Volumes that drivers attach to nodes, counted one by one only where it might matter.

A node of few pods is far from its limit, and most nodes are: how many claims its pods have says so.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.snapshot import NodeTable
from scheduler.domain.storage import (
    MOVED_PLUGINS,
    PersistentVolumeClaim,
    PodVolumes,
    Storage,
    VolumeAttachment,
)
from scheduler.placement.feasibility.volume.positions import Positions
from scheduler.placement.feasibility.volume.users import VolumeUsers

_UNBOUND = "\0"
"""Before the name of a claim that stands in for the volume it has not got: no handle begins so."""

Attached = tuple[str, str]
"""Driver and handle."""

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class SavedCounts:
    """Copies of what `AttachedCounts` changes as pods are placed."""

    at_most: NDArray[np.int64]
    by_driver: dict[str, NDArray[np.int64]]
    users: dict[Attached, set[int]]
    idle: set[tuple[Attached, int]]
    settled: NDArray[np.bool_]
    placed: dict[int, list[set[Attached]]]


def attached_volumes(storage: Storage, namespace: str, volumes: PodVolumes) -> set[Attached]:
    """Return the volumes that drivers attach for a pod."""
    found = {disk.csi for disk in volumes.disks if disk.csi is not None}
    for one in volumes.claims:
        claim = storage.claims.get(f"{namespace}/{one.name}")
        attached = None if claim is None else _of_claim(storage, claim)
        if attached is not None:
            found.add(attached)
    return found


class AttachedCounts:
    """Volumes of some drivers on each node: those that pods use, and others that are attached."""

    def __init__(
        self, storage: Storage, table: NodeTable, standing: VolumeUsers, drivers: Iterable[str]
    ) -> None:
        self._storage = storage
        self._table = table
        self._standing = standing
        self._by_driver = {name: np.zeros(len(table), dtype=np.int64) for name in drivers}
        self._users: dict[Attached, set[int]] = {}
        self._idle: set[tuple[Attached, int]] = set()
        self._settled = np.zeros(len(table), dtype=np.bool_)
        self._placed: dict[int, list[set[Attached]]] = {}

    @cached_property
    def at_most(self) -> NDArray[np.int64]:
        """The most volumes of any one driver that each node can have, shape ``(n,)``."""
        each = [len(p.volumes.claims) + len(p.volumes.disks) for p in self._standing.pods]
        used = np.bincount(self._standing.rows, each, minlength=len(self._table))
        attached = np.bincount(self._attachment_rows + 1, minlength=len(self._table) + 1)[1:]
        return used.astype(np.int64) + attached

    def on(
        self, rows: Rows, driver: str, new: set[Attached]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return how many volumes of a driver nodes have, and how many of `new` would be added.

        Parameters
        ----------
        rows
            The nodes.
        driver, new
            Volumes of other drivers do not count.

        Returns
        -------
        tuple of ndarray
            Two of the shape of `rows`.
        """
        for i in rows[~self._settled[rows]].tolist():
            self._settle(i)
        asked = [one for one in new if one[0] == driver]
        more = np.full(len(self._table), len(asked), dtype=np.int64)
        for one in asked:
            more[list(self._users.get(one, ()))] -= 1
        return self._by_driver[driver][rows], more[rows]

    def add(self, new: set[Attached], node: int) -> None:
        """Take note that a pod that uses some volumes was placed on a node."""
        self.at_most[node] += len(new)
        if self._settled[node]:
            self._use(new, node)
        else:
            self._placed.setdefault(node, []).append(new)

    def saved(self) -> SavedCounts:
        """Return what changes as pods are placed, for `restore`."""
        return SavedCounts(
            self.at_most.copy(),
            {driver: counts.copy() for driver, counts in self._by_driver.items()},
            {one: set(nodes) for one, nodes in self._users.items()},
            set(self._idle),
            self._settled.copy(),
            {node: list(new) for node, new in self._placed.items()},
        )

    def restore(self, saved: SavedCounts) -> None:
        """Forget what was placed since."""
        self.at_most, self._by_driver, self._users = saved.at_most, saved.by_driver, saved.users
        self._idle, self._settled, self._placed = saved.idle, saved.settled, saved.placed

    def _settle(self, i: int) -> None:
        """Count the volumes of a node, each once."""
        self._settled[i] = True
        for number in self._by_node.of(i).tolist():
            attachment = self._attachments[number]
            volume = self._storage.volumes.get(attachment.volume_name)
            if volume is None or volume.csi is None or attachment.attacher not in self._by_driver:
                continue
            one = (attachment.attacher, volume.csi[1])
            if (one, i) not in self._idle:
                self._idle.add((one, i))
                self._by_driver[one[0]][i] += 1
        for pod in self._standing.on(i):
            self._use(attached_volumes(self._storage, pod.namespace, pod.volumes), i)
        for new in self._placed.pop(i, ()):
            self._use(new, i)

    def _use(self, new: set[Attached], node: int) -> None:
        for one in new:
            if one[0] in self._by_driver and node not in self._users.setdefault(one, set()):
                self._users[one].add(node)
                self._by_driver[one[0]][node] += (one, node) not in self._idle

    @cached_property
    def _attachment_rows(self) -> Rows:
        """Each attachment's node, -1 where it is gone."""
        index = self._table.index
        rows = [index.get(one.node, -1) for one in self._attachments]
        return np.array(rows, dtype=np.int64)

    @cached_property
    def _attachments(self) -> list[VolumeAttachment]:
        return list(self._storage.attachments.values())

    @cached_property
    def _by_node(self) -> Positions:
        return Positions(self._attachment_rows, len(self._table))


def _of_claim(storage: Storage, claim: PersistentVolumeClaim) -> Attached | None:
    """Return the volume of a claim; before it has one, its class says of which driver."""
    volume = storage.volumes.get(claim.volume_name)
    if volume is not None:
        csi = volume.csi or (volume.in_tree.csi if volume.in_tree else None)
        return csi if csi is not None and all(csi) else None
    storage_class = storage.classes.get(claim.storage_class or "")
    if storage_class is None:
        return None
    driver = MOVED_PLUGINS.get(storage_class.provisioner, storage_class.provisioner)
    return (driver, _UNBOUND + claim.key) if driver else None
