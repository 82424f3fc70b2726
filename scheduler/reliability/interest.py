"""Which pairs of nodes decisions hang on: what is worth measuring often."""

from collections.abc import Iterable

import numpy as np

from scheduler.domain.ports import Interest
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import PodClass
from scheduler.placement.reference_nodes import ReferenceNodes
from scheduler.reliability.health import dead_nodes
from telemetry.model import UNKNOWN_US

NEAR_SHARE = 0.8
"""A pair within a fifth of its budget may break it with the next drift: 7 % of pairs move by more
than a tenth between two looks."""


def interest(snapshot: ClusterSnapshot) -> Interest:
    """Return the references of all delays, placed pods' and waiting ones', and the near pairs.

    Near are the pairs from a reference to the node of a pod that depends on it, where the RTT is
    above `NEAR_SHARE` of the budget or not known.
    """
    found, near = ReferenceNodes(snapshot), dict[str, set[str]]()
    references: set[str] = set()
    placed = snapshot.placed
    for pod_class in placed.classes:
        if not pod_class.hard_delays:
            continue
        at = np.unique(placed.node_of[found.rows(pod_class)])
        for delay in pod_class.hard_delays if len(at) else ():
            for name in found.of(pod_class, delay):
                references.add(name)
                rtt_us = snapshot.rtt_from(name)[at]
                is_near = (rtt_us == UNKNOWN_US) | (rtt_us > NEAR_SHARE * delay.within_us)
                nodes = {snapshot.nodes.nodes[i].name for i in at[is_near].tolist()} - {name}
                near.setdefault(name, set()).update(nodes)
    for pod_class in _waiting(snapshot):
        for delay in pod_class.hard_delays:
            references.update(found.of(pod_class, delay))
    return Interest(
        frozenset(references),
        {name: frozenset(nodes) for name, nodes in near.items() if nodes},
        frozenset(node.name for node in dead_nodes(snapshot.nodes)),
        _zone_of(snapshot),
    )


def _zone_of(snapshot: ClusterSnapshot) -> dict[str, int]:
    """Return each node's zone of the smallest layer; without zones, its failure domain."""
    zones = snapshot.zones
    if zones.layers:
        return dict(zip(zones.nodes, zones.layers[0].zone_of.tolist(), strict=True))
    names = (node.name for node in snapshot.nodes.nodes)
    return dict(zip(names, snapshot.nodes.domain.tolist(), strict=True))


def _waiting(snapshot: ClusterSnapshot) -> Iterable[PodClass]:
    return {pod.pod_class for pod in (*snapshot.pending, *snapshot.held)}
