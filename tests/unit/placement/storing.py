"""Short words for tests about volumes: a little cluster with storage, and what its rules say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from scheduler.domain.node import Node
from scheduler.domain.object_events import StorageObject
from scheduler.domain.plan import AssignedVolumes
from scheduler.domain.selector import Requirement
from scheduler.domain.snapshot import NodeTable, build_snapshot
from scheduler.domain.storage import (
    Claim,
    ClaimRef,
    Disk,
    PersistentVolume,
    PersistentVolumeClaim,
    PodVolumes,
    StorageClass,
)
from scheduler.domain.stored import storage_of
from scheduler.domain.workload import NodeTerm, Pod, PodClass
from scheduler.placement.feasibility.affinity import NodeLabels
from scheduler.placement.feasibility.volume.rules import VolumeRules
from tests.builders import node

GI = 1 << 30
HOST = "kubernetes.io/hostname"
PROVISIONER = "rancher.io/local-path"


@dataclass(frozen=True, slots=True)
class Storing:
    """A cluster of which the volumes are asked about."""

    rules: VolumeRules
    table: NodeTable

    def why(self, volumes: PodVolumes) -> dict[str, set[str]]:
        """Return what the first family that rules a node out says of it; nothing of the others."""
        found: dict[str, set[str]] = {}
        open_to = np.ones(len(self.table), dtype=np.bool_)
        for family in self.rules.verdicts("default", volumes):
            for text, mask in (said for verdict in family for said in verdict.texts):
                for i in np.flatnonzero(mask & open_to):
                    found.setdefault(self.table.nodes[i].name, set()).add(text)
            for verdict in family:
                open_to &= verdict.passes
        assert open_to.sum() + len(found) == len(self.table)
        return found

    def fits(self, volumes: PodVolumes) -> list[str]:
        """Return the nodes that nothing rules out."""
        ruled_out = self.why(volumes)
        return [one.name for one in self.table.nodes if one.name not in ruled_out]

    def problems(self, volumes: PodVolumes, uid: str = "") -> list[str]:
        """Return why a pod cannot be placed at all."""
        return list(self.rules.problems("default", uid, volumes))

    def place(self, volumes: PodVolumes, name: str) -> None:
        """Place a pod on a node."""
        self.rules.place("default", volumes, self.table.index[name])

    def takes(self, volumes: PodVolumes, name: str) -> AssignedVolumes:
        """Return what a pod's claims take on a node."""
        return self.rules.static_bindings("default", volumes, self.table.index[name])


def storing(
    *objects: StorageObject,
    nodes: Sequence[Node] | None = None,
    placed: Mapping[str, Sequence[PodVolumes]] | None = None,
) -> Storing:
    """Return a cluster; without `nodes` of ``a``, ``b`` and ``c``; `placed` are pods by node."""
    standing = [
        (Pod(f"standing-{name}-{k}", PodClass(), volumes=volumes), name)
        for name, pods in (placed or {}).items()
        for k, volumes in enumerate(pods)
    ]
    snapshot = build_snapshot(
        nodes if nodes is not None else [host(name) for name in "abc"],
        [],
        placed=standing,
        storage=storage_of(objects),
    )
    labels = NodeLabels(snapshot.nodes)
    return Storing(
        VolumeRules(snapshot.storage, snapshot.nodes, labels, snapshot.placed), snapshot.nodes
    )


def host(name: str, **labels: str) -> Node:
    """Return a node with its host name, and the labels given, ``_`` for ``/`` and ``-``."""
    return node(name, labels={HOST: name} | labels)


def hosts(*names: str) -> tuple[NodeTerm, ...]:
    """Return the node affinity of a volume that is on some hosts."""
    return (NodeTerm((Requirement(HOST, "In", names),)),)


def everywhere(*texts: str) -> dict[str, set[str]]:
    """Return the same reasons for ``a``, ``b`` and ``c``."""
    return {name: set(texts) for name in "abc"}


def uses(*claims: str) -> PodVolumes:
    """Return the volumes of a pod that uses some claims."""
    return PodVolumes(tuple(Claim(name) for name in claims))


def mounts(*disks: Disk) -> PodVolumes:
    """Return the volumes of a pod that has some disks written into it."""
    return PodVolumes(disks=disks)


def waiting_class(name: str = "path", provisioner: str = PROVISIONER) -> StorageClass:
    """Return a class of which claims are bound when their first pod is placed."""
    return StorageClass(name, provisioner, waits=True)


def local_class() -> StorageClass:
    """Return the class of volumes that somebody made by hand."""
    return waiting_class("local", "kubernetes.io/no-provisioner")


def claim(
    name: str = "data", storage_class: str = "path", **fields: object
) -> PersistentVolumeClaim:
    """Return a claim of 5 GiB that is not bound."""
    plain = PersistentVolumeClaim(
        "default",
        name,
        uid=f"uid-{name}",
        storage_class=storage_class,
        access_modes=("ReadWriteOnce",),
        requested_bytes=5 * GI,
        phase="Pending",
    )
    return replace(plain, **fields)  # type: ignore[arg-type] # fields by name, for tests


def bound_claim(
    name: str = "data", volume_name: str = "pv", **fields: object
) -> PersistentVolumeClaim:
    """Return a claim that has its volume."""
    bound = {"volume_name": volume_name, "is_bound": True, "phase": "Bound"}
    return replace(claim(name), **bound | fields)  # type: ignore[arg-type] # fields by name


def volume(name: str = "pv", size_gi: int = 10, **fields: object) -> PersistentVolume:
    """Return a free volume of the class ``local`` that every node can use."""
    plain = PersistentVolume(
        name,
        uid=f"uid-{name}",
        capacity_bytes=size_gi * GI,
        storage_class="local",
        access_modes=("ReadWriteOnce",),
        phase="Available",
    )
    return replace(plain, **fields)  # type: ignore[arg-type] # fields by name, for tests


def bound_volume(name: str = "pv", of: str = "data", **fields: object) -> PersistentVolume:
    """Return the volume of a claim."""
    bound = {"claim": ClaimRef("default", of, f"uid-{of}"), "phase": "Bound"}
    return replace(volume(name), **bound | fields)  # type: ignore[arg-type] # fields by name
