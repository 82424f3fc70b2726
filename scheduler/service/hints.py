"""What can lift each cause of waiting: kube-scheduler's queueing hints, for events of all kinds.

A row says that an event of one kind may help pods that wait for any of some causes, and how it is
told. A cause without a row for a kind of event is not lifted by it. A refusal names on each node
the first rule that ruled it out, so what makes a node fit has to lift one of the causes named: no
other rows need to be looked at. docs/queue.md has the table for people.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar

from scheduler.domain.reasons import Cause, PodCause
from scheduler.domain.workload import Pod, PodClass
from scheduler.service import node_hints as nodes
from scheduler.service import pod_hints as pods
from scheduler.service import storage_hints as storage
from scheduler.service.grounds import REFERENCES, AnyCause, Grounds
from scheduler.service.rtt_changed import RttChanged
from scheduler.service.wake import (
    GroupTold,
    NamespaceRelabelled,
    NodeAdded,
    NodeRemoved,
    NodeUpdated,
    PodGone,
    PodLeaving,
    PodPlaced,
    PodRelabelled,
    RoomFreed,
    Stored,
    Wake,
    WakeAll,
    WakeNamed,
)

E = TypeVar("E")

_ANY_NODE: frozenset[AnyCause] = frozenset(Cause)
_DELAYS: frozenset[AnyCause] = frozenset({Cause.DELAY, Cause.DELAY_UNKNOWN})
_SPREAD: frozenset[AnyCause] = frozenset({Cause.SPREAD})
_BETWEEN_PODS: frozenset[AnyCause] = frozenset({Cause.POD_AFFINITY})
_VOLUME: frozenset[AnyCause] = frozenset({Cause.VOLUME})
_VOLUME_OF_POD: frozenset[AnyCause] = frozenset({PodCause.VOLUME})


@dataclass(frozen=True, slots=True, eq=False)
class Hint(Generic[E]):
    """One row. `namespace_of`, if any, is the only namespace whose pods the event may help."""

    causes: frozenset[AnyCause]
    event: type[E]
    helps: Callable[[Grounds, E], bool]
    namespace_of: Callable[[E], str] | None = None


def _closer(grounds: Grounds, event: RttChanged) -> bool:
    return event.admits_more(grounds.pod_class.hard_delays)


def _of_pod(event: PodPlaced | PodGone | PodLeaving) -> str:
    return event.pod.namespace


def _of_new(event: PodRelabelled) -> str:
    return event.new.namespace


HINTS: tuple[Hint[Any], ...] = (
    Hint(frozenset({PodCause.NO_NODES}), NodeAdded, nodes.any_node),
    Hint(_ANY_NODE, NodeAdded, nodes.node_comes),
    Hint(_ANY_NODE, NodeUpdated, nodes.node_opens),
    Hint(frozenset({Cause.RESOURCE, Cause.RESERVED}), NodeUpdated, nodes.node_grows),
    Hint(frozenset({Cause.RESOURCE}), RoomFreed, nodes.room_suffices),
    Hint(frozenset({Cause.RESERVED}), RoomFreed, nodes.room_beside_reserve),
    Hint(frozenset({Cause.PORT}), PodGone, pods.port_freed),
    Hint(_SPREAD, PodPlaced, pods.count_rises, _of_pod),
    Hint(_SPREAD, PodGone, pods.count_falls, _of_pod),
    Hint(_SPREAD, PodLeaving, pods.count_falls, _of_pod),
    Hint(_SPREAD, PodRelabelled, pods.count_shifts, _of_new),
    Hint(_SPREAD, NodeUpdated, nodes.domain_changes),
    Hint(_SPREAD, NodeRemoved, nodes.domain_goes),
    Hint(_BETWEEN_PODS, PodPlaced, pods.neighbour_comes),
    Hint(_BETWEEN_PODS, PodGone, pods.neighbour_goes),
    Hint(_BETWEEN_PODS, PodRelabelled, pods.neighbour_relabelled),
    Hint(_BETWEEN_PODS, NodeUpdated, nodes.neighbours_change),
    Hint(_BETWEEN_PODS, NamespaceRelabelled, pods.namespace_relabelled),
    Hint(_VOLUME, PodGone, pods.volume_freed),
    Hint(_VOLUME, NodeUpdated, nodes.volumes_reach),
    Hint(_VOLUME, Stored, storage.storage_reaches),
    Hint(_VOLUME_OF_POD, PodGone, pods.claim_freed),
    Hint(_VOLUME_OF_POD, Stored, storage.storage_told),
    Hint(_DELAYS, RttChanged, _closer),
    Hint(REFERENCES, NodeAdded, nodes.reference_node_comes),
    Hint(REFERENCES, NodeRemoved, nodes.reference_node_goes),
)

ONLY_ITSELF: frozenset[AnyCause] = frozenset(
    {
        PodCause.BAD_DELAY,
        PodCause.UNSUPPORTED,
        PodCause.RESOURCE_CLAIM,
        PodCause.AFFINITY_CONFLICT,
    }
)
"""What only a change of the pod itself can lift."""

_UNDERSTOOD = ONLY_ITSELF.union(*(hint.causes for hint in HINTS))

_BY_LABELS = _SPREAD | _BETWEEN_PODS
_OTHERS_LOOK_AT = frozenset({"labels", "images", "preferred_nodes", "preferred_pods"})
"""Fields of a class that rule no node out for its own pods, but for the causes above."""


_BY_EVENT = {hint.event: tuple(h for h in HINTS if h.event is hint.event) for hint in HINTS}


def hints_of(event: Wake) -> tuple[Hint[Any], ...]:
    """Return the rows for the kind of an event."""
    return _BY_EVENT.get(type(event), ())


def is_open(grounds: Grounds) -> bool:
    """Whether nobody can say what would help, so that anything may.

    So it is where pods stand in each other's way (``CROWDED_OUT``), and where no refusal is known.
    """
    return not grounds.causes or not grounds.causes <= _UNDERSTOOD


def is_crowded_out(grounds: Grounds) -> bool:
    """Whether pods that were decided on together stand in each other's way."""
    return PodCause.CROWDED_OUT in grounds.causes


