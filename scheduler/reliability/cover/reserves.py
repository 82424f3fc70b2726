"""What is reserved where, and for whom, once a plan is carried out."""

import numpy as np

from scheduler.domain.cover import FailureUnit, NodeReserve
from scheduler.domain.plan import Plan
from scheduler.domain.resources import resources
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import Pod
from scheduler.reliability.cover.loads import loads_of
from scheduler.reliability.cover.standing import covered_rows
from scheduler.reliability.cover.units import failure_units


def node_reserves(
    snapshot: ClusterSnapshot, plan: Plan, unit: FailureUnit
) -> tuple[NodeReserve, ...]:
    """Return the reserve of each node that has one, in node order.

    Parameters
    ----------
    snapshot
        What the plan was made from.
    plan
        The plan.
    unit
        What fails at once.
    """
    table, units = snapshot.nodes, failure_units(snapshot, unit)
    rows = _covered(snapshot, plan)
    if not rows:
        return ()
    host = np.array([h for _, h, _ in rows], dtype=np.int64)
    backup = np.array([b for _, _, b in rows], dtype=np.int64)
    demand = np.array([table.demand(pod.pod_class) for pod, _, _ in rows], dtype=np.int64)
    amounts = loads_of(units[host], backup, demand).reserves(len(table))
    pods: dict[int, list[Pod]] = {}
    for pod, _, node in rows:
        pods.setdefault(node, []).append(pod)
    return tuple(
        NodeReserve(
            table.nodes[node].name,
            resources(dict(zip(table.resources, amounts[node].tolist(), strict=True))),
            tuple(sorted(pods[node], key=lambda pod: pod.key)),
        )
        for node in sorted(pods)
    )


def _covered(snapshot: ClusterSnapshot, plan: Plan) -> list[tuple[Pod, int, int]]:
    """Return each covered pod with its host and its backup."""
    index, placed = snapshot.nodes.index, snapshot.placed
    out = [
        (placed.pods[row], int(placed.node_of[row]), int(placed.backup_of[row]))
        for row in covered_rows(snapshot).tolist()
        if placed.pods[row].key not in plan.cover.backups
    ]
    node_of = {pod.key: int(n) for pod, n in zip(placed.pods, placed.node_of, strict=True)}
    pod_of = {pod.key: pod for pod in placed.pods} if plan.cover.backups else {}
    out += [
        (pod_of[key], node_of[key], index[backup]) for key, backup in plan.cover.backups.items()
    ]
    out += [(a.pod, index[a.node], index[a.backup]) for a in plan.assignments if a.backup]
    return out
