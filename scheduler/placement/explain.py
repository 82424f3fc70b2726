"""Why a pod is where it is, or why it is nowhere, from the same arrays the decision used."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from scheduler.domain.delay import format_ms
from scheduler.domain.plan import Measured, Plan
from scheduler.domain.reasons import Refusal
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.domain.workload import Pod, PodClass
from scheduler.placement.batch import Batch, PendingClass
from scheduler.placement.bounds import Reach
from scheduler.placement.feasibility.room import fits, room
from scheduler.placement.packing.problem import Ints
from scheduler.placement.reach import reach
from scheduler.placement.settings import PlacementSettings
from scheduler.placement.stage import arc_costs
from telemetry.model import UNKNOWN_US

FULLER_SHOWN = 3
"""Cheaper nodes without room that are named; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """One pod's answer.

    `node` is empty for a pod that waits; then `refusal` says why. Costs in cost units. `full` are
    nodes that would have been cheaper but had no room, with what was short. `runner_up` is the
    cheapest other node with room, or empty; `runner_up_leaves_cloud` when the pod would leave the
    cloud for it. The load of nodes is left out of these costs: it only breaks ties.
    """

    pod: str
    node: str
    measured: tuple[Measured, ...] = ()
    cost: int = 0
    full: tuple[tuple[str, str], ...] = ()
    runner_up: str = ""
    runner_up_cost: int = 0
    runner_up_measured: tuple[Measured, ...] = ()
    runner_up_leaves_cloud: bool = False
    feasible: int = 0
    refusal: Refusal | None = None

    def lines(self) -> tuple[str, ...]:
        """Return the explanation in words, a line each."""
        return tuple(self._refused() if self.refusal is not None else self._placed())

    def _refused(self) -> Iterator[str]:
        refusal = self.refusal
        if refusal is None:
            return
        yield f"{self.pod} waits: {refusal.message}"
        for reason in sorted(refusal.node_reasons, key=lambda r: -r.count):
            yield f"  {reason.count} of {refusal.nodes_total} nodes: {reason.text}"
        if refusal.remedy:
            yield f"  smallest change: {refusal.remedy}"

    def _placed(self) -> Iterator[str]:
        yield f"{self.pod} is on {self.node} (cost {self.cost})"
        for measured in self.measured:
            yield f"  {_measured(measured)}"
        were = "node was" if self.feasible == 1 else "nodes were"
        yield f"  {self.feasible} {were} within every rule and had room"
        for name, short in self.full[:FULLER_SHOWN]:
            yield f"  {name} would have been cheaper but is full: {short}"
        if len(self.full) > FULLER_SHOWN:
            yield f"  so would {len(self.full) - FULLER_SHOWN} more"
        if not self.runner_up:
            yield "  there is no other node for it"
            return
        yield f"  runner-up {self.runner_up} (cost {self.runner_up_cost}): {self._why()}"
        for measured in self.runner_up_measured:
            yield f"    {_measured(measured)}"

    def _why(self) -> str:
        more = self.runner_up_cost - self.cost
        if self.runner_up_leaves_cloud:
            return "it is not a cloud node, and a pod without a delay prefers the cloud"
        if more > 0:
            farther = _rtt_us(self.runner_up_measured) - _rtt_us(self.measured)
            why = f", {format_ms(farther)} farther" if farther > 0 else ""
            return f"costs {more} more{why}"
        if more == 0:
            return "as good; load, spreading and node order decided"
        return f"cheaper by {-more} for this pod alone, dearer for all pods together"


def _rtt_us(measured: tuple[Measured, ...]) -> int:
    return sum(m.rtt_us for m in measured if m.rtt_us != UNKNOWN_US)


def _measured(measured: Measured) -> str:
    constraint = measured.constraint
    budget = f"{'soft ' if constraint.is_soft else ''}budget {constraint.within_ms}"
    if measured.rtt_us == UNKNOWN_US:
        return f"{constraint.reference}: not measured ({budget})"
    broken = "" if measured.holds or constraint.is_soft else ": broken"
    return (
        f"{constraint.reference}: {format_ms(measured.rtt_us)} from {measured.reference_node} "
        f"({budget}){broken}"
    )


