"""Placed pods looked at as if they were pending, beside those that are."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from scheduler.domain.snapshot import ClusterSnapshot, PlacedPods
from scheduler.domain.workload import PodClass
from scheduler.placement.apart import PodId, told_apart
from scheduler.placement.batch import Batch, PlacedSoFar
from scheduler.placement.decide import Decision
from scheduler.placement.settings import PlacementSettings


def standing_batch(
    snapshot: ClusterSnapshot, rows: Sequence[int], settings: PlacementSettings
) -> Batch:
    """Return a batch of some placed pods and of those that are pending.

    A placed pod that is told apart is so where it stands too: who refers to it by name finds it.
    """
    pods = tuple(snapshot.placed.pods[row] for row in rows)
    told, apart = told_apart(replace(snapshot, pending=(*pods, *snapshot.pending)))
    return Batch(replace(told, placed=_told(told.placed, apart)), settings)


def placing_in(batch: Batch, decision: Decision) -> PlacedSoFar:
    """Return where a decision has its pods, by the classes of another batch."""
    out: dict[PodClass, list[tuple[int, str]]] = {}
    for pending in decision.batch.classes:
        spots = decision.placing.pods.get(pending.pod_class, ())
        for pod, spot in zip(pending.pods, spots, strict=False):
            out.setdefault(batch.class_of(pod), []).append(spot)
    return out


def _told(placed: PlacedPods, apart: Mapping[PodId, PodClass]) -> PlacedPods:
    if not apart:
        return placed
    pods = tuple(
        replace(pod, pod_class=apart.get((pod.namespace, pod.name), pod.pod_class))
        for pod in placed.pods
    )
    number: dict[PodClass, int] = {}
    class_of = [number.setdefault(pod.pod_class, len(number)) for pod in pods]
    return replace(
        placed, pods=pods, classes=tuple(number), class_of=np.array(class_of, dtype=np.int32)
    )
