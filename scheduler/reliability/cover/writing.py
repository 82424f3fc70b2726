"""An arrangement written back into a decision: pods on their hosts, a backup by each one's key."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from scheduler.placement.decide import Decision
from scheduler.placement.final import take_back_broken
from scheduler.placement.reach import reach_elsewhere
from scheduler.reliability.cover.beside import placing_in
from scheduler.reliability.cover.entries import Entry
from scheduler.reliability.cover.problem import NOWHERE
from scheduler.reliability.cover.settings import CoverSettings

Pair = tuple[int, int]
"""A host and a backup."""


@dataclass(frozen=True, slots=True, eq=False)
class Arranged:
    """An entry, and the host and the backup of each of its pods; `NOWHERE` for none.

    `is_running` of pods that ran before the decision.
    """

    entry: Entry
    pairs: Sequence[Pair]
    is_running: bool


def write_back(
    decision: Decision, settings: CoverSettings, arranged: Sequence[Arranged]
) -> dict[str, Pair]:
    """Place pods as arranged; return the host and the backup of each covered pod, by key.

    Pods of one class are one supply: which of them gets which pair is nobody's concern. Where a pod
    must be covered and is not, it is taken back, and what depends on it.
    """
    is_shaken = False
    for one in arranged:
        if not one.is_running:
            is_shaken |= _place(decision, settings, one)
    take_back_broken(decision.batch, decision.placing, is_shaken=is_shaken)
    while True:
        out: dict[str, Pair] = {}
        for one in arranged:
            out.update(_running(one) if one.is_running else _decided(decision, one))
        beyond = {key for one in arranged for key in _beyond(decision, one, out)}
        out = {key: pair for key, pair in out.items() if key not in beyond}
        if settings.mode != "required" or not _take_back(decision, arranged, beyond):
            return out
        take_back_broken(decision.batch, decision.placing, is_shaken=True)


def _beyond(decision: Decision, one: Arranged, backups: dict[str, Pair]) -> Iterator[str]:
    """Yield the pods whose backups are beyond a budget, now that a reference is not placed."""
    if all(target.node >= 0 for target in one.entry.pending.targets):
        return
    batch, placing = one.entry.batch, decision.placing.pods
    where = placing_in(batch, decision) if one.is_running else placing
    for pod in one.entry.pods:
        host, backup = backups.get(pod.key, (NOWHERE, NOWHERE))
        if backup == NOWHERE:
            continue
        near = reach_elsewhere(batch, one.entry.pending, where, (host,))
        if not near[backup]:
            yield pod.key


def _take_back(decision: Decision, arranged: Sequence[Arranged], keys: set[str]) -> bool:
    """Take back the pods of a decision that are not covered after all; return whether there are."""
    found = False
    for one in arranged:
        entry = one.entry
        if one.is_running or entry.is_promised or not entry.wants:
            continue
        spots = decision.placing.pods.get(entry.pending.pod_class, ())
        for place in reversed(range(len(spots))):
            if entry.pods[place].key in keys:
                decision.placing.take_back(entry.pending, place)
                found = True
    return found


def _place(decision: Decision, settings: CoverSettings, one: Arranged) -> bool:
    """Place an entry's pods as arranged; return whether any that others may rest on was taken."""
    entry, placing = one.entry, decision.placing
    bare = [place for place, (_, backup) in enumerate(one.pairs) if backup == NOWHERE]
    if entry.may_move:
        hosts = sorted((host for host, _ in one.pairs if host != NOWHERE), key=_by_cost(entry))
        placing.put_elsewhere(entry.pending, hosts)
    elif entry.wants and settings.mode == "required" and not entry.is_promised:
        for place in reversed(bare):
            placing.take_back(entry.pending, place)
        return bool(bare)
    return False


def _by_cost(entry: Entry) -> Callable[[int], tuple[int, int]]:
    return lambda node: (int(entry.cost[node]), node)


def _running(one: Arranged) -> dict[str, Pair]:
    pods = zip(one.entry.pods, one.pairs, strict=True)
    return {pod.key: pair for pod, pair in pods if pair[1] != NOWHERE}


def _decided(decision: Decision, one: Arranged) -> dict[str, Pair]:
    """Return what the pods that are still placed have for a backup."""
    pool: dict[int, list[int]] = {}
    for host, backup in sorted(one.pairs, key=lambda pair: (pair[0], pair[1] == NOWHERE, pair[1])):
        pool.setdefault(host, []).append(backup)
    spots = decision.placing.pods.get(one.entry.pending.pod_class, ())
    out = {}
    for pod, (node, _) in zip(one.entry.pods, spots, strict=False):
        backup = pool[node].pop(0)
        if backup != NOWHERE:
            out[pod.key] = node, backup
    return out
