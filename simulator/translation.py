"""Changes of objects in the words of the port, as the service reads them."""

from scheduler.domain.ports import (
    ClusterEvent,
    NodeChanged,
    NodeDeleted,
    PodDeleted,
    ServiceChanged,
    ServiceDeleted,
)
from scheduler.objects.node import read_node
from scheduler.objects.pod import read_pod_changed
from scheduler.objects.service import read_service
from simulator.change import Change, JsonObject, key_of, uid_of


def translated(change: Change) -> ClusterEvent | None:
    """Return a change in the words of the port; None for what the service does not follow.

    Raises
    ------
    InputError
        If the object cannot be read.
    """
    is_gone = change.type == "DELETED"
    match change.key.kind:
        case "Node":
            return (
                NodeDeleted(change.key.name) if is_gone else NodeChanged(read_node(change.object))
            )
        case "Service":
            if is_gone:
                return ServiceDeleted(change.key.namespace, change.key.name)
            return ServiceChanged(read_service(change.object))
        case "Pod":
            return _pod_event(change.object, is_gone=is_gone)
        case _:
            return None


def _pod_event(pod: JsonObject, *, is_gone: bool) -> ClusterEvent:
    if is_gone:
        key = key_of(pod)
        return PodDeleted(f"{key.namespace}/{key.name}", uid_of(pod))
    return read_pod_changed(pod)
