"""Which causes of waiting an object of storage lifts, or a pod that used one."""

from dataclasses import replace

import pytest

from scheduler.domain.reasons import Cause, PodCause
from scheduler.domain.storage import (
    Claim,
    CsiDriver,
    CsiNode,
    Disk,
    PersistentVolume,
    PersistentVolumeClaim,
    PodVolumes,
    StorageCapacity,
    StorageClass,
    VolumeAttachment,
)
from scheduler.service.grounds import AnyCause, Grounds, grounds_of
from scheduler.service.hints import helps
from scheduler.service.wake import PodGone, Stored, Wake
from tests.builders import node, pod
from tests.unit.service.grounded import placed, refused, rows, updated

DISK = Disk("gcePersistentDisk", ("d",))


def using(
    cause: AnyCause, *, claims: tuple[str, ...] = ("c",), disks: tuple[Disk, ...] = ()
) -> Grounds:
    volumes = PodVolumes(tuple(Claim(name) for name in claims), disks)
    return grounds_of(replace(pod("p"), volumes=volumes), refused(cause))


def gone(*, claims: tuple[str, ...] = (), disks: tuple[Disk, ...] = (), **spec: object) -> PodGone:
    volumes = PodVolumes(tuple(Claim(name) for name in claims), disks)
    return PodGone(placed(replace(pod("gone", **spec), volumes=volumes)))  # type: ignore[arg-type] # by name


NODES, ALL = using(Cause.VOLUME), using(PodCause.VOLUME)
BY_DISK = using(Cause.VOLUME, claims=(), disks=(DISK,))
CLAIM, OTHER = PersistentVolumeClaim("default", "c"), PersistentVolumeClaim("default", "other")
VOLUME, CLASS = PersistentVolume("v"), StorageClass("s")
CSI = CsiNode("n", {"d": 2})
ROOM = StorageCapacity("default", "r", "s", largest_bytes=10)
ATTACHED = VolumeAttachment("a", "d", "n")

CLAIMS = rows(
    ("its claim comes", ALL, Stored("PersistentVolumeClaim", None, CLAIM), True),
    (
        "its claim is bound",
        NODES,
        Stored("PersistentVolumeClaim", CLAIM, replace(CLAIM, is_bound=True)),
        True,
    ),
    ("not another claim", NODES, Stored("PersistentVolumeClaim", None, OTHER), False),
    (
        "not a claim of that name elsewhere",
        ALL,
        Stored("PersistentVolumeClaim", None, replace(CLAIM, namespace="other")),
        False,
    ),
    ("a claim goes that a node counted", NODES, Stored("PersistentVolumeClaim", OTHER, None), True),
    ("not its own that goes", ALL, Stored("PersistentVolumeClaim", CLAIM, None), False),
    ("a volume comes", NODES, Stored("PersistentVolume", None, VOLUME), True),
    (
        "a volume is free again",
        ALL,
        Stored("PersistentVolume", replace(VOLUME, phase="Bound"), VOLUME),
        True,
    ),
    ("not a volume that goes", ALL, Stored("PersistentVolume", VOLUME, None), False),
    ("a class comes", ALL, Stored("StorageClass", None, CLASS), True),
    ("not a class that goes", NODES, Stored("StorageClass", CLASS, None), False),
)

DRIVERS = rows(
    ("a node tells of its drivers", NODES, Stored("CSINode", None, CSI), True),
    ("a limit rises", NODES, Stored("CSINode", CSI, replace(CSI, limits={"d": 3})), True),
    ("a limit falls away", NODES, Stored("CSINode", CSI, replace(CSI, limits={})), True),
    ("not a limit that falls", NODES, Stored("CSINode", CSI, replace(CSI, limits={"d": 1})), False),
    (
        "not a limit that is set",
        NODES,
        Stored("CSINode", replace(CSI, limits={"d": None}), CSI),
        False,
    ),
    (
        "other plugins are migrated",
        NODES,
        Stored("CSINode", CSI, replace(CSI, migrated=frozenset({"p"}))),
        True,
    ),
    ("no drivers, where no node is the matter", ALL, Stored("CSINode", None, CSI), False),
    (
        "a driver's room is heeded no more",
        NODES,
        Stored("CSIDriver", CsiDriver("d", tracks_capacity=True), CsiDriver("d")),
        True,
    ),
    (
        "not where it is from now on",
        NODES,
        Stored("CSIDriver", CsiDriver("d"), CsiDriver("d", tracks_capacity=True)),
        False,
    ),
    ("there is room to make volumes", NODES, Stored("CSIStorageCapacity", None, ROOM), True),
    (
        "there is more room",
        NODES,
        Stored("CSIStorageCapacity", ROOM, replace(ROOM, largest_bytes=11)),
        True,
    ),
    (
        "not less room",
        NODES,
        Stored("CSIStorageCapacity", ROOM, replace(ROOM, largest_bytes=9)),
        False,
    ),
    ("not room that goes", NODES, Stored("CSIStorageCapacity", ROOM, None), False),
    ("a volume is detached", NODES, Stored("VolumeAttachment", ATTACHED, None), True),
    ("not a volume that is attached", NODES, Stored("VolumeAttachment", None, ATTACHED), False),
)

PODS_AND_NODES = rows(
    ("a pod goes whose volumes a node counted", NODES, gone(claims=("other",)), True),
    ("not one without volumes", NODES, gone(), False),
    ("a pod goes that used its claim", ALL, gone(claims=("c",)), True),
    ("not one that used another", ALL, gone(claims=("other",)), False),
    ("not one of another namespace", ALL, gone(claims=("c",), namespace="other"), False),
    ("a pod goes that had its disk", BY_DISK, gone(disks=(DISK,)), True),
    ("not another disk", BY_DISK, gone(disks=(replace(DISK, identity=("e",)),)), False),
    (
        "a node has other labels",
        NODES,
        updated(node("n"), node("n", labels={"zone": "a"})),
        True,
    ),
    (
        "not a node that does not take the pod",
        NODES,
        updated(
            node("n", is_unschedulable=True),
            node("n", labels={"zone": "a"}, is_unschedulable=True),
        ),
        False,
    ),
)


@pytest.mark.parametrize(("grounds", "event", "is_helped"), [*CLAIMS, *DRIVERS, *PODS_AND_NODES])
def test_a_pod_is_helped_by(grounds: Grounds, event: Wake, *, is_helped: bool) -> None:
    assert helps(grounds, event) is is_helped
