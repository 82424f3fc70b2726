"""Dev mode: the embedded cluster, the scheduler as it runs in production, a table, a page."""

import asyncio
import os
import sys
import tempfile
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
from commands.verdict import Verdict
from scheduler.kube.client import connected
from scheduler.kube.cluster import KubeCluster
from scheduler.placement.explain import explain
from scheduler.planning.plan import plan
from scheduler.service.cycle import Decider
from scheduler.service.logs import new_logger, silent_logger
from scheduler.service.runtime import Outside, Runtime
from scheduler.service.settings import SchedulerConfiguration, load_settings
from scheduler.service.state import Clock, new_state
from scheduler.topology.layers import zone_tree
from scheduler.ui.app import Board, served
from simulator.rest.client import remote_world
from simulator.rest.launch import Simulator, started
from simulator.world import Options

_HOME = Path(__file__).resolve().parent.parent
_FOLDER = Path(".isochrone")
_LOG = _FOLDER / "dev.log"


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
    ClusterUnavailable
        If the process of the embedded cluster ends by itself.
    """
    settings = load_settings(config)
    console = Terminal(highlight=False, soft_wrap=not sys.stdout.isatty())
    options = Options(scenario=scenario, nodes=nodes, matrix=matrix, seed=seed, home=_HOME)
    try:
        verdict = asyncio.run(_run(options, settings, console, port, once=once))
    except KeyboardInterrupt:  # a second Ctrl-C: the first one was not quick enough
        return INTERRUPTED
    if verdict is None:
        console.print("stopped")
        return 0
    for line in verdict.lines():
        console.print(Text(line))
    return verdict.status


async def _run(
    options: Options, settings: SchedulerConfiguration, console: Console, port: int, *, once: bool
) -> Verdict | None:
    status = Console(stderr=True).status("reading round-trip times and building the cluster")
    status.start()
    try:
        with _kubeconfig() as kubeconfig:
            async with started(options, kubeconfig=kubeconfig) as simulator:
                status.stop()
                return await _schedule(simulator, kubeconfig, settings, console, port, once=once)
    finally:
        status.stop()


async def _schedule(
    simulator: Simulator,
    kubeconfig: Path,
    settings: SchedulerConfiguration,
    console: Console,
    port: int,
    *,
    once: bool,
) -> Verdict | None:
    """Schedule the embedded cluster through its Kubernetes API, as `run` does with a real one."""
    clock = Clock(asyncio.get_running_loop().time, lambda: datetime.now(UTC).timestamp())
    state, decider = new_state(settings, clock), Decider(plan, asyncio.to_thread)
    with _log_stream() as stream:
        log = new_logger("text", stream) if stream is not None else silent_logger()
        async with (
            remote_world(simulator.server) as world,
            connected(kubeconfig) as client,
        ):
            cluster = KubeCluster(client, settings.scheduler_name)
            runtime = Runtime(state, Outside(cluster, world), decider, zone_tree, log)
            began_s = clock.wall_s() - (await world.facts()).now_s
            teller = Teller(world.happenings, state, began_s)
            board = Board(state, decider, explain, lambda: runtime.is_ready, teller.since)
            async with served(board, port) as open_port:
                address = f"http://127.0.0.1:{open_port}"
                parts = Parts(state, runtime, world, simulator, teller, address, kubeconfig)
                with stopped_by_signals(runtime.stop):
                    return await live(parts, console, once=once)


@contextmanager
def _kubeconfig() -> Iterator[Path]:
    """Yield where the kubeconfig is written: beside the log, else in a folder of its own."""
    try:
        _FOLDER.mkdir(exist_ok=True)
        is_ours = os.access(_FOLDER, os.W_OK)
    except OSError:
        is_ours = False
    if is_ours:
        yield _FOLDER / "kubeconfig"
        return
    with tempfile.TemporaryDirectory(prefix="isochrone-") as folder:
        yield Path(folder) / "kubeconfig"


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
