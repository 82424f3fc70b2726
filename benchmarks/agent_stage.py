"""A real agent in a namespace, the scheduler's real endpoint, and 489 peers at a known distance."""

import asyncio
import compileall
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from telemetry.ingest.certificates import Certificates
from telemetry.ingest.endpoint import Listening, serving
from telemetry.ingest.ingest import IngestTerms
from telemetry.ports import Directory, MeasuringPod
from tests.real.agents import ACCOUNT, Scene, scene
from tests.real.certificates import make_certificate
from tests.real.namespaces import HOST, Network
from tests.real.ports import free_port

ROOT = Path(__file__).parents[1]
NODE = "near"
PEERS = 489
REPORT_S = 10.0
_READY_S = 120.0

PROBES = """\
import json, sys
from telemetry.agent.addresses import parse
from telemetry.agent.loop import Loop
from telemetry.agent.methods import open_prober
from telemetry.agent.open_burst import OpenBurst
from telemetry.agent.pace import Bucket
from telemetry.agent.pump import Pump
loop, address, waiting = Loop(), parse(sys.argv[1]), []
prober = open_prober(loop, int(sys.argv[2]), address.family, 10254)
burst = OpenBurst(1, address, prober, loop.now_s(), int(sys.argv[3]))
waiting.append(burst)
pump = Pump(loop, Bucket(1000.0, loop.now_s()),
            lambda _: waiting.pop() if waiting else float("inf"), lambda _: loop.stop(),
            prober.read)
pump.poke()
loop.run()
print(json.dumps(burst.rtts_us))
"""
"""The agent's own parts, telling each packet and not only a burst's median."""


@contextmanager
def image() -> Iterator[Path]:
    """Give what the agent's image holds: its code, compiled beforehand."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        caches = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "telemetry/agent", folder / "telemetry/agent", ignore=caches)
        shutil.copy(ROOT / "telemetry/__init__.py", folder / "telemetry")
        compileall.compile_dir(folder, quiet=1)
        yield folder


@dataclass(frozen=True, slots=True)
class Duty:
    """How a daemon is to work: packets a second, and whether it reports by TLS."""

    pps: float
    is_tls: bool = False

    @property
    def text(self) -> str:
        """For people."""
        return f"{PEERS} peers, {self.pps:,.0f} probes/s, {'TLS' if self.is_tls else 'no TLS'}"


@contextmanager
def _papers(host: str, duty: Duty) -> Iterator[tuple[list[str], Certificates | None]]:
    """Give the flags by which agent and scheduler trust each other, and its certificate."""
    with tempfile.TemporaryDirectory() as name:
        token = Path(name, "token")
        token.write_text(NODE, encoding="ascii")
        flags = ["--token-file", str(token)]
        if duty.is_tls:
            certificate, key = make_certificate(Path(name), "scheduler", address=host)
            yield [*flags, "--ca-file", str(certificate)], Certificates(certificate, key)
        else:
            yield flags, None


@dataclass(frozen=True, slots=True)
class RunningAgent:
    """An agent that has its peers, and the scheduler it reports to."""

    pid: int
    scheduler: Scene

    def cpu_s(self) -> float:
        """Return seconds it has spent on a CPU, by the scheduler's nanoseconds and not by ticks."""
        schedule = Path(f"/proc/{self.pid}/schedstat").read_text(encoding="ascii")
        return int(schedule.split()[0]) / 1e9

    def memory_mib(self, field: str) -> float:
        """Return MiB of ``/proc/…/status``: VmRSS now, or VmHWM at its most."""
        lines = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines()
        (line,) = (line for line in lines if line.startswith(f"{field}:"))
        return int(line.split()[1]) / 1024

    def probes(self) -> int:
        """Return how many packets it has told of."""
        (standing,) = self.scheduler.ingest.agents()
        return standing.probes


@asynccontextmanager
async def running_agent(network: Network, folder: Path, duty: Duty) -> AsyncIterator[RunningAgent]:
    """Run an agent that measures all peers, once it has measured each of them."""
    names = [NODE, *(f"edge-{place}" for place in range(PEERS))]
    addresses = [network.address(NODE), *network.crowd("crowd", PEERS)]
    made = scene(names, terms=IngestTerms(ACCOUNT, REPORT_S, duty.pps, 1000.0))
    made.directory.current = Directory(
        2,
        tuple(sorted(names)),
        {name: name for name in names},
        {name: MeasuringPod(name, name, at) for name, at in zip(names, addresses, strict=True)},
    )
    made.desk.focus([NODE], {})
    host, port = network.address(HOST), free_port()
    url = f"{'https' if duty.is_tls else 'http'}://{host}:{port}"
    with _papers(host, duty) as (flags, certificates):
        async with serving(made.ingest, Listening(port, host, certificates)):
            process = network.run(
                NODE,
                [
                    sys.executable,
                    "-m",
                    "telemetry.agent",
                    "--node",
                    NODE,
                    "--scheduler",
                    url,
                    *flags,
                ],
                has_rights=False,
                cwd=folder,
                stderr=subprocess.DEVNULL,
            )
            async with asyncio.timeout(_READY_S):
                while not made.ingest.agents():  # noqa: ASYNC110 - it comes from another process
                    await asyncio.sleep(0.05)
            if not await made.desk.probe(NODE, None, _READY_S):
                raise RuntimeError("the agent has not measured its peers")
            yield RunningAgent(process.pid, made)
            process.terminate()
            process.wait(20.0)
