"""The service under a soak: all that `main.py run` puts together, on a loop of virtual time.

Real are its client and connections, its endpoints, its decisions; agents are imitated.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import structlog
from structlog.typing import EventDict, FilteringBoundLogger

from benchmarks.soak.jumping import JumpingLoop
from scheduler.kube.client import connected
from scheduler.kube.cluster import KubeCluster
from scheduler.kube.lease import Leadership, LeaseTerms
from scheduler.placement.explain import explain
from scheduler.planning.plan import plan
from scheduler.reliability.repair.settings import RepairSettings
from scheduler.service.cycle import Decider
from scheduler.service.runtime import Outside, Runtime
from scheduler.service.settings import SchedulerConfiguration
from scheduler.service.state import Clock, ServiceState, new_state
from scheduler.topology.layers import zone_tree
from scheduler.ui.app import Board, served
from simulator.state import EPOCH
from tests.faults.agents import Agents, Telemetry

SETTINGS = SchedulerConfiguration(repair=RepairSettings(bad_place_seconds=300.0))
"""A bad place is remembered for an hour by default. What that table holds is all that an hour
brought, and a soak of a few hours is a few such sums: by chance the last is larger than the first.
It has many turns of five minutes, and a table that forgets nothing grows just the same."""

_TERMS = LeaseTerms("isochrone", "kube-system", lease_s=60.0, renew_deadline_s=40.0)
"""Longer than the longest outage: who loses the Lease ends, and another process begins anew."""

_ERRORS = ("error", "exception", "critical")


@dataclass(slots=True)
class Service:
    """A service. `port` answers as the status page does; `bugs` are its own failures, as logged."""

    runtime: Runtime
    state: ServiceState
    cluster: KubeCluster
    telemetry: Telemetry
    port: int
    bugs: list[str] = field(default_factory=list)

    @property
    def parts(self) -> dict[str, object]:
        """All there is of it, for who counts what it keeps."""
        return {"runtime": self.runtime, "state": self.state, "telemetry": self.telemetry}


def wall_clock(loop: JumpingLoop) -> Callable[[], float]:
    """Return the wall clock of a cluster whose time is a loop's."""
    return lambda: EPOCH.timestamp() + loop.time()


@asynccontextmanager
async def assembled(kubeconfig: Path, agents: Agents, loop: JumpingLoop) -> AsyncIterator[Service]:
    """Put a service together; who is given it runs its `runtime`."""
    bugs: list[str] = []
    log = _logger(bugs)
    clock = Clock(loop.time, wall_clock(loop))
    state = new_state(SETTINGS, clock)
    telemetry = Telemetry(agents)
    async with connected(kubeconfig) as client:
        cluster = KubeCluster(
            client, SETTINGS.scheduler_name, watch_ended=state.metrics.count_watch_end
        )
        leadership = Leadership(client, _TERMS, "soak", clock.now_s, clock.wall_s)
        outside = Outside(
            cluster, telemetry.feed, leadership, telemetry.prober, (telemetry.feed.run,)
        )
        decider = Decider(partial(plan, covering=SETTINGS.cover), asyncio.to_thread)
        runtime = Runtime(state, outside, decider, zone_tree, log)
        board = Board(state, decider, explain, lambda: runtime.is_ready)
        telemetry.meet()
        async with served(board, 0, log=log) as port:
            yield Service(runtime, state, cluster, telemetry, port, bugs)


def _logger(bugs: list[str]) -> FilteringBoundLogger:
    def keep(_logger: object, method: str, event: EventDict) -> EventDict:
        if method in _ERRORS:
            bugs.append(str(event))
        raise structlog.DropEvent

    logger: FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(),
        processors=[structlog.processors.format_exc_info, keep],
        wrapper_class=structlog.make_filtering_bound_logger("error"),
    )
    return logger
