"""What may be mounted once only, and how many volumes a node can attach."""

from typing import Any

import pytest

from scheduler.domain.object_events import StorageObject
from scheduler.domain.storage import (
    Claim,
    CsiNode,
    Disk,
    InTreeVolume,
    PodVolumes,
    StorageClass,
    VolumeAttachment,
)
from tests.unit.placement.storing import (
    bound_claim,
    bound_volume,
    claim,
    everywhere,
    mounts,
    storing,
    uses,
    waiting_class,
)

NO_DISK = "node(s) had no available disk"
IN_USE = (
    "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already "
    "in-use by another pod"
)
TOO_MANY = "node(s) exceed max volume count"
NO_NAME = "node(s) have no name for a disk of an in-tree plugin"

ONE_POD: dict[str, Any] = {"access_modes": ("ReadWriteOncePod",)}


def gce(*, is_read_only: bool = False) -> Disk:
    return Disk("gcePersistentDisk", ("disk",), is_read_only)


def rbd(*monitors: str, image: str = "image", is_read_only: bool = False) -> Disk:
    return Disk("rbd", ("rbd", image), is_read_only, monitors)


def iscsi(*, is_read_only: bool = False) -> Disk:
    return Disk("iscsi", ("iqn",), is_read_only)


def ebs(*, is_read_only: bool = False) -> Disk:
    return Disk("awsElasticBlockStore", ("vol-1",), is_read_only)


@pytest.mark.parametrize(
    ("there", "mine", "clashes"),
    [
        (gce(), gce(), True),
        (gce(is_read_only=True), gce(), True),
        (gce(is_read_only=True), gce(is_read_only=True), False),
        (ebs(is_read_only=True), ebs(is_read_only=True), True),
        (iscsi(), iscsi(is_read_only=True), True),
        (iscsi(is_read_only=True), iscsi(is_read_only=True), False),
        (rbd("m1", "m2"), rbd("m2", "m3"), True),
        (rbd("m1"), rbd("m2"), False),
        (rbd("m1"), rbd("m1", image="other"), False),
        (rbd("m1", is_read_only=True), rbd("m1", is_read_only=True), False),
        (Disk("cinder", ("vol-1",)), Disk("cinder", ("vol-1",)), False),
        (iscsi(), gce(), False),
    ],
)
def test_a_disk_is_mounted_once_on_a_node_unless_only_read(
    there: Disk,
    mine: Disk,
    clashes: bool,  # noqa: FBT001 - a table's column
) -> None:
    cluster = storing(placed={"b": [mounts(there)]})

    assert cluster.why(mounts(mine)) == ({"b": {NO_DISK}} if clashes else {})


def test_a_disk_of_a_pod_placed_just_now_is_in_use_there() -> None:
    cluster = storing()

    cluster.place(mounts(gce()), "a")

    assert cluster.why(mounts(gce())) == {"a": {NO_DISK}}


def test_a_claim_for_one_pod_is_used_by_one_pod_of_the_cluster() -> None:
    cluster = storing(bound_claim(**ONE_POD), bound_volume(), placed={"a": [uses("data")]})

    assert cluster.why(uses("data")) == everywhere(IN_USE)


def test_a_claim_for_one_pod_is_free_while_none_uses_it() -> None:
    cluster = storing(
        bound_claim(**ONE_POD),
        bound_volume(),
        placed={"a": [uses("other")], "gone": [uses("data")]},
    )

    assert cluster.fits(uses("data")) == ["a", "b", "c"]


def test_a_claim_for_one_pod_is_used_up_by_a_pod_placed_just_now() -> None:
    cluster = storing(waiting_class(), claim(**ONE_POD))
    assert cluster.fits(uses("data")) == ["a", "b", "c"]

    cluster.place(uses("data"), "a")

    assert cluster.why(uses("data")) == everywhere(IN_USE)


def test_other_claims_are_shared() -> None:
    cluster = storing(bound_claim(), bound_volume(), placed={"a": [uses("data")]})

    assert cluster.fits(uses("data")) == ["a", "b", "c"]


def test_a_disk_in_use_is_said_before_a_claim_in_use() -> None:
    pod = PodVolumes((Claim("data"),), (gce(),))
    cluster = storing(bound_claim(**ONE_POD), bound_volume(), placed={"a": [pod]})

    assert cluster.why(pod) == {"a": {NO_DISK}, "b": {IN_USE}, "c": {IN_USE}}


DRIVER = "csi.example.net"


def limited(*names: str, limit: int | None = 2) -> list[CsiNode]:
    return [CsiNode(name, {DRIVER: limit}) for name in names]


def attached(count: int) -> list[StorageObject]:
    """Return `count` bound claims ``c0``, ``c1``, … with volumes of the driver."""
    claims = [bound_claim(f"c{k}", f"pv{k}") for k in range(count)]
    return [
        *claims,
        *(bound_volume(f"pv{k}", f"c{k}", csi=(DRIVER, f"h{k}")) for k in range(count)),
    ]


def test_a_node_attaches_no_more_volumes_than_it_can() -> None:
    cluster = storing(
        *attached(4), *limited("a", "b"), placed={"a": [uses("c0")], "b": [uses("c1", "c2")]}
    )

    assert cluster.why(uses("c3")) == {"b": {TOO_MANY}}


