"""The kinds of object the embedded cluster keeps."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: where the API serves it. Core kinds have an empty group.

    What has no status is all wish: whoever writes it writes the whole.
    """

    name: str
    plural: str
    group: str
    version: str
    is_namespaced: bool = True
    has_generation: bool = False
    has_status: bool = True

    @property
    def api_version(self) -> str:
        """``v1`` or ``apps/v1``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """``pods`` or ``deployments.apps``, as refusals name it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


_STORAGE = ("storage.k8s.io", "v1")

KINDS = {
    kind.name: kind
    for kind in (
        Kind("Namespace", "namespaces", "", "v1", is_namespaced=False),
        Kind("Node", "nodes", "", "v1", is_namespaced=False),
        Kind("Pod", "pods", "", "v1", has_generation=True),
        Kind("Service", "services", "", "v1"),
        Kind("Event", "events", "", "v1", has_status=False),
        Kind("Deployment", "deployments", "apps", "v1", has_generation=True),
        Kind("ReplicaSet", "replicasets", "apps", "v1", has_generation=True),
        Kind("Lease", "leases", "coordination.k8s.io", "v1", has_status=False),
        # Kept and served; nobody here provisions a volume or binds a claim to one.
        Kind("PersistentVolumeClaim", "persistentvolumeclaims", "", "v1"),
        Kind("PersistentVolume", "persistentvolumes", "", "v1", is_namespaced=False),
        Kind("StorageClass", "storageclasses", *_STORAGE, is_namespaced=False, has_status=False),
        Kind("CSINode", "csinodes", *_STORAGE, is_namespaced=False, has_status=False),
        Kind("CSIDriver", "csidrivers", *_STORAGE, is_namespaced=False, has_status=False),
        Kind("CSIStorageCapacity", "csistoragecapacities", *_STORAGE, has_status=False),
        Kind("VolumeAttachment", "volumeattachments", *_STORAGE, is_namespaced=False),
    )
}
