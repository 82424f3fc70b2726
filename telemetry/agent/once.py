"""One target, measured once by hand: `python3 -m telemetry.agent --once --target ADDRESS`."""

import signal
import socket
import sys

from telemetry.agent import wire
from telemetry.agent.addresses import Address, BadAddress, resolve
from telemetry.agent.burst import GAP_S, Burst
from telemetry.agent.loop import Loop
from telemetry.agent.methods import open_prober
from telemetry.agent.open_burst import OpenBurst, Prober
from telemetry.agent.pace import Bucket
from telemetry.agent.pump import Pump, Turn
from telemetry.agent.typed import NamedTuple

ANSWERED, SILENT, WRONG = 0, 1, 2
"""Exit statuses."""
_UDP, _TCP = 2, 3
_FOREVER_S = float("inf")


class OnceConfig(NamedTuple):
    """What to measure: `method` is one of `wire.METHODS`, or empty for the first that is allowed.

    `port` is where UDP and TCP go.
    """

    target: str
    probes: int = 10
    method: str = ""
    port: int = wire.ECHO_PORT


def measure_once(config: OnceConfig) -> int:
    """Measure, and print one line of JSON; return the exit status.

    Ctrl-C sends nothing more and prints what there is, a second at the latest later.
    """
    loop = Loop()
    try:
        address = resolve(config.target)
        signal.signal(signal.SIGINT, lambda *_: loop.stop())
        prober = _open(loop, address, config)
    except (BadAddress, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return WRONG
    except KeyboardInterrupt:
        return SILENT  # while the system's resolver was waited for
    result = _measure(loop, OpenBurst(0, address, prober, loop.now_s(), config.probes))
    if not config.method and result.method == _UDP and result.lost == result.sent:
        result = _by_tcp(loop, address, config, result)
    loop.close()
    # json, and what it needs, is loaded for those who print.
    import json  # noqa: PLC0415

    sys.stdout.write(json.dumps(line(config.target, result)) + "\n")
    return ANSWERED if result.lost < result.sent else SILENT


def _by_tcp(loop: Loop, address: Address, config: OnceConfig, silent: Burst) -> Burst:
    """Return what TCP finds where UDP found nothing; that finding, where TCP finds nothing too."""
    prober = open_prober(loop, _TCP, address.family, config.port)
    result = _measure(loop, OpenBurst(0, address, prober, loop.now_s(), config.probes))
    if result.lost < result.sent:
        return result
    sys.stderr.write(
        f"no agent answers UDP or TCP on port {config.port} of {address.host}, and ICMP, which "
        "needs none, is not allowed here: run this as root, or have net.ipv4.ping_group_range "
        "include this process's group\n"
    )
    return silent


def line(target: str, result: Burst) -> dict[str, object]:
    """Return what is printed of a burst."""
    is_silent = result.least_us == wire.LOST_US
    return {
        "target": target,
        "method": wire.METHODS[result.method - 1],
        "sent": result.sent,
        "lost": result.lost,
        "loss": round(result.lost / result.sent, 4) if result.sent else 0.0,
        "min_ms": None if is_silent else result.least_us / 1000,
        "median_ms": None if is_silent else result.rtt_us / 1000,
    }


def _measure(loop: Loop, burst: OpenBurst) -> Burst:
    waiting, ended = [burst], []

    def next_burst(_: float) -> Turn:
        return waiting.pop() if waiting else _FOREVER_S

    def on_end(burst: OpenBurst) -> None:
        ended.append(burst)
        loop.stop()

    pump = Pump(loop, Bucket(2 / GAP_S, loop.now_s()), next_burst, on_end, burst.prober.read)
    pump.poke()
    loop.run()
    if not ended and burst.sent:
        pump.finish()
        loop.run()
    burst.prober.close()
    return burst.result()


def _open(loop: Loop, address: Address, config: OnceConfig) -> Prober:
    """Return what sends: what was asked for, or the first that is allowed.

    Raises
    ------
    OSError
        If that is refused; the text says which, and what helps.
    """
    methods = (config.method,) if config.method else wire.METHODS
    refused = ""
    for method in methods:
        try:
            return open_prober(loop, 1 + wire.METHODS.index(method), address.family, config.port)
        except OSError as error:
            refused = f"{method} cannot be used to {address.host}: {error.strerror}"
            if method == "icmp" and address.family == socket.AF_INET:
                refused += "; net.ipv4.ping_group_range must include this process's group"
    raise OSError(refused)
