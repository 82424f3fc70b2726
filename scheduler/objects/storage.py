"""What a cluster tells of storage, and its namespaces, as they are written."""

from typing import Any

from scheduler.domain.errors import InputError
from scheduler.domain.storage import (
    CsiDriver,
    CsiNode,
    StorageCapacity,
    StorageClass,
    TopologyTerm,
    VolumeAttachment,
)
from scheduler.objects.decoding import Object, Wire, decode, described
from scheduler.objects.labelselectors import WrittenSelector, read_selector
from scheduler.objects.metadata import Metadata, namespace_of, object_name, read_text_map
from scheduler.objects.sizes import read_bytes
from scheduler.objects.storage_claims import annotations_of, read_claim
from scheduler.objects.storage_volumes import read_volume

__all__ = [
    "read_claim",
    "read_csi_driver",
    "read_csi_node",
    "read_namespace",
    "read_storage_capacity",
    "read_storage_class",
    "read_volume",
    "read_volume_attachment",
]

_MIGRATED = "storage.alpha.kubernetes.io/migrated-plugins"
_LARGEST_COUNT = 2**31 - 1
"""The API has it as a number of 32 bits."""


class TopologyExpression(Wire, frozen=True):
    """One of ``matchLabelExpressions``."""

    key: str | None = None
    values: tuple[str, ...] | None = None


class WrittenTopology(Wire, frozen=True):
    """One of ``allowedTopologies``."""

    match_label_expressions: tuple[TopologyExpression, ...] | None = None


class WrittenStorageClass(Wire, frozen=True):
    """A StorageClass as written."""

    metadata: Metadata | None = None
    provisioner: str | None = None
    volume_binding_mode: str | None = None
    allowed_topologies: tuple[WrittenTopology, ...] | None = None


class Allocatable(Wire, frozen=True):
    """What of a driver a node can take."""

    count: int | None = None


class NodeDriver(Wire, frozen=True):
    """A driver on a node."""

    name: str | None = None
    allocatable: Allocatable | None = None


class CsiNodeSpec(Wire, frozen=True):
    """``spec``."""

    drivers: tuple[NodeDriver, ...] | None = None


class WrittenCsiNode(Wire, frozen=True):
    """A CSINode as written."""

    metadata: Metadata | None = None
    spec: CsiNodeSpec | None = None


class CsiDriverSpec(Wire, frozen=True):
    """``spec``."""

    storage_capacity: bool | None = None


class WrittenCsiDriver(Wire, frozen=True):
    """A CSIDriver as written."""

    metadata: Metadata | None = None
    spec: CsiDriverSpec | None = None


class WrittenCapacity(Wire, frozen=True):
    """A CSIStorageCapacity as written; sizes are checked apart."""

    metadata: Metadata | None = None
    storage_class_name: str | None = None
    node_topology: WrittenSelector | None = None
    capacity: Any = None
    maximum_volume_size: Any = None


class AttachmentSource(Wire, frozen=True):
    """``source``."""

    persistent_volume_name: str | None = None


class AttachmentSpec(Wire, frozen=True):
    """``spec``."""

    attacher: str | None = None
    node_name: str | None = None
    source: AttachmentSource | None = None


class WrittenAttachment(Wire, frozen=True):
    """A VolumeAttachment as written."""

    metadata: Metadata | None = None
    spec: AttachmentSpec | None = None


class WrittenNamespace(Wire, frozen=True):
    """A Namespace as written."""

    metadata: Metadata | None = None


def read_storage_class(obj: Object) -> StorageClass:
    """Return a StorageClass; where no binding mode is written it is ``Immediate``.

    Parameters
    ----------
    obj
        A tree, or JSON.

    Raises
    ------
    InputError
        If a field has a wrong type, or the class has no name.
    """
    written = decode(obj, WrittenStorageClass, "StorageClass")
    return StorageClass(
        name=object_name("StorageClass", written.metadata or Metadata()),
        provisioner=written.provisioner or "",
        waits=written.volume_binding_mode == "WaitForFirstConsumer",
        allowed=tuple(_topology(one) for one in written.allowed_topologies or ()),
    )


