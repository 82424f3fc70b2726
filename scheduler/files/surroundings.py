"""What stands around pods in a file: namespaces, claims, volumes, classes and drivers."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from scheduler.domain.storage import (
    CsiDriver,
    CsiNode,
    PersistentVolume,
    PersistentVolumeClaim,
    Storage,
    StorageCapacity,
    StorageClass,
    VolumeAttachment,
)
from scheduler.objects.storage import (
    read_claim,
    read_csi_driver,
    read_csi_node,
    read_namespace,
    read_storage_capacity,
    read_storage_class,
    read_volume,
    read_volume_attachment,
)

Tree = Mapping[str, object]

NAME_LABEL = "kubernetes.io/metadata.name"
"""A namespace carries its own name: the API server sees to it."""


@dataclass(slots=True)
class Surroundings:
    """Takes objects one after the other; of two of one name the later counts."""

    namespaces: dict[str, dict[str, str]] = field(default_factory=dict)
    _claims: dict[str, PersistentVolumeClaim] = field(default_factory=dict)
    _volumes: dict[str, PersistentVolume] = field(default_factory=dict)
    _classes: dict[str, StorageClass] = field(default_factory=dict)
    _csi_nodes: dict[str, CsiNode] = field(default_factory=dict)
    _drivers: dict[str, CsiDriver] = field(default_factory=dict)
    _capacities: dict[str, StorageCapacity] = field(default_factory=dict)
    _attachments: dict[str, VolumeAttachment] = field(default_factory=dict)

    def take(self, kind: object, tree: Tree) -> bool:
        """Take an object if it is of a kind that matters here; return whether it is.

        Raises
        ------
        InputError
            If it is malformed.
        """
        taking: Mapping[object, Callable[[Tree], None]] = {
            "Namespace": self._namespace,
            "PersistentVolumeClaim": self._claim,
            "PersistentVolume": self._volume,
            "StorageClass": self._class,
            "CSINode": self._csi_node,
            "CSIDriver": self._driver,
            "CSIStorageCapacity": self._capacity,
            "VolumeAttachment": self._attachment,
        }
        take = taking.get(kind) if isinstance(kind, str) else None
        if take is not None:
            take(tree)
        return take is not None

    @property
    def storage(self) -> Storage:
        """All that was taken of storage."""
        return Storage(
            self._claims,
            self._volumes,
            self._classes,
            self._csi_nodes,
            self._drivers,
            self._capacities,
            self._attachments,
        )

    def labels_of(self, used: Iterable[str]) -> dict[str, dict[str, str]]:
        """Return the labels of all namespaces; one that is only used has but its own name."""
        names = {*self.namespaces, *used}
        return {name: {NAME_LABEL: name} | self.namespaces.get(name, {}) for name in sorted(names)}

    def _namespace(self, tree: Tree) -> None:
        name, labels = read_namespace(tree)
        self.namespaces[name] = labels

    def _claim(self, tree: Tree) -> None:
        claim = read_claim(tree)
        self._claims[claim.key] = claim

    def _volume(self, tree: Tree) -> None:
        volume = read_volume(tree)
        self._volumes[volume.name] = volume

    def _class(self, tree: Tree) -> None:
        storage_class = read_storage_class(tree)
        self._classes[storage_class.name] = storage_class

    def _csi_node(self, tree: Tree) -> None:
        node = read_csi_node(tree)
        self._csi_nodes[node.name] = node

    def _driver(self, tree: Tree) -> None:
        driver = read_csi_driver(tree)
        self._drivers[driver.name] = driver

    def _capacity(self, tree: Tree) -> None:
        capacity = read_storage_capacity(tree)
        self._capacities[capacity.key] = capacity

    def _attachment(self, tree: Tree) -> None:
        attachment = read_volume_attachment(tree)
        self._attachments[attachment.name] = attachment
