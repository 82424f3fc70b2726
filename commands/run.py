"""`run`: the scheduler of a live cluster."""

import asyncio
import gc
import socket
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from commands.signals import INTERRUPTED, stopped_by_signals
from commands.telemetry import Around, directory_of, telemetry
from commands.version import VERSION
from scheduler.domain.ports import Leadership
from scheduler.kube.client import KubeClient, connected
from scheduler.kube.cluster import KubeCluster
from scheduler.kube.lease import Leadership as LeaseLeadership
from scheduler.kube.lease import LeaseTerms
from scheduler.placement.explain import explain
from scheduler.planning.plan import plan
from scheduler.service.cycle import Decider
from scheduler.service.logs import LogForm, new_logger
from scheduler.service.runtime import Outside, Runtime
from scheduler.service.settings import SchedulerConfiguration, load_settings, overridden
from scheduler.service.state import Clock, ServiceState, new_state
from scheduler.topology.layers import zone_tree
from scheduler.ui.app import Board, served
from scheduler.ui.health import Check

DEPOSED = 1
"""Exit status of a leader that lost its Lease: whoever started it starts it anew."""

_COLLECT_AT = (50_000, 20, 20)
"""New containers, and rounds, after which Python looks for cycles. A list of 50,000 pods makes a
million containers that stay; looking every 700 costs a fifth of the time to read it."""


@dataclass(frozen=True, slots=True)
class Where:
    """Which cluster, and where to be asked. Without a kubeconfig, the cluster we run in."""

    kubeconfig: Path | None = None
    context: str | None = None
    port: int = 10251
    address: str = "0.0.0.0"  # noqa: S104 - the kubelet probes the pod's address


def run_service(
    where: Where,
    config: Path | None,
    changes: dict[str, object],
    log_form: LogForm | None,
) -> int:
    """Schedule a live cluster until stopped; return the exit status.

    Parameters
    ----------
    where
        Which cluster, and where to be asked.
    config
        Settings file; None for the defaults.
    changes
        Settings given on the command line, by dotted key; None for one that is not given.
    log_form
        None for text on a terminal and JSON elsewhere.

    Raises
    ------
    InputError
        If settings or kubeconfig are bad, or the port cannot be used. A cluster that does not
        answer and a matrix that cannot be read are waited for.
    """
    given = {key: value for key, value in changes.items() if value is not None}
    settings = overridden(load_settings(config), given, "command line")
    log = new_logger(log_form or ("text" if sys.stderr.isatty() else "json"))
    gc.set_threshold(*_COLLECT_AT)
    try:
        return asyncio.run(_connect(where, settings, log))
    except KeyboardInterrupt:  # a second Ctrl-C: the first one was not quick enough
        return INTERRUPTED


async def _connect(
    where: Where, settings: SchedulerConfiguration, log: FilteringBoundLogger
) -> int:
    clock = Clock(asyncio.get_running_loop().time, lambda: datetime.now(UTC).timestamp())
    async with connected(where.kubeconfig, context=where.context) as client:
        state = new_state(settings, clock)
        directory = directory_of(settings.telemetry, log)
        election = settings.leader_election
        cluster = KubeCluster(
            client,
            settings.scheduler_name,
            watch_ended=state.metrics.count_watch_end,
            directory=directory,
            lease=(election.namespace, election.name),
        )
        leadership = _leadership(client, settings, clock)
        log.info("run.started", version=VERSION, server=client.server, **_told(settings))

        def is_leading() -> bool:
            return leadership is None or leadership.is_leading

        around = Around(client, directory, cluster, is_leading, log)
        async with telemetry(state, around) as measured:
            outside = Outside(
                cluster, measured.rtt, leadership, measured.prober, measured.beside, cluster
            )
            return await serve(outside, state, where, log)


def _leadership(
    client: KubeClient, settings: SchedulerConfiguration, clock: Clock
) -> Leadership | None:
    election = settings.leader_election
    if not election.enabled:
        return None
    terms = LeaseTerms(
        name=election.name,
        namespace=election.namespace,
        lease_s=election.lease_seconds,
        renew_deadline_s=election.renew_deadline_seconds,
        retry_s=election.retry_seconds,
    )
    # A pod's name alone is not enough: a container that starts anew keeps it.
    identity = f"{socket.gethostname()}_{uuid.uuid4()}"
    return LeaseLeadership(client, terms, identity, clock.now_s, clock.wall_s)


def _told(settings: SchedulerConfiguration) -> dict[str, object]:
    election, matrix = settings.leader_election, settings.telemetry.matrix
    return {
        "scheduler_name": settings.scheduler_name,
        "matrix": matrix.path or "none",
        "lease": f"{election.namespace}/{election.name}" if election.enabled else "none",
    }


async def serve(
    outside: Outside,
    state: ServiceState,
    where: Where,
    log: FilteringBoundLogger,
) -> int:
    """Run the service and its endpoints until a signal stops it; return the exit status.

    Raises
    ------
    InputError
        If the port cannot be used.
    """
    decider = Decider(partial(plan, covering=state.settings.cover), asyncio.to_thread)
    leadership = outside.leadership
    runtime = Runtime(state, outside, decider, zone_tree, log)
    state.metrics.is_leading.set_function(lambda: float(runtime.is_leading))

    def standing() -> list[Check]:
        return [] if leadership is None else [_standing(leadership)]

    board = Board(state, decider, explain, lambda: runtime.is_ready, more_checks=standing)
    async with served(board, where.port, where.address, log=log) as port:
        log.info("run.listening", address=where.address, port=port)
        with stopped_by_signals(_told_stop(runtime, log)):
            await runtime.run()
    log.info("run.ended", deposed=runtime.is_deposed)
    return DEPOSED if runtime.is_deposed else 0


def _told_stop(runtime: Runtime, log: FilteringBoundLogger) -> Callable[[], None]:
    def stop() -> None:
        runtime.stop()
        log.info("run.stopping", effect="bindings under way are finished, nothing new is begun")

    return stop


def _standing(leadership: Leadership) -> Check:
    if leadership.is_leading:
        return Check("leadership", holds=True, said="this replica leads", is_needed=False)
    holder = leadership.holder or "nobody known"
    said = f"this replica stands by; {holder} leads"
    return Check("leadership", holds=False, said=said, is_needed=False)
