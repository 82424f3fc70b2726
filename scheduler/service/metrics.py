"""Prometheus metrics in a registry of our own; kube-scheduler's names where they mean the same.

Names: pkg/scheduler/metrics/metrics.go of kube-scheduler 1.36. ``profile`` is the scheduler's name.
"""

import math
from collections.abc import Callable
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

AttemptResult = Literal["scheduled", "unschedulable", "error"]
BindingResult = Literal["bound", "conflict", "unanswered", "dropped"]
VolumesResult = Literal["bound", "failed", "dropped", "error"]

_ATTEMPT_BUCKETS_S = tuple(0.001 * 2**k for k in range(15))  # 1 ms to 16 s, as kube-scheduler
_SLI_BUCKETS_S = tuple(0.01 * 2**k for k in range(20))  # 10 ms to 87 min, as kube-scheduler
_VOLUME_BUCKETS_S = tuple(0.05 * 2**k for k in range(15))  # 50 ms to 14 min: 10 min is the limit


class LatestTime:
    """A gauge of when something last was, seconds since 1970, that can be read back."""

    def __init__(self, gauge: Gauge) -> None:
        self._gauge = gauge
        self.at_s: float | None = None

    def set(self, wall_s: float) -> None:
        """Say that it was then."""
        self.at_s = wall_s
        self._gauge.set(wall_s)


