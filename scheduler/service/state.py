"""What the loops share: one of each, changed on the event loop only."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, TypeVar

from scheduler.domain.plan import Plan
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.placement.settings import PlacementSettings
from scheduler.reliability.budgets import BrokenBudget
from scheduler.service.cache import Cache
from scheduler.service.intake import Intake
from scheduler.service.journal import Journal
from scheduler.service.metrics import ServiceMetrics
from scheduler.service.node_beliefs import NodeBeliefs
from scheduler.service.placeholder_book import PlaceholderBook
from scheduler.service.queue import SchedulingQueue
from scheduler.service.queued_pod import Stage
from scheduler.service.rtt_health import RttHealth
from scheduler.service.settings import SchedulerConfiguration
from telemetry.census import Census

T = TypeVar("T")

PlanFunction = Callable[[ClusterSnapshot, PlacementSettings], Plan]


class Runner(Protocol):
    """Runs long work away from the event loop; in tests, in place."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]:
        """Return the result of `work`."""
        ...


@dataclass(frozen=True, slots=True)
class Clock:
    """Two clocks, seconds.

    `now_s` never steps back and drives the queue; `wall_s` is what pods' creation times and people
    read.
    """

    now_s: Callable[[], float]
    wall_s: Callable[[], float]


@dataclass(slots=True)
class ServiceState:
    """Everything the service knows. `changed` wakes the loop that looks at the queue.

    `broken` are the budgets believed to be broken; None where nobody watches them, and the RTT
    table alone tells. `census` counts what is known of pairs; None where nothing measures live.
    """

    settings: SchedulerConfiguration
    clock: Clock
    cache: Cache
    queue: SchedulingQueue
    journal: Journal
    intake: Intake
    metrics: ServiceMetrics
    beliefs: NodeBeliefs
    rtt: RttHealth = field(default_factory=RttHealth)
    broken: tuple[BrokenBudget, ...] | None = None
    census: Census | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)


def new_state(settings: SchedulerConfiguration, clock: Clock) -> ServiceState:
    """Return the state of a service that has seen nothing yet."""
    namespace = settings.cover.placeholders.namespace
    cache = Cache(PlaceholderBook(namespace, settings.scheduler_name))
    journal = Journal()
    beliefs = NodeBeliefs(settings.failover, cache)
    metrics = ServiceMetrics(settings.scheduler_name, clock.wall_s)
    queue = SchedulingQueue(settings.queue, cache.service, metrics.count_incoming)
    cache.pods.events.is_heard = queue.listens
    _set_gauges(metrics, cache, queue)
    _set_belief_gauges(metrics, beliefs)
    return ServiceState(
        settings=settings,
        clock=clock,
        cache=cache,
        queue=queue,
        journal=journal,
        intake=Intake(
            cache, queue, journal, beliefs, settings.scheduler_name, metrics.count_refusal
        ),
        metrics=metrics,
        beliefs=beliefs,
    )


def _set_gauges(metrics: ServiceMetrics, cache: Cache, queue: SchedulingQueue) -> None:
    """Have gauges read when they are asked for, and not kept in step with every event."""
    for stage in Stage:
        if stage is not Stage.IN_FLIGHT:
            metrics.pending.labels(stage.value).set_function(partial(queue.count_of, stage))
    metrics.cache_size.labels("nodes").set_function(lambda: len(cache.nodes))
    metrics.cache_size.labels("placed_pods").set_function(lambda: cache.pods.placed_count)
    metrics.is_synced.set_function(lambda: float(cache.is_synced))


def _set_belief_gauges(metrics: ServiceMetrics, beliefs: NodeBeliefs) -> None:
    metrics.nodes_believed.labels("dead").set_function(lambda: len(beliefs.belief.dead))
    metrics.nodes_believed.labels("held_down").set_function(lambda: len(beliefs.held_down))
    metrics.observer_suspect.set_function(lambda: float(beliefs.is_suspect))
