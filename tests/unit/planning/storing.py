"""What the checker's tests of volumes share: three nodes, storage classes, and small builders."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from scheduler.domain.node import Node
from scheduler.domain.selector import Requirement
from scheduler.domain.snapshot import build_snapshot
from scheduler.domain.storage import (
    Claim,
    CsiDriver,
    CsiNode,
    Disk,
    PersistentVolume,
    PersistentVolumeClaim,
    PodVolumes,
    Storage,
    StorageCapacity,
    StorageClass,
    VolumeAttachment,
)
from scheduler.domain.workload import NodeTerm, Pod
from tests.builders import node, pod
from tests.unit.planning.judging import planned, rules

HOST, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"
NODES = [
    node("a", labels={HOST: "a", ZONE: "east"}),
    node("b", labels={HOST: "b", ZONE: "west"}),
    node("c", labels={HOST: "c"}),
]
LOCAL = StorageClass("local", "kubernetes.io/no-provisioner", waits=True)
MADE = StorageClass("made", "csi.example.com", waits=True)
AT_ONCE = StorageClass("at-once", "csi.example.com")
DRIVER = "csi.example.com"


def storage(
    *claims: PersistentVolumeClaim,
    volumes: Iterable[PersistentVolume] = (),
    classes: Iterable[StorageClass] = (LOCAL, MADE, AT_ONCE),
    csi_nodes: Iterable[CsiNode] = (),
    capacities: Iterable[StorageCapacity] = (),
    attachments: Iterable[VolumeAttachment] = (),
) -> Storage:
    return Storage(
        claims={one.key: one for one in claims},
        volumes={one.name: one for one in volumes},
        classes={one.name: one for one in classes},
        csi_nodes={one.name: one for one in csi_nodes},
        drivers={DRIVER: CsiDriver(DRIVER, tracks_capacity=True)} if capacities else {},
        capacities={one.key: one for one in capacities},
        attachments={one.name: one for one in attachments},
    )


def using(name: str, *claims: str, disks: Sequence[Disk] = ()) -> Pod:
    volumes = PodVolumes(tuple(Claim(one) for one in claims), tuple(disks))
    return replace(pod(name), volumes=volumes)


def bound(name: str, to: str, *modes: str) -> PersistentVolumeClaim:
    return PersistentVolumeClaim(
        "default", name, volume_name=to, is_bound=True, phase="Bound", access_modes=modes
    )


def waiting(name: str, storage_class: str = "local", size: int = 10) -> PersistentVolumeClaim:
    return PersistentVolumeClaim(
        "default", name, storage_class=storage_class, requested_bytes=size, phase="Pending"
    )


def free(name: str, host: str = "", size: int = 10) -> PersistentVolume:
    """Return an available volume of class local: of a host, or of all of them."""
    return PersistentVolume(
        name,
        capacity_bytes=size,
        storage_class="local",
        node_terms=(on_host(host),) if host else None,
        phase="Available",
    )


def on_host(name: str) -> NodeTerm:
    return NodeTerm((Requirement(HOST, "In", (name,)),))


def judged(
    stored: Storage,
    *pairs: tuple[Pod, str],
    placed: Sequence[tuple[Pod, str]] = (),
    nodes: Sequence[Node] = NODES,
) -> list[str]:
    snapshot = build_snapshot(nodes, [one for one, _ in pairs], placed=placed, storage=stored)
    return rules(snapshot, planned(*pairs))
