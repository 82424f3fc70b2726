"""Pods lost with their nodes, and which pending pod takes the place reserved for which of them."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.cover import HOME_ANNOTATION, MOVED_ANNOTATION, Place
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import Labels, Pod, PodClass
from scheduler.reliability.health import dead_nodes

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Loss:
    """A lost pod that nobody replaces yet, and the node reserved for it; -1 where none is.

    `marks` are annotations that its successor is to carry.
    """

    pod: Pod
    backup: int
    marks: Labels = ()


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
    """Return the lost pods that nobody has replaced yet, with the living nodes reserved for them.

    Those that tolerate a dead node for now count too: their place is promised. One without a backup
    is replaced all the same, and its successor, too, remembers where its home was.
    """
    placed, out = snapshot.placed, []
    backups = placed.backup_of.tolist() if len(placed.backup_of) else [-1] * len(placed.pods)
    for row in lost_rows(snapshot, is_dead).tolist():
        pod, node, backup = placed.pods[row], int(placed.node_of[row]), backups[row]
        home = snapshot.nodes.nodes[node].name if node >= 0 else ""
        lives = backup >= 0 and not is_dead[backup]
        out.append(Loss(pod, backup if lives else -1, home_mark(pod, home)))
    for lost in snapshot.lost:
        row_of = snapshot.nodes.index.get(lost.backup, -1)
        lives = row_of >= 0 and not is_dead[row_of]
        out.append(Loss(lost.pod, row_of if lives else -1, lost.marks))
    return [loss for loss in out if loss.pod.uid not in placed.replaced]


def moves(snapshot: ClusterSnapshot, is_dead: NDArray[np.bool_]) -> list[Loss]:
    """Return the pods that are made to leave their nodes, with the places kept for them."""
    index = snapshot.nodes.index
    rows = [(one, index.get(one.backup, -1)) for one in snapshot.moving]
    return [
        Loss(one.pod, row, one.marks)
        for one, row in rows
        if row >= 0 and not is_dead[row] and one.pod.uid not in snapshot.placed.replaced
    ]


def home_mark(pod: Pod, node: str) -> Labels:
    """Return the annotations of a pod's successor that say where home is, and what was bad.

    Whoever was away from home already has that home still.
    """
    home = pod.home or node
    marks = ((HOME_ANNOTATION, home), (MOVED_ANNOTATION, pod.moved_from))
    return tuple((key, value) for key, value in marks if value)


def matched(
    found: Sequence[Loss], pending: Sequence[Pod]
) -> tuple[Mapping[str, Place], list[Loss]]:
    """Return which pending pod takes which place, by key, and the losses nobody replaces yet.

    A pod replaces one of its workload that asks for the same, or, where it has no controller, one
    of its own name. In the order of names on both sides, so that the same input gives the same;
    those that have a place reserved come first.
    """
    waiting: dict[object, deque[Loss]] = {}
    # Those with a place first: a successor is given one where there is one.
    for loss in sorted(found, key=lambda one: (one.backup < 0, one.pod.key)):
        waiting.setdefault(_kin(loss.pod), deque()).append(loss)
    places: dict[str, Place] = {}
    for pod in pending:
        kin = waiting.get(_kin(pod))
        if kin:
            loss = _own(kin, pod)
            places[pod.key] = Place(loss.backup, loss.pod.uid, loss.marks)
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
