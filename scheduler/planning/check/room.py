"""Whether the nodes have room for all their assignments together, on every resource."""

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.resources import PODS
from scheduler.domain.snapshot import NodeTable
from scheduler.planning.check.ledger import Decided

_SAFE = 1 << 62
"""Sums below this cannot wrap an int64."""


def overcommitted(table: NodeTable, decided: Decided) -> list[str]:
    """Return where the plan asks for more than is left.

    A node that was over-committed before is a violation only if the plan adds to it, and a resource
    of which the plan asks nothing is not looked at: kube-scheduler's NodeResourcesFit.
    """
    column_of = {name: k for k, name in enumerate(table.resources)}
    found: list[str] = []
    asked = np.zeros((len(decided.classes), len(column_of)), dtype=object)
    for c, pod_class in enumerate(decided.classes):
        asked[c, column_of[PODS]] += 1
        for name, amount in pod_class.requests:
            if name in column_of:
                asked[c, column_of[name]] += amount
            elif amount:
                rows = decided.rows_of[c]
                found += [
                    f"room: {decided.pods[row].key} asks for {amount} {name}, which no node has"
                    for row in rows
                ]
    return found + _beyond(table, decided, asked)


def _beyond(table: NodeTable, decided: Decided, asked: NDArray[np.object_]) -> list[str]:
    totals = sum(
        (asked[c] * len(rows) for c, rows in enumerate(decided.rows_of)),
        start=np.zeros(asked.shape[1], dtype=object),
    )
    # Python's integers cannot wrap but are slow: only for sums that int64 could not hold.
    dtype = np.int64 if max(totals, default=0) < _SAFE else object
    added = np.zeros(table.allocatable.shape, dtype=dtype)
    demand = asked.astype(dtype)
    for c, rows in enumerate(decided.rows_of):
        np.add.at(added, decided.node_of[rows], demand[c])
    left = (table.allocatable - table.requested).astype(dtype)
    over = (added > 0) & (added > left)
    return [
        f"room: {table.nodes[i].name} is {int(added[i, k]) - int(left[i, k])} {table.resources[k]} "
        f"short: {int(added[i, k])} assigned, {int(left[i, k])} left"
        for i, k in zip(*(part.tolist() for part in np.nonzero(over)), strict=True)
    ]
