"""The independent checker: claims, disks and attachments that pods share, one rule a test."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from scheduler.domain.snapshot import build_snapshot
from scheduler.domain.storage import (
    Claim,
    CsiNode,
    Disk,
    PersistentVolume,
    PodVolumes,
    Storage,
    VolumeAttachment,
)
from scheduler.planning.check import violations
from tests.builders import pod
from tests.unit.planning.judging import planned
from tests.unit.planning.storing import DRIVER, NODES, bound, judged, storage, using, waiting

IN_USE, DISK, LIMIT = ["claim in use"], ["disk"], ["volume limit"]


def test_a_claim_for_one_pod_alone_is_not_used_by_a_second_one_anywhere() -> None:
    stored = storage(bound("data", "v", "ReadWriteOncePod"), volumes=[PersistentVolume("v")])
    one, there = using("p", "data"), (using("q", "data"), "b")
    assert judged(stored, (one, "a"), placed=[there]) == IN_USE


def test_a_claim_for_one_pod_alone_is_not_used_by_two_pods_of_a_plan() -> None:
    stored = storage(bound("data", "v", "ReadWriteOncePod"), volumes=[PersistentVolume("v")])
    assert judged(stored, (using("p", "data"), "a"), (using("q", "data"), "b")) == IN_USE * 2


def test_a_claim_for_one_node_is_shared_as_far_as_the_scheduler_cares() -> None:
    stored = storage(bound("data", "v", "ReadWriteOnce"), volumes=[PersistentVolume("v")])
    assert judged(stored, (using("p", "data"), "a"), (using("q", "data"), "b")) == []


def test_a_claim_of_that_name_in_another_namespace_is_another() -> None:
    stored = storage(bound("data", "v", "ReadWriteOncePod"), volumes=[PersistentVolume("v")])
    other = replace(pod("q", namespace="shop"), volumes=PodVolumes((Claim("data"),)))
    assert judged(stored, (using("p", "data"), "a"), placed=[(other, "b")]) == []


def disk(kind: str, *identity: str, monitors: Sequence[str] = (), reads: bool = False) -> Disk:
    return Disk(kind, identity, is_read_only=reads, monitors=tuple(monitors))


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        (disk("gcePersistentDisk", "d"), disk("gcePersistentDisk", "d"), DISK),
        (disk("gcePersistentDisk", "d"), disk("gcePersistentDisk", "e"), []),
        (disk("gcePersistentDisk", "d"), disk("gcePersistentDisk", "d", reads=True), DISK),
        (
            disk("gcePersistentDisk", "d", reads=True),
            disk("gcePersistentDisk", "d", reads=True),
            [],
        ),
        (disk("iscsi", "d"), disk("gcePersistentDisk", "d"), []),
        (disk("iscsi", "d"), disk("iscsi", "d"), DISK),
        (
            disk("awsElasticBlockStore", "d", reads=True),
            disk("awsElasticBlockStore", "d", reads=True),
            DISK,
        ),
        (disk("rbd", "p", "i", monitors="xy"), disk("rbd", "p", "i", monitors="yz"), DISK),
        (disk("rbd", "p", "i", monitors="x"), disk("rbd", "p", "i", monitors="z"), []),
        (disk("rbd", "p", "i", monitors="x"), disk("rbd", "p", "j", monitors="x"), []),
        (disk("azureDisk", "d"), disk("azureDisk", "d"), []),
    ],
)
def test_a_disk_is_not_mounted_twice_on_a_node(one: Disk, other: Disk, found: list[str]) -> None:
    there = (using("q", disks=[other]), "a")
    assert judged(storage(), (using("p", disks=[one]), "a"), placed=[there]) == found


def test_a_disk_on_another_node_is_not_in_the_way() -> None:
    one = disk("awsElasticBlockStore", "d")
    there = (using("q", disks=[one]), "b")
    assert judged(storage(), (using("p", disks=[one]), "a"), placed=[there]) == []


def test_two_pods_of_a_plan_do_not_mount_a_disk_twice() -> None:
    one = disk("awsElasticBlockStore", "d")
    pairs = [(using(name, disks=[one]), "a") for name in "pq"]
    assert judged(storage(), *pairs) == DISK * 2


def csi(name: str, driver: str = DRIVER) -> PersistentVolume:
    return PersistentVolume(name, csi=(driver, f"handle-{name}"))


def limited(count: int | None, *names: str, **extra: Sequence[VolumeAttachment]) -> Storage:
    """Return a claim and a volume of each name, and a limit of node a for the driver."""
    return storage(
        *(bound(name, f"v-{name}") for name in names),
        waiting("new", "made"),
        volumes=[csi(f"v-{name}") for name in names],
        csi_nodes=[CsiNode("a", {DRIVER: count})],
        attachments=extra.get("attachments", ()),
    )


@pytest.mark.parametrize(("count", "found"), [(2, []), (1, LIMIT), (None, [])])
def test_a_node_attaches_no_more_volumes_than_it_can(count: int | None, found: list[str]) -> None:
    there = (using("q", "x"), "a")
    assert judged(limited(count, "x", "y"), (using("p", "y"), "a"), placed=[there]) == found


def test_a_node_that_says_nothing_of_limits_has_none() -> None:
    assert judged(limited(0, "x"), (using("p", "x"), "b")) == []


def test_a_volume_that_is_there_already_is_not_attached_again() -> None:
    assert judged(limited(1, "x"), (using("p", "x"), "a"), placed=[(using("q", "x"), "a")]) == []


def test_pods_of_one_plan_share_what_a_node_can_attach() -> None:
    assert judged(limited(1, "x", "y"), (using("p", "x"), "a"), (using("q", "y"), "a")) == LIMIT * 2


def test_a_pod_that_brings_more_volumes_than_there_is_room_for_is_told_once() -> None:
    said = violations(
        build_snapshot(NODES, [using("p", "x", "y")], storage=limited(1, "x", "y")),
        planned((using("p", "x", "y"), "a")),
    )
    assert said == (f"volume limit: default/p on a: the node can attach 1 volumes of {DRIVER}",)


def test_a_volume_that_is_yet_to_be_made_counts_too() -> None:
    there = (using("q", "x"), "a")
    assert judged(limited(1, "x"), (using("p", "new"), "a"), placed=[there]) == LIMIT


def test_what_is_attached_for_no_pod_counts_too() -> None:
    attached = [VolumeAttachment("w", DRIVER, "a", "v-y")]
    stored = limited(1, "x", "y", attachments=attached)
    assert judged(stored, (using("p", "x"), "a")) == LIMIT


def test_what_is_attached_for_a_pod_that_is_there_counts_once() -> None:
    attached = [VolumeAttachment("w", DRIVER, "a", "v-y")]
    stored = limited(2, "x", "y", attachments=attached)
    assert judged(stored, (using("p", "x"), "a"), placed=[(using("q", "y"), "a")]) == []


def test_a_full_node_takes_a_pod_that_brings_nothing() -> None:
    there = [(using("q", "x"), "a"), (using("r", "y"), "a")]
    assert judged(limited(1, "x", "y"), (pod("p"), "a"), placed=there) == []