class ServiceMetrics:
    """Counters and gauges of one service.

    Parameters
    ----------
    profile
        The scheduler's name.
    wall_s
        The wall clock, seconds since 1970.
    """

    def __init__(self, profile: str, wall_s: Callable[[], float]) -> None:
        self.registry = CollectorRegistry()
        self._profile = profile
        self._attempts = self._counter(
            "scheduler_schedule_attempts",
            "Attempts to schedule pods, by the result.",
            ["result", "profile"],
        )
        self._attempt_s = Histogram(
            "scheduler_scheduling_attempt_duration_seconds",
            "From a pod's batch being taken to its binding being answered, or to its refusal, "
            "seconds, by the result.",
            ["result", "profile"],
            buckets=_ATTEMPT_BUCKETS_S,
            registry=self.registry,
        )
        self.batch_s = Histogram(
            "isochrone_batch_duration_seconds",
            "From a batch being taken to its bindings being handed over, seconds.",
            buckets=_ATTEMPT_BUCKETS_S,
            registry=self.registry,
        )
        self.algorithm_s = Histogram(
            "scheduler_scheduling_algorithm_duration_seconds",
            "Time of one decision, seconds.",
            buckets=_ATTEMPT_BUCKETS_S,
            registry=self.registry,
        )
        self.binding_s = Histogram(
            "isochrone_binding_duration_seconds",
            "From a binding being sent to its answer, seconds.",
            buckets=_ATTEMPT_BUCKETS_S,
            registry=self.registry,
        )
        self._volumes = self._counter(
            "isochrone_volume_bindings",
            "Pods whose volumes had to be bound before them, by the result: bound, failed (also: "
            "not in time), dropped (the pod or its node went), error (a bug).",
            ["result"],
        )
        self.volumes_s = Histogram(
            "isochrone_volume_binding_duration_seconds",
            "From a pod being assigned to its volumes being bound, seconds.",
            buckets=_VOLUME_BUCKETS_S,
            registry=self.registry,
        )
        self.sli_s = Histogram(
            "scheduler_pod_scheduling_sli_duration_seconds",
            "From a pod entering the queue to its binding being answered, seconds.",
            buckets=_SLI_BUCKETS_S,
            registry=self.registry,
        )
        self.pod_attempts = Histogram(
            "scheduler_pod_scheduling_attempts",
            "Attempts a pod needed.",
            buckets=(1, 2, 4, 8, 16),
            registry=self.registry,
        )
        self.cover_pods = Gauge(
            "isochrone_cover_pods",
            "Running pods that are to have a backup place for the day their node dies, by whether "
            "they have one: covered, uncovered.",
            ["state"],
            registry=self.registry,
        )
        self.cover_reserved = Gauge(
            "isochrone_cover_reserved",
            "Room kept for failures on all nodes together, by resource: cores in thousandths, "
            "everything else in whole units.",
            ["resource"],
            registry=self.registry,
        )
        self.placeholders = Gauge(
            "isochrone_placeholders",
            "Pods of ours that hold reserves against other schedulers, by whether they are there "
            "as wanted: standing, missing.",
            ["state"],
            registry=self.registry,
        )
        self.placeholders_lost = self._counter(
            "isochrone_placeholders_lost",
            "Placeholders that others took from us, by why: removed (preempted, say), refused (the "
            "kubelet did not keep it).",
            ["why"],
        )
        self.moves = self._counter(
            "isochrone_moves",
            "Pods that were to be moved, by why (budget, reference, home, even) and what came of "
            "it: evicted, refused, unanswered, proposed (a dry run).",
            ["why", "result"],
        )
        self.moves_stuck = Gauge(
            "isochrone_moves_stuck",
            "Pods that should be moved and cannot be.",
            registry=self.registry,
        )
        self.nodes_believed = Gauge(
            "isochrone_nodes_believed",
            "Nodes that take no new pods: dead, held_down (back from the dead, not yet trusted).",
            ["state"],
            registry=self.registry,
        )
        self.observer_suspect = Gauge(
            "isochrone_observer_suspect",
            "1 while so many nodes vanished at once that it may be the control plane that is cut "
            "off: nothing is done to their pods.",
            registry=self.registry,
        )
        self.pending = Gauge(
            "scheduler_pending_pods",
            "Pods that wait, by the queue they are in.",
            ["queue"],
            registry=self.registry,
        )
        self._incoming = self._counter(
            "scheduler_queue_incoming_pods",
            "Pods put into a queue, by the queue and by what brought them there.",
            ["queue", "event"],
        )
        self.cache_size = Gauge(
            "scheduler_cache_size",
            "Objects in the cache, by type.",
            ["type"],
            registry=self.registry,
        )
        self._bindings = self._counter("isochrone_bindings", "Bindings, by the result.", ["result"])
        self._refusals = self._counter(
            "isochrone_kubelet_refusals",
            "Our pods that were bound and that the kubelet did not take, by its reason: races "
            "against who else binds to that node.",
            ["reason"],
        )
        self._forced = self._counter(
            "isochrone_forced_removals",
            "What was done about pods stuck on silent nodes, by the result: pod_removed, "
            "node_tainted, node_cleared, failed.",
            ["result"],
        )
        self.plans_rejected = self._counter(
            "isochrone_plans_rejected", "Plans the independent check refused: each is a bug.", []
        )
        self.plan_failures = self._counter(
            "isochrone_plan_failures", "Decisions that ended in an exception: each is a bug.", []
        )
        self.watch_failures = self._counter(
            "isochrone_watch_failures", "Times the watch of the cluster broke off.", []
        )
        self._watch_ends = self._counter(
            "isochrone_watch_ends",
            "Watches that ended and were resumed, by kind; a quiet one does every five minutes.",
            ["kind"],
        )
        self.is_synced = Gauge(
            "isochrone_cache_synced",
            "1 while the cache is complete.",
            registry=self.registry,
        )
        self.rtt_tables = self._counter("isochrone_rtt_tables", "RTT tables taken over.", [])
        self.rtt_failures = self._counter(
            "isochrone_rtt_failures", "Times RTTs could not be read from their source.", []
        )
        self.rtt_updated_s = LatestTime(
            Gauge(
                "isochrone_rtt_updated_timestamp_seconds",
                "When the RTT table was last taken over, seconds since 1970; 0 for never.",
                registry=self.registry,
            )
        )
        rtt_age_s = Gauge(
            "isochrone_rtt_age_seconds",
            "Since the RTT table was last taken over, seconds; NaN for never.",
            registry=self.registry,
        )
        rtt_age_s.set_function(lambda: wall_s() - (self.rtt_updated_s.at_s or math.nan))
        self.source_up = Gauge(
            "isochrone_rtt_source_up",
            "1 while a source of RTTs could be read when it last was, more than half of it.",
            ["source"],
            registry=self.registry,
        )
        self._verified = self._counter(
            "isochrone_rtt_verifications",
            "Delays measured before a binding, by the outcome: held, refuted (too far by now), "
            "lost (no answer from the node), unanswered (none from the agent), outdated (the node "
            "changed); star, star_unanswered: all pairs of a reference, before a refusal.",
            ["outcome"],
        )
        self.budgets_broken = Gauge(
            "isochrone_budgets_broken",
            "Delays of running pods that do not hold: confirmed by fresh measurements one after "
            "the other, or suspected. Only where sources measure again and again.",
            ["state"],
            registry=self.registry,
        )
        self.rtt_nodes = Gauge(
            "isochrone_rtt_nodes", "Nodes in the RTT table.", registry=self.registry
        )
        self.is_leading = Gauge(
            "isochrone_leading",
            "1 while this replica decides and binds.",
            registry=self.registry,
        )
        self.clustering_s = Histogram(
            "isochrone_clustering_duration_seconds",
            "Time of one clustering of the RTT table, seconds.",
            buckets=_ATTEMPT_BUCKETS_S,
            registry=self.registry,
        )

    def count_attempts(
        self, result: AttemptResult, number: int, duration_s: float | None = None
    ) -> None:
        """Count `number` pods that were tried, and how long each attempt took, where known."""
        self._attempts.labels(result, self._profile).inc(number)
        if duration_s is not None:
            for _ in range(number):
                self._attempt_s.labels(result, self._profile).observe(duration_s)

    def count_incoming(self, queue: str, event: str, number: int = 1) -> None:
        """Count pods put into a queue.

        Parameters
        ----------
        queue
            A stage's name, as `pending` has it.
        event
            kube-scheduler's word for what brought them: ``PodAdd``, ``ScheduleAttemptFailure``,
            ``BackoffComplete``, ``NodeAdd``, …
        number
            Of pods.
        """
        self._incoming.labels(queue, event).inc(number)

    def count_watch_end(self, kind: str) -> None:
        """Count one watch of a kind that ended."""
        self._watch_ends.labels(kind).inc()

    def count_verified(self, outcome: str) -> None:
        """Count one delay, or one star, measured on demand."""
        self._verified.labels(outcome).inc()

    def count_binding(self, result: BindingResult) -> None:
        """Count one binding."""
        self._bindings.labels(result).inc()

    def count_refusal(self, reason: str) -> None:
        """Count one pod of ours that a kubelet refused."""
        self._refusals.labels(reason).inc()

    def count_forced(self, result: str) -> None:
        """Count one act on a pod or node by force, or its end."""
        self._forced.labels(result).inc()

    def count_volumes(self, result: VolumesResult) -> None:
        """Count one pod whose volumes were to be bound."""
        self._volumes.labels(result).inc()

    def render(self) -> bytes:
        """Return all metrics in the text format."""
        return generate_latest(self.registry)

    def _counter(self, name: str, documentation: str, labels: list[str]) -> Counter:
        return Counter(name, documentation, labels, registry=self.registry)
