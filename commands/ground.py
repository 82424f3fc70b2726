"""The ground of one decision: a snapshot and the settings, wherever they were read."""

from collections import Counter
from dataclasses import dataclass

import msgspec

from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import Pod
from scheduler.domain.zone import ZoneTree
from scheduler.placement.settings import OFFLINE_EFFORT, EffortSettings
from scheduler.service.settings import SchedulerConfiguration
from telemetry.model import RttMatrix


@dataclass(frozen=True, slots=True)
class Inputs:
    """What was read.

    `warnings` are sentences on what has no effect.
    """

    snapshot: ClusterSnapshot
    settings: SchedulerConfiguration
    warnings: tuple[str, ...] = ()

    @property
    def pods(self) -> tuple[Pod, ...]:
        """All pods there are: to be placed, held, and bound."""
        snapshot = self.snapshot
        return (*snapshot.pending, *snapshot.held, *snapshot.placed.pods)


def offline(settings: SchedulerConfiguration) -> SchedulerConfiguration:
    """Give the default effort more work: a person waits for the best plan, no queue does."""
    if settings.placement.effort != EffortSettings():
        return settings
    placement = msgspec.structs.replace(settings.placement, effort=OFFLINE_EFFORT)
    return msgspec.structs.replace(settings, placement=placement)


def zones_where_needed(
    rtt: RttMatrix, pending: tuple[Pod, ...], settings: SchedulerConfiguration
) -> ZoneTree | None:
    """Return the zones where some workload has replicas to spread over them."""
    replicas = Counter(pod.pod_class.workload for pod in pending if pod.pod_class.workload)
    if not (settings.clustering.enabled and rtt.nodes and any(n > 1 for n in replicas.values())):
        return None
    # Loading scikit-learn takes longer than planning a thousand pods.
    from scheduler.topology.layers import zone_tree  # noqa: PLC0415 - see above

    return zone_tree(rtt, settings.clustering.diameters_us)
