"""A proxy on the way to the API server, as kubectl and other Go clients find it.

Follows ``golang.org/x/net/http/httpproxy``: Python's own reading of NO_PROXY knows no CIDRs, which
is how clusters write their networks.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from yarl import URL

from scheduler.domain.errors import InputError

_PORTS = {"http": "80", "https": "443"}

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a request goes; `address` where the host is one."""

    host: str
    port: str
    address: _Address | None


def environment_proxy(server: str, environment: Mapping[str, str]) -> str | None:
    """Return the proxy that the environment names for a server; None for a direct way.

    This machine is never asked through a proxy.

    Parameters
    ----------
    server
        Address, http or https.
    environment
        ``HTTPS_PROXY`` or ``HTTP_PROXY``, by the server's scheme, and ``NO_PROXY``; each may be in
        lower case.

    Raises
    ------
    InputError
        If the proxy's address is none, or of a kind that is not spoken.
    """
    parts = urlsplit(server)
    name = "HTTPS_PROXY" if parts.scheme == "https" else "HTTP_PROXY"
    proxy = _either(environment, name)
    host = (parts.hostname or "").lower()
    target = _Target(host, str(parts.port or _PORTS.get(parts.scheme, "")), _address(host))
    if not proxy or not _uses_proxy(target, _either(environment, "NO_PROXY")):
        return None
    return checked_proxy(name, proxy if "://" in proxy else f"http://{proxy}")


def checked_proxy(where: str, proxy: str) -> str:
    """Return a proxy's address; `where` says who named it.

    Raises
    ------
    InputError
        If it is none, or of a kind that is not spoken.
    """
    try:
        url = URL(proxy)
        is_one = url.scheme in ("http", "https") and bool(url.host) and " " not in (url.host or "")
    except ValueError:
        is_one = False
    if not is_one:
        fix = "give http://HOST:PORT or https://HOST:PORT (SOCKS is not spoken)"
        raise InputError(where, f'"{proxy}" is no address of a proxy', fix)
    return proxy


def _either(environment: Mapping[str, str], name: str) -> str:
    return (environment.get(name) or environment.get(name.lower()) or "").strip()


def _uses_proxy(target: _Target, no_proxy: str) -> bool:
    if target.host == "localhost" or (target.address is not None and target.address.is_loopback):
        return False
    entries = (entry.strip().lower() for entry in no_proxy.split(","))
    return not any(entry and _matches(entry, target) for entry in entries)


def _matches(entry: str, target: _Target) -> bool:
    """Return whether an entry of NO_PROXY means a target: ``*``, CIDR, address, name; a port."""
    if entry == "*":
        return True
    if "/" in entry:
        return _is_within(entry, target.address)
    host, port = _split_port(entry)
    if port and port != target.port:
        return False
    address = _address(host)
    if address is not None or target.address is not None:
        return address == target.address
    domain = host.removeprefix("*") if host.startswith("*.") else host
    if not domain:
        return False
    # With a dot before it an entry means what lies under the name, else the name itself too.
    return target.host == domain or target.host.endswith(f".{domain.removeprefix('.')}")


def _is_within(cidr: str, address: _Address | None) -> bool:
    try:
        network = ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        return False
    return address is not None and address in network


def _split_port(entry: str) -> tuple[str, str]:
    if entry.startswith("["):
        host, _, rest = entry[1:].partition("]")
        return host, rest.removeprefix(":")
    if entry.count(":") == 1:
        host, _, port = entry.partition(":")
        return host, port
    return entry, ""


def _address(host: str) -> _Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
