"""Volumes that wait to be claimed, and which of them a claim takes on each node.

As kube-scheduler's ``FindMatchingVolume`` has it: a volume reserved for the claim before all, else
the smallest that fits. Of volumes of one size it takes any, we the first by name.
"""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.storage import ClaimRef, PersistentVolume, PersistentVolumeClaim
from scheduler.domain.workload import NodeTerm
from scheduler.placement.feasibility.matching import selects
from scheduler.placement.feasibility.verdict import Mask
from scheduler.placement.feasibility.volume.nodes import VolumeNodes

Choice = NDArray[np.int64]
"""A volume's number on each node, shape ``(n,)``, or on the one node looked at, shape ``(1,)``."""

SavedVolumes = tuple[NDArray[np.bool_], dict[tuple[str, str], list[tuple[str, int]]]]

NO_VOLUME = np.iinfo(np.int64).max
_AVAILABLE = "Available"


class ClassVolumes:
    """The volumes of one storage class that are free, smallest first, and those reserved.

    `volumes` are those of the class that are not on their way out, nor in use.

    Free volumes fall into groups that the same nodes can use: local ones into many groups of one
    node, others into few groups of many. Only groups are spread out over nodes, not volumes.
    """

    def __init__(self, volumes: Sequence[PersistentVolume], nodes: VolumeNodes, count: int) -> None:
        self._nodes = nodes
        self._count = count
        ordered = sorted(volumes, key=lambda volume: (volume.capacity_bytes, volume.name))
        free = [v for v in ordered if v.claim is None and v.phase == _AVAILABLE]
        reserved = [v for v in ordered if v.claim is not None]
        self._volumes = (*free, *reserved)
        self._free = free
        self._is_free = np.ones(len(free), dtype=np.bool_)
        self._sizes = np.array([volume.capacity_bytes for volume in free], dtype=np.int64)
        self._claims: dict[tuple[str, str], list[tuple[str, int]]] = {}
        self._fitting: dict[object, Mask] = {}
        for number, volume in enumerate(reserved, start=len(free)):
            self._reserve(number, volume.claim)

    def name(self, number: int) -> str:
        """Return the name of a volume."""
        return self._volumes[number].name

    def take(self, number: int, claim: PersistentVolumeClaim) -> PersistentVolume:
        """Reserve a volume for a claim, if it is not yet; return it."""
        if number < len(self._free) and self._is_free[number]:
            self._is_free[number] = False
            self._reserve(number, ClaimRef(claim.namespace, claim.name, claim.uid))
        return self._volumes[number]

    def saved(self) -> SavedVolumes:
        """Return what changes as pods are placed, for `restore`."""
        return self._is_free.copy(), {claim: list(them) for claim, them in self._claims.items()}

    def restore(self, saved: SavedVolumes) -> None:
        """Forget what was placed since."""
        self._is_free, self._claims = saved

    def match(
        self, claim: PersistentVolumeClaim, before: Sequence[Choice], node: int | None = None
    ) -> Choice:
        """Return the volume that a claim takes on each node, or `NO_VOLUME`.

        Parameters
        ----------
        claim
            Of this class.
        before
            What was chosen for other claims of the same pod: none takes a volume twice.
        node
            The one node to look at; None for all.
        """
        reserved = self._reserved_for(claim)
        if reserved is None:
            return self._smallest(claim, before, node)
        usable = self._nodes.mask(self._volumes[reserved].node_terms)
        if node is not None:
            usable = usable[node : node + 1]
        choice = np.where(usable, reserved, NO_VOLUME)
        is_taken = np.logical_or.reduce([taken == reserved for taken in before], initial=False)
        if not np.any(is_taken):
            return choice
        return np.where(is_taken, self._smallest(claim, before, node), choice)

    def _smallest(
        self, claim: PersistentVolumeClaim, before: Sequence[Choice], node: int | None
    ) -> Choice:
        choice = np.full(self._count if node is None else 1, NO_VOLUME, dtype=np.int64)
        open_to = self._open_to(claim)
        if not open_to.any():
            return choice
        groups, rows = self._reach
        if node is not None:
            groups = groups[rows == node]
            rows = np.zeros(len(groups), dtype=np.int64)
            here = np.zeros(len(self._groups), dtype=np.bool_)
            here[groups] = True
            open_to &= here[self._group_of]
        candidates = self._first_of_groups(open_to, len(before) + 1)[groups]
        for taken in before:
            candidates[candidates == taken[rows, None]] = NO_VOLUME
        np.minimum.at(choice, rows, candidates.min(axis=1))
        return choice

    def _first_of_groups(self, open_to: Mask, count: int) -> NDArray[np.int64]:
        """Return the smallest volumes of each group that a mask has, shape ``(g, count)``."""
        numbers = self._by_group[open_to[self._by_group]]
        groups = self._group_of[numbers]
        starts = np.flatnonzero(np.diff(groups, prepend=-1))
        place = np.arange(len(numbers)) - np.repeat(starts, np.diff(starts, append=len(numbers)))
        first = place < count
        smallest = np.full((len(self._groups), count), NO_VOLUME, dtype=np.int64)
        smallest[groups[first], place[first]] = numbers[first]
        return smallest

    def _open_to(self, claim: PersistentVolumeClaim) -> Mask:
        """Return the free volumes that fit a claim."""
        key = (*_form(claim), frozenset(claim.access_modes), claim.selector)
        fitting = self._fitting.get(key)
        if fitting is None:
            fitting = np.array([_fits(claim, volume) for volume in self._free], dtype=np.bool_)
            self._fitting[key] = fitting
        return self._is_free & fitting & (self._sizes >= (claim.requested_bytes or 0))

    def _reserve(self, number: int, claim: ClaimRef | None) -> None:
        if claim is not None:
            of_claim = self._claims.setdefault((claim.namespace, claim.name), [])
            of_claim.append((claim.uid, number))

    def _reserved_for(self, claim: PersistentVolumeClaim) -> int | None:
        """Return the first volume that is reserved for a claim and fits it."""
        for uid, number in self._claims.get((claim.namespace, claim.name), ()):
            volume = self._volumes[number]
            is_large = volume.capacity_bytes >= (claim.requested_bytes or 0)
            if uid in ("", claim.uid) and is_large and _form(volume) == _form(claim):
                return number
        return None

    @cached_property
    def _groups(self) -> dict[tuple[NodeTerm, ...] | None, int]:
        terms = dict.fromkeys(volume.node_terms for volume in self._free)
        return {one: k for k, one in enumerate(terms)}

    @cached_property
    def _group_of(self) -> NDArray[np.int64]:
        return np.array([self._groups[one.node_terms] for one in self._free], dtype=np.int64)

    @cached_property
    def _by_group(self) -> NDArray[np.int64]:
        """Free volumes by group, smallest first within each."""
        return np.argsort(self._group_of, kind="stable")

    @cached_property
    def _reach(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Pairs of a group and a node that can use it, as two arrays."""
        parts = [self._nodes.rows(terms) for terms in self._groups]
        sizes = [len(part) for part in parts]
        return np.repeat(np.arange(len(parts)), sizes), np.concatenate(parts)


def _form(of: PersistentVolume | PersistentVolumeClaim) -> tuple[str, str]:
    return of.volume_mode, of.attributes_class or ""


def _fits(claim: PersistentVolumeClaim, volume: PersistentVolume) -> bool:
    """Whether a free volume fits a claim, but for its size and its nodes."""
    return (
        _form(volume) == _form(claim)
        and set(claim.access_modes) <= set(volume.access_modes)
        and (claim.selector is None or selects(claim.selector, volume.labels))
    )
