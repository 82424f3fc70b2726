"""How far the volumes of an assumed pod are, by what the cluster has told.

The rules and words are those of kube-scheduler's VolumeBinding plugin (``checkBindings``): what is
assumed here does not count, only what the volume controller and the provisioners have made of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from scheduler.domain.node import Node
from scheduler.domain.plan import AssignedVolumes
from scheduler.domain.snapshot import node_table
from scheduler.domain.storage import PersistentVolume, PersistentVolumeClaim
from scheduler.placement.feasibility.affinity import NodeLabels
from scheduler.service.storage_table import StorageTable


@dataclass(frozen=True, slots=True)
class Progress:
    """Whether all claims are bound, or why that will not come about; neither: wait."""

    is_bound: bool = False
    failure: str = ""


_WAITING = Progress()
_BOUND = Progress(is_bound=True)


def progress(
    volumes: AssignedVolumes, node: Node, storage: StorageTable, written: Mapping[str, str]
) -> Progress:
    """Judge the claims of a pod that is assumed on a node.

    Parameters
    ----------
    volumes
        What the decision chose.
    node
        Where the pod is to run, as it is now.
    storage
        What the cluster has told.
    written
        By claim key or volume name, the version that a write of ours has given it: what was told
        before is no news.
    """
    steps = [
        *(_reserved(key, name, node, storage, written) for key, name in volumes.bindings),
        *(_provisioned(key, node, storage, written) for key in volumes.provisions),
    ]
    return next((step for step in steps if step is not _BOUND), _BOUND)


def _reserved(
    key: str, name: str, node: Node, storage: StorageTable, written: Mapping[str, str]
) -> Progress:
    volume, claim = storage.volumes.told(name), storage.claims.told(key)
    if volume is None:
        return _failed(f'failed to check binding: persistentvolumes "{name}" not found')
    if claim is None:
        return _failed(f'failed to check binding: persistentvolumeclaims "{key}" not found')
    if is_older(volume.version, written.get(name, "")):
        return _WAITING
    if not _fits(volume, node):
        return _misplaced(volume, node)
    if volume.claim is None or not volume.claim.uid:
        return _failed(f'ClaimRef got reset for pv "{name}"')
    return _BOUND if is_complete(claim) else _WAITING


def _provisioned(
    key: str, node: Node, storage: StorageTable, written: Mapping[str, str]
) -> Progress:
    claim = storage.claims.told(key)
    if claim is None:
        said = f'persistentvolumeclaims "{key}" not found'
        return _failed(f"failed to check provisioning pvc: {said}")
    if is_older(claim.version, written.get(key, "")):
        return _WAITING
    if claim.selected_node != node.name:  # a provisioner that fails takes the annotation away
        return _failed(f'provisioning failed for PVC "{claim.name}"')
    if claim.volume_name:
        volume = storage.volumes.told(claim.volume_name)
        if volume is None:
            return _WAITING  # it may not have been told yet
        if not _fits(volume, node):
            return _misplaced(volume, node)
    return _BOUND if is_complete(claim) else _WAITING


def is_complete(claim: PersistentVolumeClaim) -> bool:
    """Whether the volume controller has bound a claim, and said so."""
    return bool(claim.volume_name) and claim.is_bound


def is_older(version: str, than: str) -> bool:
    """Whether a resourceVersion comes before another; versions are whole numbers that grow."""
    return version.isdecimal() and than.isdecimal() and int(version) < int(than)


def _fits(volume: PersistentVolume, node: Node) -> bool:
    """Whether a volume can be used on a node; its terms see the labels alone, not the name."""
    if volume.node_terms is None:
        return True
    labels = NodeLabels(node_table([replace(node, name="")], (), ()))
    return any(bool(labels.term(term)[0]) for term in volume.node_terms)


def _misplaced(volume: PersistentVolume, node: Node) -> Progress:
    why = "no matching NodeSelectorTerms"
    return _failed(f'pv "{volume.name}" node affinity doesn\'t match node "{node.name}": {why}')


def _failed(why: str) -> Progress:
    return Progress(failure=why)