def test_a_pod_with_more_volumes_than_a_node_can_attach_fits_nowhere_with_a_limit() -> None:
    cluster = storing(*attached(3), *limited("a"), *limited("b", limit=None))

    assert cluster.why(uses("c0", "c1", "c2")) == {"a": {TOO_MANY}}


def test_a_volume_that_the_node_has_already_is_not_counted_again() -> None:
    cluster = storing(
        *attached(3), *limited("a", "b"), placed={"a": [uses("c0", "c1"), uses("c0")]}
    )

    assert cluster.fits(uses("c0")) == ["a", "b", "c"]
    assert cluster.why(uses("c0", "c2")) == {"a": {TOO_MANY}}


def test_two_claims_of_one_handle_are_one_volume() -> None:
    cluster = storing(
        bound_claim("x", "pv-x"),
        bound_claim("y", "pv-y"),
        bound_volume("pv-x", "x", csi=(DRIVER, "same")),
        bound_volume("pv-y", "y", csi=(DRIVER, "same")),
        *limited("a", limit=1),
    )

    assert cluster.fits(uses("x", "y")) == ["a", "b", "c"]


def test_volumes_still_attached_take_room_though_no_pod_uses_them() -> None:
    cluster = storing(
        *attached(3),
        *limited("a", "b"),
        VolumeAttachment("va-0", DRIVER, "a", "pv0"),
        VolumeAttachment("va-1", DRIVER, "a", "pv1"),
        VolumeAttachment("va-2", DRIVER, "b", "pv0"),
        VolumeAttachment("va-3", DRIVER, "b", "gone"),
        VolumeAttachment("va-4", "csi.other", "b", "pv1"),
    )

    assert cluster.why(uses("c2")) == {"a": {TOO_MANY}}


def test_an_attached_volume_that_a_pod_uses_is_counted_once() -> None:
    cluster = storing(
        *attached(2),
        *limited("a"),
        VolumeAttachment("va-0", DRIVER, "a", "pv0"),
        placed={"a": [uses("c0")]},
    )

    assert cluster.fits(uses("c1")) == ["a", "b", "c"]


def test_volumes_of_pods_placed_just_now_count() -> None:
    cluster = storing(*attached(3), *limited("a", "b", "c", limit=1))

    cluster.place(uses("c0"), "b")

    assert cluster.fits(uses("c1")) == ["a", "c"]
    assert cluster.fits(uses("c0")) == ["a", "b", "c"]


def test_pods_placed_before_and_after_a_node_was_counted_count_alike() -> None:
    cluster = storing(*attached(4), *limited("a", "b", limit=2))
    cluster.place(uses("c0"), "a")
    assert cluster.fits(uses("c1", "c2")) == ["b", "c"]

    cluster.place(uses("c1"), "a")

    assert cluster.fits(uses("c2")) == ["b", "c"]
    assert cluster.fits(uses("c1")) == ["a", "b", "c"]


def test_a_claim_without_a_volume_counts_for_the_driver_of_its_class() -> None:
    cluster = storing(
        waiting_class("path", DRIVER),
        claim("new"),
        *attached(2),
        *limited("a", "b"),
        placed={"a": [uses("c0", "c1")]},
    )

    assert cluster.why(uses("new")) == {"a": {TOO_MANY}}


def test_a_claim_of_an_in_tree_class_counts_for_the_driver_that_took_over() -> None:
    cluster = storing(
        StorageClass("path", "kubernetes.io/aws-ebs", waits=True),
        claim("new"),
        CsiNode("a", {"ebs.csi.aws.com": 0}),
    )

    assert cluster.why(uses("new")) == {"a": {TOO_MANY}}


def test_disks_and_volumes_of_in_tree_plugins_count_for_the_driver_that_took_over() -> None:
    name = ("ebs.csi.aws.com", "vol-1")
    disk = Disk("awsElasticBlockStore", ("aws://zone/vol-1",), csi=name)
    cluster = storing(
        bound_claim("old", "pv"),
        bound_volume("pv", "old", in_tree=InTreeVolume("kubernetes.io/aws-ebs", name)),
        bound_claim("more", "pv-2"),
        bound_volume("pv-2", "more", csi=("ebs.csi.aws.com", "vol-2")),
        CsiNode("a", {"ebs.csi.aws.com": 1}),
        placed={"a": [mounts(disk)]},
    )

    assert cluster.fits(uses("old")) == ["a", "b", "c"]
    assert cluster.why(uses("more")) == {"a": {TOO_MANY}}


def test_a_disk_that_its_driver_has_no_name_for_goes_to_no_node_with_drivers() -> None:
    cluster = storing(CsiNode("b"))

    assert cluster.why(mounts(Disk("azureDisk", ("uri",)))) == {"b": {NO_NAME}}


def test_a_placed_pod_with_anothers_ephemeral_claim_keeps_new_volumes_off_its_node() -> None:
    stray = PodVolumes((Claim("web-scratch", is_ephemeral=True, pod_name="web"),))
    cluster = storing(
        *attached(1),
        claim("web-scratch", owner_uids=("uid-other",)),
        *limited("a", "b"),
        placed={"a": [stray]},
    )

    assert cluster.why(uses("c0")) == {
        "a": {"PVC default/web-scratch was not created for pod default/web (pod is not owner)"}
    }
