"""Cover of a decision: its pods get backups, and other nodes where that saves reserves."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from scheduler.domain.cover import CoverPlan, Uncovered
from scheduler.domain.plan import CoverStats
from scheduler.domain.workload import Pod
from scheduler.placement.backing import Backing
from scheduler.placement.decide import Decision
from scheduler.reliability.cover.bounds import Bounds
from scheduler.reliability.cover.entries import (
    Entry,
    decided_entries,
    standing_entries,
    wants_cover,
)
from scheduler.reliability.cover.loads import Ints, Loads, joined, loads_of
from scheduler.reliability.cover.making import Ground, Made, make_problem, offered
from scheduler.reliability.cover.problem import NOWHERE, Nodes
from scheduler.reliability.cover.settings import CoverSettings
from scheduler.reliability.cover.solving import solve
from scheduler.reliability.cover.standing import covered_rows, standing_loads
from scheduler.reliability.cover.units import failure_units
from scheduler.reliability.cover.whole import is_whole
from scheduler.reliability.cover.writing import Arranged, Pair, write_back

MANY_NODES = 600
"""Nodes of one problem; with more of them, classes are decided a few at a time. A table of loads
has their square, 3 MB a resource: with twice the nodes ten thousand pods take half as long again,
and reserve as much."""

NO_BACKUP = (
    "no node that does not fail with its own, within its budgets and rules, has room for its backup"
)


@dataclass(slots=True)
class _Done:
    """What has been arranged so far: a host and a backup for each pod of each entry."""

    host: dict[int, list[int]] = field(default_factory=dict)
    backup: dict[int, list[int]] = field(default_factory=dict)
    steps: int = 0
    is_truncated: bool = False
    proofs: list[tuple[Made, Bounds]] = field(default_factory=list)
    is_whole: bool = False


def cover(
    decision: Decision, settings: CoverSettings, is_over: Callable[[], bool] = lambda: False
) -> Backing:
    """Give the pods of a decision backups; have them placed elsewhere where that is better.

    Better is, in this order: more pods placed (with mode ``required``: placed and covered), more of
    them covered, less price of reserves and nodes; higher priorities first.

    Parameters
    ----------
    decision
        Made with the room that stands reserved kept; its `placing` is changed.
    settings
        Of cover; the mode is not ``off``.
    is_over
        Says when to stop searching.
    """
    return _Covering(decision, settings, is_over).run()


class _Covering:
    def __init__(
        self, decision: Decision, settings: CoverSettings, is_over: Callable[[], bool]
    ) -> None:
        self._decision, self._settings, self._is_over = decision, settings, is_over
        self._batch, self._placing = decision.batch, decision.placing
        self._snapshot = decision.batch.snapshot
        self._unit = failure_units(self._snapshot, settings.unit)
        self._standing = standing_loads(self._snapshot, self._unit)
        self._done = _Done()
        self._entries = decided_entries(decision, settings)
        self._decided = len(self._entries)
        if settings.effort.covers_running:
            self._entries += standing_entries(decision, settings)

    def run(self) -> Backing:
        """Arrange everything and write it back."""
        if not any(entry.wants for entry in self._entries):
            return Backing(stats=self._stats({}))
        choices = offered(self._entries, self._ground(None))
        self._done.is_whole = is_whole(self._batch.classes, self._entries, choices)
        loads, room = self._standing, None
        for part in _parts(self._entries, choices):
            ground = self._ground(loads, room)
            members = [self._entries[k] for k in part]
            self._arrange(part, make_problem(members, [choices[k] for k in part], ground))
            loads = joined(loads, self._loads(part))
            room = ground.room - self._used(part)
        backups = write_back(self._decision, self._settings, self._arranged())
        self._reserve(backups)
        self._decision.recount()
        return self._backing(backups)

    # Arranging

    def _ground(self, loads: Loads | None, room: Ints | None = None) -> Ground:
        if room is None:
            room = self._placing.free.copy()
            if self._placing.reserved is not None:
                room += self._placing.reserved
            for entry in self._entries:
                for node in entry.nodes if entry.may_move else ():
                    if node != NOWHERE:
                        room[node] += entry.pending.demand
            nominated = self._batch.kept_room(_least_priority(self._entries))
            if nominated is not None:
                room -= nominated
        return Ground(self._batch.table, self._unit, room, loads, self._settings)

    def _arrange(self, part: Sequence[int], made: Made) -> None:
        solved = solve(made, self._settings.effort, self._is_over)
        arrangement = solved.arrangement
        self._done.steps += solved.steps
        self._done.is_truncated |= solved.is_truncated
        self._done.proofs.append((made, solved.bounds))
        for number in part:
            self._done.host[number] = [NOWHERE] * len(self._entries[number].pods)
            self._done.backup[number] = [NOWHERE] * len(self._entries[number].pods)
        for pod, (local, place) in enumerate(made.pods):
            number, host, backup = part[local], arrangement.host[pod], arrangement.backup[pod]
            self._done.host[number][place] = int(made.at[host]) if host >= 0 else NOWHERE
            self._done.backup[number][place] = int(made.at[backup]) if backup >= 0 else NOWHERE

    def _used(self, part: Iterable[int]) -> Ints:
        """Return what the pods of a part that may move take, shape ``(n, r)``."""
        used = np.zeros_like(self._batch.table.allocatable)
        for number in part:
            entry = self._entries[number]
            for host in self._done.host[number] if entry.may_move else ():
                if host != NOWHERE:
                    used[host] += entry.pending.demand
        return used

    def _loads(self, part: Iterable[int]) -> Loads:
        rows = [
            (self._unit[host], backup, self._entries[number].pending.demand)
            for number in part
            for host, backup in zip(self._done.host[number], self._done.backup[number], strict=True)
            if backup != NOWHERE
        ]
        return _loads(rows, len(self._batch.table.resources))

    # Writing back

    def _arranged(self) -> list[Arranged]:
        return [
            Arranged(
                entry,
                list(zip(self._done.host[number], self._done.backup[number], strict=True)),
                is_running=number >= self._decided,
            )
            for number, entry in enumerate(self._entries)
        ]

    def _reserve(self, backups: dict[str, tuple[int, int]]) -> None:
        """Take what is reserved now out of the free room."""
        demand = {pod.key: entry.pending.demand for entry in self._entries for pod in entry.pods}
        rows = [(self._unit[h], b, demand[key]) for key, (h, b) in backups.items()]
        loads = joined(self._standing, _loads(rows, len(self._batch.table.resources)))
        reserved = loads.reserves(len(self._batch.table))
        if self._placing.reserved is not None:
            self._placing.free += self._placing.reserved
        self._placing.free -= reserved
        self._placing.reserved = reserved

    def _backing(self, backups: dict[str, tuple[int, int]]) -> Backing:
        names = [node.name for node in self._batch.table.nodes]
        running = {pod.key for entry in self._entries[self._decided :] for pod in entry.pods}
        bare = [pod for pod in self._wanting() if pod.key not in backups]
        is_must = self._settings.mode == "required"
        return Backing(
            backups={key: names[b] for key, (_, b) in backups.items() if key not in running},
            wanting=frozenset(
                entry.pending.number
                for entry in self._entries[: self._decided]
                if entry.wants and is_must
            ),
            cover=CoverPlan(
                uncovered=tuple(Uncovered(pod, NO_BACKUP) for pod in bare),
                backups={key: names[b] for key, (_, b) in backups.items() if key in running},
            ),
            stats=self._stats(backups),
            is_truncated=self._done.is_truncated,
        )

    def _wanting(self) -> list[Pod]:
        """Return the pods that are placed and want cover, and are not covered from before."""
        out: list[Pod] = []
        for number, entry in enumerate(self._entries):
            if entry.wants:
                spots = self._placing.pods.get(entry.pending.pod_class, ())
                out += entry.pods[: len(spots)] if number < self._decided else entry.pods
        return out

    def _stats(self, backups: dict[str, tuple[int, int]]) -> CoverStats:
        standing = len(covered_rows(self._snapshot))
        wanting = sum(len(entry.pods) for entry in self._entries[self._decided :] if entry.wants)
        wanting += sum(
            len(pending.pods)
            for pending in self._batch.classes
            if wants_cover(pending.pod_class, self._settings)
        )
        reserved = self._placing.reserved
        total = [] if reserved is None else reserved.sum(axis=0).tolist()
        reserve = {
            name: amount
            for name, amount in zip(self._batch.table.resources, total, strict=False)
            if amount
        }
        stats = CoverStats(
            wanting=standing + wanting,
            covered=standing + len(backups),
            reserve=reserve,
            steps=self._done.steps,
        )
        return self._proven(stats, backups, standing)

    def _proven(self, stats: CoverStats, backups: Mapping[str, Pair], standing: int) -> CoverStats:
        """Add what was proven of the decision, where it was one problem and carried out whole."""
        arranged = sum(b != NOWHERE for pods in self._done.backup.values() for b in pods)
        is_one = len(self._done.proofs) == 1 and self._done.is_whole
        if not is_one or arranged != len(backups):
            return stats
        made, bounds = self._done.proofs[0]
        if bounds.most is None:
            return stats
        names = self._batch.table.resources
        beside = self._reserved_beside(made)
        least = {
            names[column]: amount + int(beside[column])
            for column, amount in zip(made.columns.tolist(), bounds.least, strict=True)
        }
        return replace(
            stats, most=standing + bounds.most, least=least, is_optimal=bounds.is_optimal
        )

    def _reserved_beside(self, made: Made) -> Ints:
        """Return what stands reserved on nodes that are not in a problem, shape ``(r,)``."""
        if self._standing is None:
            return np.zeros(len(self._batch.table.resources), dtype=np.int64)
        reserves = self._standing.reserves(len(self._batch.table))
        reserves[made.at] = 0
        return np.asarray(reserves.sum(axis=0))


def _least_priority(entries: Sequence[Entry]) -> int:
    return min((entry.pending.pod_class.priority for entry in entries), default=0)


def _loads(rows: Sequence[tuple[int, int, Ints]], resources: int) -> Loads:
    unit = np.array([row[0] for row in rows], dtype=np.int64)
    backup = np.array([row[1] for row in rows], dtype=np.int64)
    demand = np.array([row[2] for row in rows], dtype=np.int64).reshape(len(rows), resources)
    return loads_of(unit, backup, demand)


def _parts(entries: Sequence[Entry], choices: Sequence[tuple[Nodes, Nodes]]) -> list[list[int]]:
    """Split the entries, the more urgent first, so that each part has few enough nodes."""
    order = sorted(range(len(entries)), key=lambda k: (-entries[k].pending.pod_class.priority, k))
    parts: list[list[int]] = []
    nodes: set[int] = set()
    for number in order:
        if not entries[number].pods:
            continue
        own = {*choices[number][0].tolist(), *choices[number][1].tolist()}
        if not parts or len(nodes | own) > MANY_NODES:
            parts.append([])
            nodes = set()
        nodes |= own
        parts[-1].append(number)
    return parts
