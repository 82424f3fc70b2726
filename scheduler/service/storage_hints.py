"""Which waiting pods an object of storage may help that comes, goes, or changes."""

from scheduler.domain.storage import (
    CsiDriver,
    CsiNode,
    PersistentVolumeClaim,
    StorageCapacity,
)
from scheduler.service.grounds import Grounds
from scheduler.service.wake import Stored


def storage_told(grounds: Grounds, event: Stored) -> bool:
    """Tell whether a pod waits for a claim, or for what its claims need, wherever it would run."""
    if event.kind == "PersistentVolumeClaim":
        return _is_own_claim(grounds, event)
    return event.kind in ("PersistentVolume", "StorageClass") and event.new is not None


def storage_reaches(grounds: Grounds, event: Stored) -> bool:
    """Tell whether a volume may reach, fit on, or be made for, a node where it could not."""
    match event.kind:
        case "PersistentVolumeClaim" | "PersistentVolume":
            # Of one that is gone, no node counts the volume any more.
            return event.new is None or storage_told(grounds, event)
        case "CSINode":
            return _attaches_more(event)
        case "CSIDriver":
            return _tracks(event.old) and not _tracks(event.new)
        case "CSIStorageCapacity":
            return _makes_more(event)
        case "VolumeAttachment":
            return event.new is None
        case "StorageClass":
            return storage_told(grounds, event)


def _is_own_claim(grounds: Grounds, event: Stored) -> bool:
    claim = event.new
    return (
        isinstance(claim, PersistentVolumeClaim)
        and claim.namespace == grounds.pod_class.namespace
        and any(wanted.name == claim.name for wanted in grounds.volumes.claims)
    )


def _attaches_more(event: Stored) -> bool:
    """Whether a node is told of, or a limit of it rose or fell away, or other plugins migrated."""
    old, new = event.old, event.new
    if not isinstance(old, CsiNode) or not isinstance(new, CsiNode):
        return True
    return old.migrated != new.migrated or any(
        limit is not None and _is_higher(new.limits.get(driver), limit)
        for driver, limit in old.limits.items()
    )


def _is_higher(limit: int | None, than: int) -> bool:
    return limit is None or limit > than


def _tracks(driver: object) -> bool:
    """Whether the room that a driver tells of is heeded."""
    return isinstance(driver, CsiDriver) and driver.tracks_capacity


def _makes_more(event: Stored) -> bool:
    """Whether larger volumes can be made, or for other nodes."""
    old, new = event.old, event.new
    if not isinstance(new, StorageCapacity) or new.largest_bytes is None:
        return False
    if not isinstance(old, StorageCapacity) or old.largest_bytes is None:
        return True
    is_elsewhere = (old.nodes, old.storage_class) != (new.nodes, new.storage_class)
    return is_elsewhere or new.largest_bytes > old.largest_bytes
