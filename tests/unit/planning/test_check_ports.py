"""The independent checker: ports of the node itself, one rule a test."""

import pytest

from scheduler.domain.between import HostPort
from scheduler.domain.snapshot import build_snapshot
from scheduler.domain.workload import Pod
from scheduler.planning.check import violations
from tests.builders import pod
from tests.unit.planning.judging import NODES, planned, rules

HTTP = HostPort("0.0.0.0", "TCP", 80)  # noqa: S104 - a host port's address
TAKEN = ["host port"]


def with_ports(name: str, *ports: HostPort) -> Pod:
    return pod(name, host_ports=ports)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (HTTP, TAKEN),
        (HostPort("10.0.0.1", "TCP", 80), TAKEN),
        (HostPort("", "", 80), TAKEN),
        (HostPort("0.0.0.0", "UDP", 80), []),  # noqa: S104 - a host port's address
        (HostPort("0.0.0.0", "TCP", 81), []),  # noqa: S104 - a host port's address
    ],
)
def test_a_port_of_all_addresses_is_taken_on_each(wanted: HostPort, found: list[str]) -> None:
    one = with_ports("p", wanted)
    snapshot = build_snapshot(NODES, [one], placed=[(with_ports("q", HTTP), "a")])
    assert rules(snapshot, planned((one, "a"))) == found


@pytest.mark.parametrize(
    ("address", "found"), [("10.0.0.1", TAKEN), ("10.0.0.2", []), ("", TAKEN), ("::", [])]
)
def test_a_port_of_one_address_is_taken_there_and_for_all(address: str, found: list[str]) -> None:
    one = with_ports("p", HostPort(address, "TCP", 80))
    there = with_ports("q", HostPort("10.0.0.1", "TCP", 80))
    snapshot = build_snapshot(NODES, [one], placed=[(there, "a")])
    assert rules(snapshot, planned((one, "a"))) == found


def test_a_port_taken_on_another_node_is_free() -> None:
    one = with_ports("p", HTTP)
    snapshot = build_snapshot(NODES, [one], placed=[(with_ports("q", HTTP), "b")])
    assert rules(snapshot, planned((one, "a"))) == []


def test_one_taken_port_of_several_is_enough() -> None:
    one = with_ports("p", HostPort("", "TCP", 443), HTTP)
    snapshot = build_snapshot(NODES, [one], placed=[(with_ports("q", HTTP), "a")])
    assert rules(snapshot, planned((one, "a"))) == TAKEN


def test_a_pod_that_names_a_port_twice_does_not_take_it_from_itself() -> None:
    one = with_ports("p", HTTP, HostPort("10.0.0.1", "TCP", 80))
    assert rules(build_snapshot(NODES, [one]), planned((one, "a"))) == []


def test_replicas_with_a_port_do_not_share_a_node() -> None:
    pods = [with_ports(name, HTTP) for name in "pq"]
    said = violations(build_snapshot(NODES, pods), planned((pods[0], "a"), (pods[1], "a")))
    assert [one.split(": ")[1] for one in said] == ["default/p on a", "default/q on a"]


def test_replicas_with_a_port_on_different_nodes_are_right() -> None:
    pods = [with_ports(name, HTTP) for name in "pq"]
    snapshot = build_snapshot(NODES, pods)
    assert rules(snapshot, planned((pods[0], "a"), (pods[1], "b"))) == []


def test_a_pod_without_ports_minds_none() -> None:
    one = pod("p")
    snapshot = build_snapshot(NODES, [one], placed=[(with_ports("q", HTTP), "a")])
    assert rules(snapshot, planned((one, "a"))) == []


def test_a_terminating_pod_has_its_port_still() -> None:
    one = with_ports("p", HTTP)
    snapshot = build_snapshot(
        NODES, [one], placed=[(with_ports("q", HTTP), "a")], terminating=frozenset({"default/q"})
    )
    assert rules(snapshot, planned((one, "a"))) == TAKEN
