"""PersistentVolumes as they are written."""

from typing import Any

from scheduler.domain.storage import ClaimRef, PersistentVolume
from scheduler.domain.workload import NodeTerm
from scheduler.objects.decoding import Object, Wire, decode, described
from scheduler.objects.in_tree import InTreeSources, read_in_tree
from scheduler.objects.metadata import object_name, read_text_map
from scheduler.objects.nodeterms import NodeSelector, read_node_selector
from scheduler.objects.sizes import read_bytes
from scheduler.objects.storage_claims import (
    CLASS_ANNOTATION,
    Status,
    StoredMetadata,
    annotations_of,
)


class VolumeAffinity(Wire, frozen=True):
    """``nodeAffinity``."""

    required: NodeSelector | None = None


class WrittenClaimRef(Wire, frozen=True):
    """``claimRef``."""

    namespace: str | None = None
    name: str | None = None
    uid: str | None = None


class CsiSource(Wire, frozen=True):
    """``csi``."""

    driver: str | None = None
    volume_handle: str | None = None


class VolumeSpec(InTreeSources, frozen=True):
    """``spec``."""

    capacity: dict[str, Any] | None = None
    access_modes: tuple[str, ...] | None = None
    volume_mode: str | None = None
    storage_class_name: str | None = None
    node_affinity: VolumeAffinity | None = None
    claim_ref: WrittenClaimRef | None = None
    csi: CsiSource | None = None
    volume_attributes_class_name: str | None = None


class WrittenVolume(Wire, frozen=True):
    """A PersistentVolume as written."""

    metadata: StoredMetadata | None = None
    spec: VolumeSpec | None = None
    status: Status | None = None


def read_volume(obj: Object) -> PersistentVolume:
    """Return a PersistentVolume.

    Parameters
    ----------
    obj
        A tree, or JSON.

    Raises
    ------
    InputError
        If a field has a wrong type or value, or the volume has no name.
    """
    written = decode(obj, WrittenVolume, "PersistentVolume")
    metadata, spec = written.metadata or StoredMetadata(), written.spec or VolumeSpec()
    name = object_name("PersistentVolume", metadata)
    where = described("PersistentVolume", None, name)
    labels = read_text_map(where, "metadata.labels", metadata.labels)
    terms = _node_terms(where, spec.node_affinity)
    marks = annotations_of(where, metadata, CLASS_ANNOTATION)
    size = read_bytes(where, "spec.capacity.storage", (spec.capacity or {}).get("storage"))
    return PersistentVolume(
        name=name,
        uid=metadata.uid or "",
        capacity_bytes=size or 0,
        storage_class=marks.get(CLASS_ANNOTATION, spec.storage_class_name or ""),
        access_modes=spec.access_modes or (),
        volume_mode=spec.volume_mode or "Filesystem",
        labels=labels,
        node_terms=terms,
        claim=_claim(spec.claim_ref),
        phase=(written.status.phase if written.status else None) or "Pending",
        is_terminating=bool(metadata.deletion_timestamp),
        csi=(spec.csi.driver or "", spec.csi.volume_handle or "") if spec.csi else None,
        in_tree=read_in_tree(spec, labels, terms),
        attributes_class=spec.volume_attributes_class_name,
        version=metadata.resource_version or "",
    )


def _node_terms(where: str, affinity: VolumeAffinity | None) -> tuple[NodeTerm, ...] | None:
    if affinity is None or affinity.required is None:
        return None
    return read_node_selector(f"{where}: spec.nodeAffinity.required", affinity.required)


def _claim(written: WrittenClaimRef | None) -> ClaimRef | None:
    if written is None:
        return None
    return ClaimRef(written.namespace or "", written.name or "", written.uid or "")
