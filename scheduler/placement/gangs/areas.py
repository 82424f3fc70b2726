"""Where a gang fits whose members must be near each other: the tightest set of nodes with room.

A set grows from each node: the nearest other node that is within the gang's limit of all that are
in it already joins, until there is room for the whole gang. The set with the smallest largest RTT
is taken. Pairs are judged by the larger of both directions; one that nobody measured is too far.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.cover import KeptRoom
from scheduler.domain.pod_group import GroupRef
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.placement.feasibility.room import fitting
from scheduler.placement.feasibility.verdict import Mask
from scheduler.placement.gangs.gang import Gang
from telemetry.model import UNKNOWN_US

Ints = NDArray[np.int64]

_FAR = np.int64(1) << 40
_MANY = 1 << 30
_MOST_SEEDS = 512
"""Nodes that a set is grown from, those with most room: all of them in all but the largest."""


class Areas:
    """The areas of the gangs of a snapshot that have a limit, in the room that is not `kept`."""

    def __init__(
        self, snapshot: ClusterSnapshot, gangs: Mapping[GroupRef, Gang], kept: KeptRoom | None
    ) -> None:
        free = snapshot.nodes.free if kept is None else snapshot.nodes.free - kept.room
        self._free = np.maximum(free, 0).astype(np.int64)
        self._snapshot = snapshot
        self._gangs = {ref: gang for ref, gang in gangs.items() if gang.group.within_us}
        index = snapshot.rtt.index
        names = [node.name for node in snapshot.nodes.nodes] if self._gangs else []
        self._at = np.array([index.get(name, -1) for name in names], dtype=np.int64)
        self._rows: dict[int, Ints] = {}

    def __bool__(self) -> bool:
        return bool(self._gangs)

    def of(self, order: Sequence[GroupRef]) -> dict[str, Mask]:
        """Return the nodes that each pod of these gangs may use, by key; others may use all.

        Parameters
        ----------
        order
            The gangs that are tried, the most urgent first: each finds the room that those before
            it leave.
        """
        free = self._free.copy()
        out: dict[str, Mask] = {}
        for ref in order:
            gang = self._gangs.get(ref)
            if gang is None:
                continue
            area = self._area(gang, free)
            if area is None and gang.group.is_within_soft:
                continue
            mask = np.zeros(len(free), dtype=np.bool_)
            wide = mask
            if area is not None:
                mask[area] = True
                wide = self._widened(gang, area, free)
                _take(free, area, self._demand(gang), gang.needs)
            out.update({pod.key: mask for pod in gang.pods[: gang.needs]})
            out.update({pod.key: wide for pod in gang.spare})
        return out

    def _widened(self, gang: Gang, area: Sequence[int], free: Ints) -> Mask:
        """Return an area, and the nearest nodes beside it until spare pods have room too."""
        room, wide = fitting(free, self._demand(gang), _MANY), list(area)
        far = np.max([self._from(node) for node in area], axis=0)
        far[(room <= 0) | (far > gang.group.within_us)] = _FAR
        far[wide] = _FAR
        has = int(room[wide].sum())
        while has < len(gang.pods) and far.min() < _FAR:
            node = int(far.argmin())
            wide.append(node)
            has += int(room[node])
            far = np.maximum(far, self._from(node))
            far[far > gang.group.within_us] = _FAR
            far[node] = _FAR
        mask = np.zeros(len(free), dtype=np.bool_)
        mask[wide] = True
        return mask

    def _area(self, gang: Gang, free: Ints) -> list[int] | None:
        """Return the tightest nodes that have room for a gang, None where none do."""
        within_us = gang.group.within_us
        room = fitting(free, self._demand(gang), _MANY)
        start = self._bound(gang)
        allowed = np.ones(len(free), dtype=np.bool_)
        for node in start:
            allowed &= self._from(node) <= within_us
        useful = np.flatnonzero(allowed & (room > 0))
        seeds = useful[np.argsort(-room[useful], kind="stable")[:_MOST_SEEDS]]
        best: tuple[int, list[int]] | None = None
        for seed in seeds.tolist():
            grown = self._grown(start, seed, room, gang, None if best is None else best[0])
            if grown is not None and (best is None or grown[0] < best[0]):
                best = grown
        return None if best is None else best[1]

    def _grown(
        self, start: Sequence[int], seed: int, room: Ints, gang: Gang, most_us: int | None
    ) -> tuple[int, list[int]] | None:
        """Grow a set from a node; return its largest RTT and its nodes, None where it is too small.

        Given up where the largest RTT reaches `most_us`.
        """
        limit_us = gang.group.within_us
        area = [*start, *([seed] if seed not in start else [])]
        widest = int(max((self._from(a)[seed] for a in start), default=0))
        has = int(room[area].sum())
        far = np.max([self._from(a) for a in area], axis=0)
        far[room <= 0] = _FAR
        far[area] = _FAR
        while has < gang.needs:
            node = int(far.argmin())
            rtt_us = int(far[node])
            if rtt_us > limit_us or (most_us is not None and rtt_us >= most_us):
                return None
            area.append(node)
            has += int(room[node])
            widest = max(widest, rtt_us)
            far = np.maximum(far, self._from(node))
            far[node] = _FAR
        return widest, area

    def _from(self, node: int) -> Ints:
        """Return the RTTs between a node and each other, shape ``(n,)``, far where not known.

        A row at a time, as it is asked for: of 12,500 nodes all pairs would take a gigabyte.
        """
        known = self._rows.get(node)
        if known is None:
            row = int(self._at[node])
            known = np.full(len(self._at), _FAR, dtype=np.int64)
            if row >= 0:
                rtt_us = self._snapshot.rtt.farther(row)[self._at]
                is_known = (self._at >= 0) & (rtt_us != UNKNOWN_US)
                known[is_known] = rtt_us[is_known]
            known[node] = 0
            self._rows[node] = known
        return known

    def _bound(self, gang: Gang) -> list[int]:
        """Return the nodes of the members that run."""
        placed = self._snapshot.placed
        own = [k for k, pod_class in enumerate(placed.classes) if pod_class.group == gang.ref]
        stays = np.isin(placed.class_of, own) & (placed.node_of >= 0) & ~placed.is_terminating
        return np.unique(placed.node_of[stays]).tolist() if own else []

    def _demand(self, gang: Gang) -> Ints:
        """Return what its largest member takes of each resource, shape ``(r,)``."""
        classes = {pod.pod_class for pod in gang.pods}
        demands = [self._snapshot.nodes.demand(pod_class) for pod_class in classes]
        return np.asarray(np.max(demands, axis=0))


def _take(free: Ints, area: Sequence[int], demand: Ints, count: int) -> None:
    """Take the room of so many pods, node by node."""
    for node in area:
        here = min(count, int(fitting(free[node : node + 1], demand, _MANY)[0]))
        free[node] -= here * demand
        count -= here
