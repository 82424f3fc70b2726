"""Where an agent reports to, as whom, and within which limits."""

import socket

from telemetry.agent import wire
from telemetry.agent.typed import NamedTuple

_LAST_PORT = 65_535


class ConfigError(ValueError):
    """The agent cannot be started like this; the text says what would be right."""


class SchedulerUrl(NamedTuple):
    """Where schedulers listen: all addresses of a name, or one address.

    `host` is a name or a numeric address without brackets.
    """

    is_tls: bool
    host: str
    port: int

    @property
    def text(self) -> str:
        """The URL, for people."""
        return f"{'https' if self.is_tls else 'http'}://{self.authority}"

    @property
    def authority(self) -> str:
        """Host and port as they stand in a URL and in the Host header."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class ReportingConfig(NamedTuple):
    """How an agent reports.

    `token_path` and `ca_path` are read again when needed, for both are renewed while the agent
    runs; an empty token path sends no token. `max_pps` is the most packets a second that a
    scheduler may ask for; `max_replicas` how many of them are reported to.
    """

    node: str
    schedulers: tuple[SchedulerUrl, ...]
    token_path: str = ""
    ca_path: str = ""
    max_pps: float = 1000.0
    max_replicas: int = 8
    resolve_s: float = 30.0


def read_url(text: str) -> SchedulerUrl:
    """Return a scheduler's URL.

    Raises
    ------
    ConfigError
        If it is not ``http://host[:port]`` or ``https://host[:port]``.
    """
    scheme, found, rest = text.partition("://")
    authority, _, path = rest.partition("/")
    if not found or scheme not in ("http", "https") or path or not authority.isascii():
        raise _wrong(text)
    if authority.startswith("["):
        host, closed, tail = authority[1:].partition("]")
        if not closed or not is_numeric(host) or (tail and not tail.startswith(":")):
            raise _wrong(text)
        port = tail[1:] if tail else str(wire.PORT)
    else:
        host, colon, port = authority.partition(":")
        port = port if colon else str(wire.PORT)
    if not host or not all(letter.isalnum() or letter in "-._:%" for letter in host):
        raise _wrong(text)
    if not port.isdecimal() or len(port) > len(str(_LAST_PORT)) or not 0 < int(port) <= _LAST_PORT:
        raise _wrong(text)
    return SchedulerUrl(scheme == "https", host, int(port))


def check(config: ReportingConfig) -> None:
    """Make sure that the parts of a configuration fit each other.

    Raises
    ------
    ConfigError
        If a scheduler is to be asked by TLS and there is nothing to know it by, or no scheduler,
        or no node.
    """
    if not config.node:
        raise ConfigError("the agent's node has no name; give --node")
    if not config.schedulers:
        raise ConfigError("no scheduler to report to; give --scheduler")
    for url in config.schedulers:
        if url.is_tls and not config.ca_path:
            raise ConfigError(f"{url.text} is to be trusted by a certificate; give --ca-file")


def is_numeric(address: str) -> bool:
    """Tell whether something is a numeric IPv4 or IPv6 address, with or without a scope."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, address.partition("%")[0])
        except (OSError, ValueError):
            continue
        return True
    return False


def _wrong(text: str) -> ConfigError:
    return ConfigError(
        f"{text!r} is not a scheduler's URL; write https://name:{wire.PORT}, or http:// without TLS"
    )
