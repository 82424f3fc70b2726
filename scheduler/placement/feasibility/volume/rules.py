"""Volumes: the rules of kube-scheduler's four volume plugins, over all nodes at once.

VolumeRestrictions, NodeVolumeLimits, VolumeBinding and VolumeZone, as of v1.36 with its default
features. What a decision has placed so far counts like what stands.
"""

from scheduler.domain.plan import AssignedVolumes
from scheduler.domain.snapshot import NodeTable, PlacedPods
from scheduler.domain.storage import PodVolumes, Storage
from scheduler.placement.feasibility.affinity import NodeLabels
from scheduler.placement.feasibility.verdict import Verdict
from scheduler.placement.feasibility.volume.binding import SavedBinding, VolumeBinding
from scheduler.placement.feasibility.volume.counts import SavedCounts
from scheduler.placement.feasibility.volume.limits import AttachLimits
from scheduler.placement.feasibility.volume.mounts import SavedMounts, VolumeMounts
from scheduler.placement.feasibility.volume.nodes import VolumeNodes
from scheduler.placement.feasibility.volume.problems import volume_problems
from scheduler.placement.feasibility.volume.users import VolumeUsers
from scheduler.placement.feasibility.volume.zones import VolumeZones

SavedRules = tuple[SavedMounts, SavedCounts | None, SavedBinding]


class VolumeRules:
    """What volumes allow, in one decision. Nothing is looked up before a pod with volumes asks.

    Parameters
    ----------
    storage
        Of the cluster.
    table, labels
        The nodes and their labels.
    placed
        Pods that stand; those of them that have volumes are looked at.
    """

    def __init__(
        self, storage: Storage, table: NodeTable, labels: NodeLabels, placed: PlacedPods
    ) -> None:
        standing = VolumeUsers(placed, len(table))
        self._storage = storage
        self._mounts = VolumeMounts(storage, table, standing)
        self._limits = AttachLimits(storage, table, standing)
        self._binding = VolumeBinding(storage, table, VolumeNodes(table, labels))
        self._zones = VolumeZones(storage, table, labels)

    def problems(self, namespace: str, uid: str, volumes: PodVolumes) -> tuple[str, ...]:
        """Return why a pod cannot be placed on any node, in kube-scheduler's words."""
        return volume_problems(self._storage, namespace, uid, volumes)

    def verdicts(self, namespace: str, volumes: PodVolumes) -> list[list[Verdict]]:
        """Return what each plugin that the pod concerns says of all nodes, in their order.

        A node counts under the first that rules it out. The pod has no `problems`.
        """
        families = (
            self._mounts.verdict(namespace, volumes),
            self._limits.verdict(namespace, volumes),
            self._binding.verdict(namespace, volumes),
            self._zones.verdict(namespace, volumes),
        )
        return [[verdict] for verdict in families if verdict is not None]

    def place(self, namespace: str, volumes: PodVolumes, node: int) -> None:
        """Take note that a pod with these volumes was placed on the node of a row."""
        if volumes:
            self._mounts.place(namespace, volumes, node)
            self._limits.place(namespace, volumes, node)
            self._binding.place(namespace, volumes, node)

    def saved(self) -> SavedRules:
        """Return what changes as pods are placed, for `restore`."""
        return self._mounts.saved(), self._limits.saved(), self._binding.saved()

    def restore(self, saved: SavedRules) -> None:
        """Forget what was placed since."""
        mounts, limits, binding = saved
        self._mounts.restore(mounts)
        self._limits.restore(limits)
        self._binding.restore(binding)

    def static_bindings(self, namespace: str, volumes: PodVolumes, node: int) -> AssignedVolumes:
        """Return what has to become of a pod's unbound claims on the node of a row.

        The same before the pod is placed there and after.
        """
        return self._binding.bindings(namespace, volumes, node)
