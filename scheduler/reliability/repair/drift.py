"""Which pods to move so that broken budgets hold again: the fewest that do."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from scheduler.placement.references import ReferenceBook
from scheduler.reliability.budgets import Break, BrokenBudget, broken_budgets, in_words
from scheduler.reliability.repair.moves import Limits, Move, Moves, Stuck, Why, unmovable
from scheduler.reliability.repair.scene import Scene

MOST_OPTIONS = 64
"""Pods looked at for each move: a few milliseconds each. Those that were found stuck come last."""

_TRIES = 6
"""Destinations of a pod that are looked at in full, the most promising first."""

_DEPENDANTS = 256
"""Pods that a destination of their reference is ranked by; all of them are counted afterwards."""


@dataclass(frozen=True, slots=True)
class _Option:
    """A pod that may be moved, and the broken budgets that its move could repair."""

    row: int
    why: Why
    budgets: tuple[BrokenBudget, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    move: Move
    scene: Scene
    row: int
    target: int


def repairs(
    scene: Scene,
    believed: Sequence[BrokenBudget],
    limits: Limits,
    stuck: frozenset[str] = frozenset(),
) -> Moves:
    """Return the moves that repair broken budgets, those that repair the most first.

    A pod is moved, or the one that it and others refer to. A move leaves fewer budgets broken than
    before, of its own and of those that refer to it; its place is within all its own and free, and
    no room kept for failures is taken.

    Parameters
    ----------
    scene
        The cluster as it is.
    believed
        Budgets believed to be broken (`scheduler.reliability.confirmed`).
    limits
        What must not be moved, or not there.
    stuck
        Uids of pods that could not be moved the last time.
    """
    return _Repairing(scene, limits, stuck).run(believed)


class _Repairing:
    def __init__(self, scene: Scene, limits: Limits, stuck: frozenset[str]) -> None:
        self._scene, self._known = scene, stuck
        self._limits = replace(limits, resting=dict(limits.resting))
        self._referring = scene.referring()
        self._stuck: dict[int, str] = {}

    def run(self, believed: Sequence[BrokenBudget]) -> Moves:
        left = list(believed)
        moves: list[Move] = []
        while left and len(moves) < self._limits.most:
            best = self._best(left)
            if best is None:
                break
            moves.append(best.move)
            self._scene = best.scene
            workload = best.move.pod.pod_class.workload
            if workload is not None:
                self._limits.resting[workload] = ""
            left = self._still_broken(left, best.row)
        placed = self._scene.snapshot.placed
        broken = {one.pod.uid for one in left}
        stuck = [
            Stuck(placed.pods[row], self._name(int(placed.node_of[row])), why)
            for row, why in sorted(self._stuck.items())
            if placed.pods[row].uid in broken
        ]
        return Moves(tuple(moves), tuple(stuck))

    def _best(self, believed: Sequence[BrokenBudget]) -> _Found | None:
        """Return the move that repairs the most."""
        best: _Found | None = None
        for option in self._options(believed)[:MOST_OPTIONS]:
            if best is not None and best.move.repairs >= len(option.budgets):
                break  # sorted: no later one could repair more
            found = self._looked_at(option)
            if isinstance(found, str):
                if option.why is Why.BUDGET and found:
                    self._stuck[option.row] = found
            elif best is None or found.move.repairs > best.move.repairs:
                best = found
        return best

    def _options(self, believed: Sequence[BrokenBudget]) -> list[_Option]:
        placed = self._scene.snapshot.placed
        uids = {one.pod.uid for one in believed}
        row_of = {pod.uid: row for row, pod in enumerate(placed.pods) if pod.uid in uids}
        own: dict[int, list[BrokenBudget]] = {}
        referred: dict[int, list[BrokenBudget]] = {}
        book = ReferenceBook(self._scene.snapshot)
        for one in believed:
            row = row_of.get(one.pod.uid)
            if row is None or placed.is_terminating[row] or one.kind is not Break.TOO_FAR:
                continue
            own.setdefault(row, []).append(one)
            reference = self._only_reference(book, one)
            if reference is not None and reference != row:
                referred.setdefault(reference, []).append(one)
        options = [
            _Option(row, Why.BUDGET, (*of, *referred.get(row, ()))) for row, of in own.items()
        ]
        options += [
            _Option(row, Why.REFERENCE, tuple(of))
            for row, of in referred.items()
            if row not in own and len({one.pod.uid for one in of}) > 1
        ]
        return sorted(options, key=self._urgency)

    def _urgency(self, option: _Option) -> tuple[int, bool, int, str]:
        pod = self._scene.snapshot.placed.pods[option.row]
        is_known = pod.uid in self._known or option.row in self._stuck
        return -len(option.budgets), is_known, -pod.pod_class.priority, pod.key

    def _only_reference(self, book: ReferenceBook, one: BrokenBudget) -> int | None:
        """Return the row of the one pod that a budget refers to; None for a node, or for many."""
        placed = self._scene.snapshot.placed
        target = book.target(one.pod.pod_class, one.constraint)
        numbers = [c for c, of in enumerate(placed.classes) if of in target.classes]
        if not numbers:
            return None
        rows = np.flatnonzero(np.isin(placed.class_of, numbers) & ~placed.is_terminating)
        if target.pod_name:
            rows = rows[[placed.pods[row].name == target.pod_name for row in rows.tolist()]]
        return int(rows[0]) if len(rows) == 1 else None

    def _looked_at(self, option: _Option) -> _Found | str:
        """Return the best move of a pod, or why there is none; empty where it has to wait."""
        scene, row = self._scene, option.row
        pod = scene.snapshot.placed.pods[row]
        workload = pod.pod_class.workload
        why_not = unmovable(pod, self._limits)
        if why_not or workload is None:
            return why_not
        if workload in self._limits.resting:
            return self._limits.resting[workload]
        found = scene.destinations(row)
        here = int(scene.snapshot.placed.node_of[row])
        barred = self._limits.barred.get(workload, frozenset()) | self._limits.untrusted
        within = {n: self._name(n) for n in found.nodes.tolist() if n != here}
        nodes = [n for n, name in within.items() if name not in barred]
        if not nodes:
            return _nowhere(found.refusal, within.values())
        classes = frozenset({pod.pod_class}) | self._referring.get(pod.pod_class, frozenset())
        before, best = scene.violations(classes), None
        for node in self._ranked(option, nodes)[:_TRIES]:
            moved = scene.moved(row, node)
            repaired = before - moved.violations(classes)
            if repaired > 0 and (best is None or repaired > best.move.repairs):
                told = "; ".join(in_words(one) for one in option.budgets[:1])
                move = Move(pod, self._name(here), self._name(node), option.why, told, repaired)
                best = _Found(move, moved, row, node)
        return best or "wherever it could go, no fewer budgets would be broken"

    def _ranked(self, option: _Option, nodes: list[int]) -> list[int]:
        """Return destinations with those first from which most dependants are within reach."""
        dependants = [
            one
            for one in option.budgets[:_DEPENDANTS]
            if one.pod.uid != self._scene.snapshot.placed.pods[option.row].uid
        ]
        if not dependants:
            return nodes
        met = np.zeros(len(nodes), dtype=np.int64)
        for one in dependants:
            rtt_us = self._scene.snapshot.rtt_from(one.node)[nodes]
            met += (rtt_us >= 0) & (rtt_us <= one.constraint.within_us)
        return [nodes[k] for k in np.argsort(-met, kind="stable").tolist()]

    def _still_broken(self, believed: Sequence[BrokenBudget], moved: int) -> list[BrokenBudget]:
        """Return the budgets that the moves so far do not repair."""
        pod = self._scene.snapshot.placed.pods[moved]
        classes = {pod.pod_class} | self._referring.get(pod.pod_class, frozenset())
        now = broken_budgets(self._scene.snapshot, classes)
        broken = {(one.pod.uid, str(one.constraint)) for one in now}
        return [
            one
            for one in believed
            if one.pod.pod_class not in classes or (one.pod.uid, str(one.constraint)) in broken
        ]

    def _name(self, node: int) -> str:
        return self._scene.snapshot.nodes.nodes[node].name


def _nowhere(refusal: str, barred: Iterable[str]) -> str:
    """Return why a pod can go nowhere; `barred` are the nodes that would take it."""
    names = ", ".join(sorted(barred)) or "its own node"
    return refusal or f"it could go nowhere but where it is or was badly off: {names}"
