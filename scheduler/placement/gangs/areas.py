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
from scheduler.placement.feasibility.verdict import Mask
from scheduler.placement.gangs.gang import Gang
from telemetry.model import UNKNOWN_US

Ints = NDArray[np.int64]

_FAR = np.int64(1) << 40
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
        self._pairs: Ints | None = None

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
            if area is not None:
                mask[area] = True
                _take(free, area, self._demand(gang), gang.needs)
            out.update({pod.key: mask for pod in gang.pods})
        return out

    def _area(self, gang: Gang, free: Ints) -> list[int] | None:
        """Return the tightest nodes that have room for a gang, None where none do."""
        near, within_us = self._rtt(), gang.group.within_us
        room = _slots(free, self._demand(gang))
        start = self._bound(gang)
        allowed = np.ones(len(free), dtype=np.bool_)
        for node in start:
            allowed &= near[node] <= within_us
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
        near, limit_us = self._rtt(), gang.group.within_us
        area = [*start, *([seed] if seed not in start else [])]
        widest = int(max((near[a, seed] for a in start), default=0))
        has = int(room[area].sum())
        far = near[area].max(axis=0)
        far[(room <= 0)] = _FAR
        far[area] = _FAR
        while has < gang.needs:
            node = int(far.argmin())
            rtt_us = int(far[node])
            if rtt_us > limit_us or (most_us is not None and rtt_us >= most_us):
                return None
            area.append(node)
            has += int(room[node])
            widest = max(widest, rtt_us)
            far = np.maximum(far, near[node])
            far[node] = _FAR
        return widest, area

    def _rtt(self) -> Ints:
        """Return the RTTs between all nodes, shape ``(n, n)``, far where one is not known."""
        if self._pairs is None:
            names = [node.name for node in self._snapshot.nodes.nodes]
            rows = np.array([self._snapshot.rtt_from(name) for name in names], dtype=np.int64)
            rows = rows.reshape(len(names), len(names))
            rows[rows == UNKNOWN_US] = -1
            larger = np.maximum(rows, rows.T)
            self._pairs = np.where(larger < 0, _FAR, larger)
        return self._pairs

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


def _slots(free: Ints, demand: Ints) -> Ints:
    """Return how many pods of a demand each node has room for, shape ``(n,)``."""
    asked = demand > 0
    return np.asarray((free[:, asked] // demand[asked]).min(axis=1, initial=1 << 30))


def _take(free: Ints, area: Sequence[int], demand: Ints, count: int) -> None:
    """Take the room of so many pods, node by node."""
    for node in area:
        here = min(count, int(_slots(free[node : node + 1], demand)[0]))
        free[node] -= here * demand
        count -= here
