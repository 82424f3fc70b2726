"""Numeric addresses, and how sockets want them."""

import socket

from telemetry.agent.typed import NamedTuple

SocketAddress = tuple[str, int] | tuple[str, int, int, int]

FAMILIES = (socket.AF_INET, socket.AF_INET6)
_MAPPED = "::ffff:"


class BadAddress(ValueError):
    """No packet can be sent there; the text says why."""


class Address(NamedTuple):
    """An IPv4 or IPv6 address: `host` as the system writes it, so that texts can be compared.

    `scope` is the interface's number, for IPv6 addresses of a link; else 0.
    """

    family: int
    host: str
    scope: int = 0

    def at(self, port: int) -> SocketAddress:
        """Return what sockets take for it."""
        if self.family == socket.AF_INET:
            return (self.host, port)
        return (self.host, port, 0, self.scope)


def parse(text: str) -> Address:
    """Read a numeric address of one machine.

    Raises
    ------
    BadAddress
        If it is none, or stands for nobody or for many.
    """
    text = text.removeprefix(_MAPPED) if "." in text else text
    for family in FAMILIES:
        try:
            packed = socket.inet_pton(family, text)
        except (OSError, ValueError):
            continue
        if not any(packed):
            raise BadAddress(f"{text!r} is nobody's address; give the address of a machine")
        if _is_of_many(family, packed):
            raise BadAddress(f"{text!r} is an address of many; give the address of one machine")
        return Address(family, socket.inet_ntop(family, packed))
    raise BadAddress(f"{text!r} is no IPv4 or IPv6 address, such as 10.1.2.3 or fd00::1")


def _is_of_many(family: int, packed: bytes) -> bool:
    return packed[0] >= 224 if family == socket.AF_INET else packed[0] == 0xFF  # noqa: PLR2004 - multicast, and 255.255.255.255


def resolve(name: str) -> Address:
    """Return the first address a name has; waits for the system's resolver.

    Raises
    ------
    BadAddress
        If it has none, or one of nobody's or of many.
    """
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        fix = "give a name the system knows, or a numeric address"
        raise BadAddress(f"{name!r} has no address: {why}; {fix}") from None
    family, _, _, _, place = found[0]
    parsed = parse(str(place[0]).partition("%")[0])
    scope = int(place[3]) if family == socket.AF_INET6 and len(place) > 3 else 0  # noqa: PLR2004 - IPv6 has four parts
    return parsed._replace(scope=scope)
