"""Grounds and events, for tests of the queue's hints."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from scheduler.domain.between import PodTerm, SpreadConstraint
from scheduler.domain.node import Node
from scheduler.domain.reasons import Cause, NodeReason, PodCause, PodReason, Refusal
from scheduler.domain.selector import LabelSelector, Requirement
from scheduler.domain.workload import Pod
from scheduler.service.grounds import AnyCause, Grounds, grounds_of
from scheduler.service.wake import NodeUpdated, PlacedPod, Room, Wake, node_changes, placed_pod
from tests.builders import node, pod

ZONE = "zone"
Namespaces = dict[str, dict[str, str]]


Row = tuple[str, Grounds, Wake, bool]


def rows(*given: Row) -> Sequence[object]:
    """Return parameters named by sentences: grounds, event, and whether it may help."""
    return [pytest.param(*row[1:], id=row[0]) for row in given]


def refused(*causes: AnyCause) -> Refusal:
    """Return a refusal for some causes."""
    return Refusal(
        1,
        tuple(PodReason(cause, "so") for cause in causes if isinstance(cause, PodCause)),
        tuple(NodeReason(cause, "so", 1) for cause in causes if isinstance(cause, Cause)),
    )


def waiting(*causes: AnyCause, **spec: object) -> Grounds:
    """Return the grounds on which a pod waits; `spec` holds fields of its class."""
    return grounds_of(pod("p", **spec), refused(*causes))  # type: ignore[arg-type] # fields by name


def updated(old: Node, new: Node, free: dict[str, int] | None = None) -> NodeUpdated:
    """Return the event of a change; all of the node is free, unless it is said."""
    return NodeUpdated(old, new, Room(new, free or new.allocatable), node_changes(old, new))


def zoned(zone: str = "", **fields: object) -> Node:
    """Return a node in a zone, or in none."""
    made = node("n", labels={ZONE: zone} if zone else {})
    return replace(made, **fields)  # type: ignore[arg-type] # fields by name


def app(name: str) -> LabelSelector:
    """Return the selector of pods labelled as an app."""
    return LabelSelector((Requirement("app", "In", (name,)),))


def of_app(name: str, **spec: object) -> Pod:
    """Return a pod labelled as an app."""
    return pod(f"{name}-0", labels=(("app", name),), **spec)  # type: ignore[arg-type] # by name


def placed(one: Pod, namespaces: Namespaces | None = None) -> PlacedPod:
    """Return a placed pod as others see it."""
    return placed_pod(one, namespaces or {})


def near(name: str, *, team: str = "") -> PodTerm:
    """Return a term for pods of an app, of the own namespace or of all that are of a team."""
    chosen = LabelSelector((Requirement("team", "In", (team,)),)) if team else None
    return PodTerm(ZONE, app(name), () if team else ("default",), chosen)


def evenly(name: str, **fields: object) -> SpreadConstraint:
    """Return a hard constraint on how pods of an app lie over zones."""
    return replace(SpreadConstraint(ZONE, 1, True, app(name)), **fields)  # type: ignore[arg-type] # noqa: FBT003 - a field by its place
