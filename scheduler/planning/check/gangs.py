"""Whether pod groups are placed whole: enough of each one's pods run, or none is placed."""

from collections import Counter

from scheduler.domain.pod_group import GroupApi, GroupRef
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.planning.check.ledger import Decided


def broken_gangs(snapshot: ClusterSnapshot, decided: Decided) -> list[str]:
    """Return a sentence for each group of which pods are placed and too few would run."""
    placed: Counter[GroupRef] = Counter()
    for pod in decided.pods:
        if pod.pod_class.group is not None:
            placed[pod.pod_class.group] += 1
    if not placed:
        return []
    running = _running(snapshot, placed)
    found = []
    for ref, count in placed.items():
        least = _least(snapshot, ref)
        if least is None:
            found.append(f"pod group: {ref} has no object, and {count} of its pods are placed")
        elif count + running[ref] < least:
            found.append(
                f"pod group: {ref} wants {least} pods, {running[ref]} run and {count} are placed"
            )
    return found


def _running(snapshot: ClusterSnapshot, groups: Counter[GroupRef]) -> Counter[GroupRef]:
    out: Counter[GroupRef] = Counter()
    rows = snapshot.placed
    for pod, node, is_going in zip(rows.pods, rows.node_of, rows.is_terminating, strict=True):
        ref = pod.pod_class.group
        if ref is not None and ref in groups and node >= 0 and not is_going:
            out[ref] += 1
    return out


def _least(snapshot: ClusterSnapshot, ref: GroupRef) -> int | None:
    group = snapshot.groups.get(ref)
    if group is not None:
        return group.min_member
    return max(1, ref.least) if ref.api is GroupApi.LABELS else None
