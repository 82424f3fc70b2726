"""Real agents report to the real endpoint: plainly, by TLS, to replicas, after outages.

The agent is a process of its own, and so are its sockets; its peers are other addresses of
loopback, which it answers itself.
"""

import asyncio
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from telemetry.agent.outbox import HISTORY
from telemetry.agent.wire import node_key
from telemetry.ingest.certificates import Certificates
from telemetry.ingest.endpoint import Listening, serving
from telemetry.ingest.ingest import IngestTerms
from telemetry.ports import Directory, MeasuringPod
from tests.needed import need
from tests.real.agents import ACCOUNT, INSTANCE, Scene, scene
from tests.real.certificates import make_certificate
from tests.real.ports import free_port
from tests.scripted_scheduler import OTHER_INSTANCE, LoopbackServer

ROOT = Path(__file__).parents[2]
NODES = ("me", "a", "b", "c")
PEERS = frozenset(node_key(name) for name in NODES[1:])
REPORT_S = 1.0

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="all of 127/8 is local on Linux")


async def until(claim: Callable[[], object], what: str, within_s: float = 60.0) -> None:
    """Wait until a claim holds."""
    try:
        async with asyncio.timeout(within_s):
            while not claim():  # noqa: ASYNC110 - what is waited for happens in another process
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"{what}: not within {within_s:g} s") from None


def replica(instance: str = INSTANCE, *, leads: bool = True) -> Scene:
    """Return the ingest of one scheduler replica, of a cluster with an agent on each node."""
    made = scene(NODES, terms=IngestTerms(ACCOUNT, REPORT_S, 60.0, 300.0, instance))
    addresses = {name: f"127.0.0.{place}" for place, name in enumerate(NODES, 1)}
    agents = {
        name: MeasuringPod(f"agent-{name}", name, address) for name, address in addresses.items()
    }
    made.directory.current = Directory(2, NODES, {name: name for name in NODES}, agents)
    made.leading.is_so = leads
    made.desk.focus(["me"], {})  # or others would have to measure half of the pairs
    return made


@asynccontextmanager
async def listening(
    made: Scene, port: int, certificates: Certificates | None = None
) -> AsyncIterator[None]:
    """Take reports on a port of loopback."""
    async with serving(made.ingest, Listening(port, "127.0.0.1", certificates)):
        yield


