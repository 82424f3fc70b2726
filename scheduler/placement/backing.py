"""What cover adds to a plan: the form in which whoever reserves room hands it to whoever plans."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from scheduler.domain.cover import CoverPlan
from scheduler.domain.plan import CoverStats


@dataclass(frozen=True, slots=True)
class Backing:
    """Backups of a decision's pods.

    Parameters
    ----------
    backups
        Name of the backup node by key of a pod.
    wanting
        Numbers of the classes whose pods are placed only with a backup.
    cover, stats, is_truncated
        As they go into the plan.
    """

    backups: Mapping[str, str] = field(default_factory=dict)
    wanting: frozenset[int] = frozenset()
    cover: CoverPlan = field(default_factory=CoverPlan)
    stats: CoverStats = field(default_factory=CoverStats)
    is_truncated: bool = False


NO_BACKING = Backing()
