"""Cover as arrays: who needs a backup, where each pod may run, and what is reserved already.

Each pod p has a host h and a backup b, both nodes it may run on, of different failure units. The
reserve of a node must hold, for every failure unit u, the pods hosted in u and backed up there:

    reserve[m] = max over u of load[u, m],  load[u, m] = sum of demand[p], unit(h)=u, b=m
    used[n] + reserve[n] <= room[n]

Failures of different units do not coincide, so a reserve is a maximum and no sum. (The shared
placeholder of Toka, "Ultra-Reliable and Low-Latency Computing in the Edge with Kubernetes", Journal
of Grid Computing 19, 2021, made exact.)
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Amounts = NDArray[np.float64]
"""Amounts of resources: whole numbers below 2**53, exact in a float."""

NOWHERE = -1
"""No node."""

Nodes = NDArray[np.int64]
"""Positions of nodes within the problem."""


@dataclass(frozen=True, slots=True, eq=False)
class CoverClass:
    """Pods alike in all that cover depends on.

    Parameters
    ----------
    demand
        Shape ``(r,)``: what one pod takes.
    hosts, backups
        Nodes it may run on now, and nodes it could run on if its host died.
    host_cost
        Shape ``(len(hosts),)``, price units: what each host costs beside its reserve.
    wants
        Whether it is to be covered.
    rank
        0 for the highest priority.
    group
        Number of the workload whose replicas spread, or -1.
    """

    demand: Amounts
    hosts: Nodes
    backups: Nodes
    host_cost: Amounts
    wants: bool = True
    rank: int = 0
    group: int = -1


@dataclass(frozen=True, slots=True, eq=False)
class CoverProblem:
    """``n`` nodes, ``r`` resources, ``u`` failure units, ``p`` pods.

    Parameters
    ----------
    room
        Shape ``(n, r)``: room for the pods of the problem and all reserves.
    unit, domain
        Shape ``(n,)``: failure unit, and failure domain (-1 for none).
    base_load
        Shape ``(r, u, n)``: load of pods that are covered already and stay as they are.
    weight
        Shape ``(r,)``: price units of reserving one of each resource.
    classes
        Of the pods.
    class_of
        Shape ``(p,)``.
    pinned
        Shape ``(p,)``: the node of a pod that runs already or may not be moved, -1 for the others.
        What it takes there is not in `room` any more.
    replicas
        Shape ``(g, n)``: replicas of each group that are not pods of the problem.
    must_cover
        Whether a pod that wants cover is better left out than placed without.
    unit_price
        Price of reserving what a pod of the smallest sort takes: the measure of all other prices.
    """

    room: Amounts
    unit: Nodes
    domain: Nodes
    base_load: Amounts
    weight: Amounts
    classes: tuple[CoverClass, ...]
    class_of: Nodes
    pinned: Nodes
    replicas: NDArray[np.int64]
    must_cover: bool
    unit_price: float
