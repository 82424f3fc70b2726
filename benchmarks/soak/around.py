"""All that is around a service under a soak: API server, relay, kubeconfig, agents, life."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np

from benchmarks.soak.jumping import JumpingLoop
from benchmarks.soak.life import REPORT_S, Life, first_nodes
from benchmarks.soak.relay import relayed
from benchmarks.soak.service import Service, assembled
from simulator.cluster import EmbeddedCluster
from simulator.command import Create
from simulator.rest.app import served
from simulator.rest.kubeconfig import write_kubeconfig
from simulator.rest.registry import Registry
from simulator.running import RunningWorld
from simulator.scenario import NodesPart, Scenario
from simulator.state import Timing
from simulator.world import build
from tests.faults.agents import Agents, flat_truth

_WINDOW = 300
"""Changes a watch may be behind: so few that an outage of 20 s brings a 410."""

_TIMING = Timing(node_grace_s=12.0, toleration_s=20.0, orphan_s=5.0, event_ttl_s=240.0)


@asynccontextmanager
async def surrounded(loop: JumpingLoop, seed: int) -> AsyncIterator[tuple[Service, Life]]:
    """Run all that is around a service; the service itself and the life are the caller's to run."""
    rng = Random(seed)  # noqa: S311 - chance, not secrets
    running = _world(seed)
    names = [node["metadata"]["name"] for node in first_nodes()]
    agents = Agents(flat_truth(names, rng), REPORT_S, rng)
    alive = asyncio.create_task(running.live())
    try:
        with tempfile.TemporaryDirectory(prefix="isochrone-soak-") as folder:
            kubeconfig = Path(folder) / "kubeconfig"
            async with served(Registry(running, _WINDOW)) as port, relayed(port) as (relay, front):
                write_kubeconfig(kubeconfig, f"http://127.0.0.1:{front}")
                async with assembled(kubeconfig, agents, loop) as service:
                    life = Life(running, relay, agents, rng)
                    life.desks.append(service.telemetry)
                    yield service, life
    finally:
        alive.cancel()
        with suppress(asyncio.CancelledError):
            await alive


def _world(seed: int) -> RunningWorld:
    """Return a world with the first nodes; its own network is not used."""
    scenario = Scenario(nodes=NodesPart(source="metros", count=1), drift="0s")
    cluster = EmbeddedCluster(np.random.default_rng(seed), _TIMING)
    for node in first_nodes():
        cluster.apply(Create(node), 0.0)
    return RunningWorld(replace(build(scenario, Path("soak.yaml")), cluster=cluster))
