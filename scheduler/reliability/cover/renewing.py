"""Cover of pods that run, put right after something changed: what is missing or no longer valid."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from scheduler.domain.cover import Uncovered
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.placement.backing import Backing
from scheduler.placement.batch import Batch
from scheduler.placement.decide import decide
from scheduler.placement.reach import reach
from scheduler.placement.settings import PlacementSettings
from scheduler.reliability.cover.covering import cover
from scheduler.reliability.cover.entries import wants_cover
from scheduler.reliability.cover.kept import kept_room
from scheduler.reliability.cover.loads import Ints, loads_of
from scheduler.reliability.cover.settings import CoverEffortSettings, CoverSettings
from scheduler.reliability.cover.standing import demands
from scheduler.reliability.cover.units import failure_units
from scheduler.reliability.failover.losses import dead_rows

SEARCH = 4_000
"""Insertions spent on finding backups for more pods where some find none at first: 0.3 s."""


@dataclass(frozen=True, slots=True)
class Renewal:
    """New backups.

    `backups` has the name of the new backup of each pod whose backup changes, by key, empty where
    it has none any more. `uncovered` are the pods that want one and have none then, `covered`
    counts those that have. `reserve` sums up what is reserved, resource by resource.
    """

    backups: Mapping[str, str]
    uncovered: tuple[Uncovered, ...]
    covered: int
    reserve: Mapping[str, int]


def renewed(
    snapshot: ClusterSnapshot,
    settings: PlacementSettings,
    covering: CoverSettings,
    bare: frozenset[str] = frozenset(),
) -> Renewal:
    """Return the backups that running pods are to have.

    A backup stays while its node lives, admits the pod within its budgets and rules, does not fail
    with its host, and has room for the worst single failure. Others are chosen anew; no pod moves.

    Parameters
    ----------
    snapshot
        What is known; what is pending in it does not count.
    settings, covering
        What decisions are made with.
    bare
        Keys of the pods that had none the last time: for these alone nothing is searched.
    """
    unit = failure_units(snapshot, covering.unit)
    stale = _stale(snapshot, settings, covering, unit)
    best = _covered(snapshot, settings, covering, stale)
    if {one.pod.key for one in best.cover.uncovered} - bare:
        # Others may make room by having their backups elsewhere: that costs nothing but a write.
        everyone = np.flatnonzero(snapshot.placed.backup_of >= 0)
        for rows in (stale, everyone):
            other = _covered(snapshot, settings, covering, rows, search=SEARCH)
            if other.stats.covered > best.stats.covered:
                best, stale = other, rows
    placed, names = snapshot.placed, [node.name for node in snapshot.nodes.nodes]
    backups = {placed.pods[row].key: "" for row in stale.tolist()} | dict(best.cover.backups)
    before = {placed.pods[row].key: names[placed.backup_of[row]] for row in stale.tolist()}
    return Renewal(
        {key: backup for key, backup in backups.items() if before.get(key, "") != backup},
        best.cover.uncovered,
        best.stats.covered,
        best.stats.reserve,
    )


def _covered(
    snapshot: ClusterSnapshot,
    settings: PlacementSettings,
    covering: CoverSettings,
    without: Ints,
    *,
    search: int = 0,
) -> Backing:
    """Return the cover with the backups of some rows chosen anew."""
    placed = snapshot.placed
    backup_of = placed.backup_of.copy()
    is_dead = dead_rows(snapshot)
    node_of = placed.node_of[without]
    # What a dead node's pods have reserved stays promised to those that replace them.
    without = without[(node_of >= 0) & ~is_dead[node_of]]
    backup_of[without] = -1
    kept = replace(snapshot, pending=(), placed=replace(placed, backup_of=backup_of))
    effort = CoverEffortSettings(passes=1, search=search, covers_running=True)
    chosen = msgspec.structs.replace(covering, mode="preferred", effort=effort)
    unit = failure_units(snapshot, covering.unit)
    return cover(decide(kept, settings, kept_room(kept, unit)), chosen)


def _stale(
    snapshot: ClusterSnapshot, settings: PlacementSettings, covering: CoverSettings, unit: Ints
) -> Ints:
    """Return the rows of pods on living nodes whose backup is no longer valid."""
    placed = snapshot.placed
    if not len(snapshot.nodes) or not len(placed.backup_of):
        return np.zeros(0, dtype=np.int64)
    is_dead = dead_rows(snapshot)
    rows = np.flatnonzero((placed.backup_of >= 0) & (placed.node_of >= 0))
    rows = rows[~is_dead[placed.node_of[rows]]]
    valid = _admitted(snapshot, settings, covering, rows)
    host, backup = placed.node_of[rows], placed.backup_of[rows]
    valid &= ~is_dead[backup] & (unit[host] != unit[backup])
    crowded = _crowded(snapshot, rows[valid], unit)
    return np.sort(np.concatenate([rows[~valid], crowded]))


def _admitted(
    snapshot: ClusterSnapshot, settings: PlacementSettings, covering: CoverSettings, rows: Ints
) -> NDArray[np.bool_]:
    """Return which pods may run on their backups, by budgets and by rules of nodes."""
    placed = snapshot.placed
    valid = np.zeros(len(rows), dtype=np.bool_)
    pods = tuple(placed.pods[row] for row in rows.tolist())
    row_of = {pod.key: i for i, pod in enumerate(pods)}
    batch = Batch(replace(snapshot, pending=pods), settings)
    for pending in batch.classes:
        if pending.problems or not wants_cover(pending.pod_class, covering):
            continue
        near = reach(batch, pending, {})
        mask = pending.mask & near.mask
        at = np.array([row_of[pod.key] for pod in pending.pods], dtype=np.int64)
        valid[at] = mask[placed.backup_of[rows[at]]]
    return valid


def _crowded(snapshot: ClusterSnapshot, rows: Ints, unit: Ints) -> Ints:
    """Return the rows of pods whose failure unit brings more to their backup than fits there."""
    placed, table = snapshot.placed, snapshot.nodes
    if not len(rows):
        return rows
    host, backup = placed.node_of[rows].astype(np.int64), placed.backup_of[rows].astype(np.int64)
    loads = loads_of(unit[host], backup, demands(snapshot, rows))
    is_over = ((loads.amounts > table.free[loads.node]) & (loads.amounts > 0)).any(axis=1)
    over = set(zip(loads.unit[is_over].tolist(), loads.node[is_over].tolist(), strict=True))
    is_crowded = [pair in over for pair in zip(unit[host].tolist(), backup.tolist(), strict=True)]
    return rows[np.array(is_crowded, dtype=np.bool_)]
