"""Pods lost with their nodes, and which pending pod takes the place reserved for which of them."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.cover import Place
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import Pod, PodClass
from scheduler.reliability.health import dead_nodes

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Loss:
    """A lost pod whose place is still free: the pod, and the node reserved for it."""

    pod: Pod
    backup: int


def dead_rows(snapshot: ClusterSnapshot) -> NDArray[np.bool_]:
    """Return which nodes are believed dead, shape ``(n,)``; worked out once for the same nodes."""
    table = snapshot.nodes
    known: NDArray[np.bool_] | None = table.memo.get("dead")
    if known is None:
        known = np.zeros(len(table), dtype=np.bool_)
        known[[table.index[dead.name] for dead in dead_nodes(table)]] = True
        table.memo["dead"] = known
    return known


def lost_rows(snapshot: ClusterSnapshot, is_dead: NDArray[np.bool_]) -> Ints:
    """Return the rows of placed pods on nodes that are dead or gone."""
    node_of = snapshot.placed.node_of
    here = node_of >= 0
    is_lost = ~here
    is_lost[here] = is_dead[node_of[here]]
    return np.flatnonzero(is_lost)


def losses(snapshot: ClusterSnapshot, is_dead: NDArray[np.bool_]) -> list[Loss]:
    """Return the lost pods with a backup on a living node that nobody has taken yet.

    Those that tolerate a dead node for now count too: their place is promised.
    """
    placed, out = snapshot.placed, []
    if len(placed.backup_of):
        for row in lost_rows(snapshot, is_dead).tolist():
            backup = int(placed.backup_of[row])
            if backup >= 0 and not is_dead[backup]:
                out.append(Loss(placed.pods[row], backup))
    for lost in snapshot.lost:
        row_of = snapshot.nodes.index.get(lost.backup, -1)
        if row_of >= 0 and not is_dead[row_of]:
            out.append(Loss(lost.pod, row_of))
    return [loss for loss in out if loss.pod.uid not in placed.replaced]


def matched(
    found: Sequence[Loss], pending: Sequence[Pod]
) -> tuple[Mapping[str, Place], list[Loss]]:
    """Return which pending pod takes which place, by key, and the losses nobody replaces yet.

    A pod replaces one of its workload that asks for the same, or, where it has no controller, one
    of its own name. In the order of names on both sides, so that the same input gives the same.
    """
    waiting: dict[object, deque[Loss]] = {}
    for loss in sorted(found, key=lambda one: one.pod.key):
        waiting.setdefault(_kin(loss.pod), deque()).append(loss)
    places: dict[str, Place] = {}
    for pod in pending:
        kin = waiting.get(_kin(pod))
        if kin:
            loss = _own(kin, pod)
            places[pod.key] = Place(loss.backup, loss.pod.uid)
    return places, [loss for kin in waiting.values() for loss in kin]


def _own(kin: "deque[Loss]", pod: Pod) -> Loss:
    """Take the loss of the same name, as a StatefulSet's pods have it; else the first."""
    for loss in kin:
        if loss.pod.name == pod.name:
            kin.remove(loss)
            return loss
    return kin.popleft()


def _kin(pod: Pod) -> object:
    """Return what a pod has in common with those that replace it."""
    pod_class: PodClass = pod.pod_class
    if pod_class.workload is None:
        return pod.key
    return pod_class.workload, pod_class.requests, pod_class.delays
