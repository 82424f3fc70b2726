"""An arrangement written back into a decision: pods on their hosts, a backup by each one's key."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scheduler.placement.decide import Decision
from scheduler.placement.final import take_back_broken
from scheduler.reliability.cover.entries import NOWHERE, Entry
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
    for one in arranged:
        if not one.is_running:
            _place(decision, settings, one)
    take_back_broken(decision.batch, decision.placing)
    out: dict[str, Pair] = {}
    for one in arranged:
        out.update(_running(one) if one.is_running else _decided(decision, one))
    return out


def _place(decision: Decision, settings: CoverSettings, one: Arranged) -> None:
    entry, placing = one.entry, decision.placing
    if entry.may_move:
        hosts = sorted((host for host, _ in one.pairs if host != NOWHERE), key=_by_cost(entry))
        placing.put_elsewhere(entry.pending, hosts)
    elif entry.wants and settings.mode == "required":
        for place in reversed(range(len(one.pairs))):
            if one.pairs[place][1] == NOWHERE:
                placing.take_back(entry.pending, place)


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
