"""`run` as it is started: what ends it, what it waits for, and what it says meanwhile."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest
import structlog
from structlog.testing import capture_logs
from typer.testing import CliRunner

from commands.app import app
from commands.run import Where, serve
from commands.telemetry import matrix_source
from scheduler.service.logs import silent_logger
from scheduler.service.runtime import Outside
from scheduler.service.settings import SchedulerConfiguration, overridden
from scheduler.service.source_reports import SourceReports, Telling
from scheduler.service.state import Clock, ServiceState, new_state
from telemetry.errors import MatrixError
from tests.builders import node
from tests.memory import MemoryCluster
from tests.real.ports import free_port
from tests.scripted_api import write_kubeconfig

ROOT = Path(__file__).parents[3]
PATIENCE_S = 60
UNTOLD = Telling(None, lambda: True, {})


def refused(*arguments: str) -> str:
    """Return the one sentence with which `run` ends at once."""
    ran = CliRunner().invoke(app, ["run", *arguments])
    assert ran.exit_code == 2, ran.output
    (line,) = ran.stderr.strip().splitlines()
    return line


def test_a_kubeconfig_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    assert "no such file; name a kubeconfig" in refused(f"--kubeconfig={tmp_path / 'none'}")


def test_without_a_kubeconfig_outside_of_a_cluster_it_says_what_to_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)

    assert "name a file: --kubeconfig FILE" in refused()


def test_settings_are_refused_with_file_and_key(tmp_path: Path) -> None:
    config = tmp_path / "s.yaml"
    config.write_text("apiVersion: isochrone.dev/v1\nkind: SchedulerConfiguration\nqueu: {}\n")

    assert "s.yaml: queu: is not a setting; did you mean queue?" in refused(f"--config={config}")


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--leader-elect-resource-name=Big", "leaderElection.name"),
        ("--leader-elect-resource-namespace=a.b", "leaderElection.namespace"),
        ("--scheduler-name=", "schedulerName"),
        ("--metadata=rows.json", "names no matrix"),
    ],
)
def test_an_option_that_is_no_setting_is_refused_by_the_settings_name(
    option: str, said: str
) -> None:
    line = refused(option)

    assert line.startswith("error: command line: ")
    assert said in line


@contextmanager
def running(kubeconfig: Path, port: int, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run `run` as a process of its own; end it."""
    process = subprocess.Popen(  # noqa: S603 - our own program, with the test's arguments
        [
            *(sys.executable, str(ROOT / "main.py"), "run", f"--kubeconfig={kubeconfig}"),
            *(f"--port={port}", "--bind-address=127.0.0.1", *arguments),
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


async def answer(port: int, path: str) -> tuple[int, str]:
    """Return status and text, once the server listens."""
    async with asyncio.timeout(PATIENCE_S), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(f"http://127.0.0.1:{port}{path}") as got:
                    return got.status, await got.text()
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.05)


async def test_a_server_that_is_not_there_is_waited_for_and_sigterm_ends_well(
    tmp_path: Path,
) -> None:
    nobody = free_port()
    kubeconfig = write_kubeconfig(tmp_path, f"http://127.0.0.1:{nobody}")
    port = free_port()
    with running(kubeconfig, port) as process:
        alive = await answer(port, "/healthz")
        ready = await answer(port, "/readyz")
        process.send_signal(signal.SIGTERM)
        _, log = await asyncio.to_thread(process.communicate, None, PATIENCE_S)

    assert alive == (200, "ok")
    assert ready[0] == 503
    assert "[-]caches failed" in ready[1]
    assert process.returncode == 0
    assert '"event": "source.broke"' in log
    assert f"127.0.0.1:{nobody}" in log
    assert '"event": "rtt.none"' in log


def new(matrix: Path | None = None) -> ServiceState:
    """Return the state of a service that has seen nothing yet."""
    now_s = asyncio.get_running_loop().time
    changes: dict[str, object] = {} if matrix is None else {"telemetry.matrix.path": str(matrix)}
    settings = overridden(SchedulerConfiguration(), changes, "test")
    return new_state(settings, Clock(now_s, now_s))


async def test_a_signal_ends_a_service_that_works() -> None:
    cluster, state, port = MemoryCluster({"a": node("a")}), new(), free_port()
    where = Where(port=port, address="127.0.0.1")
    state.rtt.source = ""
    task = asyncio.create_task(
        serve(Outside(cluster, leadership=None), state, where, silent_logger())
    )
    async with asyncio.timeout(PATIENCE_S):
        while not state.cache.is_synced:  # noqa: ASYNC110 - nobody tells a test
            await asyncio.sleep(0.01)
    status, text = await answer(port, "/readyz")
    metrics = (await answer(port, "/metrics"))[1]
    signal.raise_signal(signal.SIGTERM)

    assert await task == 0
    assert status == 200
    assert "no source is set (telemetry in the settings, or --delay-matrix)" in text
    assert "isochrone_leading 1.0" in metrics


class BriefLeadership:
    """Implements `Leadership`: leads once if it is elected at all, and is deposed when told."""

    def __init__(self, *, is_elected: bool = True) -> None:
        self.is_elected = is_elected
        self.is_leading = False
        self.holder = "another"
        self.is_held_by_another = not is_elected
        self.lost = asyncio.Event()
        self.released = 0

    async def campaign(self, prepare: Callable[[], Awaitable[None]]) -> None:
        if self.is_elected:
            await prepare()
            self.is_leading = True
        await self.lost.wait()
        self.is_leading = False

    async def release(self) -> None:
        self.released += 1


async def test_a_deposed_leader_ends_with_a_status_that_has_it_started_anew() -> None:
    cluster, port, leadership = MemoryCluster({"a": node("a")}), free_port(), BriefLeadership()
    where = Where(port=port, address="127.0.0.1")
    state = new()
    task = asyncio.create_task(
        serve(Outside(cluster, leadership=leadership), state, where, silent_logger())
    )
    async with asyncio.timeout(PATIENCE_S):
        while not (leadership.is_leading and state.cache.is_synced):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
    leading = (await answer(port, "/readyz?verbose"))[1]
    leadership.lost.set()

    assert await task == 1
    assert "[+]leadership ok: this replica leads" in leading


async def test_a_replica_that_stands_by_is_ready_and_says_who_leads() -> None:
    cluster, port, leadership = (
        MemoryCluster({"a": node("a")}),
        free_port(),
        BriefLeadership(is_elected=False),
    )
    where = Where(port=port, address="127.0.0.1")
    state = new()
    task = asyncio.create_task(
        serve(Outside(cluster, leadership=leadership), state, where, silent_logger())
    )
    async with asyncio.timeout(PATIENCE_S):
        while not state.cache.is_synced:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
    status, text = await answer(port, "/readyz")
    signal.raise_signal(signal.SIGTERM)

    assert await task == 0
    assert (status, "this replica stands by; another leads" in text) == (200, True)
    assert leadership.released == 1


async def test_a_port_that_is_taken_ends_before_anything_is_bound() -> None:
    cluster, port = MemoryCluster({"a": node("a")}), free_port()
    where = Where(port=port, address="127.0.0.1")
    taken = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", port)
    async with taken:
        with pytest.raises(Exception, match="address already in use"):
            await serve(Outside(cluster, leadership=None), new(), where, silent_logger())

    assert cluster.lists == 0


async def test_a_matrix_that_cannot_be_read_is_told_everywhere_and_counted(tmp_path: Path) -> None:
    state, error = new(tmp_path / "m.npz"), MatrixError("m.npz", "is empty", "give a matrix")
    with capture_logs() as lines:
        log = structlog.get_logger()
        source = matrix_source(state, SourceReports(state, UNTOLD, log), log)
        assert source is not None
        source.report(error)
        told = state.rtt.sentence(0, None)
        source.report(error)
        source.report(None)

    assert "m.npz: is empty; give a matrix; pods that ask for a delay wait" in told
    assert [line["event"] for line in lines] == ["rtt.bad", "rtt.read", "rtt.good"]
    assert lines[0]["effect"] == "pods with a delay wait"
    metrics = state.metrics.render().decode()
    assert "isochrone_rtt_failures_total 2.0" in metrics
    assert f'isochrone_rtt_source_up{{source="{tmp_path}/m.npz"}} 1.0' in metrics
    assert state.rtt.problem == ""


async def test_without_a_matrix_in_the_settings_there_is_no_source() -> None:
    state = new()

    log = silent_logger()
    assert matrix_source(state, SourceReports(state, UNTOLD, log), log) is None
    assert state.rtt.source == ""
