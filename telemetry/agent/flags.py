"""The agent's command line, read by hand: argparse would cost the daemon 0.6 MB of its 14."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence

from telemetry.agent import config, wire
from telemetry.agent.config import ConfigError, ReportingConfig
from telemetry.agent.measurer import MeasuringConfig
from telemetry.agent.once import OnceConfig
from telemetry.agent.pace import FASTEST_PPS, SLOWEST_PPS
from telemetry.agent.typed import NamedTuple

_MOST_PROBES = 10_000
_LAST_PORT = 65_535
_WIDTH = 26
_USAGE = """\
usage: python3 -m telemetry.agent --node NAME --scheduler URL [flags]
       python3 -m telemetry.agent --once --target ADDRESS [flags]

Measures round trips to other nodes and reports them to schedulers; or, with --once, measures one
target and prints a line of JSON: status 0 when it answered, 1 when it did not, 2 for a mistake.
"""


class Flag(NamedTuple):
    """A flag: what stands for its value, what that is by default, and what it means.

    One without a `value` is a switch.
    """

    name: str
    value: str
    default: str
    text: str


_OF_THE_DAEMON = (
    Flag("--node", "NAME", "", "this node's name; else $NODE_NAME"),
    Flag("--scheduler", "URL", "", "https://name[:port], every address it has; may be repeated"),
    Flag("--token-file", "FILE", "", "says who we are; read again when it is renewed"),
    Flag("--ca-file", "FILE", "", "says who schedulers are, for https"),
    Flag("--pps", "NUMBER", "10", "packets a second, until a scheduler says otherwise"),
    Flag("--max-pps", "NUMBER", "1000", "packets a second, whatever schedulers say"),
    Flag("--listen-port", "PORT", str(wire.ECHO_PORT), "answers other agents' UDP and TCP; 0: any"),
)
_BY_HAND = (
    Flag("--once", "", "", "measure one target, and end"),
    Flag("--target", "ADDRESS", "", "a name, an IPv4 or an IPv6 address"),
    Flag("--count", "NUMBER", "10", "packets"),
    Flag("--method", "METHOD", "", f"{', '.join(wire.METHODS)}; else the first that is allowed"),
    Flag("--port", "PORT", str(wire.ECHO_PORT), "where UDP and TCP go"),
)
_FLAGS = {flag.name: flag for flag in (*_OF_THE_DAEMON, *_BY_HAND)}


class DaemonConfig(NamedTuple):
    """How an agent measures and reports."""

    measuring: MeasuringConfig
    reporting: ReportingConfig


def read(arguments: Sequence[str]) -> OnceConfig | DaemonConfig:
    """Return what was asked for; on a mistake say so in a sentence and exit with status 2."""
    if "--help" in arguments or "-h" in arguments:
        sys.stdout.write(usage())
        raise SystemExit(0)
    try:
        return parse(arguments, os.environ)
    except ConfigError as error:
        sys.stderr.write(f"{error}; see --help\n")
        raise SystemExit(2) from None


def parse(arguments: Sequence[str], environment: Mapping[str, str]) -> OnceConfig | DaemonConfig:
    """Return what was asked for.

    Raises
    ------
    ConfigError
        If it cannot be done, or not like this.
    """
    given = {name: [flag.default] for name, flag in _FLAGS.items()}
    named: set[str] = set()
    for name, value in _pairs(arguments):
        given[name] = [*given[name], value] if name in named else [value]
        named.add(name)
    if "--once" in named:
        _refuse(named, _OF_THE_DAEMON, "has no meaning with --once")
        return _once(given)
    _refuse(named, _BY_HAND, "is for --once; without it, schedulers say whom to measure")
    return _daemon(given, environment)


def usage() -> str:
    """Return what --help prints."""
    blocks = [_USAGE]
    for title, flags in (("On a node:", _OF_THE_DAEMON), ("By hand:", _BY_HAND)):
        lines = [title]
        for flag in flags:
            default = f" ({flag.default})" if flag.default else ""
            lines.append(f"  {flag.name + ' ' + flag.value:{_WIDTH}}{flag.text}{default}")
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def _pairs(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    left = iter(arguments)
    for argument in left:
        name, has_value, value = argument.partition("=")
        flag = _FLAGS.get(name)
        if flag is None:
            raise ConfigError(f"there is no flag {name!r}")
        if not flag.value and has_value:
            raise ConfigError(f"{name} takes no value")
        if flag.value and not has_value:
            value = next(left, "")
        if flag.value and (not value or value.startswith("--")):
            raise ConfigError(f"{name} needs a value: {name} {flag.value}")
        yield name, value


def _refuse(named: set[str], flags: Sequence[Flag], why: str) -> None:
    for flag in flags:
        if flag.name in named:
            raise ConfigError(f"{flag.name} {why}")


def _once(given: dict[str, list[str]]) -> OnceConfig:
    target, method = given["--target"][-1], given["--method"][-1]
    if not target:
        raise ConfigError("--once measures one target; give --target ADDRESS")
    if method and method not in wire.METHODS:
        raise ConfigError(f"--method {method!r} is none of {', '.join(wire.METHODS)}")
    port = _number(given, "--port", 1, _LAST_PORT)
    return OnceConfig(target, _number(given, "--count", 1, _MOST_PROBES), method, port)


def _daemon(given: dict[str, list[str]], environment: Mapping[str, str]) -> DaemonConfig:
    pps, max_pps = _pace(given, "--pps"), _pace(given, "--max-pps")
    reporting = ReportingConfig(
        node=given["--node"][-1] or environment.get("NODE_NAME", ""),
        schedulers=tuple(config.read_url(text) for text in given["--scheduler"] if text),
        token_path=given["--token-file"][-1],
        ca_path=given["--ca-file"][-1],
        max_pps=max_pps,
    )
    config.check(reporting)
    if pps > max_pps:
        raise ConfigError(f"--pps {pps:g} is more than --max-pps {max_pps:g}")
    port = _number(given, "--listen-port", 0, _LAST_PORT)
    measuring = MeasuringConfig(
        key=wire.node_key(reporting.node),
        pps=pps,
        urgent_pps=max_pps,
        listen_port=port,
        # All agents are started alike: where this one answers, the others do.
        echo_port=port or wire.ECHO_PORT,
    )
    return DaemonConfig(measuring, reporting)


def _number(given: dict[str, list[str]], name: str, least: int, most: int) -> int:
    text = given[name][-1]
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(most))
    if not is_number or not least <= int(text) <= most:
        raise ConfigError(f"{name} {text!r} is not a number from {least} to {most}")
    return int(text)


def _pace(given: dict[str, list[str]], name: str) -> float:
    text = given[name][-1]
    try:
        pps = float(text)
    except ValueError:
        pps = 0.0
    if not SLOWEST_PPS <= pps <= FASTEST_PPS:
        least, most = f"{SLOWEST_PPS:g}", f"{FASTEST_PPS:.0f}"
        raise ConfigError(f"{name} {text!r} is not a number of packets a second, {least} to {most}")
    return pps
