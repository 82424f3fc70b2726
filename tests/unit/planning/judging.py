"""What the checker's tests share: three nodes on a line, and the names of the rules broken."""

from collections.abc import Sequence

from scheduler.domain.node import Node
from scheduler.domain.plan import Assignment, Plan
from scheduler.domain.snapshot import ClusterSnapshot, build_snapshot
from scheduler.domain.workload import Pod
from scheduler.planning.check import violations
from telemetry.model import RttMatrix
from tests.builders import line_rtt, node

NAMES = ("a", "b", "c")
NODES = [node(name) for name in NAMES]
LINE = line_rtt(NAMES)


def planned(*pairs: tuple[Pod, str]) -> Plan:
    return Plan(tuple(Assignment(one, on) for one, on in pairs))


def rules(snapshot: ClusterSnapshot, plan: Plan) -> list[str]:
    return [said.split(":", 1)[0] for said in violations(snapshot, plan)]


def on_a(one: Pod, *, nodes: Sequence[Node] = NODES, rtt: RttMatrix = LINE) -> list[str]:
    return rules(build_snapshot(nodes, [one], rtt=rtt), planned((one, "a")))
