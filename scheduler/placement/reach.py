"""What a class's delays say of each node, now that its references are placed."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from scheduler.domain.plan import Measured
from scheduler.domain.reasons import PodCause, PodReason
from scheduler.placement.batch import Batch, PendingClass, PlacedSoFar
from scheduler.placement.bounds import Bound, Reach
from scheduler.placement.feasibility.delay import deciding, within
from scheduler.placement.feasibility.verdict import Mask
from scheduler.placement.references import Target


def reach(batch: Batch, pending: PendingClass, placing: PlacedSoFar) -> Reach:
    """Bind a class's references to the nodes they run on and judge all nodes.

    A reference to the class's own workload does not bind while none of it runs: the first replica
    is admitted anywhere.
    """
    if not (pending.targets or pending.soft_targets):
        return Reach(batch.everywhere, (), (), ())
    known = batch.reaches.get(pending.number)
    if known is not None:
        return known
    found = _reach(batch, pending, placing)
    if all(t.node >= 0 for t in (*pending.targets, *pending.soft_targets)):
        # References to nodes alone do not move during a decision.
        batch.reaches[pending.number] = found
    return found


def _reach(batch: Batch, pending: PendingClass, placing: PlacedSoFar) -> Reach:
    mask = np.ones(len(batch.table), dtype=np.bool_)
    hard, soft, problems = [], [], []
    for target in pending.targets:
        sources = _sources(batch, target, placing)
        if len(sources):
            row, source = deciding(batch.distances, target.quantifier, sources)
            hard.append(Bound(target, row, source))
            mask &= within(row, target.constraint.within_us)
        elif not target.is_self:
            problems.append(_pending_reference(target))
    for target in pending.soft_targets:
        sources = _sources(batch, target, placing)
        if len(sources):
            soft.append(Bound(target, *deciding(batch.distances, target.quantifier, sources)))
    if problems:
        mask = np.zeros(len(batch.table), dtype=np.bool_)
    return Reach(mask, tuple(hard), tuple(soft), tuple(problems))


def reach_elsewhere(
    batch: Batch, pending: PendingClass, placing: PlacedSoFar, hosts: Iterable[int]
) -> Mask:
    """Return the nodes within the hard delays of a pod that is on any of `hosts` and leaves it.

    The pod itself is no reference then; nothing binds it to its workload where no other of it runs.
    """
    near = reach(batch, pending, placing)
    if near.problems or not any(bound.target.is_self for bound in near.hard):
        return near.mask
    mask = np.ones(len(batch.table), dtype=np.bool_)
    for bound in near.hard:
        within_us = bound.target.constraint.within_us
        if not bound.target.is_self:
            mask &= within(bound.row, within_us)
            continue
        everyone = batch.replicas(bound.target, placing)
        for host in set(hosts):
            others = everyone.copy()
            if host in others:
                others.remove(host)
            if others:
                at = np.array(sorted(set(others)), dtype=np.int64)
                mask &= within(deciding(batch.distances, bound.target.quantifier, at)[0], within_us)
    return mask


def measured(batch: Batch, near: Reach, placing: PlacedSoFar, node: int) -> Iterator[Measured]:
    """Yield what is measured for a pod on node number `node`, which `placing` has there."""
    nodes = batch.table.nodes
    for bound in (*near.hard, *near.soft):
        if not bound.target.is_self:
            yield bound.measured(nodes, node)
            continue
        others = batch.replicas(bound.target, placing)
        others.remove(node)  # the pod itself, which is no reference of its own
        if others:
            sources = np.array(sorted(set(others)), dtype=np.int64)
            decided = deciding(batch.distances, bound.target.quantifier, sources)
            yield Bound(bound.target, *decided).measured(nodes, node)


def keeps_delays(batch: Batch, pending: PendingClass, placing: PlacedSoFar) -> Mask:
    """Return which placed pods of a class are within their hard delays of what is placed."""
    nodes = np.array([node for node, _ in placing.get(pending.pod_class, ())], dtype=np.int64)
    near = reach(batch, pending, placing)
    holds = np.full(len(nodes), not near.problems, dtype=np.bool_)
    for bound in near.hard:
        within_us = bound.target.constraint.within_us
        if not bound.target.is_self:
            holds &= within(bound.row[nodes], within_us)
            continue
        others = batch.replicas(bound.target, placing)
        for i, node in enumerate(nodes.tolist()):
            sources = others.copy()
            sources.remove(node)  # the pod itself
            if sources:
                at = np.array(sorted(set(sources)), dtype=np.int64)
                row, _ = deciding(batch.distances, bound.target.quantifier, at)
                holds[i] &= within(row[node : node + 1], within_us)[0]
    return holds


def _sources(batch: Batch, target: Target, placing: PlacedSoFar) -> NDArray[np.int64]:
    if target.node >= 0:
        return np.array([target.node], dtype=np.int64)
    return batch.placed_nodes(target, placing)


def _pending_reference(target: Target) -> PodReason:
    written = target.constraint.written or str(target.constraint.reference)
    if not target.classes:
        text = f"{written}: {target.constraint.reference} has no pods to be near to"
        return PodReason(PodCause.REFERENCE_PENDING, text)
    return PodReason(
        PodCause.REFERENCE_PENDING,
        f"{written}: waiting for {target.constraint.reference} to be placed first",
    )
