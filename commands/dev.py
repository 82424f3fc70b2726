"""Dev mode: the embedded cluster, the service that schedules it, a live table, a status page."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.text import Text

from commands.console import Terminal
from commands.live import Parts, live
from commands.signals import INTERRUPTED, stopped_by_signals
from commands.teller import Teller
from scheduler.placement.explain import explain
from scheduler.planning.plan import plan
from scheduler.service.cycle import Decider
from scheduler.service.logs import new_logger, silent_logger
from scheduler.service.runtime import Outside, Runtime
from scheduler.service.settings import SchedulerConfiguration, load_settings
from scheduler.service.state import Clock, new_state
from scheduler.topology.layers import zone_tree
from scheduler.ui.app import Board, served
from simulator.inprocess import InProcessCluster
from simulator.world import Options, World, open_world

_HOME = Path(__file__).resolve().parent.parent
_LOG = Path(".isochrone") / "dev.log"


def dev(  # noqa: PLR0913 - each an option of the command line
    *,
    once: bool = False,
    nodes: int | None = None,
    seed: int | None = None,
    matrix: Path | None = None,
    scenario: Path | None = None,
    port: int = 8080,
    config: Path | None = None,
) -> int:
    """Run dev mode; return the exit status.

    Parameters
    ----------
    once
        End when the demo has settled: 0 if every pod that can be placed is, and every budget holds.
    nodes, seed, matrix, scenario
        What to simulate; see `simulator.world.Options`.
    port
        Of the status page on 127.0.0.1; 0 for any free one.
    config
        Settings file.

    Raises
    ------
    InputError
        If a file is bad or the port is taken.
    """
    settings = load_settings(config)
    console = Terminal(highlight=False, soft_wrap=not sys.stdout.isatty())
    options = Options(scenario=scenario, nodes=nodes, matrix=matrix, seed=seed, home=_HOME)
    with Console(stderr=True).status("reading round-trip times and building the cluster"):
        world = open_world(options, epoch=datetime.now(UTC))
    try:
        return asyncio.run(_run(world, settings, console, port, once=once))
    except KeyboardInterrupt:  # a second Ctrl-C: the first one was not quick enough
        return INTERRUPTED


async def _run(
    world: World, settings: SchedulerConfiguration, console: Console, port: int, *, once: bool
) -> int:
    clock = Clock(asyncio.get_running_loop().time, lambda: datetime.now(UTC).timestamp())
    state, cluster = new_state(settings, clock), InProcessCluster(world)
    decider = Decider(plan, asyncio.to_thread)
    with _log_stream() as stream:
        log = new_logger("text", stream) if stream is not None else silent_logger()
        runtime = Runtime(state, Outside(cluster, cluster), decider, zone_tree, log)
        teller = Teller(cluster, state)
        board = Board(state, decider, explain, lambda: runtime.is_ready, teller.since)
        async with served(board, port) as open_port:
            parts = Parts(state, runtime, cluster, teller, f"http://127.0.0.1:{open_port}")
            with stopped_by_signals(runtime.stop):
                verdict = await live(parts, console, once=once)
    if verdict is None:
        console.print("stopped")
        return 0
    for line in verdict.lines():
        console.print(Text(line))
    return verdict.status


@contextmanager
def _log_stream() -> Iterator[TextIO | None]:
    """Yield the log file, or None where the folder cannot be written: the table says the rest."""
    try:
        _LOG.parent.mkdir(exist_ok=True)
        stream = _LOG.open("w", encoding="utf-8")
    except OSError:
        yield None
        return
    with stream:
        yield stream
