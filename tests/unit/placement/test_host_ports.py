"""Ports of the host."""

import pytest

from scheduler.domain.between import HostPort
from tests.unit.placement.deciding import where, why
from tests.unit.placement.ruled import many, of_app, planned

ANY = "0.0.0.0"  # noqa: S104 - every address of a node


def test_one_port_goes_once_to_each_node() -> None:
    made = planned(many(7, "web", host_ports=(HostPort(ANY, "TCP", 80),)))

    assert len(set(where(made).values())) == 6
    assert why(made, "web-6") == (
        "0/6 nodes are available: 6 node(s) didn't have free ports for the requested pod ports."
    )


@pytest.mark.parametrize(
    ("held", "asked", "clashes"),
    [
        (HostPort("10.0.0.1", "TCP", 80), HostPort("10.0.0.1", "TCP", 80), True),
        (HostPort("10.0.0.1", "TCP", 80), HostPort("10.0.0.2", "TCP", 80), False),
        (HostPort(ANY, "TCP", 80), HostPort("10.0.0.2", "TCP", 80), True),
        (HostPort("10.0.0.2", "TCP", 80), HostPort(ANY, "TCP", 80), True),
        (HostPort(ANY, "TCP", 80), HostPort(ANY, "UDP", 80), False),
        (HostPort(ANY, "TCP", 80), HostPort(ANY, "TCP", 81), False),
    ],
)
def test_ports_clash_by_address_protocol_and_number(
    held: HostPort, asked: HostPort, *, clashes: bool
) -> None:
    old = of_app("old", "old", host_ports=(held,))
    new = of_app("new", "new", host_ports=(asked,), node_name="a1")

    made = planned([new], placed=[(old, "a1")])

    assert bool(made.unplaced) is clashes


def test_two_classes_of_a_batch_do_not_share_a_port() -> None:
    one = many(4, "one", host_ports=(HostPort(ANY, "TCP", 80),))
    two = many(4, "two", host_ports=(HostPort("10.0.0.1", "TCP", 80),))

    made = planned([*one, *two])

    assert len(made.assignments) == 6
    assert len(set(where(made).values())) == 6
