"""Whether claims and disks that pods may not share are used by one pod each.

As kube-scheduler's VolumeRestrictions filter would judge it, given every other pod of the final
state.
"""

from collections import Counter
from collections.abc import Iterator

from scheduler.domain.storage import Disk
from scheduler.domain.workload import Pod
from scheduler.planning.check.uses import Uses

_ALONE = "ReadWriteOncePod"


def used_claims(uses: Uses) -> Iterator[str]:
    """Yield the pods with a claim for one pod alone that another pod uses, on whatever node."""
    wanted: dict[int, list[str]] = {}
    for row in uses.rows:
        for claim, stored in uses.claims(uses.decided.pods[row]):
            if stored is not None and _ALONE in stored.access_modes and not claim.is_ephemeral:
                wanted.setdefault(row, []).append(claim.name)
    if not wanted:
        return
    names = {name for some in wanted.values() for name in some}
    users = Counter(key for row in uses.rows for key in _used(uses.decided.pods[row], names))
    users.update(key for _, pod in uses.placed for key in _used(pod, names))
    for row, some in wanted.items():
        namespace = uses.decided.pods[row].namespace
        for name in dict.fromkeys(some):
            if users[namespace, name] > 1:
                yield uses.decided.breaks("claim in use", row, f"claim {name} is for one pod alone")


def _used(pod: Pod, names: set[str]) -> set[tuple[str, str]]:
    """Return those claims of `names` that a pod uses, by namespace and name."""
    used = [c.name for c in pod.volumes.claims if c.name in names and not c.is_ephemeral]
    return {(pod.namespace, name) for name in used}


def shared_disks(uses: Uses) -> Iterator[str]:
    """Yield the pods with a disk that another pod on the node has and may not share."""
    judged = [row for row in uses.rows if uses.decided.pods[row].volumes.disks]
    if not judged:
        return
    on_node: dict[int, list[Pod]] = {}
    for row in judged:
        on_node.setdefault(uses.node_of(row), []).append(uses.decided.pods[row])
    for node, pod in uses.placed:
        if node in on_node and pod.volumes.disks:
            on_node[node].append(pod)
    for row in judged:
        pod = uses.decided.pods[row]
        others = (p for p in on_node[uses.node_of(row)] if p is not pod)
        taken = {disk for other in others for disk in other.volumes.disks}
        for disk in pod.volumes.disks:
            if any(_conflict(disk, other) for other in taken):
                detail = f"{disk.kind} {' '.join(disk.identity)} is in use there"
                yield uses.decided.breaks("disk", row, detail)


def _conflict(one: Disk, other: Disk) -> bool:
    """Whether two pods may not have these disks on one node."""
    if (one.kind, one.identity) != (other.kind, other.identity):
        return False
    both_read = one.is_read_only and other.is_read_only
    match one.kind:
        case "gcePersistentDisk" | "iscsi":
            return not both_read
        case "awsElasticBlockStore":
            return True
        case "rbd":
            return not both_read and not set(one.monitors).isdisjoint(other.monitors)
        case _:
            return False
