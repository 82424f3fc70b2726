"""Volumes written into pods, and what in-tree volumes are called by the drivers that took over."""

from typing import Any

import pytest

from scheduler.domain.errors import InputError
from scheduler.domain.selector import Requirement
from scheduler.domain.storage import Claim, Disk, InTreeVolume, PodVolumes
from scheduler.domain.workload import NodeTerm
from scheduler.objects.storage import read_volume
from scheduler.objects.volumes import read_pod_volumes

ZONE = "topology.kubernetes.io/zone"
OLD_ZONE = "failure-domain.beta.kubernetes.io/zone"
REGION = "topology.kubernetes.io/region"
OLD_REGION = "failure-domain.beta.kubernetes.io/region"


def of_pod(*volumes: dict[str, Any]) -> PodVolumes:
    return read_pod_volumes("Pod default/web", "web", volumes)


def test_claims_are_read_in_the_order_written() -> None:
    found = of_pod(
        {"name": "b", "persistentVolumeClaim": {"claimName": "data", "readOnly": True}},
        {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}},
        {"name": "a", "persistentVolumeClaim": {"claimName": "logs"}},
    )

    assert found.claims == (
        Claim("data"),
        Claim("web-scratch", is_ephemeral=True, pod_name="web"),
        Claim("logs"),
    )


def test_volumes_that_may_be_anywhere_do_not_matter() -> None:
    assert not of_pod(
        {"name": "a", "emptyDir": {}},
        {"name": "b", "configMap": {"name": "c"}},
        {"name": "c", "csi": {"driver": "secrets-store.csi.k8s.io"}},
        {"name": "d", "persistentVolumeClaim": None},
    )
    assert not read_pod_volumes("Pod default/web", "web", None)


@pytest.mark.parametrize(
    ("volume", "disk"),
    [
        (
            {"gcePersistentDisk": {"pdName": "d", "readOnly": True}},
            Disk(
                "gcePersistentDisk",
                ("d",),
                is_read_only=True,
                csi=(
                    "pd.csi.storage.gke.io",
                    "projects/UNSPECIFIED/zones/UNSPECIFIED/disks/d",
                ),
            ),
        ),
        (
            {"awsElasticBlockStore": {"volumeID": "aws://east/vol-1"}},
            Disk("awsElasticBlockStore", ("aws://east/vol-1",), csi=("ebs.csi.aws.com", "vol-1")),
        ),
        (
            {"awsElasticBlockStore": {"volumeID": "aws:///disk-1"}},
            Disk("awsElasticBlockStore", ("aws:///disk-1",)),
        ),
        (
            {"azureDisk": {"diskName": "d", "diskURI": "uri", "kind": "Managed"}},
            Disk("azureDisk", ("uri",), csi=("disk.csi.azure.com", "uri")),
        ),
        ({"azureDisk": {"diskName": "d", "diskURI": "uri"}}, Disk("azureDisk", ("uri",))),
        (
            {"cinder": {"volumeID": "v"}},
            Disk("cinder", ("v",), csi=("cinder.csi.openstack.org", "v")),
        ),
        (
            {"portworxVolume": {"volumeID": "v"}},
            Disk("portworxVolume", ("v",), csi=("pxd.portworx.com", "v")),
        ),
        (
            {"iscsi": {"iqn": "iqn.x", "targetPortal": "p", "lun": 1, "readOnly": True}},
            Disk("iscsi", ("iqn.x",), is_read_only=True),
        ),
        (
            {"rbd": {"monitors": ["m2", "m1"], "image": "i"}},
            Disk("rbd", ("rbd", "i"), monitors=("m1", "m2")),
        ),
        (
            {"rbd": {"monitors": ["m"], "image": "i", "pool": "p"}},
            Disk("rbd", ("p", "i"), monitors=("m",)),
        ),
    ],
)
def test_disks_are_told_apart_as_kube_scheduler_does(volume: dict[str, Any], disk: Disk) -> None:
    assert of_pod({"name": "v"} | volume) == PodVolumes(disks=(disk,))


