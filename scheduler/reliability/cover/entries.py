"""Who takes part in cover: the classes of a decision, and pods that run without a backup."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.workload import Pod, PodClass
from scheduler.placement.batch import Batch, PendingClass
from scheduler.placement.cost.spread import replica_nodes
from scheduler.placement.cost.wish import wish_costs
from scheduler.placement.decide import Decision
from scheduler.placement.feasibility.room import fits
from scheduler.placement.feasibility.verdict import Mask
from scheduler.placement.reach import reach, reach_elsewhere
from scheduler.placement.stage import arc_costs
from scheduler.reliability.cover.beside import placing_in, standing_batch
from scheduler.reliability.cover.loads import Ints
from scheduler.reliability.cover.problem import NOWHERE
from scheduler.reliability.cover.settings import CoverSettings


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """Pods of one class that take part.

    Parameters
    ----------
    batch, pending
        The class, and what looks things up for it.
    pods
        Those of its pods that take part.
    nodes
        The node of each, `NOWHERE` for one that is not placed.
    allowed
        Shape ``(n,)``: nodes that its rules and budgets admit.
    cost
        Shape ``(n,)``, cost units.
    wants
        Whether it is to be covered.
    may_move
        Whether this decision may still choose other nodes for it.
    replicas
        Nodes of replicas of its workload that are not among `pods`.
    is_promised
        Whether it takes places of lost pods, covered or not.
    """

    batch: Batch
    pending: PendingClass
    pods: Sequence[Pod]
    nodes: Sequence[int]
    allowed: Mask
    cost: NDArray[np.int64]
    wants: bool
    may_move: bool
    replicas: Ints
    is_promised: bool = False


def wants_cover(pod_class: PodClass, settings: CoverSettings) -> bool:
    """Whether pods of a class are to be covered."""
    return settings.everyone or bool(pod_class.hard_delays)


def decided_entries(decision: Decision, settings: CoverSettings) -> list[Entry]:
    """Return the classes of a decision that take part.

    Pods that want no cover do so where a search may move them to make room.
    """
    referred = {
        pod_class
        for pending in decision.batch.classes
        for target in (*pending.targets, *pending.soft_targets)
        for pod_class in target.classes
    }
    out = []
    for pending in decision.batch.classes:
        wants = wants_cover(pending.pod_class, settings)
        if pending.problems or not (wants or settings.effort.search):
            continue
        may_move = pending.pod_class not in referred and _may_move(decision, pending)
        entry = _entry(decision, pending, wants=wants, may_move=may_move)
        if entry is not None:
            out.append(entry)
    return out


def _may_move(decision: Decision, pending: PendingClass) -> bool:
    """Whether other nodes for a class leave every rule of every other pod as it is."""
    rules, number = decision.placing.rules, pending.number
    own = rules.of.get(number)
    return not (
        rules.is_live(number)
        or rules.is_counted(number)
        or (own is not None and own.volumes is not None)
        or pending.pod_class.nominated_node
        or pending.pod_class.node_name
        or pending.pod_class.group is not None
        or number in decision.promised
    )


def _entry(
    decision: Decision, pending: PendingClass, *, wants: bool, may_move: bool
) -> Entry | None:
    batch, placing = decision.batch, decision.placing
    near = reach(batch, pending, placing.pods)
    nodes = [node for node, _ in placing.pods.get(pending.pod_class, ())]
    pods = pending.pods if may_move else pending.pods[: len(nodes)]
    if near.problems or not pods or not (wants or may_move):
        return None
    within = near.mask if may_move else reach_elsewhere(batch, pending, placing.pods, nodes)
    allowed = placing.rules.narrow(pending.number, pending.mask & within)
    allowed = allowed & fits(pending.demand, batch.table.allocatable)
    cost = arc_costs(batch, pending, near)
    wishes = placing.rules.wishes.get(pending.number)
    if wishes is not None and may_move:
        at = np.flatnonzero(allowed)
        cost[at] += wish_costs(wishes, at, batch.settings.cost)
    return Entry(
        batch,
        pending,
        pods,
        (*nodes, *[NOWHERE] * (len(pods) - len(nodes))),
        allowed,
        cost,
        wants,
        may_move,
        _replicas(decision, pending, nodes) if may_move else np.zeros(0, dtype=np.int64),
        pending.number in decision.promised,
    )


def _replicas(decision: Decision, pending: PendingClass, nodes: Sequence[int]) -> Ints:
    """Return where else replicas of a workload are; none where it says itself how to spread."""
    if pending.pod_class.spread or pending.pod_class.workload is None:
        return np.zeros(0, dtype=np.int64)
    everywhere = list(replica_nodes(decision.batch, pending, decision.placing.pods))
    for node in nodes:
        everywhere.remove(node)
    return np.array(everywhere, dtype=np.int64)


def standing_entries(decision: Decision, cover: CoverSettings) -> Iterator[Entry]:
    """Yield pods that run, want cover and have no backup; each stays where it is."""
    snapshot, settings = decision.batch.snapshot, decision.batch.settings
    placed = snapshot.placed
    bare = (placed.node_of >= 0) & ~placed.is_terminating
    if len(placed.backup_of):
        bare = bare & (placed.backup_of < 0)
    wanted = [wants_cover(pod_class, cover) for pod_class in placed.classes]
    rows = [row for row in np.flatnonzero(bare).tolist() if wanted[placed.class_of[row]]]
    if not rows:
        return
    node_of = {placed.pods[row].key: int(placed.node_of[row]) for row in rows}
    batch = standing_batch(snapshot, rows, settings)
    placing = placing_in(batch, decision)
    for pending, pods in _alike(batch, node_of):
        hosts = [node_of[pod.key] for pod in pods]
        within = reach_elsewhere(batch, pending, placing, hosts)
        allowed = batch.rules.narrow(pending.number, pending.mask & within)
        if pending.problems:
            allowed = np.zeros_like(allowed)
        yield Entry(
            batch,
            pending,
            pods,
            hosts,
            allowed & fits(pending.demand, batch.table.allocatable),
            np.zeros(len(batch.table), dtype=np.int64),
            wants=True,
            may_move=False,
            replicas=np.zeros(0, dtype=np.int64),
        )


def _alike(
    batch: Batch, node_of: Mapping[str, int]
) -> Iterator[tuple[PendingClass, Sequence[Pod]]]:
    """Yield the pods of each class that `node_of` knows; by node where they refer to themselves.

    Who leaves its node then has the others to be near to, and these differ from node to node.
    """
    for pending in batch.classes:
        is_self = any(target.is_self for target in pending.targets)
        groups: dict[int, list[Pod]] = {}
        for pod in pending.pods:
            if pod.key in node_of:
                groups.setdefault(node_of[pod.key] if is_self else 0, []).append(pod)
        for pods in groups.values():
            yield pending, pods
