"""Volumes that are yet to be made: in which topologies, and where there is space for them."""

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.snapshot import NodeTable
from scheduler.domain.storage import PersistentVolumeClaim, Storage, StorageClass
from scheduler.placement.feasibility.verdict import Mask
from scheduler.placement.feasibility.volume.nodes import VolumeNodes

_NO_PROVISIONERS = ("", "kubernetes.io/no-provisioner")
_NO_ROOM = -1


class Provisioning:
    """Where volumes of each storage class can be made."""

    def __init__(self, storage: Storage, table: NodeTable, nodes: VolumeNodes) -> None:
        self._storage = storage
        self._table = table
        self._nodes = nodes
        self._allowed: dict[str, Mask] = {}
        self._largest: dict[str, NDArray[np.int64]] = {}

    def of(self, claim: PersistentVolumeClaim) -> tuple[Mask, Mask]:
        """Return where the class of a claim allows a volume for it, and where there is space."""
        every = np.ones(len(self._table), dtype=np.bool_)
        storage_class = self._storage.classes.get(claim.storage_class or "")
        if storage_class is None or storage_class.provisioner in _NO_PROVISIONERS:
            return ~every, every
        allowed = self._allowed.get(storage_class.name)
        if allowed is None:
            allowed = self._nodes.allowed(storage_class.allowed)
            self._allowed[storage_class.name] = allowed
        driver = self._storage.drivers.get(storage_class.provisioner)
        if claim.requested_bytes is None or driver is None or not driver.tracks_capacity:
            return allowed, every
        return allowed, self._largest_bytes(storage_class) >= claim.requested_bytes

    def _largest_bytes(self, storage_class: StorageClass) -> NDArray[np.int64]:
        """Return the largest volume of a class that can be made for each node, shape ``(n,)``."""
        known = self._largest.get(storage_class.name)
        if known is None:
            known = np.full(len(self._table), _NO_ROOM, dtype=np.int64)
            for capacity in self._storage.capacities.values():
                largest = capacity.largest_bytes
                if capacity.storage_class != storage_class.name or largest is None:
                    continue
                if capacity.nodes is not None:
                    rows = self._nodes.selected(capacity.nodes)
                    known[rows] = np.maximum(known[rows], largest)
            self._largest[storage_class.name] = known
        return known
