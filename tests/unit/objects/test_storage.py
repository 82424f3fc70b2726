"""Claims, volumes, and what else a cluster tells of storage, as they are written."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from scheduler.domain.errors import InputError
from scheduler.domain.selector import LabelSelector, Requirement
from scheduler.domain.storage import (
    ClaimRef,
    CsiDriver,
    CsiNode,
    StorageCapacity,
    StorageClass,
    TopologyTerm,
    VolumeAttachment,
)
from scheduler.domain.workload import NodeTerm
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

GI = 1 << 30


def written(name: str = "x", **parts: object) -> dict[str, object]:
    return {"metadata": {"name": name}} | parts


def test_a_claim_is_read_with_all_that_matters() -> None:
    claim = read_claim(
        {
            "kind": "PersistentVolumeClaim",
            "metadata": {
                "name": "data",
                "namespace": "shop",
                "uid": "u1",
                "deletionTimestamp": "2026-01-31T12:00:00Z",
                "resourceVersion": "42",
                "annotations": {
                    "pv.kubernetes.io/bind-completed": "yes",
                    "volume.kubernetes.io/selected-node": "n1",
                },
                "ownerReferences": [
                    {"kind": "Pod", "name": "w", "uid": "other"},
                    {"kind": "Pod", "name": "web", "uid": "u2", "controller": True},
                ],
            },
            "spec": {
                "volumeName": "pv-1",
                "storageClassName": "fast",
                "accessModes": ["ReadWriteOnce"],
                "volumeMode": "Block",
                "resources": {"requests": {"storage": "1.5Gi"}},
                "selector": {"matchLabels": {"disk": "ssd"}},
                "volumeAttributesClassName": "gold",
            },
            "status": {"phase": "Bound"},
        }
    )

    assert (claim.key, claim.uid, claim.version) == ("shop/data", "u1", "42")
    assert (claim.volume_name, claim.storage_class, claim.phase) == ("pv-1", "fast", "Bound")
    assert (claim.access_modes, claim.volume_mode) == (("ReadWriteOnce",), "Block")
    assert claim.requested_bytes == 3 * GI // 2
    assert claim.selector == LabelSelector((Requirement("disk", "In", ("ssd",)),))
    assert claim.attributes_class == "gold"
    assert (claim.is_bound, claim.selected_node) == (True, "n1")
    assert claim.owner_uids == ("u2",)
    assert claim.is_terminating


def test_a_bare_claim_has_the_api_servers_defaults() -> None:
    claim = read_claim(written("data"))

    assert claim.key == "default/data"
    assert (claim.volume_mode, claim.phase) == ("Filesystem", "Pending")
    assert claim.storage_class is None
    assert claim.requested_bytes is None
    assert claim.selector is None
    assert claim.selected_node is None
    assert not claim.is_bound
    assert not claim.is_terminating


def test_no_class_is_another_thing_than_an_empty_one() -> None:
    assert read_claim(written(spec={"storageClassName": ""})).storage_class == ""


def test_the_old_annotation_names_the_class_before_the_field() -> None:
    mark = {"volume.beta.kubernetes.io/storage-class": "old"}
    metadata = {"name": "x", "annotations": mark}
    spec = {"storageClassName": "new"}

    assert read_claim({"metadata": metadata, "spec": spec}).storage_class == "old"
    assert read_volume({"metadata": metadata, "spec": spec}).storage_class == "old"


def test_a_claim_with_a_volume_and_phase_bound_is_not_bound_without_the_annotation() -> None:
    spec = {"volumeName": "pv"}

    assert not read_claim(written(spec=spec, status={"phase": "Bound"})).is_bound


def test_an_empty_selector_selects_all_and_none_at_all_is_none() -> None:
    assert read_claim(written(spec={"selector": {}})).selector == LabelSelector()
    assert read_claim(written(spec={"selector": None})).selector is None


def test_a_volume_is_read_with_all_that_matters() -> None:
    term = {"matchExpressions": [{"key": "host", "operator": "In", "values": ["n1"]}]}
    volume = read_volume(
        {
            "metadata": {"name": "pv", "uid": "u", "resourceVersion": "7", "labels": {"a": "b"}},
            "spec": {
                "capacity": {"storage": "10Gi"},
                "accessModes": ["ReadWriteOnce", "ReadOnlyMany"],
                "storageClassName": "local",
                "nodeAffinity": {"required": {"nodeSelectorTerms": [term]}},
                "claimRef": {"namespace": "shop", "name": "data", "uid": "u1"},
                "csi": {"driver": "csi.example.net", "volumeHandle": "h"},
                "persistentVolumeReclaimPolicy": "Retain",
            },
            "status": {"phase": "Bound"},
        }
    )

    assert (volume.name, volume.uid, volume.version) == ("pv", "u", "7")
    assert (volume.capacity_bytes, volume.storage_class) == (10 * GI, "local")
    assert volume.access_modes == ("ReadWriteOnce", "ReadOnlyMany")
    assert (volume.labels, volume.phase) == ({"a": "b"}, "Bound")
    assert volume.node_terms == (NodeTerm((Requirement("host", "In", ("n1",)),)),)
    assert volume.claim == ClaimRef("shop", "data", "u1")
    assert volume.csi == ("csi.example.net", "h")
    assert volume.in_tree is None


@pytest.mark.parametrize(
    ("affinity", "terms"),
    [(None, None), ({}, None), ({"required": {}}, ()), ({"required": None}, None)],
)
def test_affinity_that_asks_for_nothing_differs_from_one_without_terms(
    affinity: object, terms: tuple[NodeTerm, ...] | None
) -> None:
    assert read_volume(written(spec={"nodeAffinity": affinity})).node_terms == terms


def test_a_new_volume_is_pending_not_available() -> None:
    assert read_volume(written()).phase == "Pending"


@pytest.mark.parametrize(
    ("mode", "waits"), [("WaitForFirstConsumer", True), ("Immediate", False), (None, False)]
)
def test_a_class_waits_only_where_it_says_so(
    mode: str | None,
    waits: bool,  # noqa: FBT001 - a table's column
) -> None:
    found = read_storage_class(written(provisioner="p", volumeBindingMode=mode))

    assert found == StorageClass("x", "p", waits)


def test_allowed_topologies_keep_their_terms() -> None:
    found = read_storage_class(
        written(
            allowedTopologies=[
                {"matchLabelExpressions": [{"key": "zone", "values": ["a", "b"]}]},
                {},
            ]
        )
    )

    assert found.allowed == (TopologyTerm((("zone", ("a", "b")),)), TopologyTerm())


def test_a_csi_node_has_limits_and_the_plugins_it_left() -> None:
    mark = {"storage.alpha.kubernetes.io/migrated-plugins": "kubernetes.io/a,kubernetes.io/b"}
    drivers = [
        {"name": "one", "allocatable": {"count": 25}},
        {"name": "two", "allocatable": {}},
        {"name": "three"},
    ]

    assert read_csi_node(
        {"metadata": {"name": "n1", "annotations": mark}, "spec": {"drivers": drivers}}
    ) == CsiNode(
        "n1",
        {"one": 25, "two": None, "three": None},
        frozenset({"kubernetes.io/a", "kubernetes.io/b"}),
    )


def test_a_driver_tracks_capacity_only_where_it_says_so() -> None:
    assert read_csi_driver(written(spec={"storageCapacity": True})) == CsiDriver("x", True)  # noqa: FBT003 - its one field
    assert read_csi_driver(written()) == CsiDriver("x")


def test_the_largest_volume_counts_for_the_room_left() -> None:
    parts: dict[str, Any] = {"storageClassName": "fast", "capacity": "9Gi", "nodeTopology": {}}

    assert read_storage_capacity(written(**parts)) == StorageCapacity(
        "default", "x", "fast", LabelSelector(), 9 * GI
    )
    assert read_storage_capacity(written(**parts, maximumVolumeSize="2Gi")).largest_bytes == 2 * GI
    assert read_storage_capacity(written()).largest_bytes is None
    assert read_storage_capacity(written()).nodes is None


def test_an_attachment_names_driver_node_and_volume() -> None:
    spec = {"attacher": "d", "nodeName": "n1", "source": {"persistentVolumeName": "pv"}}

    assert read_volume_attachment(written(spec=spec)) == VolumeAttachment("x", "d", "n1", "pv")
    assert read_volume_attachment(written()) == VolumeAttachment("x", "", "", "")


def test_a_namespace_has_labels() -> None:
    assert read_namespace({"metadata": {"name": "shop", "labels": {"team": 7}}}) == (
        "shop",
        {"team": "7"},
    )


def test_json_is_read_like_a_tree() -> None:
    tree = written(spec={"resources": {"requests": {"storage": "5Gi"}}})

    assert read_claim(json.dumps(tree).encode()) == read_claim(tree)


def test_sizes_are_rounded_up_and_capped() -> None:
    def size(text: object) -> int | None:
        spec = {"resources": {"requests": {"storage": text}}}
        return read_claim(written(spec=spec)).requested_bytes

    assert size("1500m") == 2
    assert size(3) == 3
    assert size("1e30") == 2**63 - 1
    assert size(None) is None


Read = Callable[[Mapping[str, object]], object]


@pytest.mark.parametrize(
    ("read", "tree", "said"),
    [
        (read_claim, {}, "has no metadata.name"),
        (read_claim, written(spec=[]), "PersistentVolumeClaim x: spec: is a list"),
        (
            read_claim,
            written(spec={"resources": {"requests": {"storage": "lots"}}}),
            'PersistentVolumeClaim default/x: spec.resources.requests: "lots" is not a size',
        ),
        (
            read_volume,
            written(spec={"capacity": {"storage": "-1"}}),
            'spec.capacity.storage: "-1" is not a size; a size is at least 0',
        ),
        (
            read_volume,
            written(
                spec={
                    "nodeAffinity": {
                        "required": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "a"}]}]}
                    }
                }
            ),
            "PersistentVolume x: spec.nodeAffinity.required[0].matchExpressions[0].operator",
        ),
        (read_storage_class, written(volumeBindingMode=1), "StorageClass x: volumeBindingMode"),
        (
            read_csi_node,
            written(spec={"drivers": [{"name": "d", "allocatable": {"count": 1 << 40}}]}),
            "CSINode x: spec.drivers[0].allocatable.count: is 1099511627776",
        ),
        (
            read_storage_capacity,
            written(nodeTopology={"matchExpressions": [{"key": "a", "operator": "Gt"}]}),
            "nodeTopology.matchExpressions[0].operator",
        ),
        (read_volume_attachment, written(spec={"nodeName": {}}), "spec.nodeName: is a mapping"),
        (read_namespace, {"metadata": {"name": "x", "labels": {"a": []}}}, "metadata.labels.a"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_path(read: Read, tree: Any, said: str) -> None:  # noqa: ANN401 - any tree at all
    with pytest.raises(InputError) as refused:
        read(tree)

    assert said in str(refused.value)