class Agent:
    """An agent that runs, and its log."""

    def __init__(self, folder: Path, urls: list[str], ca_path: Path | None) -> None:
        self.token, self._log = folder / "token", folder / "agent.log"
        self.token.write_text("me")
        command = [sys.executable, "-m", "telemetry.agent", "--node", "me"]
        command += ["--token-file", str(self.token), "--listen-port", str(free_port())]
        command += [word for url in urls for word in ("--scheduler", url)]
        command += ["--ca-file", str(ca_path)] if ca_path else []
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)  # noqa: S603 - our own program

    @property
    def said(self) -> list[str]:
        """The lines of its log."""
        return self._log.read_text().splitlines()

    def close(self) -> int:
        """End it as a kubelet does; return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20.0)


@contextmanager
def agent(folder: Path, *urls: str, ca_path: Path | None = None) -> Iterator[Agent]:
    """Run an agent of the node ``me``."""
    running = Agent(folder, list(urls), ca_path)
    try:
        yield running
    finally:
        assert running.close() == 0, running.said
        assert not any("Traceback" in line for line in running.said), running.said


def measured(made: Scene) -> set[int]:
    """Return the keys of the peers that ``me`` has told distances of."""
    return {key for (node, key), rtt_us in made.sink.told().items() if node == "me" and rtt_us > 0}


@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "tls"])
async def test_a_scheduler_learns_what_an_agent_measures(tmp_path: Path, *, is_tls: bool) -> None:
    port, made = free_port(), replica()
    certificates, ca_path = None, None
    if is_tls:
        need("" if shutil.which("openssl") else "no openssl here; on Debian: apt install openssl")
        ca_path, key = make_certificate(tmp_path, "scheduler")
        certificates = Certificates(ca_path, key)
    url = f"{'https' if is_tls else 'http'}://localhost:{port}"
    async with listening(made, port, certificates):
        with agent(tmp_path, url, ca_path=ca_path) as running:
            await until(lambda: measured(made) == PEERS, "all pairs")

            (standing,) = made.ingest.agents()
            assert standing.node == "me"
            assert standing.probes > 0
            # The first of all asks who is there, and is refused for it; nothing else is.
            assert made.refused == {"instance": 1}
            assert any(f"reporting to {INSTANCE}, which leads" in line for line in running.said)


async def test_a_restarted_scheduler_has_the_whole_row_with_the_first_report(
    tmp_path: Path,
) -> None:
    port, before, after = free_port(), replica(), replica(OTHER_INSTANCE)
    with agent(tmp_path, f"http://127.0.0.1:{port}"):
        async with listening(before, port):
            await until(lambda: measured(before) == PEERS, "all pairs")
        async with listening(after, port):
            await until(lambda: after.sink.rows, "a report")

            row, is_whole = after.sink.rows[0]
            assert is_whole
            assert set(map(int, row.peers)) == PEERS


async def test_bursts_wait_for_a_scheduler_that_cannot_be_reached(tmp_path: Path) -> None:
    port, made, tries = free_port(), replica(), list[int]()
    with agent(tmp_path, f"http://127.0.0.1:{port}"):
        async with listening(made, port):
            await until(lambda: measured(made) == PEERS, "all pairs")
        taken = len(made.sink.rows)
        # Between two tries at least half a report interval passes, and between two bursts to one
        # peer 1.2 s: by then there are more than an outbox holds.
        with LoopbackServer(lambda _: tries.append(1), port):
            await until(lambda: len(tries) == 3 * HISTORY, "tries")
        async with listening(made, port):
            await until(lambda: len(made.sink.rows) >= taken + HISTORY, "what waited")

        (standing,) = made.ingest.agents()
        assert standing.dropped > 0
        told = made.sink.rows[taken : taken + HISTORY]
        assert not any(is_whole for _, is_whole in told), "it is no stranger"
        of_a = [row.age_ms[row.peers == node_key("a")].tolist() for row, _ in told]
        ages_ms = [age_ms for ages_ms in of_a for age_ms in ages_ms]
        assert len(ages_ms) > 1, "more than the newest burst of a peer has waited"
        assert ages_ms == sorted(ages_ms, reverse=True), "the oldest first"


async def test_only_the_leading_replica_is_obeyed_and_both_are_told(tmp_path: Path) -> None:
    ports = free_port(), free_port()
    leading, standby = replica(), replica(OTHER_INSTANCE, leads=False)
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    async with listening(leading, ports[0]), listening(standby, ports[1]):
        with agent(tmp_path, *urls) as running:
            await until(lambda: measured(leading) == measured(standby) == PEERS, "all pairs")
            assert await leading.desk.probe("me", ["b"], 20.0)
            assert not await standby.desk.probe("me", ["b"], 20.0)

            leading.leading.is_so, standby.leading.is_so = False, True
            await until(lambda: standby.desk.reachable("me"), "the agent")
            assert await standby.desk.probe("me", ["b"], 20.0)
            assert any(f"following {OTHER_INSTANCE}" in line for line in running.said)


async def test_an_urgent_star_is_measured_and_told_before_it_is_answered(tmp_path: Path) -> None:
    port, made = free_port(), replica()
    async with listening(made, port):
        with agent(tmp_path, f"http://127.0.0.1:{port}"):
            await until(lambda: measured(made) == PEERS, "all pairs")
            begun = len(made.sink.rows)

            assert await made.desk.probe("me", None, 20.0)

            fresh = {int(key) for row, _ in made.sink.rows[begun:] for key in row.peers}
            assert fresh == PEERS
