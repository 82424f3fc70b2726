"""Whether nodes can attach the volumes of the pods assigned to them.

As kube-scheduler's NodeVolumeLimits filter would judge it, given every other pod of the final
state. A volume of several pods is attached once.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from scheduler.domain.storage import MOVED_PLUGINS, PersistentVolumeClaim, Storage
from scheduler.domain.workload import Pod
from scheduler.planning.check.uses import Uses

_Attached = tuple[str, str]
"""A driver, and its name for a volume."""


@dataclass(frozen=True, slots=True, eq=False)
class _Node:
    """A node's limits by driver, its placed pods, and the rows of those assigned to it."""

    limits: dict[str, int]
    placed: list[Pod] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)


def over_limits(uses: Uses) -> Iterator[str]:
    """Yield the pods that bring more volumes of a driver than their node can still attach."""
    nodes = _crowded(uses)
    attached: dict[str, set[_Attached]] = {name: set() for name in nodes}
    for one in uses.storage.attachments.values():
        volume = uses.storage.volumes.get(one.volume_name) if one.node in nodes else None
        if one.attacher and volume is not None and volume.csi is not None:
            attached[one.node].add((one.attacher, volume.csi[1]))
    for name, node in nodes.items():
        brought = {row: _volumes(uses.decided.pods[row], uses) for row in node.rows}
        users = Counter(volume for volumes in brought.values() for volume in volumes)
        users.update(volume for pod in node.placed for volume in _volumes(pod, uses))
        for row, volumes in brought.items():
            own = {volume for volume in volumes if users[volume] == 1}
            # What this pod brings and is attached already is one volume. kube-scheduler counts it
            # twice in a pod that it judges, so that places may be refused there, never more taken.
            used = (users.keys() | attached[name]) - own
            for driver in _exceeded(node.limits, used, own):
                detail = f"the node can attach {node.limits[driver]} volumes of {driver}"
                yield uses.decided.breaks("volume limit", row, detail)


def _exceeded(limits: dict[str, int], used: set[_Attached], own: set[_Attached]) -> Iterator[str]:
    there = Counter(driver for driver, _ in used)
    for driver, count in Counter(driver for driver, _ in own).items():
        if driver in limits and there[driver] + count > limits[driver]:
            yield driver


def _crowded(uses: Uses) -> dict[str, _Node]:
    """Return, by name, the nodes of assigned pods that use more than some limit if all count."""
    nodes = _limited(uses)
    if not nodes:
        return {}
    for i, pod in uses.placed:
        if i in nodes:
            nodes[i].placed.append(pod)
    attached = Counter(one.node for one in uses.storage.attachments.values())
    names = uses.snapshot.nodes.nodes
    crowded: dict[str, _Node] = {}
    for i, node in nodes.items():
        pods = [*node.placed, *(uses.decided.pods[row] for row in node.rows)]
        used = sum(len(pod.volumes.claims) + len(pod.volumes.disks) for pod in pods)
        if used + attached[names[i].name] > min(node.limits.values()):
            crowded[names[i].name] = node
    return crowded


def _limited(uses: Uses) -> dict[int, _Node]:
    """Return, by row, the nodes of assigned pods that have limits."""
    nodes: dict[int, _Node] = {}
    for row in uses.rows:
        i = uses.node_of(row)
        if i not in nodes:
            csi_node = uses.storage.csi_nodes.get(uses.snapshot.nodes.nodes[i].name)
            limits = csi_node.limits.items() if csi_node is not None else ()
            nodes[i] = _Node({driver: limit for driver, limit in limits if limit is not None})
        nodes[i].rows.append(row)
    return {i: node for i, node in nodes.items() if node.limits}


def _volumes(pod: Pod, uses: Uses) -> set[_Attached]:
    found = [_of_claim(c, uses.storage) for _, c in uses.claims(pod) if c is not None]
    found += [disk.csi for disk in pod.volumes.disks]
    return {volume for volume in found if volume is not None and all(volume)}


def _of_claim(claim: PersistentVolumeClaim, storage: Storage) -> _Attached | None:
    """Return what a claim attaches; a volume that has yet to come is one of its own."""
    volume = storage.volumes.get(claim.volume_name)
    if volume is not None:
        moved = volume.in_tree.csi if volume.in_tree is not None else None
        return volume.csi or moved
    storage_class = storage.classes.get(claim.storage_class or "")
    if storage_class is None:
        return None
    provisioner = storage_class.provisioner
    return MOVED_PLUGINS.get(provisioner, provisioner) or "", f"claim {claim.key}"
