"""PersistentVolumeClaims as they are written."""

from typing import Any

from scheduler.domain.storage import PersistentVolumeClaim
from scheduler.objects.decoding import Object, Wire, decode, described
from scheduler.objects.labelselectors import WrittenSelector, read_selector
from scheduler.objects.metadata import Metadata, namespace_of, object_name, read_text_map
from scheduler.objects.sizes import read_bytes

CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"
"""Where a class was named before it had a field; it still comes first."""

_BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
_SELECTED_NODE = "volume.kubernetes.io/selected-node"


class StoredMetadata(Metadata, frozen=True):
    """``metadata`` of what is written back: with the version that was read."""

    resource_version: str | None = None


class Requested(Wire, frozen=True):
    """``resources``; the size is checked apart."""

    requests: dict[str, Any] | None = None


class ClaimSpec(Wire, frozen=True):
    """``spec``."""

    volume_name: str | None = None
    storage_class_name: str | None = None
    access_modes: tuple[str, ...] | None = None
    volume_mode: str | None = None
    resources: Requested | None = None
    selector: WrittenSelector | None = None
    volume_attributes_class_name: str | None = None


class Status(Wire, frozen=True):
    """``status``."""

    phase: str | None = None


class WrittenClaim(Wire, frozen=True):
    """A PersistentVolumeClaim as written."""

    metadata: StoredMetadata | None = None
    spec: ClaimSpec | None = None
    status: Status | None = None


def read_claim(obj: Object) -> PersistentVolumeClaim:
    """Return a PersistentVolumeClaim.

    Parameters
    ----------
    obj
        A tree, or JSON.

    Raises
    ------
    InputError
        If a field has a wrong type or value, or the claim has no name.
    """
    written = decode(obj, WrittenClaim, "PersistentVolumeClaim")
    metadata, spec = written.metadata or StoredMetadata(), written.spec or ClaimSpec()
    name, namespace = object_name("PersistentVolumeClaim", metadata), namespace_of(metadata)
    where = described("PersistentVolumeClaim", namespace, name)
    marks = annotations_of(where, metadata, CLASS_ANNOTATION, _BIND_COMPLETED, _SELECTED_NODE)
    requests = (spec.resources.requests if spec.resources else None) or {}
    return PersistentVolumeClaim(
        namespace=namespace,
        name=name,
        uid=metadata.uid or "",
        volume_name=spec.volume_name or "",
        storage_class=marks.get(CLASS_ANNOTATION, spec.storage_class_name),
        access_modes=spec.access_modes or (),
        volume_mode=spec.volume_mode or "Filesystem",
        requested_bytes=read_bytes(where, "spec.resources.requests", requests.get("storage")),
        selector=read_selector(where, "spec.selector", spec.selector),
        attributes_class=spec.volume_attributes_class_name,
        is_bound=_BIND_COMPLETED in marks,
        selected_node=marks.get(_SELECTED_NODE),
        phase=(written.status.phase if written.status else None) or "Pending",
        is_terminating=bool(metadata.deletion_timestamp),
        owner_uids=_controller_uids(metadata),
        version=metadata.resource_version or "",
    )


def annotations_of(where: str, metadata: Metadata, *keys: str) -> dict[str, str]:
    """Return those annotations of `keys` that are there.

    Raises
    ------
    InputError
        If one of them is not text.
    """
    written = metadata.annotations or {}
    found = {key: written[key] for key in keys if key in written}
    return read_text_map(where, "metadata.annotations", found)


def _controller_uids(metadata: Metadata) -> tuple[str, ...]:
    """Return the UID of the first owner that says it is the controller, as Kubernetes looks."""
    for owner in metadata.owner_references or ():
        if owner.controller:
            return (owner.uid or "",)
    return ()
