"""Whether pod groups are placed whole, and near each other where they ask for that."""

from collections import Counter, defaultdict
from itertools import combinations

import numpy as np

from scheduler.domain.pod_group import GroupApi, GroupRef, PodGroup
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.planning.check.ledger import Decided
from telemetry.model import UNKNOWN_US

_Nodes = dict[GroupRef, list[str]]
"""Names of the nodes of a group's pods, one each."""


def broken_gangs(snapshot: ClusterSnapshot, decided: Decided) -> list[str]:
    """Return a sentence for each rule that a group breaks of which pods are placed."""
    placed: _Nodes = defaultdict(list)
    names = [node.name for node in snapshot.nodes.nodes]
    for pod, node in zip(decided.pods, decided.node_of.tolist(), strict=True):
        if pod.pod_class.group is not None:
            placed[pod.pod_class.group].append(names[node])
    if not placed:
        return []
    running = _running(snapshot, frozenset(placed), names)
    found = []
    for ref, nodes in placed.items():
        group = _group(snapshot, ref)
        count, run = len(nodes), len(running[ref])
        if group is None:
            found.append(f"pod group: {ref} has no object, and {count} of its pods are placed")
        elif count + run < group.min_member:
            found.append(
                f"pod group: {ref} wants {group.min_member} pods, {run} run and {count} are placed"
            )
        elif group.within_us and not group.is_within_soft:
            found += _too_far(snapshot, group, nodes, running[ref])
    return found


def _too_far(
    snapshot: ClusterSnapshot, group: PodGroup, placed: list[str], running: list[str]
) -> list[str]:
    """Return what is wrong with pairs of nodes of which a pod placed now is on one."""
    apart = Counter(placed + running)
    pairs = combinations(sorted(apart), 2)
    new = set(placed)
    return [
        f"pod group: {group.ref} is to be within {group.within_us} us, and {one} is not of {other}"
        for one, other in pairs
        if (one in new or other in new) and not _is_near(snapshot, one, other, group.within_us)
    ]


def _is_near(snapshot: ClusterSnapshot, one: str, other: str, within_us: int) -> bool:
    there = int(snapshot.rtt_from(one)[snapshot.nodes.index[other]])
    back = int(snapshot.rtt_from(other)[snapshot.nodes.index[one]])
    known = [rtt_us for rtt_us in (there, back) if rtt_us != UNKNOWN_US]
    return bool(known) and max(known) <= within_us


def _running(snapshot: ClusterSnapshot, groups: frozenset[GroupRef], names: list[str]) -> _Nodes:
    out: _Nodes = defaultdict(list)
    placed = snapshot.placed
    own = [k for k, pod_class in enumerate(placed.classes) if pod_class.group in groups]
    stays = np.isin(placed.class_of, own) & (placed.node_of >= 0) & ~placed.is_terminating
    for row in np.flatnonzero(stays).tolist():
        ref = placed.classes[placed.class_of[row]].group
        if ref is not None:
            out[ref].append(names[placed.node_of[row]])
    return out


def _group(snapshot: ClusterSnapshot, ref: GroupRef) -> PodGroup | None:
    group = snapshot.groups.get(ref)
    if group is None and ref.api is GroupApi.LABELS:
        return PodGroup(ref, max(1, ref.least))
    return group
