"""Where lost pods have places on nodes that are held down: whoever replaces them may go there."""

import numpy as np

from scheduler.domain.node import HELD_DOWN_TAINT
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import Pod
from scheduler.planning.check.cover_backups import dead_nodes


def kin(pod: Pod) -> object:
    """Return what a pod has in common with those that replace it."""
    return pod.pod_class.workload or pod.key


def promised_places(snapshot: ClusterSnapshot) -> frozenset[tuple[object, str]]:
    """Return the kin of lost pods, each with the held-down node that is reserved for it."""
    nodes, placed = snapshot.nodes, snapshot.placed
    held = {n.name for n in nodes.nodes if any(t.key == HELD_DOWN_TAINT for t in n.taints)}
    if not held:
        return frozenset()
    found = {(kin(lost.pod), lost.backup) for lost in snapshot.lost}
    is_dead = np.append(dead_nodes(nodes), np.True_)  # the last for pods whose node is gone
    for row in np.flatnonzero(is_dead[placed.node_of]).tolist():
        backup = int(placed.backup_of[row]) if len(placed.backup_of) else -1
        if backup >= 0:
            found.add((kin(placed.pods[row]), nodes.nodes[backup].name))
    return frozenset(place for place in found if place[1] in held)
