"""Cover of pods that run, put right after something changed: what is missing or no longer valid."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from scheduler.domain.cover import Uncovered
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import Pod
from scheduler.placement.backing import Backing
from scheduler.placement.decide import decide
from scheduler.placement.reach import reach_elsewhere
from scheduler.placement.settings import PlacementSettings
from scheduler.reliability.cover.beside import standing_batch
from scheduler.reliability.cover.covering import cover
from scheduler.reliability.cover.entries import wants_cover
from scheduler.reliability.cover.kept import kept_room
from scheduler.reliability.cover.loads import Ints, loads_of
from scheduler.reliability.cover.settings import CoverEffortSettings, CoverSettings
from scheduler.reliability.cover.standing import covered_rows, demands
from scheduler.reliability.cover.units import failure_units
from scheduler.reliability.failover.losses import dead_rows
from scheduler.reliability.failover.trusting import trusting

SEARCH = 4_000
"""Insertions spent on finding backups for more pods where some find none at first: 0.3 s."""


@dataclass(frozen=True, slots=True)
class Change:
    """A pod that runs on a node, and its new backup: empty where it has none any more."""

    pod: Pod
    node: str
    backup: str


@dataclass(frozen=True, slots=True)
class Renewal:
    """New backups, of the pods whose backup changes.

    `uncovered` are the pods that want one and have none then, `covered` counts those that have.
    `reserve` sums up what is reserved, resource by resource.
    """

    changes: tuple[Change, ...]
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
    with its host, and has room for the worst single failure; one that is held down only gets no
    more. Others are chosen anew; no pod moves.
    What a dead node's pods have reserved stays promised to those that replace them.

    Parameters
    ----------
    snapshot
        What is known; what is pending in it does not count.
    settings, covering
        What decisions are made with.
    bare
        Keys of the pods that had none the last time: for these alone nothing is searched.
    """
    snapshot = replace(snapshot, pending=())
    everyone = covered_rows(snapshot)
    anew = _stale(snapshot, settings, covering, everyone)
    best = _covered(snapshot, settings, covering, anew)
    if {one.pod.key for one in best.cover.uncovered} - bare:
        # Others may make room by having their backups elsewhere: that costs nothing but a write.
        for rows in (anew, everyone):
            other = _covered(snapshot, settings, covering, rows, search=SEARCH)
            if other.stats.covered > best.stats.covered:
                best, anew = other, rows
    return Renewal(
        tuple(_changes(snapshot, anew, best.cover.backups)),
        best.cover.uncovered,
        best.stats.covered,
        best.stats.reserve,
    )


def _changes(snapshot: ClusterSnapshot, anew: Ints, backups: Mapping[str, str]) -> Iterator[Change]:
    """Yield what is new: of rows whose backup was chosen anew, and of those that had none."""
    placed, names = snapshot.placed, [node.name for node in snapshot.nodes.nodes]
    before = {placed.pods[row].key: names[placed.backup_of[row]] for row in anew.tolist()}
    if not (before or backups):
        return
    for pod, node in zip(placed.pods, placed.node_of.tolist(), strict=True):
        backup, was = backups.get(pod.key, ""), before.get(pod.key, "")
        if backup != was:
            yield Change(pod, names[node], backup)


def _covered(
    snapshot: ClusterSnapshot,
    settings: PlacementSettings,
    covering: CoverSettings,
    anew: Ints,
    *,
    search: int = 0,
) -> Backing:
    """Return the cover with the backups of some rows chosen anew."""
    backup_of = snapshot.placed.backup_of.copy()
    backup_of[anew] = -1
    kept = replace(snapshot, placed=replace(snapshot.placed, backup_of=backup_of))
    effort = CoverEffortSettings(passes=1, search=search, covers_running=True)
    chosen = msgspec.structs.replace(covering, mode="preferred", effort=effort)
    unit = failure_units(snapshot, covering.unit)
    return cover(decide(kept, settings, kept_room(kept, unit)), chosen)


def _stale(
    snapshot: ClusterSnapshot, settings: PlacementSettings, covering: CoverSettings, rows: Ints
) -> Ints:
    """Return those of some rows whose backup is no longer valid."""
    if not len(rows):
        return rows
    placed, unit = snapshot.placed, failure_units(snapshot, covering.unit)
    host, backup = placed.node_of[rows], placed.backup_of[rows]
    valid = _admitted(trusting(snapshot), settings, covering, rows)
    valid &= ~dead_rows(snapshot)[backup] & (unit[host] != unit[backup])
    return np.sort(np.concatenate([rows[~valid], _crowded(snapshot, rows[valid], unit)]))


def _admitted(
    snapshot: ClusterSnapshot, settings: PlacementSettings, covering: CoverSettings, rows: Ints
) -> NDArray[np.bool_]:
    """Return which pods may run on their backups, by budgets and by rules of nodes."""
    placed = snapshot.placed
    valid = np.zeros(len(rows), dtype=np.bool_)
    at_of = {placed.pods[row].key: i for i, row in enumerate(rows.tolist())}
    batch = standing_batch(snapshot, rows.tolist(), settings)
    for pending in batch.classes:
        if pending.problems or not wants_cover(pending.pod_class, covering):
            continue
        at = np.array([at_of[pod.key] for pod in pending.pods], dtype=np.int64)
        hosts, backups = placed.node_of[rows[at]], placed.backup_of[rows[at]]
        # Who is its own reference has others from each host; all others are alike everywhere.
        is_self = any(target.is_self for target in pending.targets)
        for host in np.unique(hosts) if is_self else hosts[:1]:
            within = pending.mask & reach_elsewhere(batch, pending, {}, (int(host),))
            here = hosts == host if is_self else np.ones(len(hosts), dtype=np.bool_)
            valid[at[here]] = within[backups[here]]
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
