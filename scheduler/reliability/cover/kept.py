"""The room kept for failures: for those that may come, and for those that have."""

from dataclasses import replace

import numpy as np

from scheduler.domain.cover import KeptRoom
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.reliability.cover.loads import Ints
from scheduler.reliability.cover.standing import standing_loads
from scheduler.reliability.failover.losses import dead_rows, losses, matched, moves


def kept_room(snapshot: ClusterSnapshot, unit: Ints | None) -> KeptRoom | None:
    """Return the room kept on each node; None where none is.

    For the worst single failure still to come; and what was promised to each lost pod whose
    replacement is not there yet. A pending pod that replaces a lost one has its place. The same of
    pods that are made to move.

    Parameters
    ----------
    snapshot
        What is known.
    unit
        Shape ``(n,)``: the failure unit of each node; None where nothing is kept for failures.
    """
    loads = standing_loads(snapshot, unit) if unit is not None else None
    is_dead = dead_rows(snapshot)
    found = losses(snapshot, is_dead) if len(snapshot.nodes) else []
    if unit is None:
        found = [replace(loss, backup=-1) for loss in found]
    going = moves(snapshot, is_dead)
    uids = {loss.pod.uid for loss in going}
    found = [loss for loss in found if loss.pod.uid not in uids] + going
    if loads is None and not found:
        return None
    promised = np.zeros_like(snapshot.nodes.allocatable)
    places, open_losses = matched(found, snapshot.pending)
    for loss in open_losses:
        if loss.backup < 0:
            continue
        promised[loss.backup] += snapshot.nodes.demand(loss.pod.pod_class)
    room = promised if loads is None else promised + loads.reserves(len(snapshot.nodes))
    return KeptRoom(room, promised, places)
