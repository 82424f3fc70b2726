"""What is known, as plain JSON values. Pure: a snapshot and the queue's places in, rows out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from scheduler.domain.plan import Measured
from scheduler.domain.resources import CPU, MEMORY, PODS, UNLIMITED
from scheduler.domain.snapshot import ClusterSnapshot, NodeTable
from scheduler.domain.zone import Layer
from scheduler.reliability.budgets import BrokenBudget, broken_budgets
from scheduler.service.journal import Happening
from scheduler.service.queued_pod import QueuedPod, Stage
from scheduler.ui.delays import PlacedDelays
from telemetry.dated import Ages
from telemetry.stamps import Origin

Json = Mapping[str, object]
_T = TypeVar("_T")

_SHOWN = (CPU, MEMORY, PODS)


@dataclass(frozen=True, slots=True)
class Page:
    """Which rows of a long list are wanted."""

    offset: int = 0
    limit: int = 500

    def of(self, rows: Sequence[_T]) -> Sequence[_T]:
        """Return the wanted rows."""
        return rows[self.offset : self.offset + self.limit]


def listed(name: str, rows: Sequence[Json], page: Page, total: int) -> Json:
    """Return rows with the place they have in the whole list."""
    return {"total": total, "offset": page.offset, "limit": page.limit, name: list(rows)}


def summary(
    snapshot: ClusterSnapshot,
    stages: Mapping[Stage, int],
    *,
    is_ready: bool,
    notices: Sequence[str] = (),
    broken: Sequence[BrokenBudget] | None = None,
) -> Json:
    """Return the cluster in one row of figures, and what to know before reading them.

    `broken` are the budgets believed to be broken; without, those that the RTTs say are.
    """
    broken = broken_budgets(snapshot) if broken is None else broken
    table, placed = snapshot.nodes, snapshot.placed
    stays = ~placed.is_terminating & (placed.node_of >= 0)
    with_budget = sum(bool(placed.pods[row].pod_class.hard_delays) for row in np.flatnonzero(stays))
    waiting = sum(number for stage, number in stages.items() if stage is not Stage.IN_FLIGHT)
    return {
        "isReady": is_ready,
        "notices": list(notices),
        "nodes": len(table),
        "nodesReady": int(table.is_ready.sum()),
        "podsPlaced": len(placed.pods),
        "podsWithBudget": with_budget,
        "budgetsBroken": len(broken),
        "podsPending": waiting,
        "queue": {stage.value: number for stage, number in stages.items()},
        "rttNodes": len(snapshot.rtt.nodes),
        "zones": {f"{layer.max_rtt_us / 1000:g}ms": len(layer.names) for layer in layers(snapshot)},
    }


def layers(snapshot: ClusterSnapshot) -> Sequence[Layer]:
    """Return the layers of zones, the smallest diameter first."""
    return snapshot.zones.layers


def nodes(snapshot: ClusterSnapshot, page: Page) -> Json:
    """Return nodes with their load and their zones: not ready first, then by their pods."""
    table = snapshot.nodes
    counts = np.bincount(
        snapshot.placed.node_of[snapshot.placed.node_of >= 0], minlength=len(table)
    )
    order = np.lexsort((-counts, ~table.is_unschedulable, table.is_ready))
    zones = _zones_by_node(snapshot)
    rows = [
        {
            "name": table.nodes[row].name,
            "failureDomain": table.nodes[row].failure_domain,
            "isReady": bool(table.is_ready[row]),
            "isUnschedulable": bool(table.is_unschedulable[row]),
            "isCloud": bool(table.is_cloud[row]),
            "pods": int(counts[row]),
            "resources": _load(table, row),
            "zones": zones.get(table.nodes[row].name, {}),
        }
        for row in page.of(order.tolist())
    ]
    return listed("nodes", rows, page, len(table))


def pods(
    snapshot: ClusterSnapshot, page: Page, broken: Sequence[BrokenBudget] | None = None
) -> Json:
    """Return placed pods, each delay as measured now against its budget; broken ones first.

    `broken` as in `summary`.
    """
    delays, placed = PlacedDelays(snapshot), snapshot.placed
    believed = broken_budgets(snapshot) if broken is None else broken
    is_broken = {budget.pod.key for budget in believed}

    def rank(slot: int) -> tuple[bool, bool, str]:
        pod = placed.pods[slot]
        return pod.key not in is_broken, not pod.pod_class.delays, pod.key

    order = sorted(range(len(placed.pods)), key=rank)
    rows = []
    for slot in page.of(order):
        pod, row = placed.pods[slot], int(placed.node_of[slot])
        rows.append(
            {
                "namespace": pod.namespace,
                "name": pod.name,
                "node": snapshot.nodes.nodes[row].name if row >= 0 else None,
                "isTerminating": bool(placed.is_terminating[slot]),
                "isBroken": pod.key in is_broken,
                "delays": [
                    {**delay(measured), **dated(snapshot, measured, row)}
                    for measured in delays.of(slot)
                ],
            }
        )
    return listed("pods", rows, page, len(order))


def dated(snapshot: ClusterSnapshot, measured: Measured, row: int) -> Json:
    """Return how old a delay's RTT is and what measured it; nothing where the table has no ages."""
    rtt = snapshot.rtt
    if not isinstance(rtt, Ages) or row < 0 or measured.rtt_us < 0:
        return {}
    i = rtt.index.get(measured.reference_node)
    j = rtt.index.get(snapshot.nodes.nodes[row].name)
    if i is None or j is None or i == j:
        return {}
    pair = np.array([i]), np.array([j])
    source = Origin(int(rtt.origin(*pair)[0])).name.lower()
    return {"ageS": round(float(rtt.age_s(*pair)[0]), 1), "source": source}


