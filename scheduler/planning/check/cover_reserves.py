"""Whether nodes have room for their pods and for those that any one failure would bring there."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.resources import PODS
from scheduler.domain.snapshot import ClusterSnapshot, NodeTable, PlacedPods
from scheduler.domain.workload import PodClass
from scheduler.planning.check.cover_backups import NewBackups, backed_before
from scheduler.planning.check.ledger import Decided

_SAFE = 1 << 62
"""Sums below this cannot wrap an int64."""

Rows = NDArray[np.int64]
Amounts = NDArray[Any]
"""Of each resource, shape ``(…, r)``: int64, or Python's integers where that could wrap."""


def without_room(
    snapshot: ClusterSnapshot, decided: Decided, backups: NewBackups, unit_of: Rows
) -> Iterator[str]:
    """Yield where the plan adds pods or backups and leaves no room for pods and reserve together.

    A resource is looked at where a new pod, or a pod with a new backup, asks for it. A node to
    which only pods are added that replace lost ones owes no reserve: they may use it.
    """
    table, placed, there = snapshot.nodes, snapshot.placed, backups.there
    is_judged = _added_to(table, decided, backups)
    if not is_judged.any():
        return
    old = _awaited(snapshot, decided)
    old = old[is_judged[placed.backup_of[old]]]
    of_old, of_decided, of_new = _demands(table, _asked(placed, old), decided, there)
    added = _sums(table, decided.node_of, of_decided)
    backed = _sums(table, there.node_of, of_new)
    hosts = np.concatenate([placed.node_of[old], backups.host_of])
    on = np.concatenate([placed.backup_of[old], there.node_of])
    reserve = reserves(unit_of[hosts], on, np.concatenate([of_old, of_new]), len(table))
    left = (table.allocatable - table.requested).astype(added.dtype)
    # Where nothing is reserved it is the room rule's.
    over = (added + backed > 0) & (reserve > 0) & (added + reserve > left)
    over &= is_judged[:, None]
    for i, k in zip(*(part.tolist() for part in np.nonzero(over)), strict=True):
        assigned, kept, room = int(added[i, k]), int(reserve[i, k]), int(left[i, k])
        yield (
            f"reserve: {table.nodes[i].name} is {assigned + kept - room} {table.resources[k]} "
            f"short: {assigned} assigned, {kept} reserved, {room} left"
        )


def reserves(unit_of: Rows, backup_of: Rows, demand: Amounts, count: int) -> Amounts:
    """Return what each of `count` nodes has to keep, shape ``(count, r)``.

    Parameters
    ----------
    unit_of, backup_of
        Shape ``(c,)``: what each covered pod's own node fails with, and the node it would go to.
    demand
        Shape ``(c, r)``: what each of them takes.

    Returns
    -------
    array
        For each node the sum over the pods of one failing unit, the largest of any; resource by
        resource.
    """
    reserve = np.zeros((count, demand.shape[1]), dtype=demand.dtype)
    if not len(backup_of):
        return reserve
    failure = backup_of.astype(np.int64) * (int(unit_of.max()) + 1) + unit_of
    order = np.argsort(failure)
    starts = _starts(failure[order])
    loads = np.add.reduceat(demand[order], starts, axis=0)
    on = backup_of[order[starts]]
    firsts = _starts(on)
    reserve[on[firsts]] = np.maximum.reduceat(loads, firsts, axis=0)
    return reserve


def _starts(values: Rows) -> Rows:
    """Return where each run of equal values begins."""
    return np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))


def _awaited(snapshot: ClusterSnapshot, decided: Decided) -> Rows:
    """Return the rows of placed pods that may still come to their backups.

    One on a dead node comes no more once its place was taken by another, before or in this plan.
    """
    rows, is_lost = backed_before(snapshot)
    if not is_lost.any():
        return rows
    placed = snapshot.placed
    taken = placed.replaced.union(made.replaces for made in decided.assignments if made.replaces)
    came = [placed.pods[row].uid in taken for row in rows[is_lost].tolist()]
    comes = np.ones(len(rows), dtype=np.bool_)
    comes[is_lost] = ~np.array(came, dtype=np.bool_)
    return rows[comes]


def _added_to(table: NodeTable, decided: Decided, backups: NewBackups) -> NDArray[np.bool_]:
    """Return which nodes get a new backup, or a pod that takes no reserved place."""
    is_judged = np.zeros(len(table), dtype=np.bool_)
    takes_own = np.array([not made.replaces for made in decided.assignments], dtype=np.bool_)
    is_judged[decided.node_of[takes_own]] = True
    is_judged[backups.there.node_of] = True
    return is_judged


def _asked(placed: PlacedPods, rows: Rows) -> tuple[Sequence[PodClass], Rows]:
    """Return the classes of some placed pods, and which of them each is of."""
    of = placed.class_of[rows]
    used = np.flatnonzero(np.bincount(of, minlength=len(placed.classes)))
    number = np.zeros(len(placed.classes), dtype=np.int64)
    number[used] = np.arange(len(used), dtype=np.int64)
    return [placed.classes[c] for c in used.tolist()], number[of]


def _demands(
    table: NodeTable, old: tuple[Sequence[PodClass], Rows], *new: Decided
) -> list[Amounts]:
    """Return what each pod takes, shape ``(pods, r)``; of `old` ones, and of each of `new`."""
    parts = [old, *((one.classes, _class_of(one)) for one in new)]
    column_of = {name: k for k, name in enumerate(table.resources)}
    demand: list[list[int]] = []
    for pod_class in chain.from_iterable(classes for classes, _ in parts):
        amounts = [0] * len(column_of)
        amounts[column_of[PODS]] = 1
        for name, amount in pod_class.requests:
            # What no node has is the room rule's.
            if name in column_of:
                amounts[column_of[name]] += amount
        demand.append(amounts)
    counts = [np.bincount(of, minlength=len(classes)).tolist() for classes, of in parts]
    totals = (n * max(a) for n, a in zip(chain.from_iterable(counts), demand, strict=True))
    # Python's integers cannot wrap but are slow: only for sums that int64 could not hold.
    dtype = np.int64 if sum(totals) < _SAFE else object
    table_of = np.array(demand, dtype=dtype).reshape(-1, len(column_of))
    starts = np.cumsum([0, *(len(classes) for classes, _ in parts)])
    return [table_of[start + of] for start, (_, of) in zip(starts, parts, strict=False)]


def _class_of(decided: Decided) -> Rows:
    """Return the class of each pod, as a row of its `classes`."""
    class_of = np.zeros(len(decided.pods), dtype=np.int64)
    for c, rows in enumerate(decided.rows_of):
        class_of[rows] = c
    return class_of


def _sums(table: NodeTable, node_of: Rows, demand: Amounts) -> Amounts:
    """Return what pods take of each node, shape ``(n, r)``."""
    sums = np.zeros((len(table), demand.shape[1]), dtype=demand.dtype)
    np.add.at(sums, node_of, demand)
    return sums
