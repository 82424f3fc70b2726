"""Zones and regions in the labels of bound volumes, as kube-scheduler's VolumeZone has them."""

from collections.abc import Iterator

import numpy as np

from scheduler.domain.reasons import Cause
from scheduler.domain.selector import Requirement
from scheduler.domain.snapshot import NodeTable
from scheduler.domain.storage import PodVolumes, Storage
from scheduler.placement.feasibility.affinity import NodeLabels
from scheduler.placement.feasibility.verdict import Mask, Verdict

TEXT = "node(s) had no available volume zone"

_NEW_KEYS = {
    "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
}
_KEYS = (*_NEW_KEYS, *_NEW_KEYS.values())
_ZONES_APART = "__"


class VolumeZones:
    """Whether nodes are in the zones of a pod's volumes."""

    def __init__(self, storage: Storage, table: NodeTable, labels: NodeLabels) -> None:
        self._storage = storage
        self._table = table
        self._labels = labels

    def verdict(self, namespace: str, volumes: PodVolumes) -> Verdict | None:
        """Return the nodes in the zones of all volumes; None where no volume has one.

        A node that has no label of a zone or region takes every volume. Claims of ephemeral
        volumes are not looked at.
        """
        asked = set(self._asked(namespace, volumes))
        if not asked:
            return None
        passes = np.ones(len(self._table), dtype=np.bool_)
        for key, zones in asked:
            passes &= self._in_zone(key, zones)
        unzoned = np.ones(len(self._table), dtype=np.bool_)
        for key in _KEYS:
            unzoned &= self._labels.meets(Requirement(key, "DoesNotExist"))
        passes |= unzoned
        return Verdict(Cause.VOLUME, passes, [(TEXT, ~passes)])

    def _asked(self, namespace: str, volumes: PodVolumes) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield labels of the pod's volumes with the zones they name."""
        for one in volumes.claims:
            claim = self._storage.claims.get(f"{namespace}/{one.name}")
            if one.is_ephemeral or claim is None:
                continue
            volume = self._storage.volumes.get(claim.volume_name)
            for key in _KEYS:
                if volume is not None and key in volume.labels:
                    zones = {zone.strip() for zone in volume.labels[key].split(_ZONES_APART)}
                    if "" not in zones:  # such a label says nothing at all
                        yield key, tuple(sorted(zones))

    def _in_zone(self, key: str, zones: tuple[str, ...]) -> Mask:
        """Return the nodes in the zones; a node without the old label is asked for the new one."""
        mask = self._labels.meets(Requirement(key, "In", zones))
        if key in _NEW_KEYS:
            is_new = self._labels.meets(Requirement(key, "DoesNotExist"))
            new = self._labels.meets(Requirement(_NEW_KEYS[key], "In", zones))
            mask = mask | (is_new & new)
        return mask
