"""Kinds: pods that are to be covered, alike in demand, hosts and backups; and groups of kinds."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.reliability.cover.problem import Amounts, CoverProblem, Nodes

LIKENESS = (0.0, 0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 1.0)
"""How much of their nodes kinds of one group have in common, tried in this order."""


@dataclass(frozen=True, slots=True, eq=False)
class Kinds:
    """``j`` kinds on ``n`` nodes with ``r`` resources.

    Parameters
    ----------
    many
        Shape ``(j,)``: pods of each.
    demand
        Shape ``(j, r)``.
    is_pinned
        Shape ``(j,)``: whether its only host holds it already.
    may_host, may_back
        Shape ``(j, n)``.
    """

    many: Amounts
    demand: Amounts
    is_pinned: NDArray[np.bool_]
    may_host: NDArray[np.bool_]
    may_back: NDArray[np.bool_]


def kinds_of(problem: CoverProblem, room: Amounts) -> Kinds:
    """Return the kinds of a problem's pods that want cover and could have it.

    Parameters
    ----------
    problem
        The problem.
    room
        Shape ``(n, r)``: the most there may be on each node of pods, and of reserve.
    """
    index: dict[tuple[object, ...], int] = {}
    many: list[int] = []
    rows: list[tuple[Amounts, Nodes, Nodes, bool]] = []
    for number, pinned in zip(problem.class_of.tolist(), problem.pinned.tolist(), strict=True):
        made = problem.classes[number]
        if not made.wants:
            continue
        hosts = made.hosts if pinned < 0 else np.array([pinned], dtype=np.int64)
        key = (made.demand.tobytes(), hosts.tobytes(), made.backups.tobytes(), pinned >= 0)
        at = index.setdefault(key, len(many))
        if at == len(many):
            many.append(0)
            rows.append((made.demand, hosts, made.backups, pinned >= 0))
        many[at] += 1
    host = np.zeros((len(rows), len(room)), dtype=np.bool_)
    back = np.zeros_like(host)
    for j, (demand, hosts, backups, is_pinned) in enumerate(rows):
        host[j, hosts], back[j, backups] = True, True
        fits = (demand <= room).all(axis=1)
        back[j] &= fits
        if not is_pinned:
            host[j] &= fits
    demands = np.array([row[0] for row in rows]).reshape(len(rows), room.shape[1])
    pins = np.array([row[3] for row in rows], dtype=np.bool_)
    able = host.any(axis=1) & back.any(axis=1)
    counts = np.array(many, dtype=np.float64)
    return Kinds(counts[able], demands[able], pins[able], host[able], back[able])


def groups_of(kinds: Kinds, unit: Nodes, limit: int) -> NDArray[np.int64] | None:
    """Return the group of each kind, so that all groups together have few pairs, or None.

    Parameters
    ----------
    kinds
        To be grouped by the nodes they may be on.
    unit
        Shape ``(n,)``: the failure unit of each node.
    limit
        Most pairs of failure unit and backup, summed over the groups; None is returned where not
        even one group has so few.
    """
    best: NDArray[np.int64] | None = None
    for likeness in LIKENESS:  # from one group, which has fewest pairs, to ever more
        group = _grouped(kinds, likeness)
        if sum(int(p.sum()) for p in pairs_of(kinds, group, unit)) > limit:
            break
        best = group
    return best


def pairs_of(kinds: Kinds, group: NDArray[np.int64], unit: Nodes) -> list[NDArray[np.bool_]]:
    """Return the pairs of each group, shape ``(u, n)``: failure unit of the host, and backup."""
    units = int(unit.max(initial=-1)) + 1
    apart = unit[None, :] != np.arange(units)[:, None]
    in_unit = np.zeros((len(unit), units), dtype=np.float32)
    in_unit[np.arange(len(unit)), unit] = 1.0
    fails = ((kinds.may_host.astype(np.float32) @ in_unit) > 0).astype(np.float32)
    out = []
    for g in range(int(group.max(initial=-1)) + 1):
        own = group == g
        both = fails[own].T @ kinds.may_back[own].astype(np.float32)
        out.append((both > 0) & apart)
    return out


def _grouped(kinds: Kinds, likeness: float) -> NDArray[np.int64]:
    """Put each kind, those with most nodes first, to the first group that is like it."""
    sets = np.hstack([kinds.may_host, kinds.may_back]).astype(np.float32)
    size = sets.sum(axis=1)
    shared = sets @ sets.T
    like = shared >= likeness * (size[:, None] + size[None, :] - shared) - 1e-3
    group = np.full(len(size), -1, dtype=np.int64)
    many = 0
    for j in np.argsort(-size, kind="stable").tolist():
        if group[j] < 0:
            group[like[j] & (group < 0)] = many
            many += 1
    return group
