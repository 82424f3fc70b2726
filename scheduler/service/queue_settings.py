"""Settings of the queue: when pods are decided on, and when they are tried again."""

from typing import Annotated

import msgspec

DAY_MS = 86_400_000
Milliseconds = Annotated[float, msgspec.Meta(gt=0, le=DAY_MS)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=DAY_MS / 1000)]


class QueueSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """When a pending pod is tried."""

    batch_idle_milliseconds: Milliseconds = 10.0
    """A batch is taken when no pod arrived for so long: replicas of one workload arrive within a
    few milliseconds of each other and are decided better together."""

    batch_max_milliseconds: Milliseconds = 100.0
    """… and at the latest so long after its first pod: a steady stream must not wait for ever."""

    batch_max_classes: Annotated[int, msgspec.Meta(gt=0, le=1_000_000)] = 64
    """Most classes of pods (alike in all that scheduling depends on) in a batch; the others follow
    at once. A cycle of so many takes 0.1 to 0.2 s at 12,500 nodes (docs/benchmarks.md), and what it
    decides is bound while the next one is made."""

    batch_interval_milliseconds: Annotated[float, msgspec.Meta(ge=0, le=DAY_MS)] = 0.0
    """In place of all three: decisions are made at fixed intervals, each on all that waits, as
    Ksched and Firmament do; 0 is off. A pod waits half of it in the mean, and the more pods a
    decision sees at once the better it is: for experiments, and for loads that come in floods."""

    initial_backoff_seconds: Seconds = 1.0
    """Wait after the first failed attempt; doubles with each. kube-scheduler's default."""

    max_backoff_seconds: Seconds = 10.0
    """Longest wait between attempts. kube-scheduler's default."""

    flush_seconds: Seconds = 300.0
    """An unschedulable pod is tried again after so long even when nothing seemed to help:
    a guard against an event that was misjudged. kube-scheduler's default."""

    @property
    def has_interval(self) -> bool:
        """Whether decisions are made at fixed intervals."""
        return self.batch_interval_milliseconds > 0
