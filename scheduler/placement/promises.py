"""Places that are reserved for pods of this decision: taken before anything else is placed."""

from collections.abc import Iterator, Sequence

import numpy as np

from scheduler.domain.cover import Place
from scheduler.domain.workload import Pod
from scheduler.placement.batch import Batch, PendingClass
from scheduler.placement.feasibility.room import fits
from scheduler.placement.packing.problem import Ints
from scheduler.placement.placing import Placing
from scheduler.placement.reach import reach
from scheduler.placement.stage import arc_costs


def keep_promises(batch: Batch, placing: Placing) -> frozenset[int]:
    """Place pods where places are reserved for them; return the numbers of their classes.

    The room kept for failures still to come is theirs too: theirs has come. Those of high priority
    go first, then those of the tightest budgets.
    """
    kept = batch.kept
    if kept is None or not kept.places:
        return frozenset()
    placing.free += kept.reserved
    for pending in _in_order(batch):
        for pod in pending.pods:
            place = kept.places.get(pod.key)
            if (
                place is not None
                and place.node >= 0
                and _admits(batch, pending, placing, place.node)
            ):
                placing.put(pending, [place.node])
                placing.replaces.setdefault(pending.number, []).append(place.replaces)
    placing.free -= kept.reserved
    placing.owed = _owed(batch, placing)
    placing.free -= placing.owed
    return frozenset(
        pending.number
        for pending in batch.classes
        if any(pod.key in kept.places and kept.places[pod.key].node >= 0 for pod in pending.pods)
    )


def place_in_need(batch: Batch, placing: Placing) -> None:
    """Place pods whose reserved place was not to be had, in any room kept for failures to come.

    So are those with a delay that replace a lost pod without a backup: a failure has come, and
    whether one more comes is not known.
    """
    kept = batch.kept
    if kept is None or not kept.places:
        return
    placing.free += kept.reserved
    if placing.owed is not None:
        placing.free += placing.owed
    for pending in _in_order(batch):
        others = sum(not _is_in_need(batch, pending, pod) for pod in pending.pods)
        while placing.left(pending) > others:
            if not _place_one(batch, pending, placing):
                break
    placing.owed = _owed(batch, placing)
    placing.free -= kept.reserved + placing.owed


def _owed(batch: Batch, placing: Placing) -> Ints:
    """Return the room of promised places whose pods are not placed, shape ``(n, r)``."""
    owed = np.zeros_like(placing.free)
    places = batch.kept.places if batch.kept is not None else {}
    for pending in batch.classes if places else ():
        taken = placing.replaces.get(pending.number, [])
        own = [places[pod.key] for pod in pending.pods if pod.key in places]
        waiting = [one for one in own if one.node >= 0 and one.replaces not in taken]
        elsewhere = len(pending.pods) - placing.left(pending) - len(taken)
        for place in waiting[max(0, elsewhere) :]:
            owed[place.node] += pending.demand
    return owed


def lost_by(batch: Batch, pending: PendingClass, placing: Placing) -> Iterator[Place]:
    """Yield the places of the lost pods that the placed pods of a class take, in their order."""
    if batch.kept is None:
        return
    places = batch.kept.places
    own = {places[pod.key].replaces: places[pod.key] for pod in pending.pods if pod.key in places}
    first = placing.replaces.get(pending.number, [])
    yield from (own[uid] for uid in first)
    yield from (place for uid, place in own.items() if uid not in first)


def _is_in_need(batch: Batch, pending: PendingClass, pod: Pod) -> bool:
    place = batch.kept.places.get(pod.key) if batch.kept is not None else None
    return place is not None and (place.node >= 0 or bool(pending.pod_class.hard_delays))


def _place_one(batch: Batch, pending: PendingClass, placing: Placing) -> bool:
    """Place one more pod of a class on the cheapest node there is; return whether there is one."""
    near = reach(batch, pending, placing.pods)
    mask = pending.mask & near.mask & fits(pending.demand, placing.free)
    nodes = np.flatnonzero(placing.rules.narrow(pending.number, mask))
    if near.problems or not len(nodes):
        return False
    cost = arc_costs(batch, pending, near)[nodes]
    placing.put(pending, [int(nodes[int(cost.argmin())])])
    return True


def _in_order(batch: Batch) -> Sequence[PendingClass]:
    """Return the classes with a reserved place, the most urgent first."""
    places = batch.kept.places if batch.kept is not None else {}
    chosen = [
        pending
        for pending in batch.classes
        if not pending.problems and any(pod.key in places for pod in pending.pods)
    ]
    return sorted(chosen, key=_urgency)


def _urgency(pending: PendingClass) -> tuple[int, int, int]:
    budgets = [target.constraint.within_us for target in pending.targets]
    return -pending.pod_class.priority, min(budgets, default=1 << 60), pending.number


def _admits(batch: Batch, pending: PendingClass, placing: Placing, node: int) -> bool:
    near = reach(batch, pending, placing.pods)
    if near.problems or not (batch.promised_mask(pending)[node] and near.mask[node]):
        return False
    if not fits(pending.demand, placing.free[node : node + 1])[0]:
        return False
    rules = placing.rules.of.get(pending.number)
    return rules is None or bool(rules.admits()[node])
