"""The smallest decision there is: each pod to the first node with room. For tests of the loops."""

import numpy as np

from scheduler.domain.plan import Assignment, Plan, Unplaced
from scheduler.domain.reasons import Cause, NodeReason, Refusal
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.placement.settings import PlacementSettings


def first_fit(snapshot: ClusterSnapshot, _settings: PlacementSettings) -> Plan:
    """Place in order; a class's `node_name` and the readiness of nodes are honoured."""
    table = snapshot.nodes
    free = table.free.copy()
    assignments, unplaced = [], []
    for pod in snapshot.pending:
        demand = table.demand(pod.pod_class)
        fits = table.is_ready & ((demand <= free) | (demand == 0)).all(axis=1)
        if pod.pod_class.node_name:
            fits &= np.array([n.name == pod.pod_class.node_name for n in table.nodes], dtype=bool)
        if fits.any():
            row = int(np.argmax(fits))
            free[row] -= demand
            assignments.append(Assignment(pod, table.nodes[row].name))
        else:
            reason = NodeReason(Cause.RESOURCE, "Insufficient cpu", len(table))
            unplaced.append(Unplaced(pod, Refusal(len(table), node_reasons=(reason,))))
    return Plan(tuple(assignments), tuple(unplaced))
