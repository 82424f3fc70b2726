"""Whether the host ports of assigned pods are free on their nodes.

As kube-scheduler's NodePorts filter would judge each on its node, given every other pod of the
final state.
"""

from collections.abc import Iterator

import numpy as np

from scheduler.domain.between import HostPort
from scheduler.domain.snapshot import NodeTable
from scheduler.planning.check.domains import each_node
from scheduler.planning.check.groups import Groups
from scheduler.planning.check.tally import Question, answered, asked

_EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - a host port's address, nothing binds here


def taken_ports(table: NodeTable, groups: Groups) -> Iterator[str]:
    """Yield the pods on whose node another pod has one of their host ports."""
    for answers in answered(each_node(table), _questions(groups)):
        for k in np.flatnonzero(answers.others > 0).tolist():
            row = int(answers.rows[k])
            ports = groups.decided.pods[row].pod_class.host_ports
            named = ", ".join(f"{p.ip}:{p.port}/{p.protocol}" for p in ports)
            yield groups.decided.breaks("host port", row, f"of {named} some are in use there")


def _questions(groups: Groups) -> Iterator[Question[None]]:
    """Yield where the pods are whose ports conflict with those of an assigned group."""
    if not any(groups.classes[group].host_ports for group in groups.assigned):
        return
    users: dict[tuple[str, int], dict[int, set[str]]] = {}
    for group, pod_class in enumerate(groups.classes):
        for port in pod_class.host_ports:
            addresses = users.setdefault(_socket(port), {}).setdefault(group, set())
            addresses.add(port.ip or _EVERY_ADDRESS)
    for group in groups.assigned:
        wanted = groups.classes[group].host_ports
        conflicting = {
            other
            for port in wanted
            for other, addresses in users[_socket(port)].items()
            if _conflict(port, addresses)
        }
        if conflicting:
            yield asked(groups, (group,), conflicting, None)


def _socket(port: HostPort) -> tuple[str, int]:
    return port.protocol or "TCP", port.port


def _conflict(port: HostPort, addresses: set[str]) -> bool:
    """Whether a port is in use on its address: all addresses conflict with each."""
    if port.port <= 0:
        return False
    address = port.ip or _EVERY_ADDRESS
    return address == _EVERY_ADDRESS or not addresses.isdisjoint({address, _EVERY_ADDRESS})
