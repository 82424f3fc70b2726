"""The embedded cluster as a process of its own: ``python -m simulator``.

Says on its standard output, in one line of JSON, where it listens (``{"server": …}``) or what is
wrong with its input (``{"error": …}``, exit status 2). It ends when its standard input does: who
started it holds the other end, so that it never outlives them.
"""

import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from scheduler.domain.errors import InputError
from simulator.rest.app import HOST, served
from simulator.rest.kubeconfig import write_kubeconfig
from simulator.rest.registry import Registry
from simulator.rest.watchlog import WINDOW
from simulator.running import RunningWorld
from simulator.world import Options, World, open_world

_BAD_INPUT = 2
_CHUNK = 4096


def main(  # noqa: PLR0913 - each an option of the command line
    *,
    scenario: Annotated[Path | None, typer.Option(help="Nodes and what happens.")] = None,
    nodes: Annotated[int | None, typer.Option(help="So many nodes at the recorded sites.")] = None,
    matrix: Annotated[Path | None, typer.Option(help="Run on these round-trip times.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of everything random.")] = None,
    home: Annotated[Path, typer.Option(help="Folder that holds demo/.")] = Path(),
    port: Annotated[int, typer.Option(help="On 127.0.0.1; 0 for any free one.")] = 0,
    kubeconfig: Annotated[Path | None, typer.Option(help="Write a kubeconfig here.")] = None,
    watch_window: Annotated[int, typer.Option(help="Changes a watch may be behind.")] = WINDOW,
) -> None:
    """Serve the embedded cluster's Kubernetes API on loopback until standard input ends."""
    options = Options(scenario=scenario, nodes=nodes, matrix=matrix, seed=seed, home=home)
    try:
        world = open_world(options, epoch=datetime.now(UTC))
        asyncio.run(_serve(world, port, kubeconfig, watch_window))
    except InputError as error:
        _say({"error": {"where": error.where, "what": error.what, "fix": error.fix}})
        raise typer.Exit(_BAD_INPUT) from None


async def _serve(world: World, port: int, kubeconfig: Path | None, window: int) -> None:
    running = RunningWorld(world)
    running.submit()
    registry = Registry(running, window)
    stop = _stopped()
    async with served(registry, port) as open_port:
        server = f"http://{HOST}:{open_port}"
        if kubeconfig is not None:
            _write(kubeconfig, server)
        _say({"server": server, "settles_after_s": world.settles_after_s})
        await _live(running, stop)


async def _live(running: RunningWorld, stop: asyncio.Event) -> None:
    """Let time pass until `stop` is set."""
    life = asyncio.create_task(running.live())
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait((life, stopped), return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if life.done():
        life.result()  # raises: living ends only by an error
    life.cancel()
    await asyncio.wait((life,))


def _write(kubeconfig: Path, server: str) -> None:
    try:
        write_kubeconfig(kubeconfig, server)
    except OSError as error:
        what = f"cannot be written: {error.strerror or error}"
        raise InputError(str(kubeconfig), what, "name a file in a folder of yours") from None


def _stopped() -> asyncio.Event:
    """Return an event set when standard input ends, or at SIGTERM or Ctrl-C."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def read() -> None:
        # Not sys.stdin: a thread that waits there would hold its lock when Python ends.
        try:
            while os.read(0, _CHUNK):
                pass
        except OSError:
            pass  # no standard input is an end of it
        if not loop.is_closed():
            loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=read, daemon=True).start()
    return stop


def _say(word: Mapping[str, object]) -> None:
    try:
        sys.stdout.write(json.dumps(word) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        pass  # whoever started us is gone, and standard input has ended with them


if __name__ == "__main__":
    typer.run(main)
