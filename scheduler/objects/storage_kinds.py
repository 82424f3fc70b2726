"""Who reads which kind of storage object."""

from collections.abc import Callable, Mapping

from scheduler.domain.object_events import StorageKind, StorageObject
from scheduler.objects.decoding import Object
from scheduler.objects.storage import (
    read_claim,
    read_csi_driver,
    read_csi_node,
    read_storage_capacity,
    read_storage_class,
    read_volume,
    read_volume_attachment,
)

READERS: Mapping[StorageKind, Callable[[Object], StorageObject]] = {
    "PersistentVolumeClaim": read_claim,
    "PersistentVolume": read_volume,
    "StorageClass": read_storage_class,
    "CSINode": read_csi_node,
    "CSIDriver": read_csi_driver,
    "CSIStorageCapacity": read_storage_capacity,
    "VolumeAttachment": read_volume_attachment,
}
"""By the API's name of the kind. Each raises `InputError` for what it cannot read."""
