"""The room kept for failures: for those that may come, and for those that have."""

import numpy as np

from scheduler.domain.cover import KeptRoom
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.reliability.cover.loads import Ints
from scheduler.reliability.cover.standing import standing_loads
from scheduler.reliability.failover.losses import dead_rows, losses, matched


def kept_room(snapshot: ClusterSnapshot, unit: Ints) -> KeptRoom | None:
    """Return the room kept on each node; None where none is.

    For the worst single failure still to come; and what was promised to each lost pod whose
    replacement is not there yet. A pending pod that replaces a lost one has its place.

    Parameters
    ----------
    snapshot
        What is known.
    unit
        Shape ``(n,)``: the failure unit of each node.
    """
    loads = standing_loads(snapshot, unit)
    found = losses(snapshot, dead_rows(snapshot)) if len(snapshot.nodes) else []
    if loads is None and not found:
        return None
    promised = np.zeros_like(snapshot.nodes.allocatable)
    places, open_losses = matched(found, snapshot.pending)
    for loss in open_losses:
        promised[loss.backup] += snapshot.nodes.demand(loss.pod.pod_class)
    room = promised if loads is None else promised + loads.reserves(len(snapshot.nodes))
    return KeptRoom(room, promised, places)
