"""Claims and the volumes they have or may get, as kube-scheduler's VolumeBinding has them."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from scheduler.domain.plan import AssignedVolumes
from scheduler.domain.reasons import Cause
from scheduler.domain.snapshot import NodeTable
from scheduler.domain.storage import (
    PersistentVolume,
    PersistentVolumeClaim,
    PodVolumes,
    Storage,
)
from scheduler.placement.feasibility.verdict import Mask, Verdict
from scheduler.placement.feasibility.volume.matching import (
    NO_VOLUME,
    Choice,
    ClassVolumes,
    SavedVolumes,
)
from scheduler.placement.feasibility.volume.nodes import VolumeNodes
from scheduler.placement.feasibility.volume.problems import is_bound
from scheduler.placement.feasibility.volume.provisioning import Provisioning

NODE_CONFLICT = "node(s) didn't match PersistentVolume's node affinity"
BIND_CONFLICT = "node(s) didn't find available persistent volumes to bind"
NO_SPACE = "node(s) did not have enough free storage"
NO_VOLUME_FOUND = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"

Claims = Sequence[PersistentVolumeClaim]

SavedBinding = tuple[dict[str, str], dict[str, PersistentVolume], dict[str, SavedVolumes]]


class VolumeBinding:
    """Where bound volumes can be used, and where volumes can be found or made for other claims."""

    def __init__(self, storage: Storage, table: NodeTable, nodes: VolumeNodes) -> None:
        self._storage = storage
        self._table = table
        self._nodes = nodes
        self._provisioning = Provisioning(storage, table, nodes)
        self._selected: dict[str, str] = {}
        self._taken: dict[str, PersistentVolume] = {}
        self._classes: dict[str, ClassVolumes] = {}

    def verdict(self, namespace: str, volumes: PodVolumes) -> Verdict | None:
        """Return the nodes where all claims have or get their volumes; None for a pod without."""
        if not volumes.claims:
            return None
        bound, unbound = self._parted(namespace, volumes)
        elsewhere, missing = self._judge_bound(bound)
        unmatched, short = self._judge_unbound(unbound)
        texts = [
            (NODE_CONFLICT, elsewhere),
            (BIND_CONFLICT, unmatched),
            (NO_SPACE, short),
            (NO_VOLUME_FOUND, missing),
        ]
        return Verdict(Cause.VOLUME, ~(elsewhere | missing | unmatched | short), texts)

    def bindings(self, namespace: str, volumes: PodVolumes, node: int) -> AssignedVolumes:
        """Return which volumes a pod's unbound claims take on a node, and which are provisioned."""
        _, unbound = self._parted(namespace, volumes)
        chosen = self._match(self._wanted(unbound), node)
        bindings = [
            (claim.key, self._class(claim).name(int(choice[0])))
            for claim, choice in chosen
            if choice[0] != NO_VOLUME
        ]
        bindings += [(c.key, self._taken[c.key].name) for c in unbound if c.key in self._taken]
        made = {claim.key for claim, choice in chosen if choice[0] == NO_VOLUME}
        made.update(claim.key for claim in unbound if self._selected_node(claim) is not None)
        provisions = dict.fromkeys(claim.key for claim in unbound if claim.key in made)
        return AssignedVolumes(tuple(bindings), tuple(provisions))

    def place(self, namespace: str, volumes: PodVolumes, node: int) -> None:
        """Reserve what a pod that was placed on a node takes, and pin what is made for it there."""
        _, unbound = self._parted(namespace, volumes)
        for claim, choice in self._match(self._wanted(unbound), node):
            if choice[0] == NO_VOLUME:
                self._selected[claim.key] = self._table.nodes[node].name
            else:
                taken = self._class(claim).take(int(choice[0]), claim)
                self._taken[claim.key] = taken

    def saved(self) -> SavedBinding:
        """Return what changes as pods are placed, for `restore`."""
        classes = {name: volumes.saved() for name, volumes in self._classes.items()}
        return dict(self._selected), dict(self._taken), classes

    def restore(self, saved: SavedBinding) -> None:
        """Forget what was placed since."""
        self._selected, self._taken, classes = saved
        self._classes = {name: self._classes[name] for name in classes}
        for name, volumes in classes.items():
            self._classes[name].restore(volumes)

    def _parted(
        self, namespace: str, volumes: PodVolumes
    ) -> tuple[list[PersistentVolumeClaim], list[PersistentVolumeClaim]]:
        """Return the claims that are bound and those that are not."""
        keys = [f"{namespace}/{one.name}" for one in volumes.claims]
        claims = [self._storage.claims[key] for key in keys if key in self._storage.claims]
        bound = [claim for claim in claims if is_bound(claim)]
        return bound, [claim for claim in claims if not is_bound(claim)]

    def _selected_node(self, claim: PersistentVolumeClaim) -> str | None:
        return self._selected.get(claim.key, claim.selected_node)

    def _judge_bound(self, claims: Claims) -> tuple[Mask, Mask]:
        """Return where a bound volume cannot be used, and where one is looked for that is gone.

        The first volume that rules a node out is the last that is looked at for it.
        """
        elsewhere = np.zeros(len(self._table), dtype=np.bool_)
        for claim in claims:
            volume = self._storage.volumes.get(claim.volume_name)
            if volume is None:
                return elsewhere, ~elsewhere
            elsewhere |= ~self._usable(volume)
        return elsewhere, np.zeros(len(self._table), dtype=np.bool_)

    def _usable(self, volume: PersistentVolume) -> Mask:
        """Return the nodes that can use a volume; those that moved to a driver ask in its terms."""
        mask = self._nodes.mask(volume.node_terms)
        if volume.in_tree is None:
            return mask
        moved = self._moved.get(volume.in_tree.plugin)
        if moved is not None:
            # kube-scheduler gives the pod up with an error where the driver has no name for it.
            has_name = volume.in_tree.csi is not None
            mask[moved] = self._nodes.mask(volume.in_tree.node_terms)[moved] & has_name
        return mask

    @cached_property
    def _moved(self) -> dict[str, list[int]]:
        """Nodes that moved to a CSI driver, by the in-tree plugin they left."""
        moved: dict[str, list[int]] = {}
        for csi_node in self._storage.csi_nodes.values():
            i = self._table.index.get(csi_node.name)
            for plugin in csi_node.migrated:
                if i is not None:
                    moved.setdefault(plugin, []).append(i)
        return moved

    def _judge_unbound(self, claims: Claims) -> tuple[Mask, Mask]:
        """Return where no volume is found nor made for a claim, and where there is no space."""
        here = np.ones(len(self._table), dtype=np.bool_)
        short = np.zeros(len(self._table), dtype=np.bool_)
        for claim in claims:
            if claim.key in self._taken:  # another pod of the decision has it bound to this one
                here &= self._usable(self._taken[claim.key])
        needed: list[tuple[PersistentVolumeClaim, Mask]] = []
        for claim in claims:
            node = self._selected_node(claim)
            if node is not None:
                here &= self._only(node)
                needed.append((claim, here))
        chosen = self._match(self._wanted(claims))
        needed += [(claim, choice == NO_VOLUME) for claim, choice in chosen]
        unmatched = ~here
        for claim, where in needed:
            allowed, enough = self._provisioning.of(claim)
            unmatched |= here & where & ~allowed
            short |= here & where & allowed & ~enough
            here &= ~(unmatched | short)
        return unmatched, short

    def _wanted(self, claims: Claims) -> list[PersistentVolumeClaim]:
        """Return the unbound claims that take a volume where there is one."""
        return [
            claim
            for claim in claims
            if self._selected_node(claim) is None and claim.key not in self._taken
        ]

    def _only(self, node: str) -> Mask:
        mask = np.zeros(len(self._table), dtype=np.bool_)
        if node in self._table.index:
            mask[self._table.index[node]] = True
        return mask

    def _match(
        self, claims: Claims, node: int | None = None
    ) -> list[tuple[PersistentVolumeClaim, Choice]]:
        """Return the volume of each claim on all nodes, or on one; the smallest claim first."""
        chosen: list[tuple[PersistentVolumeClaim, Choice]] = []
        taken: dict[str, list[Choice]] = {}
        for claim in sorted(claims, key=lambda claim: claim.requested_bytes or 0):
            before = taken.setdefault(claim.storage_class or "", [])
            choice = self._class(claim).match(claim, before, node)
            before.append(choice)
            chosen.append((claim, choice))
        return chosen

    def _class(self, claim: PersistentVolumeClaim) -> ClassVolumes:
        name = claim.storage_class or ""
        found = self._classes.get(name)
        if found is None:
            volumes = self._by_class.get(name, ())
            found = self._classes[name] = ClassVolumes(volumes, self._nodes, len(self._table))
        return found

    @cached_property
    def _by_class(self) -> dict[str, list[PersistentVolume]]:
        by_class: dict[str, list[PersistentVolume]] = {}
        for volume in self._storage.volumes.values():
            if not volume.is_terminating and not self._is_in_use(volume):
                by_class.setdefault(volume.storage_class, []).append(volume)
        return by_class

    def _is_in_use(self, volume: PersistentVolume) -> bool:
        """Whether the claim that a volume is reserved for is bound already, so that none asks."""
        if volume.claim is None:
            return False
        claim = self._storage.claims.get(f"{volume.claim.namespace}/{volume.claim.name}")
        return claim is not None and is_bound(claim)