def helps(grounds: Grounds, event: Wake) -> bool:
    """Whether an event may help pods that wait on these grounds."""
    if isinstance(event, WakeNamed):
        return may_refer(grounds)
    if isinstance(event, GroupTold) and is_member(grounds, event):
        return True
    if isinstance(event, WakeAll) or (is_open(grounds) and helps_open(grounds, event)):
        return True
    return any(
        hint.helps(grounds, event) for hint in hints_of(event) if hint.causes & grounds.causes
    )


def is_member(grounds: Grounds, event: GroupTold) -> bool:
    """Whether the pods are of a group: what is told of it may help them, whatever they wait for."""
    return grounds.pod_class.group == event.ref


def helps_open(grounds: Grounds, event: Wake) -> bool:
    """Whether an event may help pods of which nobody knows what would: all but RTTs may."""
    return not isinstance(event, RttChanged) or event.admits_more(grounds.pod_class.hard_delays)


def may_refer(grounds: Grounds) -> bool:
    """Whether it may help that something changes which a delay of the pods refers to."""
    return is_open(grounds) or bool(REFERENCES & grounds.causes)


def may_matter(grounds: Grounds, old: Pod, new: Pod) -> bool:
    """Whether a change of a waiting pod itself may let it be placed.

    Any change of what a decision looks at may, whatever it waits for: what was said of it need not
    be so any more. Labels and wishes rule nothing out by themselves.
    """
    if is_open(grounds) or grounds.causes & _BY_LABELS:
        return True
    return old.volumes != new.volumes or any(
        getattr(old.pod_class, part.name) != getattr(new.pod_class, part.name)
        for part in fields(PodClass)
        if part.compare and part.name not in _OTHERS_LOOK_AT
    )
