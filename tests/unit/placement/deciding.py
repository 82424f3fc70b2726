"""Short words for tests that decide a little cluster with the true core."""

from collections.abc import Sequence

from scheduler.domain.node import Node
from scheduler.domain.plan import Plan
from scheduler.domain.reasons import PodCause
from scheduler.domain.snapshot import build_snapshot
from scheduler.domain.workload import Pod, Service
from scheduler.placement.settings import PlacementSettings
from scheduler.planning.plan import plan
from telemetry.model import RttTable
from tests.builders import line_rtt, node

LINE = ("a", "b", "c", "d", "e")
"""Nodes of a line, a millisecond from one to the next."""


def on_a_line(  # noqa: PLR0913 - the parts of a snapshot, all but one optional
    pending: Sequence[Pod],
    *,
    placed: Sequence[tuple[Pod, str]] = (),
    terminating: frozenset[str] = frozenset(),
    held: Sequence[Pod] = (),
    services: Sequence[Service] = (),
    nodes: Sequence[Node] | None = None,
    rtt: RttTable | None = None,
) -> Plan:
    """Plan pods on the nodes of the line, with other nodes or RTTs where a test says so."""
    snapshot = build_snapshot(
        [node(name) for name in LINE] if nodes is None else nodes,
        pending,
        placed=placed,
        terminating=terminating,
        held=held,
        services=services,
        rtt=line_rtt(LINE) if rtt is None else rtt,
    )
    return plan(snapshot, PlacementSettings())


def where(made: Plan) -> dict[str, str]:
    """Return pod name to node."""
    return {a.pod.name: a.node for a in made.assignments}


def why(made: Plan, name: str) -> str:
    """Return what is said of a pod that waits."""
    return next(u.refusal.message for u in made.unplaced if u.pod.name == name)


def causes(made: Plan, name: str) -> set[PodCause]:
    """Return why a pod is not tried at all."""
    refusal = next(u.refusal for u in made.unplaced if u.pod.name == name)
    return {reason.cause for reason in refusal.pod_reasons}
