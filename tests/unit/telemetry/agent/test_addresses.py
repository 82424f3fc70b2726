"""What passes for an address."""

import socket

import pytest

from telemetry.agent.addresses import BadAddress, parse, resolve


@pytest.mark.parametrize(
    ("text", "family", "host"),
    [
        ("10.1.2.3", socket.AF_INET, "10.1.2.3"),
        ("fd00:0:0::1", socket.AF_INET6, "fd00::1"),
        ("FD00::AB", socket.AF_INET6, "fd00::ab"),
        ("::ffff:10.1.2.3", socket.AF_INET, "10.1.2.3"),
    ],
)
def test_addresses_are_written_as_the_system_writes_them(text: str, family: int, host: str) -> None:
    assert parse(text)[:2] == (family, host)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "edge-1",
        "10.1.2",
        "10.1.2.3.4",
        "10.1.2.3:80",
        "fd00::1::2",
        "10.1.2.3\0",
        "\uff11\uff10.1.2.3",
    ],
)
def test_what_is_no_address_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadAddress, match="is no IPv4 or IPv6 address"):
        parse(text)


@pytest.mark.parametrize("text", ["0.0.0.0", "::"])  # noqa: S104 - nobody's, that is the point
def test_nobodys_address_is_refused(text: str) -> None:
    with pytest.raises(BadAddress, match="nobody"):
        parse(text)


@pytest.mark.parametrize("text", ["224.0.0.1", "255.255.255.255", "ff02::1"])
def test_addresses_of_many_are_refused(text: str) -> None:
    with pytest.raises(BadAddress, match="of many"):
        parse(text)


def test_sockets_get_what_they_want() -> None:
    assert parse("10.1.2.3").at(7) == ("10.1.2.3", 7)
    assert parse("fd00::1").at(7) == ("fd00::1", 7, 0, 0)


def test_a_numeric_address_is_its_own_name() -> None:
    assert resolve("127.0.0.1") == parse("127.0.0.1")


@pytest.mark.parametrize("name", ["", "a" * 300, "two words", "\udc80"])
def test_a_name_that_cannot_be_one_is_refused(name: str) -> None:
    with pytest.raises(BadAddress):
        resolve(name)
