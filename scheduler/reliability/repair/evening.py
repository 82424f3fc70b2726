"""Load evened out: a pod goes from a full node to an emptier one, where that pays."""

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.resources import PODS, UNLIMITED
from scheduler.domain.snapshot import NodeTable
from scheduler.reliability.repair.moves import Limits, Move, Moves, Why, unmovable
from scheduler.reliability.repair.scene import Scene

MOST_PODS = 32
"""Pods of a node that are looked at, those that take the most first."""

MOST_NODES = 8
"""Full nodes that are looked at, the fullest first."""


def evened(scene: Scene, limits: Limits, gain: float) -> Moves:
    """Return the one move that evens load out the most, if it pays.

    A node's load is the largest share of a resource that is requested of it. A move pays if the
    fuller of both nodes is by `gain` less full after it than before; budgets, rules and room kept
    for failures are respected, and no more budgets are broken than before.

    Parameters
    ----------
    scene
        The cluster as it is.
    limits
        What must not be moved, or not there.
    gain
        Share of a node, above 0 and at most 1.
    """
    placed = scene.snapshot.placed
    load = loads(scene.snapshot.nodes)
    lightest = float(load.min(initial=1.0))
    fullest = [n for n in np.argsort(-load, kind="stable").tolist() if load[n] - lightest >= gain]
    if limits.most == 0 or not fullest:
        return Moves()
    referring = scene.referring()
    for node in fullest[:MOST_NODES]:
        rows = np.flatnonzero((placed.node_of == node) & ~placed.is_terminating).tolist()
        movable = [row for row in rows if _may_move(scene, row, limits)]
        movable.sort(key=lambda row: (-_share(scene, row, node), placed.pods[row].key))
        for row in movable[:MOST_PODS]:
            target = _target(scene, row, limits, float(load[node]) - gain)
            if target is None:
                continue
            moved = scene.moved(row, target)
            pod = placed.pods[row]
            classes = frozenset({pod.pod_class}) | referring.get(pod.pod_class, frozenset())
            after = loads(moved.snapshot.nodes)
            pays = max(after[node], after[target]) <= load[node] - gain
            if not pays or moved.violations(classes) > scene.violations(classes):
                continue
            names = scene.snapshot.nodes.nodes
            said = (
                f"{names[node].name} is {load[node]:.0%} full, {names[target].name} "
                f"{load[target]:.0%}; then {after[node]:.0%} and {after[target]:.0%}"
            )
            return Moves((Move(pod, names[node].name, names[target].name, Why.EVEN, said),))
    return Moves()


def loads(table: NodeTable) -> NDArray[np.float64]:
    """Return the largest share of a resource that is requested of each node, shape ``(n,)``.

    Places for pods do not count, nor what is unlimited.
    """
    return _shares(table, np.arange(len(table)), table.requested)


def _shares(
    table: NodeTable, nodes: NDArray[np.int64], requested: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return how full some nodes are with so much requested of them."""
    counted = [k for k, name in enumerate(table.resources) if name != PODS]
    room = table.allocatable[nodes][:, counted]
    limited = (room > 0) & (room < UNLIMITED)
    shares = np.divide(requested[:, counted], room, out=np.zeros(room.shape), where=limited)
    return np.asarray(shares.max(axis=1, initial=0.0))


def _may_move(scene: Scene, row: int, limits: Limits) -> bool:
    pod = scene.snapshot.placed.pods[row]
    return not unmovable(pod, limits) and pod.pod_class.workload not in limits.resting


def _share(scene: Scene, row: int, node: int) -> float:
    """Return how much of its node a pod takes."""
    table = scene.snapshot.nodes
    demand = table.demand(scene.snapshot.placed.pods[row].pod_class)
    return float(_shares(table, np.array([node]), demand[None, :])[0])


def _target(scene: Scene, row: int, limits: Limits, at_most: float) -> int | None:
    """Return the node that is least full with a pod on it, if it is no fuller than `at_most`."""
    table, pod = scene.snapshot.nodes, scene.snapshot.placed.pods[row]
    barred = set(limits.untrusted)
    if pod.pod_class.workload is not None:
        barred |= limits.barred.get(pod.pod_class.workload, frozenset())
    here = int(scene.snapshot.placed.node_of[row])
    names = table.nodes
    found = scene.destinations(row).nodes.tolist()
    nodes = np.array([n for n in found if n != here and names[n].name not in barred], np.int64)
    if not len(nodes):
        return None
    shares = _shares(table, nodes, table.requested[nodes] + table.demand(pod.pod_class))
    best = int(np.lexsort((nodes, shares))[0])
    return int(nodes[best]) if shares[best] <= at_most else None