@pytest.mark.parametrize(
    ("volume", "said"),
    [
        (
            {"name": "v", "persistentVolumeClaim": {}},
            "Pod default/web: spec.volumes[0].persistentVolumeClaim: has no claimName",
        ),
        (
            {"name": "v", "persistentVolumeClaim": {"claimName": 1}},
            "Pod default/web: spec.volumes[0].persistentVolumeClaim.claimName: is a whole number",
        ),
        ({"ephemeral": {}}, "Pod default/web: spec.volumes[0]: has no name"),
        ({"name": "v", "rbd": {"monitors": "m"}}, "spec.volumes[0].rbd.monitors: is text"),
    ],
)
def test_a_volume_that_cannot_be_read_is_refused(volume: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as refused:
        of_pod(volume)

    assert said in str(refused.value)


def in_tree(
    source: dict[str, Any],
    labels: dict[str, str] | None = None,
    *expressions: tuple[str, str],
) -> InTreeVolume | None:
    terms = [
        {"matchExpressions": [{"key": key, "operator": "In", "values": [value]}]}
        for key, value in expressions
    ]
    affinity = {"required": {"nodeSelectorTerms": terms}} if terms else None
    return read_volume(
        {"metadata": {"name": "pv", "labels": labels}, "spec": source | {"nodeAffinity": affinity}}
    ).in_tree


EBS = {"awsElasticBlockStore": {"volumeID": "vol-1"}}
GCE = {"gcePersistentDisk": {"pdName": "d"}}
EBS_ZONE = "topology.ebs.csi.aws.com/zone"


def within(key: str, *values: str) -> NodeTerm:
    return NodeTerm((Requirement(key, "In", values),))


def test_a_volume_of_no_in_tree_plugin_is_what_it_is() -> None:
    assert in_tree({"local": {"path": "/x"}}) is None


@pytest.mark.parametrize(
    ("labels", "expressions", "terms"),
    [
        ({}, [], None),
        ({}, [(ZONE, "a"), ("disk", "ssd")], (within(EBS_ZONE, "a"), within("disk", "ssd"))),
        ({ZONE: "b__ a"}, [], (within(EBS_ZONE, "a", "b"),)),
        ({ZONE: " "}, [], None),
        ({ZONE: "b"}, [(ZONE, "a")], (within(EBS_ZONE, "a"),)),
        ({OLD_ZONE: "a"}, [(OLD_REGION, "r")], (
            NodeTerm((Requirement(REGION, "In", ("r",)), Requirement(EBS_ZONE, "In", ("a",)))),
        )),
        ({}, [(OLD_ZONE, "a"), (OLD_REGION, "r")], (within(EBS_ZONE, "a"), within(REGION, "r"))),
        ({ZONE: "a"}, [(OLD_REGION, "r")], (
            NodeTerm((Requirement(OLD_REGION, "In", ("r",)), Requirement(EBS_ZONE, "In", ("a",)))),
        )),
    ],
)  # fmt: skip
def test_a_driver_names_zones_by_a_label_of_its_own(
    labels: dict[str, str],
    expressions: list[tuple[str, str]],
    terms: tuple[NodeTerm, ...] | None,
) -> None:
    found = in_tree(EBS, labels, *expressions)

    assert found == InTreeVolume("kubernetes.io/aws-ebs", ("ebs.csi.aws.com", "vol-1"), terms)


@pytest.mark.parametrize(
    ("zones", "handle"),
    [
        ("", "projects/UNSPECIFIED/zones/UNSPECIFIED/disks/d"),
        ("us-east1-a", "projects/UNSPECIFIED/zones/us-east1-a/disks/d"),
        ("us-east1-a__us-east1-b", "projects/UNSPECIFIED/regions/us-east1/disks/d"),
        ("us-east1-a__us-west1-b", None),
        ("east__west", None),
    ],
)
def test_a_disk_of_several_zones_is_regional(zones: str, handle: str | None) -> None:
    found = in_tree(GCE, {OLD_ZONE: zones})

    assert found is not None
    assert found.csi == (None if handle is None else ("pd.csi.storage.gke.io", handle))
