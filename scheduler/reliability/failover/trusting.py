"""A snapshot as it would be if every node that lives were trusted."""

from dataclasses import replace

from scheduler.domain.node import HELD_DOWN_TAINT, Node
from scheduler.domain.snapshot import ClusterSnapshot


def trusting(snapshot: ClusterSnapshot) -> ClusterSnapshot:
    """Return the snapshot without any hold-down: what is promised on such a node stays.

    The very same where no node is held down, with all that was worked out of its nodes.
    """
    table = snapshot.nodes
    if not any(map(_is_held_down, table.nodes)):
        return snapshot
    nodes = tuple(_trusted(node) if _is_held_down(node) else node for node in table.nodes)
    return replace(snapshot, nodes=replace(table, nodes=nodes))


def _is_held_down(node: Node) -> bool:
    return any(taint.key == HELD_DOWN_TAINT for taint in node.taints)


def _trusted(node: Node) -> Node:
    return replace(node, taints=tuple(t for t in node.taints if t.key != HELD_DOWN_TAINT))
