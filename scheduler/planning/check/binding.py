"""Whether claims that wait for their pods come to a volume where the pods are assigned.

As kube-scheduler's VolumeBinding filter would judge it: to one that is there, or that is made for
it. Claims that only volumes that are there can serve must not need the same one; which of them gets
which is left to whoever binds them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from scheduler.domain.node import Node
from scheduler.domain.selector import Requirement
from scheduler.domain.storage import (
    PersistentVolume,
    PersistentVolumeClaim,
    Storage,
    StorageCapacity,
    TopologyTerm,
)
from scheduler.planning.check.matching import unmatched
from scheduler.planning.check.reach import Reach
from scheduler.planning.check.requirements import selects, volume_reaches
from scheduler.planning.check.uses import Uses

_RULE = "volume binding"
_NO_PROVISIONER = ("", "kubernetes.io/no-provisioner")


@dataclass(frozen=True, slots=True, eq=False)
class _Want:
    """A claim in want of a volume: its pods, by row, and their nodes.

    `is_again` where a pod writes it a second time.
    """

    claim: PersistentVolumeClaim
    is_again: bool = False
    rows: list[int] = field(default_factory=list)
    nodes: dict[str, Node] = field(default_factory=dict)


def unbindable(uses: Uses) -> Iterator[str]:
    """Yield the pods with a claim that no volume can serve where they are."""
    wants = _wants(uses)
    if not wants:
        return
    provisioning = _Provisioning(uses.storage)
    static: list[_Want] = []
    for want in wants:
        chosen = want.claim.selected_node
        astray = [] if chosen is None else [row for row in want.rows if _node(uses, row) != chosen]
        if astray:
            yield from _said(uses, want, astray, f"is to be provisioned on {chosen}")
        elif not provisioning.serves(want):
            static.append(want)
    if not static:
        return
    volumes = _Volumes(uses.storage, {want.claim.storage_class for want in static})
    options = [volumes.for_claim(want) for want in static]
    for k in unmatched(options):
        nowhere = "for all nodes of its pods" if len(static[k].nodes) > 1 else "there"
        detail = f"finds no volume {'left there' if options[k] else nowhere}"
        yield from _said(uses, static[k], static[k].rows, detail)


def _wants(uses: Uses) -> list[_Want]:
    """Return the claims to be bound; of one that a pod writes twice, both are."""
    wants: dict[tuple[str, int], _Want] = {}
    for row in uses.rows:
        node = uses.snapshot.nodes.nodes[uses.node_of(row)]
        times: dict[str, int] = {}
        for _, claim in uses.claims(uses.decided.pods[row]):
            if claim is not None and not claim.volume_name and _waits(claim, uses.storage):
                time = times[claim.key] = times.get(claim.key, 0) + 1
                want = wants.setdefault((claim.key, time), _Want(claim, time > 1))
                want.rows.append(row)
                want.nodes[node.name] = node
    return list(wants.values())


def _waits(claim: PersistentVolumeClaim, storage: Storage) -> bool:
    storage_class = storage.classes.get(claim.storage_class or "")
    return storage_class is not None and storage_class.waits


def _node(uses: Uses, row: int) -> str:
    return uses.decided.assignments[row].node


def _said(uses: Uses, want: _Want, rows: list[int], detail: str) -> Iterator[str]:
    for row in rows:
        yield uses.decided.breaks(_RULE, row, f"claim {want.claim.name} {detail}")


class _Provisioning:
    """Where volumes can be made."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._room: dict[str, Reach[StorageCapacity]] = {}

    def serves(self, want: _Want) -> bool:
        """Whether a volume for the claim can be made where its pods are, all on one node."""
        if len(want.nodes) != 1:
            return False
        (node,) = want.nodes.values()
        storage_class = self._storage.classes[want.claim.storage_class or ""]
        if storage_class.provisioner in _NO_PROVISIONER:
            return False
        return _allowed(storage_class.allowed, node) and self._has_room(want.claim, node)

    def _has_room(self, claim: PersistentVolumeClaim, node: Node) -> bool:
        name = claim.storage_class or ""
        driver = self._storage.drivers.get(self._storage.classes[name].provisioner)
        size = claim.requested_bytes
        if size is None or driver is None or not driver.tracks_capacity:
            return True
        if name not in self._room:
            self._room[name] = self._room_for(name)
        found = self._room[name].of(node.labels)
        return any(c.largest_bytes is not None and c.largest_bytes >= size for c in found)

    def _room_for(self, storage_class: str) -> Reach[StorageCapacity]:
        reach = Reach[StorageCapacity]()
        for capacity in self._storage.capacities.values():
            if capacity.storage_class == storage_class and capacity.nodes is not None:
                reach.add(capacity.nodes.requirements, capacity)
        return reach


