"""Wishes that nodes alone grant: preferred node affinity, PreferNoSchedule taints, images.

Points are those of kube-scheduler's NodeAffinity, TaintToleration and ImageLocality plugins, 0 to
100 over the nodes in question, times the plugin's default weight; the cost is what is missing.
"""

import numpy as np
from numpy.typing import NDArray

from scheduler.placement.batch import Batch, PendingClass
from scheduler.placement.bounds import Reach
from scheduler.placement.cost.model import Units
from scheduler.placement.feasibility.state import soft_taints

MOST = 100
TAINT_WEIGHT = 3
AFFINITY_WEIGHT = 2
IMAGE_WEIGHT = 1

_MIB = 1 << 20
LEAST_IMAGE_BYTES = 23 * _MIB
MOST_IMAGE_BYTES = 1_000 * _MIB
"""Between these, for each container, kube-scheduler tells images apart."""
_MOST_IMAGES = 256
"""Images whose nodes are remembered; beyond it the memo starts anew, to bound its memory."""


class PreferenceCost:
    """``score_weight`` per weighted point that is missing."""

    def arc_costs(self, batch: Batch, pending: PendingClass, reach: Reach) -> Units | None:
        """Return the price of unmet preferences."""
        del reach
        pod_class = pending.pod_class
        taints = soft_taints(batch.table, pod_class.tolerations)
        most = int(taints[pending.mask].max(initial=0)) if taints.any() else 0
        points = _image_points(batch, pending) if pod_class.images else None
        if not (most or pod_class.preferred_nodes or points is not None):
            return None
        missing = self._affinity(batch, pending)
        if most:
            missing += TAINT_WEIGHT * (MOST * taints // most)
        if points is not None:
            missing += IMAGE_WEIGHT * (MOST - points)
        return np.asarray(batch.settings.cost.score_weight * missing, dtype=np.int64)

    def _affinity(self, batch: Batch, pending: PendingClass) -> Units:
        met = np.zeros(len(batch.table), dtype=np.int64)
        for preferred in pending.pod_class.preferred_nodes:
            met += preferred.weight * batch.labels.term(preferred.term)
        best = int(met[pending.mask].max(initial=0))
        if not best:
            return met
        return np.asarray(AFFINITY_WEIGHT * (MOST - MOST * met // best))


def _image_points(batch: Batch, pending: PendingClass) -> NDArray[np.int64] | None:
    """Return how much of the images each node holds, weighed by how many nodes hold them.

    None where they are everywhere alike.
    """
    images = pending.pod_class.images
    total = sum((_held(batch, image) for image in images), np.zeros(len(batch.table), np.int64))
    most = MOST_IMAGE_BYTES * len(images)
    clipped = np.clip(total, LEAST_IMAGE_BYTES, most)
    points = MOST * (clipped - LEAST_IMAGE_BYTES) // (most - LEAST_IMAGE_BYTES)
    return np.asarray(points) if len(points) and points.min() != points.max() else None


def _held(batch: Batch, image: str) -> NDArray[np.int64]:
    """Return an image's bytes on each node, times the share of nodes that hold it."""
    known: dict[str, NDArray[np.int64]] = batch.table.memo.setdefault("images", {})
    found = known.get(image)
    if found is None:
        sizes = [node.images.get(image, 0) for node in batch.table.nodes]
        held = np.array(sizes, dtype=np.int64)
        share = sum(image in node.images for node in batch.table.nodes) / max(1, len(held))
        if len(known) >= _MOST_IMAGES:
            known.clear()
        found = known[image] = (held * share).astype(np.int64)
    return found
