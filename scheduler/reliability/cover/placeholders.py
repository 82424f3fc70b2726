"""Which placeholders there should be: one on each living node that keeps room for failures."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from scheduler.domain.resources import PODS, Resources, resources
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.reliability.cover.kept import kept_room
from scheduler.reliability.cover.settings import CoverSettings
from scheduler.reliability.cover.units import failure_units
from scheduler.reliability.failover.losses import dead_rows


def wanted_placeholders(
    snapshot: ClusterSnapshot, covering: CoverSettings
) -> Mapping[str, Resources]:
    """Return what the placeholder of each node is to request, by the node's name.

    A cordoned node has none: nobody else's pods come there, and who drains it need not mind one.

    As much as is kept there for the worst single failure still to come, or promised to lost pods
    whose replacements are not placed yet, whichever is more. Not their sum, though our own
    decisions keep it: then a failure would change what is wanted where it strikes, and the promised
    room would be anybody's for the moment in which one placeholder takes the place of another.

    Never more than is free, for a kubelet would refuse it. Pod slots are left out: a pod takes one,
    whatever it requests, and so cannot hold several.

    Parameters
    ----------
    snapshot
        What is known, without the placeholders that are there; what is pending does not count.
    covering
        Its `unit`; with `mode` off nothing is wanted.
    """
    table = snapshot.nodes
    if covering.mode == "off" or not len(table):
        return {}
    snapshot = replace(snapshot, pending=())  # what is promised to them is kept until they are here
    kept = kept_room(snapshot, failure_units(snapshot, covering.unit))
    if kept is None:
        return {}
    held = np.clip(np.minimum(np.maximum(kept.reserved, kept.promised), table.free), 0, None)
    slots = table.resources.index(PODS)
    has_place = (held[:, slots] > 0) & ~dead_rows(snapshot) & ~table.is_unschedulable
    held[:, slots] = 0
    return {
        table.nodes[row].name: resources(
            dict(zip(table.resources, held[row].tolist(), strict=True))
        )
        for row in np.flatnonzero(has_place & (held > 0).any(axis=1)).tolist()
    }
