"""Which nodes are believed dead."""

from dataclasses import dataclass

from scheduler.domain.node import NOT_READY_TAINT, UNREACHABLE_TAINT, Node
from scheduler.domain.snapshot import NodeTable

UNREACHABLE = "unreachable"
"""The sign of a node that is silent; another node says itself that it is not ready."""


@dataclass(frozen=True, slots=True)
class DeadNode:
    """A node believed dead, and the sign it is believed for."""

    name: str
    sign: str


def dead_nodes(table: NodeTable) -> tuple[DeadNode, ...]:
    """Return the nodes that are not ready, or that the node controller has tainted as lost.

    A cordoned node is alive: it only takes no more pods. RTTs from a dead node stay at their last
    confirmed value, for the budgets of those who refer to it outlive it.
    """
    found = []
    for node, is_ready in zip(table.nodes, table.is_ready.tolist(), strict=True):
        sign = _sign(node, is_ready=is_ready)
        if sign:
            found.append(DeadNode(node.name, sign))
    return tuple(found)


def is_dead(node: Node) -> bool:
    """Whether a node is believed dead."""
    return bool(death_sign(node))


def death_sign(node: Node) -> str:
    """Return the sign by which a node is believed dead; empty for one that lives."""
    return _sign(node, is_ready=node.is_ready)


def _sign(node: Node, *, is_ready: bool) -> str:
    keys = {taint.key for taint in node.taints}
    # The stronger sign first: an unreachable node is silent, one that is not ready says so itself.
    if UNREACHABLE_TAINT in keys:
        return UNREACHABLE
    if NOT_READY_TAINT in keys or not is_ready:
        return "not ready"
    return ""
