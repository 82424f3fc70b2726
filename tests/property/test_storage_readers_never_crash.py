"""Whatever is written of storage, it is read or refused, and what was read can be judged by."""

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.domain.errors import InputError
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
from scheduler.objects.volumes import read_pod_volumes
from tests.property.test_readers_never_crash import encoded, mutated
from tests.unit.placement.storing import bound_volume, storing, uses

EXAMPLES = settings(max_examples=80)

TERMS = [{"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}]
KINDS: list[tuple[Callable[[Any], object], dict[str, Any]]] = [
    (
        read_claim,
        {
            "metadata": {
                "name": "data",
                "annotations": {"volume.kubernetes.io/selected-node": "a"},
                "ownerReferences": [{"uid": "u", "controller": True}],
            },
            "spec": {
                "storageClassName": "local",
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "5Gi"}},
                "selector": {"matchLabels": {"a": "b"}, "matchExpressions": []},
            },
            "status": {"phase": "Pending"},
        },
    ),
    (
        read_volume,
        {
            "metadata": {"name": "pv", "labels": {"topology.kubernetes.io/zone": "a__b"}},
            "spec": {
                "capacity": {"storage": "5Gi"},
                "accessModes": ["ReadWriteOnce"],
                "nodeAffinity": {"required": {"nodeSelectorTerms": TERMS}},
                "claimRef": {"namespace": "default", "name": "data"},
                "gcePersistentDisk": {"pdName": "d"},
            },
        },
    ),
    (
        read_storage_class,
        {
            "metadata": {"name": "local"},
            "provisioner": "p",
            "volumeBindingMode": "WaitForFirstConsumer",
            "allowedTopologies": [{"matchLabelExpressions": [{"key": "a", "values": ["b"]}]}],
        },
    ),
    (
        read_csi_node,
        {
            "metadata": {"name": "a", "annotations": {}},
            "spec": {"drivers": [{"name": "d", "allocatable": {"count": 3}}]},
        },
    ),
    (read_csi_driver, {"metadata": {"name": "d"}, "spec": {"storageCapacity": True}}),
    (
        read_storage_capacity,
        {
            "metadata": {"name": "c"},
            "storageClassName": "local",
            "nodeTopology": {"matchLabels": {"a": "b"}},
            "capacity": "5Gi",
            "maximumVolumeSize": "1Gi",
        },
    ),
    (
        read_volume_attachment,
        {
            "metadata": {"name": "v"},
            "spec": {"attacher": "d", "nodeName": "a", "source": {"persistentVolumeName": "pv"}},
        },
    ),
    (read_namespace, {"metadata": {"name": "n", "labels": {"a": "b"}}}),
]
VOLUMES: dict[str, Any] = {
    "volumes": [
        {"name": "a", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "b", "ephemeral": {}},
        {"name": "c", "rbd": {"monitors": ["m"], "image": "i"}},
        {"name": "d", "awsElasticBlockStore": {"volumeID": "aws://a/vol-1"}},
        {"name": "e", "azureDisk": {"diskURI": "u", "kind": "Managed"}},
    ]
}


@EXAMPLES
@given(st.sampled_from(KINDS).flatmap(lambda kind: st.tuples(st.just(kind[0]), mutated(kind[1]))))
def test_a_mutated_object_is_read_or_refused(case: tuple[Callable[[Any], object], Any]) -> None:
    read, tree = case
    for written in (tree, encoded(tree)):
        try:
            read(written)
        except InputError as error:
            assert "\n" not in str(error)  # noqa: PT017 - only where it is raised
            assert len(str(error)) < 1_000  # noqa: PT017 - only where it is raised


@EXAMPLES
@given(mutated(VOLUMES))
def test_mutated_volumes_of_a_pod_are_read_or_refused(tree: dict[str, Any]) -> None:
    volumes = tree.get("volumes")
    if not isinstance(volumes, list) or not all(isinstance(one, dict) for one in volumes):
        return  # a pod like this is refused before its volumes are looked at
    try:
        read_pod_volumes("Pod default/web", "web", volumes)
    except InputError as error:
        assert str(error).startswith("Pod default/web")  # noqa: PT017 - only where it is raised


@EXAMPLES
@given(st.tuples(*(mutated(tree) for _, tree in KINDS[:-1])))
def test_what_was_read_can_be_judged_by(trees: tuple[Any, ...]) -> None:
    found: list[Any] = [bound_volume("spare")]
    for (read, _), tree in zip(KINDS, trees, strict=False):
        try:
            found.append(read(tree))
        except InputError:
            continue
    cluster = storing(*found, placed={"a": [uses("data")]})

    if not cluster.problems(uses("data")):
        for name in cluster.fits(uses("data"))[:1]:
            cluster.place(uses("data"), name)
