"""Dev mode: the embedded cluster, the scheduler as it runs in production, a table, a page."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.text import Text

from commands.console import Terminal
from commands.dev_folder import DevFiles, dev_files
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
        with dev_files() as files:
            async with started(options, kubeconfig=files.kubeconfig) as simulator:
                status.stop()
                return await _schedule(simulator, files, settings, console, port, once=once)
    finally:
        status.stop()


async def _schedule(
    simulator: Simulator,
    files: DevFiles,
    settings: SchedulerConfiguration,
    console: Console,
    port: int,
    *,
    once: bool,
) -> Verdict | None:
    """Schedule the embedded cluster through its Kubernetes API, as `run` does with a real one."""
    clock = Clock(asyncio.get_running_loop().time, lambda: datetime.now(UTC).timestamp())
    state, decider = new_state(settings, clock), Decider(plan, asyncio.to_thread)
    log = new_logger("text", files.log) if files.log is not None else silent_logger()
    async with (
        remote_world(simulator.server) as world,
        connected(files.kubeconfig) as client,
    ):
        cluster = KubeCluster(client, settings.scheduler_name)
        runtime = Runtime(state, Outside(cluster, world), decider, zone_tree, log)
        began_s = clock.wall_s() - (await world.facts()).now_s
        teller = Teller(world.happenings, state, began_s)
        if files.is_second:
            said = (
                f"another dev mode has this folder; ours: kubectl --kubeconfig {files.kubeconfig}"
            )
            state.journal.add(clock.wall_s(), "warning", said)
        board = Board(state, decider, explain, lambda: runtime.is_ready, teller.since)
        async with served(board, port, log=log) as open_port:
            address = f"http://127.0.0.1:{open_port}"
            parts = Parts(state, runtime, world, simulator, teller, address, files.kubeconfig)
            with stopped_by_signals(runtime.stop):
                return await live(parts, console, once=once)
