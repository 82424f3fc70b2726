"""What dev mode shows at one moment, gathered from the service and the embedded cluster. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scheduler.domain.plan import Measured
from scheduler.domain.resources import CPU
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.ui.delays import PlacedDelays


@dataclass(frozen=True, slots=True)
class SiteRow:
    """The nodes of one failure domain; `load` is the share of CPU that is requested, 0 to 1."""

    name: str
    nodes: int
    ready: int
    pods: int
    load: float


@dataclass(frozen=True, slots=True)
class PodRow:
    """A placed pod and its delays as measured now; one that is leaving is held to none."""

    name: str
    node: str
    delays: tuple[Measured, ...]
    is_leaving: bool = False

    @property
    def has_budget(self) -> bool:
        """Whether a hard budget is to hold."""
        return not self.is_leaving and any(not d.constraint.is_soft for d in self.delays)

    @property
    def is_broken(self) -> bool:
        """Whether a hard budget does not hold."""
        return self.has_budget and any(
            not d.holds and not d.constraint.is_soft for d in self.delays
        )


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """A pod that waits, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Line:
    """Something that happened; `at_s` counts from the start."""

    at_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Scene:
    """All that is shown."""

    at_s: float
    address: str
    sites: Sequence[SiteRow]
    pods: Sequence[PodRow]
    waiting: Sequence[WaitingRow]
    lines: Sequence[Line]

    @property
    def nodes(self) -> int:
        """Nodes known."""
        return sum(site.nodes for site in self.sites)

    @property
    def ready(self) -> int:
        """Nodes that are ready."""
        return sum(site.ready for site in self.sites)

    @property
    def with_budget(self) -> int:
        """Pods that have a hard budget and stay."""
        return sum(pod.has_budget for pod in self.pods)

    @property
    def broken(self) -> int:
        """Pods of which a budget does not hold."""
        return sum(pod.is_broken for pod in self.pods)


def site_rows(snapshot: ClusterSnapshot) -> list[SiteRow]:
    """Return the failure domains, the one with most pods first."""
    table = snapshot.nodes
    on = snapshot.placed.node_of[snapshot.placed.node_of >= 0]
    pods = np.bincount(on, minlength=len(table))
    rows = []
    for number, name in [*enumerate(table.domain_names), (-1, "(no domain)")]:
        at = np.flatnonzero(table.domain == number)
        if not len(at):
            continue
        load = 0.0
        if CPU in table.resources:
            column = table.resources.index(CPU)
            room = int(table.allocatable[at, column].sum())
            load = int(table.requested[at, column].sum()) / room if room else 0.0
        ready = int(table.is_ready[at].sum())
        rows.append(SiteRow(name, len(at), ready, int(pods[at].sum()), load))
    return sorted(rows, key=lambda row: (-row.pods, row.ready == row.nodes, row.name))


def pod_rows(snapshot: ClusterSnapshot) -> list[PodRow]:
    """Return placed pods: broken budgets first, then pods with delays, then all others."""
    delays, names = PlacedDelays(snapshot), snapshot.nodes.nodes
    rows = []
    for slot, pod in enumerate(snapshot.placed.pods):
        at = int(snapshot.placed.node_of[slot])
        node = names[at].name if at >= 0 else "(node gone)"
        is_leaving = bool(snapshot.placed.is_terminating[slot])
        rows.append(PodRow(pod.display_name, node, delays.of(slot), is_leaving))
    return sorted(rows, key=lambda row: (not row.is_broken, not row.delays, row.name))
