"""The embedded cluster started as a process of its own, and ended with whoever started it."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from scheduler.domain.errors import ClusterUnavailable, InputError
from simulator.rest.watchlog import WINDOW
from simulator.world import Options

_ROOT = Path(__file__).resolve().parent.parent.parent
_STOP_S = 10.0


class _Error(msgspec.Struct):
    where: str
    what: str
    fix: str


class _Word(msgspec.Struct):
    server: str = ""
    settles_after_s: float = 0.0
    error: _Error | None = None


@dataclass(frozen=True, slots=True)
class Simulator:
    """A simulator that runs.

    Parameters
    ----------
    server
        ``http://127.0.0.1:PORT``.
    settles_after_s
        Time of the world before which ``--once`` does not judge, seconds.
    process
        Ends by itself when this process does.
    """

    server: str
    settles_after_s: float
    process: asyncio.subprocess.Process


@asynccontextmanager
async def started(
    options: Options, *, kubeconfig: Path | None = None, port: int = 0, window: int = WINDOW
) -> AsyncIterator[Simulator]:
    """Start the embedded cluster in a process of its own; end it on leaving.

    Parameters
    ----------
    options
        What to simulate.
    kubeconfig
        Where to write one; None for nowhere.
    port
        On 127.0.0.1; 0 for any free one.
    window
        Changes a watch may be behind.

    Raises
    ------
    InputError
        If the scenario, a manifest, a matrix or the port is bad.
    ClusterUnavailable
        If the process ends before it says where it listens.
    """
    arguments = list(_arguments(options, kubeconfig, port, window))
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "simulator",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
        # Ctrl-C is for us: the simulator ends when we close its standard input.
        start_new_session=True,
    )
    try:
        word = await _first_word(process)
        yield Simulator(word.server, word.settles_after_s, process)
    finally:
        await _stop(process)


def _arguments(options: Options, kubeconfig: Path | None, port: int, window: int) -> Iterator[str]:
    given = {
        "scenario": options.scenario,
        "nodes": options.nodes,
        "matrix": options.matrix,
        "seed": options.seed,
        "home": options.home,
        "port": port,
        "kubeconfig": kubeconfig,
        "watch-window": window,
    }
    for name, value in given.items():
        if value is not None:
            yield f"--{name}={value}"


async def _first_word(process: asyncio.subprocess.Process) -> _Word:
    if process.stdout is None:
        raise AssertionError("its standard output is a pipe")
    line = await process.stdout.readline()
    try:
        word = msgspec.json.decode(line, type=_Word)
    except msgspec.DecodeError:
        status = await process.wait()
        raise ClusterUnavailable(f"the simulator ended with status {status}") from None
    if word.error is not None:
        raise InputError(word.error.where, word.error.what, word.error.fix)
    return word


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
        with suppress(BrokenPipeError, ConnectionResetError):
            await process.stdin.wait_closed()
    try:
        async with asyncio.timeout(_STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
