"""Which waiting pods a node that comes, goes, or changes may help.

A node that by itself does not take a pod helps it with nothing, whatever else may have changed on
it. So an event is looked at twice: whether the node takes the pod by what it is, and whether it did
before. Where it did, what kept the pod away is for others to say: room, ports, other pods, delays.
"""

from scheduler.domain.node import UNSCHEDULABLE_TAINT, Node, Taint
from scheduler.domain.reasons import Cause
from scheduler.domain.workload import PodClass
from scheduler.planning.check.nodes import untolerated
from scheduler.planning.check.requirements import node_matches
from scheduler.service.grounds import Grounds
from scheduler.service.wake import (
    NodeAdded,
    NodeChange,
    NodeRemoved,
    NodeUpdated,
    Room,
    RoomFreed,
    allocatable,
    room_of,
)

_CORDON = (Taint(UNSCHEDULABLE_TAINT),)  # its effect is NoSchedule


def takes(grounds: Grounds, node: Node) -> bool:
    """Whether a node takes a pod by what the node itself is, were it empty."""
    pod_class = grounds.pod_class
    if not node.is_ready or (pod_class.node_name and pod_class.node_name != node.name):
        return False
    if not _is_tolerated(pod_class, node) or not set(pod_class.features) <= node.features:
        return False
    # Said of a node, it means that the settings keep the pod off all nodes without the role.
    if Cause.CLOUD in grounds.causes and not node.is_cloud:
        return False
    return _is_chosen(pod_class, node) and all(
        amount <= allocatable(node, name) for name, amount in room_of(pod_class)
    )


def _is_tolerated(pod_class: PodClass, node: Node) -> bool:
    """Whether a pod puts up with a node's taints, and with its cordon if it has one."""
    taints = (*node.taints, *_CORDON) if node.is_unschedulable else node.taints
    return not any(untolerated(pod_class.tolerations, taints))


def _is_chosen(pod_class: PodClass, node: Node) -> bool:
    """Whether a node meets the node selector and the required node affinity."""
    terms = pod_class.required_nodes
    return all(node.labels.get(key) == value for key, value in pod_class.node_selector) and (
        terms is None or any(node_matches(term, node.name, node.labels) for term in terms)
    )


def any_node(_grounds: Grounds, _event: NodeAdded) -> bool:
    """Where there was no node at all, each one that comes is news."""
    return True


def node_comes(grounds: Grounds, event: NodeAdded) -> bool:
    """Tell whether a new node takes the pod."""
    return takes(grounds, event.node)


def node_opens(grounds: Grounds, event: NodeUpdated) -> bool:
    """Tell whether a node takes the pod that did not."""
    return takes(grounds, event.new) and not takes(grounds, event.old)


def node_grows(grounds: Grounds, event: NodeUpdated) -> bool:
    """Tell whether a node has more of what the pod asks for, and enough."""
    if NodeChange.ALLOCATABLE not in event.changes or not event.room.fits(grounds.pod_class):
        return False
    has_grown = any(
        allocatable(event.new, name) > allocatable(event.old, name)
        for name, _ in room_of(grounds.pod_class)
    )
    return has_grown and takes(grounds, event.new)


def room_suffices(grounds: Grounds, event: RoomFreed) -> bool:
    """Tell whether the pod fits on a node where it did not before."""
    room: Room = event.room
    if not room.fits(grounds.pod_class):
        return False
    if event.freed is not None and room.fits(grounds.pod_class, besides=event.freed):
        return False
    return takes(grounds, room.node)


def room_beside_reserve(grounds: Grounds, event: RoomFreed) -> bool:
    """Tell whether the pod fits on a node, where it may have before, but for what is kept there."""
    return event.room.fits(grounds.pod_class) and takes(grounds, event.room.node)


def reference_node_comes(grounds: Grounds, event: NodeAdded) -> bool:
    """Tell whether a delay of the pod is measured from the new node."""
    return _refers(grounds, event.node.name)


def reference_node_goes(grounds: Grounds, event: NodeRemoved) -> bool:
    """Tell whether a name that was the node's may now mean something else."""
    return _refers(grounds, event.node.name)


def _refers(grounds: Grounds, name: str) -> bool:
    return any(
        delay.reference.name == name and delay.reference.kind in ("auto", "node")
        for delay in grounds.pod_class.hard_delays
    )


def domain_goes(grounds: Grounds, event: NodeRemoved) -> bool:
    """Tell whether a node counted for topology spread: its domain may have been the emptiest."""
    return bool(_standing(grounds.pod_class, event.node))


def domain_changes(grounds: Grounds, event: NodeUpdated) -> bool:
    """Tell whether a node counts for topology spread in another domain, or begins or ceases to."""
    pod_class = grounds.pod_class
    return _standing(pod_class, event.old) != _standing(pod_class, event.new)


def _standing(pod_class: PodClass, node: Node) -> tuple[str | None, ...]:
    """Return in which domain a node counts for each hard constraint; nothing if for none."""
    hard = [constraint for constraint in pod_class.spread if constraint.is_hard]
    if any(constraint.topology_key not in node.labels for constraint in hard):
        return ()
    is_chosen = _is_chosen(pod_class, node)
    is_tolerated = not any(untolerated(pod_class.tolerations, node.taints))
    domains = tuple(
        node.labels[constraint.topology_key]
        if (is_chosen or not constraint.honors_affinity)
        and (is_tolerated or not constraint.honors_taints)
        else None
        for constraint in hard
    )
    return domains if any(domain is not None for domain in domains) else ()


def neighbours_change(grounds: Grounds, event: NodeUpdated) -> bool:
    """Tell whether a node's pods are in other topology domains now, of any that could matter.

    By which label a pod that stands keeps others away, a waiting pod does not know: each label that
    a node no longer has may be one.
    """
    if NodeChange.LABEL not in event.changes:
        return False
    old, new = event.old.labels, event.new.labels
    if any(new.get(key) != value for key, value in old.items()):
        return True
    return any(
        term.topology_key in new and term.topology_key not in old
        for term in grounds.pod_class.pod_affinity
    )


def volumes_reach(grounds: Grounds, event: NodeUpdated) -> bool:
    """Tell whether a node that takes the pod has other labels, which volumes go by."""
    return NodeChange.LABEL in event.changes and takes(grounds, event.new)