def read_csi_node(obj: Object) -> CsiNode:
    """Return a CSINode, which has the name of its node.

    Parameters
    ----------
    obj
        A tree, or JSON.

    Raises
    ------
    InputError
        If a field has a wrong type or value, or the object has no name.
    """
    written = decode(obj, WrittenCsiNode, "CSINode")
    metadata = written.metadata or Metadata()
    name = object_name("CSINode", metadata)
    where = described("CSINode", None, name)
    migrated = annotations_of(where, metadata, _MIGRATED).get(_MIGRATED, "")
    drivers = (written.spec.drivers if written.spec else None) or ()
    return CsiNode(
        name=name,
        limits={
            one.name: _limit(f"{where}: spec.drivers[{k}].allocatable.count", one)
            for k, one in enumerate(drivers)
            if one.name
        },
        migrated=frozenset(migrated.split(",")) - {""},
    )


def read_csi_driver(obj: Object) -> CsiDriver:
    """Return a CSIDriver.

    Parameters
    ----------
    obj
        A tree, or JSON.

    Raises
    ------
    InputError
        If a field has a wrong type, or the driver has no name.
    """
    written = decode(obj, WrittenCsiDriver, "CSIDriver")
    name = object_name("CSIDriver", written.metadata or Metadata())
    return CsiDriver(name, bool(written.spec and written.spec.storage_capacity))


def read_storage_capacity(obj: Object) -> StorageCapacity:
    """Return a CSIStorageCapacity; the largest volume, where it is told, counts for the room left.

    Parameters
    ----------
    obj
        A tree, or JSON.

    Raises
    ------
    InputError
        If a field has a wrong type or value, or the object has no name.
    """
    written = decode(obj, WrittenCapacity, "CSIStorageCapacity")
    metadata = written.metadata or Metadata()
    name, namespace = object_name("CSIStorageCapacity", metadata), namespace_of(metadata)
    where = described("CSIStorageCapacity", namespace, name)
    largest = read_bytes(where, "maximumVolumeSize", written.maximum_volume_size)
    room = read_bytes(where, "capacity", written.capacity)
    return StorageCapacity(
        namespace=namespace,
        name=name,
        storage_class=written.storage_class_name or "",
        nodes=read_selector(where, "nodeTopology", written.node_topology),
        largest_bytes=room if largest is None else largest,
    )


def read_volume_attachment(obj: Object) -> VolumeAttachment:
    """Return a VolumeAttachment.

    Parameters
    ----------
    obj
        A tree, or JSON.

    Raises
    ------
    InputError
        If a field has a wrong type, or the object has no name.
    """
    written = decode(obj, WrittenAttachment, "VolumeAttachment")
    spec = written.spec or AttachmentSpec()
    return VolumeAttachment(
        name=object_name("VolumeAttachment", written.metadata or Metadata()),
        attacher=spec.attacher or "",
        node=spec.node_name or "",
        volume_name=(spec.source.persistent_volume_name if spec.source else None) or "",
    )


def read_namespace(obj: Object) -> tuple[str, dict[str, str]]:
    """Return a namespace's name and labels.

    Parameters
    ----------
    obj
        A tree, or JSON.

    Raises
    ------
    InputError
        If a label is not text, or the namespace has no name.
    """
    written = decode(obj, WrittenNamespace, "Namespace")
    metadata = written.metadata or Metadata()
    name = object_name("Namespace", metadata)
    where = described("Namespace", None, name)
    return name, read_text_map(where, "metadata.labels", metadata.labels)


def _limit(path: str, driver: NodeDriver) -> int | None:
    count = driver.allocatable.count if driver.allocatable else None
    if count is not None and not 0 <= count <= _LARGEST_COUNT:
        raise InputError(path, f"is {count}", f"write a number from 0 to {_LARGEST_COUNT}")
    return count


def _topology(written: WrittenTopology) -> TopologyTerm:
    return TopologyTerm(
        tuple((one.key or "", one.values or ()) for one in written.match_label_expressions or ())
    )