def _allowed(terms: tuple[TopologyTerm, ...], node: Node) -> bool:
    """Whether volumes of a class may be made for a node; an empty term allows none."""
    return not terms or any(
        bool(term.expressions)
        and all(node.labels.get(key) in values for key, values in term.expressions)
        for term in terms
    )


class _Volumes:
    """The volumes that are there for claims of some classes."""

    def __init__(self, storage: Storage, classes: set[str | None]) -> None:
        self._reserved: dict[tuple[str, str], list[PersistentVolume]] = {}
        self._free: dict[str, Reach[PersistentVolume]] = {}
        for volume in storage.volumes.values():
            if volume.storage_class not in classes:
                continue
            if volume.claim is not None:
                key = volume.claim.namespace, volume.claim.name
                self._reserved.setdefault(key, []).append(volume)
            elif volume.phase == "Available":
                reach = self._free.setdefault(volume.storage_class, Reach())
                for requirements in _requirements(volume):
                    reach.add(requirements, volume)

    def for_claim(self, want: _Want) -> list[str]:
        """Return the volumes that can serve a claim at all nodes of its pods.

        Where some are reserved for it, it is one of them or none, but for a second volume.
        """
        if want.claim.selected_node is not None:
            return []
        key = want.claim.namespace, want.claim.name
        reserved = [v for v in self._reserved.get(key, ()) if _is_for(v, want.claim)]
        nodes = list(want.nodes.values())
        found = [
            volume.name
            for volume in reserved
            if all(volume_reaches(volume.node_terms, node.labels) for node in nodes)
        ]
        if reserved and not want.is_again:
            return found
        reach = self._free.get(want.claim.storage_class or "")
        if reach is None:
            return found
        fitting = [
            {v.name: None for v in reach.of(node.labels) if _fits(v, want.claim)} for node in nodes
        ]
        return found + [name for name in fitting[0] if all(name in other for other in fitting[1:])]


def _requirements(volume: PersistentVolume) -> Iterator[tuple[Requirement, ...]]:
    """Yield the alternatives of what a free volume asks of a node's labels."""
    if volume.node_terms is None:
        yield ()
        return
    for term in volume.node_terms:
        if term.expressions or term.fields:
            yield term.expressions


def _is_for(volume: PersistentVolume, claim: PersistentVolumeClaim) -> bool:
    """Whether a volume that is reserved for a claim of that name can serve this one."""
    is_same = volume.claim is not None and volume.claim.uid in ("", claim.uid)
    return is_same and volume.storage_class == (claim.storage_class or "") and _holds(volume, claim)


def _fits(volume: PersistentVolume, claim: PersistentVolumeClaim) -> bool:
    """Whether a free volume of the claim's class can serve it."""
    return (
        _holds(volume, claim)
        and (claim.selector is None or selects(claim.selector, volume.labels))
        and set(claim.access_modes) <= set(volume.access_modes)
    )


def _holds(volume: PersistentVolume, claim: PersistentVolumeClaim) -> bool:
    """Whether size and kind are what is claimed."""
    return (
        volume.capacity_bytes >= (claim.requested_bytes or 0)
        and volume.volume_mode == claim.volume_mode
        and (volume.attributes_class or "") == (claim.attributes_class or "")
        and not volume.is_terminating
    )
