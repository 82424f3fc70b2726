"""A cluster looked at with some of its pods elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import PodClass
from scheduler.placement.batch import Batch
from scheduler.placement.feasibility.room import fits
from scheduler.placement.placing import nothing_placed
from scheduler.placement.reach import reach
from scheduler.placement.references import ReferenceBook
from scheduler.placement.refusals import refuse
from scheduler.placement.settings import PlacementSettings
from scheduler.placement.stage import arc_costs
from scheduler.reliability.budgets import Break, broken_budgets
from scheduler.reliability.cover.kept import kept_room
from scheduler.reliability.cover.settings import CoverSettings
from scheduler.reliability.cover.units import failure_units

_VIOLATIONS = (Break.TOO_FAR, Break.NO_REPLICA, Break.UNKNOWN_REFERENCE)


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """What decisions are made with."""

    placement: PlacementSettings
    cover: CoverSettings


@dataclass(frozen=True, slots=True, eq=False)
class Destinations:
    """Where a pod could run.

    Parameters
    ----------
    nodes
        Rows, the cheapest first.
    refusal
        Why there is none, in words.
    """

    nodes: NDArray[np.int64]
    refusal: str


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A snapshot in which nothing is pending.

    Parameters
    ----------
    snapshot
        What is known, or would be.
    rules
        What decisions are made with.
    """

    snapshot: ClusterSnapshot
    rules: Rules

    def moved(self, row: int, node: int) -> "Scene":
        """Return the same with the placed pod of a row on another node, without a backup."""
        snapshot, placed = self.snapshot, self.snapshot.placed
        node_of, backup_of = placed.node_of.copy(), placed.backup_of.copy()
        demand = snapshot.nodes.demand(placed.pods[row].pod_class)
        requested = snapshot.nodes.requested.copy()
        if node_of[row] >= 0:
            requested[node_of[row]] -= demand
        requested[node] += demand
        node_of[row], backup_of[row] = node, -1
        moved = replace(placed, node_of=node_of, backup_of=backup_of)
        nodes = snapshot.nodes.with_requested(requested)
        return Scene(replace(snapshot, nodes=nodes, placed=moved), self.rules)

    def destinations(self, row: int, *, in_reserves: bool = False) -> Destinations:
        """Return where the placed pod of a row could run, within budgets and rules.

        Parameters
        ----------
        row
            Of the pod.
        in_reserves
            Whether it may take room that is kept for failures.
        """
        lifted = self._without(row)
        is_off = self.rules.cover.mode == "off"
        unit = None if is_off else failure_units(lifted, self.rules.cover.unit)
        batch = Batch(lifted, self.rules.placement, kept_room(lifted, unit))
        placing = nothing_placed(batch)
        if in_reserves and placing.reserved is not None:
            placing.free += placing.reserved
        [pending] = batch.classes
        near = reach(batch, pending, placing.pods)
        if pending.problems or near.problems:
            return Destinations(np.zeros(0, np.int64), refuse(batch, pending, placing).message)
        mask = pending.mask & near.mask & fits(pending.demand, placing.free)
        nodes = np.flatnonzero(placing.rules.narrow(pending.number, mask))
        if not len(nodes):
            return Destinations(nodes, refuse(batch, pending, placing).message)
        cost = arc_costs(batch, pending, near)[nodes]
        return Destinations(nodes[np.argsort(cost, kind="stable")], "")

    def violations(self, classes: frozenset[PodClass]) -> int:
        """Return how many budgets of the pods of some classes are broken by the table as it is."""
        found = broken_budgets(self.snapshot, classes)
        return sum(one.kind in _VIOLATIONS for one in found)

    def referring(self) -> Mapping[PodClass, frozenset[PodClass]]:
        """Return the classes whose hard delays refer to pods of each class."""
        book = ReferenceBook(self.snapshot)
        out: dict[PodClass, set[PodClass]] = {}
        for pod_class in self.snapshot.placed.classes:
            for delay in pod_class.hard_delays:
                for referred in book.target(pod_class, delay).classes:
                    out.setdefault(referred, set()).add(pod_class)
        return {pod_class: frozenset(found) for pod_class, found in out.items()}

    def _without(self, row: int) -> ClusterSnapshot:
        """Return the snapshot with the placed pod of a row pending."""
        snapshot, placed = self.snapshot, self.snapshot.placed
        pod, node = placed.pods[row], int(placed.node_of[row])
        requested = snapshot.nodes.requested
        if node >= 0:
            requested = requested.copy()
            requested[node] -= snapshot.nodes.demand(pod.pod_class)
        left = replace(
            placed,
            pods=placed.pods[:row] + placed.pods[row + 1 :],
            node_of=np.delete(placed.node_of, row),
            class_of=np.delete(placed.class_of, row),
            is_terminating=np.delete(placed.is_terminating, row),
            backup_of=np.delete(placed.backup_of, row),
        )
        nodes = snapshot.nodes.with_requested(requested)
        return replace(snapshot, nodes=nodes, placed=left, pending=(pod,))
