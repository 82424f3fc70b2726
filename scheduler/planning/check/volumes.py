"""Whether the volumes of assigned pods let them run, and run there: claims and their volumes.

As kube-scheduler's VolumeBinding and VolumeZone filters would judge it. What has yet to be bound is
in `binding`, what is shared between pods in `sharing`, what a node can attach in `attachments`.
"""

from collections.abc import Iterator, Mapping

from scheduler.domain.node import Node
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.storage import (
    Claim,
    CsiNode,
    PersistentVolume,
    PersistentVolumeClaim,
    Storage,
)
from scheduler.domain.workload import Pod
from scheduler.planning.check.attachments import over_limits
from scheduler.planning.check.binding import unbindable
from scheduler.planning.check.ledger import Decided
from scheduler.planning.check.requirements import volume_reaches
from scheduler.planning.check.sharing import shared_disks, used_claims
from scheduler.planning.check.uses import Uses

_GENERAL_LABELS = {
    "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
}
"""The labels that came after the first ones; a node may have either."""
_ZONE_LABELS = (*_GENERAL_LABELS, *_GENERAL_LABELS.values())


def broken_volumes(snapshot: ClusterSnapshot, decided: Decided) -> Iterator[str]:
    """Yield the assigned pods whose volumes cannot be used, not there or not by all of them."""
    uses = Uses(snapshot, decided)
    for row in uses.rows:
        node = snapshot.nodes.nodes[uses.node_of(row)]
        for rule, detail in _refused(uses, decided.pods[row], node):
            yield decided.breaks(rule, row, detail)
    yield from unbindable(uses)
    yield from used_claims(uses)
    yield from shared_disks(uses)
    yield from over_limits(uses)


def _refused(uses: Uses, pod: Pod, node: Node) -> Iterator[tuple[str, str]]:
    """Yield (rule, detail) for what is wrong with the pod's claims on the node."""
    csi_node = uses.storage.csi_nodes.get(node.name)
    for claim, stored in uses.claims(pod):
        if stored is None:
            yield "claim", f"there is no claim {claim.name}"
            continue
        fault = _fault(pod, claim, stored, uses.storage)
        if fault:
            yield "claim", f"claim {claim.name} {fault}"
        elif stored.volume_name:
            volume = uses.storage.volumes[stored.volume_name]
            if not _reaches(volume, node, csi_node):
                yield "volume affinity", f"volume {volume.name} is not for this node"
            # Of claims made for the pod, kube-scheduler's VolumeZone knows nothing.
            if not (claim.is_ephemeral or _in_zone(volume.labels, node.labels)):
                yield "volume zone", f"volume {volume.name} is in another zone or region"


def _fault(pod: Pod, claim: Claim, stored: PersistentVolumeClaim, storage: Storage) -> str:
    """Return why nobody may be placed with a claim, or nothing."""
    if stored.phase == "Lost":
        return "has lost its volume"
    if stored.is_terminating:
        return "is being deleted"
    if claim.is_ephemeral and pod.uid not in stored.owner_uids:
        return "was made for another pod"
    return _unbound(stored, storage)


def _unbound(stored: PersistentVolumeClaim, storage: Storage) -> str:
    """Return why a claim has no volume though it should have one by now, or nothing."""
    if not stored.volume_name:
        storage_class = storage.classes.get(stored.storage_class or "")
        waits = storage_class is not None and storage_class.waits
        return "" if waits else "is not bound and does not wait for a pod"
    if not stored.is_bound:
        return f"is not bound to volume {stored.volume_name} yet"
    if stored.volume_name not in storage.volumes:
        return f"is bound to volume {stored.volume_name}, which does not exist"
    return ""


def _reaches(volume: PersistentVolume, node: Node, csi_node: CsiNode | None) -> bool:
    """Whether a bound volume may be used on a node; of one moved to CSI, as CSI names places."""
    moved = volume.in_tree
    if moved is not None and csi_node is not None and moved.plugin in csi_node.migrated:
        # What the driver has no name for, kube-scheduler cannot judge and does not place.
        return moved.csi is not None and volume_reaches(moved.node_terms, node.labels)
    return volume_reaches(volume.node_terms, node.labels)


def _in_zone(volume: Mapping[str, str], node: Mapping[str, str]) -> bool:
    """Whether a node is in the zones and regions that a volume is labelled with.

    A node without any such label is where there are no zones.
    """
    if not any(label in node for label in _ZONE_LABELS):
        return True
    for label in _ZONE_LABELS:
        places = [place.strip() for place in volume[label].split("__")] if label in volume else []
        if places and all(places):
            here = node.get(label, node.get(_GENERAL_LABELS.get(label, label)))
            if here not in places:
                return False
    return True
