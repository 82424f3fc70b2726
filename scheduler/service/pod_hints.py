"""Which waiting pods another pod may help that is placed, or goes, or changes its labels."""

from collections.abc import Mapping

from scheduler.domain.between import PodTerm
from scheduler.placement.feasibility.ports import clash
from scheduler.planning.check.requirements import selects
from scheduler.service.grounds import Grounds
from scheduler.service.wake import (
    NamespaceRelabelled,
    Namespaces,
    PlacedPod,
    PodGone,
    PodLeaving,
    PodPlaced,
    PodRelabelled,
)

# Ports and volumes


def port_freed(grounds: Grounds, event: PodGone) -> bool:
    """Tell whether the pod that went held a port of the host that the pod asks for."""
    return any(
        clash(wanted, held)
        for held in event.pod.pod_class.host_ports
        for wanted in grounds.pod_class.host_ports
    )


def volume_freed(grounds: Grounds, event: PodGone) -> bool:
    """Tell whether the pod that went used a claim, which a node counts, or a disk of the pod's."""
    return bool(event.pod.volumes.claims) or disk_freed(grounds, event)


def claim_freed(grounds: Grounds, event: PodGone) -> bool:
    """Tell whether the pod that went used a claim of the pod's, or a disk of the pod's."""
    theirs = {claim.name for claim in event.pod.volumes.claims}
    is_ours = event.pod.namespace == grounds.pod_class.namespace and any(
        claim.name in theirs for claim in grounds.volumes.claims
    )
    return is_ours or disk_freed(grounds, event)


def disk_freed(grounds: Grounds, event: PodGone) -> bool:
    """Tell whether the pod that went had a disk that may not be mounted twice."""
    return any(
        (wanted.kind, wanted.identity) == (held.kind, held.identity)
        for held in event.pod.volumes.disks
        for wanted in grounds.volumes.disks
    )


# Topology spread: the pods that a constraint selects, of the pod's own namespace


def count_rises(grounds: Grounds, event: PodPlaced) -> bool:
    """Tell whether a pod counts that did not: the emptiest domain may be less empty."""
    return _counts(grounds, event.pod)


def count_falls(grounds: Grounds, event: PodGone | PodLeaving) -> bool:
    """Tell whether a pod counted that does so no more."""
    return _counts(grounds, event.pod)


def count_shifts(grounds: Grounds, event: PodRelabelled) -> bool:
    """Tell whether a constraint selects a pod that it did not, or no longer one that it did."""
    return event.new.namespace == grounds.pod_class.namespace and any(
        selects(constraint.selector, event.old.labels)
        != selects(constraint.selector, event.new.labels)
        for constraint in grounds.pod_class.spread
        if constraint.is_hard
    )


def _counts(grounds: Grounds, pod: PlacedPod) -> bool:
    return pod.namespace == grounds.pod_class.namespace and any(
        selects(constraint.selector, pod.labels)
        for constraint in grounds.pod_class.spread
        if constraint.is_hard
    )


# Affinity and anti-affinity


def neighbour_comes(grounds: Grounds, event: PodPlaced) -> bool:
    """Tell whether the pod wants to be near the one that was placed."""
    return _attracts(grounds, event.pod)


def neighbour_goes(grounds: Grounds, event: PodGone) -> bool:
    """Tell whether one of the two kept the other away, or the pod may now be the first of a group.

    A pod that meets its own affinity terms may go anywhere while nobody else meets them.
    """
    pod, own = event.pod, _as_placed(grounds, event.pod.namespaces)
    if any(_asks_of(term, pod) for term in grounds.pod_class.pod_anti_affinity):
        return True
    if any(_speaks_of(term, own) for term in pod.pod_class.pod_anti_affinity):
        return True
    return _attracts(grounds, pod) and _attracts(grounds, own)


def neighbour_relabelled(grounds: Grounds, event: PodRelabelled) -> bool:
    """Tell whether a placed pod is now one to be near to, or no more one to be away from."""
    was_near, is_near = _attracts(grounds, event.old), _attracts(grounds, event.new)
    if is_near and not was_near:
        return True
    if was_near and not is_near and _attracts(grounds, _as_placed(grounds, event.new.namespaces)):
        return True
    return any(
        _asks_of(term, event.old) and not _asks_of(term, event.new)
        for term in grounds.pod_class.pod_anti_affinity
    )


def namespace_relabelled(grounds: Grounds, event: NamespaceRelabelled) -> bool:
    """Tell whether the pod's terms speak of other namespaces now, or others' terms of its own."""
    if event.name == grounds.pod_class.namespace:
        return True
    terms = (*grounds.pod_class.pod_affinity, *grounds.pod_class.pod_anti_affinity)
    return any(
        _chooses(term, event.old) != _chooses(term, event.new)
        for term in terms
        if event.name not in term.namespaces
    )


def _chooses(term: PodTerm, labels: Mapping[str, str] | None) -> bool:
    selector = term.namespace_selector
    return selector is not None and labels is not None and selects(selector, labels)


def _attracts(grounds: Grounds, pod: PlacedPod) -> bool:
    """Whether a pod meets all affinity terms, as one that is to be near has to."""
    terms = grounds.pod_class.pod_affinity
    return bool(terms) and all(_asks_of(term, pod) for term in terms)


def _as_placed(grounds: Grounds, namespaces: Namespaces) -> PlacedPod:
    """Return the waiting pod as others would see it."""
    return PlacedPod(grounds.pod_class, grounds.identity_labels, namespaces=namespaces)


def _asks_of(term: PodTerm, pod: PlacedPod) -> bool:
    """Whether a term of the waiting pod selects another.

    A namespace selector that selects what has no labels means every namespace
    (`scheduler.placement.feasibility.matching`).
    """
    if term.namespace_selector is not None and selects(term.namespace_selector, {}):
        return selects(term.selector, pod.labels)
    return _speaks_of(term, pod)


def _speaks_of(term: PodTerm, pod: PlacedPod) -> bool:
    """Whether a term selects a pod; a namespace that is not known has no labels."""
    is_near = pod.namespace in term.namespaces or (
        term.namespace_selector is not None
        and selects(term.namespace_selector, pod.namespace_labels)
    )
    return is_near and selects(term.selector, pod.labels)
