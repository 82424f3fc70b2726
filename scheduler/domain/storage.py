"""Volumes: what pods use, and what of claims, volumes and drivers decides where they may run.

Words and meaning: "Persistent Volumes", "Storage Classes" and "Storage Capacity" of the
Kubernetes documentation, exactly as kube-scheduler's volume plugins read them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from scheduler.domain.selector import LabelSelector, NodeTerm

MOVED_PLUGINS: Mapping[str, str | None] = {
    "kubernetes.io/aws-ebs": "ebs.csi.aws.com",
    "kubernetes.io/gce-pd": "pd.csi.storage.gke.io",
    "kubernetes.io/azure-disk": "disk.csi.azure.com",
    "kubernetes.io/cinder": "cinder.csi.openstack.org",
    "kubernetes.io/portworx-volume": "pxd.portworx.com",
    "kubernetes.io/azure-file": None,
    "kubernetes.io/vsphere-volume": None,
}
"""In-tree plugins that gave way to a CSI driver, and the driver; None where kube-scheduler does not
count volumes of it. Source: ``csi-translation-lib`` and NodeVolumeLimits' ``isCSIMigrationOn``."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A PersistentVolumeClaim that a pod uses, by its name in the pod's namespace.

    An ephemeral one is made for the pod named `pod_name`, which must own it.
    """

    name: str
    is_ephemeral: bool = False
    pod_name: str = ""


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk written into the pod itself.

    `kind` is the volume source's name (``gcePersistentDisk``, ``rbd``, …); `identity` what tells
    one disk from another, for RBD pool and image; `monitors` are RBD's alone: two images are the
    same only if they share one. `csi` is driver and handle of a disk whose plugin gave way to a
    driver, None where there is no such driver or it has no name for the disk.
    """

    kind: str
    identity: tuple[str, ...]
    is_read_only: bool = False
    monitors: tuple[str, ...] = ()
    csi: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class PodVolumes:
    """What of a pod's volumes matters to where it may run, in the order written."""

    claims: tuple[Claim, ...] = ()
    disks: tuple[Disk, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.claims or self.disks)


NO_VOLUMES = PodVolumes()
"""Of a pod whose volumes matter to nobody."""


@dataclass(frozen=True, slots=True)
class PersistentVolumeClaim:
    """A claim. `storage_class` is None where none is named, which is not the same as empty.

    `is_bound` says that its binding is complete (the annotation ``bind-completed``). `owner_uids`
    are of controllers. `selected_node` is where the scheduler has asked for it to be provisioned.
    `version` is that of the object read, for who writes it; it makes no other claim of it.
    """

    namespace: str
    name: str
    uid: str = ""
    volume_name: str = ""
    storage_class: str | None = None
    access_modes: tuple[str, ...] = ()
    volume_mode: str = "Filesystem"
    requested_bytes: int | None = None
    selector: LabelSelector | None = None
    attributes_class: str | None = None
    is_bound: bool = False
    selected_node: str | None = None
    phase: str = ""
    is_terminating: bool = False
    owner_uids: tuple[str, ...] = ()
    version: str = field(default="", compare=False)

    @property
    def key(self) -> str:
        """``namespace/name``."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class ClaimRef:
    """The claim a volume is bound to, or reserved for."""

    namespace: str
    name: str
    uid: str = ""


@dataclass(frozen=True, slots=True)
class InTreeVolume:
    """What a volume of a plugin that gave way to a CSI driver is on nodes that have moved to it.

    `csi` is driver and handle, None where the driver has no name for it.
    """

    plugin: str
    csi: tuple[str, str] | None = None
    node_terms: tuple[NodeTerm, ...] | None = None


@dataclass(frozen=True, slots=True)
class PersistentVolume:
    """A volume. `node_terms` of None let every node use it. `csi` is driver and handle, or None.

    `version` is that of the object read, for who writes it; it makes no other volume of it.
    """

    name: str
    uid: str = ""
    capacity_bytes: int = 0
    storage_class: str = ""
    access_modes: tuple[str, ...] = ()
    volume_mode: str = "Filesystem"
    labels: Mapping[str, str] = field(default_factory=dict)
    node_terms: tuple[NodeTerm, ...] | None = None
    claim: ClaimRef | None = None
    phase: str = ""
    is_terminating: bool = False
    csi: tuple[str, str] | None = None
    in_tree: InTreeVolume | None = None
    attributes_class: str | None = None
    version: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class TopologyTerm:
    """Values a node's labels must have, all of them (``allowedTopologies``)."""

    expressions: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class StorageClass:
    """How claims of a class come to a volume. `waits` is ``WaitForFirstConsumer``."""

    name: str
    provisioner: str = ""
    waits: bool = False
    allowed: tuple[TopologyTerm, ...] = ()


@dataclass(frozen=True, slots=True)
class CsiNode:
    """A node's drivers, and how many volumes of each it can attach; None for no limit.

    `migrated` are the in-tree plugins for which the node uses a CSI driver.
    """

    name: str
    limits: Mapping[str, int | None] = field(default_factory=dict)
    migrated: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class CsiDriver:
    """A driver; `tracks_capacity` where it publishes CSIStorageCapacity objects to be heeded."""

    name: str
    tracks_capacity: bool = False


@dataclass(frozen=True, slots=True)
class StorageCapacity:
    """Room for volumes of a class on the nodes selected; `largest_bytes` is one volume's limit."""

    namespace: str
    name: str
    storage_class: str
    nodes: LabelSelector | None = None
    largest_bytes: int | None = None

    @property
    def key(self) -> str:
        """``namespace/name``."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class VolumeAttachment:
    """A volume attached, or to be attached, to a node by a driver."""

    name: str
    attacher: str
    node: str
    volume_name: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Storage:
    """All storage objects of a cluster, by name; claims and capacities by ``namespace/name``."""

    claims: Mapping[str, PersistentVolumeClaim] = field(default_factory=dict)
    volumes: Mapping[str, PersistentVolume] = field(default_factory=dict)
    classes: Mapping[str, StorageClass] = field(default_factory=dict)
    csi_nodes: Mapping[str, CsiNode] = field(default_factory=dict)
    drivers: Mapping[str, CsiDriver] = field(default_factory=dict)
    capacities: Mapping[str, StorageCapacity] = field(default_factory=dict)
    attachments: Mapping[str, VolumeAttachment] = field(default_factory=dict)
