"""The agent's command line."""

import argparse
import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

from telemetry.agent import config, wire
from telemetry.agent.config import ConfigError, ReportingConfig
from telemetry.agent.measurer import MeasuringConfig
from telemetry.agent.once import OnceConfig
from telemetry.agent.pace import FASTEST_PPS, SLOWEST_PPS

_MOST_PROBES = 10_000
_LAST_PORT = 65_535


class DaemonConfig(NamedTuple):
    """How an agent measures and reports."""

    measuring: MeasuringConfig
    reporting: ReportingConfig


def read(arguments: Sequence[str]) -> OnceConfig | DaemonConfig:
    """Return what was asked for; on a mistake say so in a sentence and exit with status 2."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.once:
        if not given.target:
            parser.error("--once measures one target; give --target ADDRESS")
        return OnceConfig(given.target, given.count, given.method, given.port)
    if given.target:
        parser.error("--target is for --once; without it, schedulers say whom to measure")
    try:
        return _daemon(given)
    except ConfigError as error:
        parser.error(str(error))


def _daemon(given: argparse.Namespace) -> DaemonConfig:
    reporting = ReportingConfig(
        node=given.node,
        schedulers=tuple(map(config.read_url, given.scheduler)),
        token_path=given.token_file,
        ca_path=given.ca_file,
        max_pps=given.max_pps,
    )
    config.check(reporting)
    measuring = MeasuringConfig(
        key=wire.node_key(given.node),
        pps=given.pps,
        urgent_pps=max(given.pps, given.max_pps),
        listen_port=given.listen_port,
        # All agents are started alike: where this one answers, the others do.
        echo_port=given.listen_port or wire.ECHO_PORT,
    )
    return DaemonConfig(measuring, reporting)


def _number(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdecimal() or len(text) > len(str(most)) or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least} to {most}")
        return int(text)

    return read


def _pace(text: str) -> float:
    wrong = f"{text!r} is not a number of packets a second, {SLOWEST_PPS} to {FASTEST_PPS:.0f}"
    try:
        pps = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(wrong) from None
    if not SLOWEST_PPS <= pps <= FASTEST_PPS:
        raise argparse.ArgumentTypeError(wrong)
    return pps


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m telemetry.agent",
        description="Measures round trips to other nodes and reports them to schedulers.",
    )
    add = parser.add_argument
    add("--node", default=os.environ.get("NODE_NAME", ""), help="this node's name; else $NODE_NAME")
    every = f"https://name[:{wire.PORT}], reported to at every address it has; may be repeated"
    add("--scheduler", action="append", default=[], metavar="URL", help=every)
    add("--token-file", default="", metavar="FILE", help="says who we are; read again when renewed")
    add("--ca-file", default="", metavar="FILE", help="says who schedulers are; for https")
    add("--pps", type=_pace, default=10.0, help="packets a second until schedulers say otherwise")
    add("--max-pps", type=_pace, default=1000.0, help="packets a second whatever schedulers say")
    port, default = _number(0, _LAST_PORT), wire.ECHO_PORT
    where = "where other agents' UDP and TCP are answered; 0 for any"
    add("--listen-port", type=port, default=default, metavar="PORT", help=where)
    once = parser.add_argument_group("by hand").add_argument
    once("--once", action="store_true", help="measure --target, print one line of JSON, and end")
    once("--target", default="", metavar="ADDRESS", help="a name, an IPv4 or an IPv6 address")
    once("--count", type=_number(1, _MOST_PROBES), default=10, help="packets")
    once("--method", choices=wire.METHODS, default="", help="else the first that is allowed here")
    once("--port", type=_number(1, _LAST_PORT), default=wire.ECHO_PORT, help="for udp and tcp")
    return parser