def explain(
    snapshot: ClusterSnapshot, plan: Plan, key: str, settings: PlacementSettings
) -> Explanation:
    """Explain one pod of a plan.

    Parameters
    ----------
    snapshot
        What the plan was made from.
    plan
        The plan.
    key
        ``namespace/name`` of a pod that was pending in the snapshot.
    settings
        What the plan was made with.

    Raises
    ------
    KeyError
        If the plan does not know the pod.
    """
    for unplaced in plan.unplaced:
        if unplaced.pod.key == key:
            return Explanation(key, "", refusal=unplaced.refusal)
    found = next((a for a in plan.assignments if a.pod.key == key), None)
    if found is None:
        raise KeyError(key)
    batch = Batch(snapshot, settings)
    node = snapshot.nodes.index[found.node]
    pending = next(c for c in batch.classes if c.pod_class == batch.class_of(found.pod))
    answer = Explanation(key, found.node, found.measured)
    return _compare(batch, plan, (pending, found.pod, node), answer)


def _compare(
    batch: Batch, plan: Plan, chosen: tuple[PendingClass, Pod, int], answer: Explanation
) -> Explanation:
    """Rank the chosen node among all others, as if this pod alone were placed again."""
    pending, pod, node = chosen
    others = _others(batch, plan, pod)
    near = reach(batch, pending, others)
    _stand(batch, others)
    cost = arc_costs(batch, pending, near)
    free = _free(batch, plan, pod)
    mask = batch.rules.narrow(pending.number, pending.mask & near.mask)
    has_room = fits(pending.demand, free)
    order = np.argsort(cost, kind="stable")
    cheaper = [int(i) for i in order if mask[i] and not has_room[i] and cost[i] < cost[node]]
    usable = [int(i) for i in order if mask[i] and has_room[i] and i != node]
    answer = replace(
        answer,
        measured=answer.measured or _at(batch, near, node),
        cost=int(cost[node]),
        feasible=len(usable) + 1,
        full=tuple((batch.table.nodes[i].name, _short(batch, pending, free, i)) for i in cheaper),
    )
    if not usable:
        return answer
    second = usable[0]
    return replace(
        answer,
        runner_up=batch.table.nodes[second].name,
        runner_up_cost=int(cost[second]),
        runner_up_measured=_at(batch, near, second),
        runner_up_leaves_cloud=not pending.pod_class.delays
        and bool(batch.table.is_cloud[node])
        and not batch.table.is_cloud[second],
    )


def _stand(batch: Batch, others: dict[PodClass, list[tuple[int, str]]]) -> None:
    """Have the rules count what else the plan places."""
    number = {c.pod_class: c.number for c in batch.classes}
    for pod_class, spots in others.items():
        if pod_class in number:
            batch.rules.placed(number[pod_class], [node for node, _ in spots])


def _at(batch: Batch, near: Reach, node: int) -> tuple[Measured, ...]:
    return tuple(b.measured(batch.table.nodes, node) for b in (*near.hard, *near.soft))


def _others(batch: Batch, plan: Plan, pod: Pod) -> dict[PodClass, list[tuple[int, str]]]:
    out: dict[PodClass, list[tuple[int, str]]] = {}
    for made in plan.assignments:
        if made.pod.key != pod.key:
            node = batch.table.index[made.node]
            out.setdefault(batch.class_of(made.pod), []).append((node, made.pod.name))
    return out


def _free(batch: Batch, plan: Plan, pod: Pod) -> Ints:
    """Return the room with all of the plan carried out but this pod, shape ``(n, r)``."""
    free = batch.table.free
    for made in plan.assignments:
        if made.pod.key != pod.key:
            free[batch.table.index[made.node]] -= batch.table.demand(made.pod.pod_class)
    return free


def _short(batch: Batch, pending: PendingClass, free: Ints, node: int) -> str:
    verdict = room(batch.table, pending.demand, free)
    return ", ".join(text for text, mask in verdict.texts if mask[node])
