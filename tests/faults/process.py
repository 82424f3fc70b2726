"""One scheduler: all that `main.py run` puts together, over a wire of an episode."""

import asyncio
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog
from kubernetes.aio.leaderelection import leaderelection
from structlog.typing import EventDict, FilteringBoundLogger

from scheduler.domain.ports import Cluster, Leadership
from scheduler.kube.account import Account
from scheduler.kube.client import KubeClient
from scheduler.kube.cluster import KubeCluster
from scheduler.kube.lease import Leadership as LeaseLeadership
from scheduler.kube.lease import LeaseTerms
from scheduler.kube.tokens import Headers
from scheduler.service.cycle import Decider
from scheduler.service.runtime import Outside, Runtime
from scheduler.service.settings import SchedulerConfiguration
from scheduler.service.state import Clock, PlanFunction, ServiceState, new_state
from tests.faults.agents import Agents, Telemetry
from tests.faults.planning import plan
from tests.faults.scene import OURS
from tests.faults.wire import Wire

T = TypeVar("T")

_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_TOLD = frozenset({"leadership.lost"})
"""Errors that are no bugs."""


_WALL_S: ContextVar[Callable[[], float]] = ContextVar("wall_s")
"""The wall clock of the process whose step it is."""


class _ElectionTime:
    """Stands in for the module `time` in the library's election, which takes no clock."""

    @staticmethod
    def time() -> float:
        """Return what the wall clock of the process says."""
        return _WALL_S.get()()


@contextmanager
def election_by_wall_clocks() -> Iterator[None]:
    """Have the library's election read the wall clock of the process it runs in, for a while."""
    names = vars(leaderelection)
    true = names["time"]
    names["time"] = _ElectionTime
    try:
        yield
    finally:
        names["time"] = true


class _NoCredentials:
    """Whoever asks is let in."""

    async def headers(self) -> Headers:
        """Return none."""
        return {}

    async def renew(self) -> None:
        """Get none."""


def kube_cluster(client: KubeClient) -> Cluster:
    """Return the cluster as `main.py run` sees it."""
    return KubeCluster(client, OURS)


@dataclass
class Terms:
    """How a process is started.

    Parameters
    ----------
    wall_s
        Its wall clock.
    think_s
        Draws how long a decision takes.
    elects
        Whether replicas elect a leader.
    plan, cluster
        The core, and what binds; a test may put broken ones in their place.
    """

    wall_s: Callable[[], float]
    think_s: Callable[[], float]
    elects: bool = False
    plan: PlanFunction = plan
    cluster: Callable[[KubeClient], Cluster] = kube_cluster
    settings: SchedulerConfiguration = field(default_factory=SchedulerConfiguration)


class Process:
    """Runs from when it is made until `kill` or `stop`.

    Attributes
    ----------
    bugs
        What it logged of its own failures.
    """

    def __init__(self, name: str, wire: Wire, agents: Agents, terms: Terms) -> None:
        self.name, self.wire = name, wire
        self.bugs: list[str] = []
        self._is_stopping = False
        self._terms = terms
        self.loop = asyncio.get_running_loop()
        self.state: ServiceState = new_state(terms.settings, Clock(self.loop.time, terms.wall_s))
        self.telemetry = Telemetry(agents)
        account = Account("http://api", _TLS, None, None, _NoCredentials())
        session: Any = wire  # all that a client asks of a session
        client = KubeClient(session, account)
        self.cluster = terms.cluster(client)
        self.leadership: Leadership | None = None
        if terms.elects:
            lease = LeaseTerms("isochrone", "kube-system")
            now_s = self.loop.time
            self.leadership = LeaseLeadership(client, lease, name, now_s, terms.wall_s)
        outside = Outside(
            self.cluster,
            self.telemetry.feed,
            self.leadership,
            self.telemetry.prober,
            (self.telemetry.feed.run,),
        )
        decider = Decider(terms.plan, self._think)
        self.runtime = Runtime(self.state, outside, decider, None, self._logger())
        self.telemetry.meet()
        context = copy_context()
        context.run(_WALL_S.set, terms.wall_s)
        self._task = asyncio.create_task(self.runtime.run(), name=name, context=context)

    @property
    def task(self) -> "asyncio.Task[None]":
        """What runs it."""
        return self._task

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return not self._task.done() and not self.wire.is_dead

    def kill(self) -> None:
        """End it between two steps; nothing more of it leaves the machine."""
        self.wire.is_dead = True
        self.telemetry.part()
        self._task.cancel()

    async def buried(self) -> None:
        """Wait until nothing of a dead process runs any more."""
        with suppress(asyncio.CancelledError):
            await self._task

    async def stop(self) -> None:
        """Stop as a signal does, and wait for the end."""
        self._is_stopping = True
        self.runtime.stop()
        await self._task
        self.telemetry.part()

    def trespasses(self, what: str) -> list[str]:
        """Return why it may not send a binding, or an eviction, now."""
        wrong = []
        if self._is_stopping:
            wrong.append(f"leaders: it was told to stop, and sends a {what}")
        if self.leadership is not None and not self.leadership.is_leading:
            wrong.append(f"leaders: it does not lead, and sends a {what}")
        return wrong

    def failure(self) -> str:
        """Return why it ended by itself, or nothing."""
        if not self._task.done() or self._task.cancelled() or self.runtime.is_deposed:
            return ""
        return repr(self._task.exception() or "it ended by itself")

    async def _think(self, work: Callable[[], T]) -> T:
        """Run work, and let time pass before its result is there."""
        made = work()
        await asyncio.sleep(self._terms.think_s())
        return made

    def _logger(self) -> FilteringBoundLogger:
        def keep(_logger: object, method: str, event: EventDict) -> EventDict:
            if method in ("error", "exception", "critical") and event["event"] not in _TOLD:
                self.bugs.append(str(event))
            raise structlog.DropEvent

        logger: FilteringBoundLogger = structlog.wrap_logger(
            structlog.PrintLogger(),
            processors=[structlog.processors.format_exc_info, keep],
            wrapper_class=structlog.make_filtering_bound_logger("error"),
        )
        return logger