def delay(measured: Measured) -> Json:
    """Return one delay: what was asked, what is measured, and whether it holds."""
    constraint = measured.constraint
    return {
        "to": str(constraint.reference),
        "from": measured.reference_node or None,
        "withinMs": constraint.within_us / 1000,
        "rttMs": measured.rtt_us / 1000 if measured.rtt_us >= 0 else None,
        "isSoft": constraint.is_soft,
        "holds": measured.holds,
    }


def pending(entries: Sequence[QueuedPod], page: Page, now_s: float) -> Json:
    """Return waiting pods with the reason each waits."""
    rows = [
        {
            "namespace": queued.pod.namespace,
            "name": queued.pod.name,
            "stage": queued.stage.value,
            "attempts": queued.attempts,
            "waitingSeconds": round(max(0.0, now_s - queued.added_s), 1),
            "reason": reason(queued),
            "remedy": queued.refusal.remedy if queued.refusal is not None else "",
        }
        for queued in page.of(entries)
    ]
    return listed("pending", rows, page, len(entries))


def zones(snapshot: ClusterSnapshot) -> Json:
    """Return the zones of each layer with the number of their nodes."""
    out = []
    for layer in layers(snapshot):
        sizes = np.bincount(layer.zone_of[layer.zone_of >= 0], minlength=len(layer.names))
        out.append(
            {
                "diameterMs": layer.max_rtt_us / 1000,
                "zones": [
                    {"name": name, "nodes": int(size)}
                    for name, size in zip(layer.names, sizes, strict=True)
                ],
                "withoutZone": int((layer.zone_of < 0).sum()),
            }
        )
    return {"layers": out}


def events(happenings: Sequence[Happening]) -> Json:
    """Return happenings, oldest first."""
    rows = [
        {"number": h.number, "at": round(h.at_s, 3), "kind": h.kind, "text": h.text}
        for h in happenings
    ]
    return {"events": rows}


def reason(queued: QueuedPod) -> str:
    """Return why a pod waits, in one line."""
    if queued.stage is Stage.GATED:
        return "waits for its scheduling gates to be removed"
    if queued.refusal is not None:
        return queued.refusal.message
    return queued.said or "not tried yet"


def _load(table: NodeTable, row: int) -> Json:
    out: dict[str, object] = {}
    for name in _SHOWN:
        if name in table.resources:
            column = table.resources.index(name)
            limit = int(table.allocatable[row, column])
            out[name] = {
                "requested": int(table.requested[row, column]),
                "allocatable": limit if limit < UNLIMITED else None,
            }
    return out


def _zones_by_node(snapshot: ClusterSnapshot) -> Mapping[str, Json]:
    out: dict[str, dict[str, object]] = {}
    for layer in layers(snapshot):
        title = f"{layer.max_rtt_us / 1000:g}ms"
        for name, zone in zip(snapshot.zones.nodes, layer.zone_of, strict=True):
            if zone >= 0:
                out.setdefault(name, {})[title] = layer.names[int(zone)]
    return out
