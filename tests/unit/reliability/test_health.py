"""Which nodes are believed dead."""

import pytest

from scheduler.domain.node import Node, Taint
from scheduler.domain.snapshot import build_snapshot
from scheduler.reliability.health import DeadNode, dead_nodes
from tests.builders import node

NOT_READY = Taint("node.kubernetes.io/not-ready", "", "NoExecute")
UNREACHABLE = Taint("node.kubernetes.io/unreachable", "", "NoExecute")


@pytest.mark.parametrize(
    ("host", "sign"),
    [
        (node("a"), ""),
        (node("a", is_unschedulable=True), ""),
        (node("a", taints=(Taint("gpu"),)), ""),
        (node("a", is_ready=False), "not ready"),
        (node("a", taints=(NOT_READY,)), "not ready"),
        (node("a", taints=(UNREACHABLE,)), "unreachable"),
        (node("a", taints=(NOT_READY, UNREACHABLE), is_ready=False), "unreachable"),
    ],
)
def test_a_node_is_believed_dead_for_a_sign_of_death_only(host: Node, sign: str) -> None:
    found = dead_nodes(build_snapshot([host, node("b")], []).nodes)
    assert found == ((DeadNode("a", sign),) if sign else ())
