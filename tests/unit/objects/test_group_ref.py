"""The group a pod names, by whichever of the ways there are."""

import json
from typing import Any

import pytest

from scheduler.domain.pod_group import GroupApi, GroupRef
from scheduler.domain.workload import PodClass
from scheduler.objects.pod import read_pod
from scheduler.objects.pod_reader import PodReader

NEW = "scheduling.x-k8s.io/pod-group"
OLD = "pod-group.scheduling.sigs.k8s.io/name"
OLDEST = "pod-group.scheduling.sigs.k8s.io"
LEAST = "pod-group.scheduling.sigs.k8s.io/min-available"
VOLCANO = "scheduling.volcano.sh/group-name"
KUBE_BATCH = "scheduling.k8s.io/group-name"
NATIVE = {"podGroupName": "g"}


def written(
    labels: dict[str, object] | None = None,
    annotations: dict[str, object] | None = None,
    group: object = None,
    **spec: object,
) -> dict[str, Any]:
    metadata = {"name": "p", "namespace": "lab", "labels": labels, "annotations": annotations}
    named = {} if group is None else {"schedulingGroup": group}
    return {"metadata": metadata, "spec": {"containers": [{"name": "c"}], **named, **spec}}


def class_of(obj: dict[str, Any]) -> PodClass:
    return read_pod(obj).pod_class


@pytest.mark.parametrize(
    ("obj", "api"),
    [
        (written({NEW: "g"}), GroupApi.COSCHEDULING),
        (written(annotations={KUBE_BATCH: "g"}), GroupApi.VOLCANO),
        (written(annotations={VOLCANO: "g"}), GroupApi.VOLCANO),
        (written(annotations={VOLCANO: "g", KUBE_BATCH: "g"}), GroupApi.VOLCANO),
        (written(group=NATIVE), GroupApi.NATIVE),
    ],
    ids=["coscheduling", "kube-batch", "volcano", "both annotations", "native"],
)
def test_a_group_with_an_object_is_named_by_any_of_its_apis(
    obj: dict[str, Any], api: GroupApi
) -> None:
    found = class_of(obj)

    assert (found.group, found.unsupported) == (GroupRef(api, "lab", "g"), ())


@pytest.mark.parametrize("label", [OLD, OLDEST])
@pytest.mark.parametrize("least", ["3", 3], ids=["text", "number"])
def test_a_group_of_labels_alone_says_how_many_its_pods_are(label: str, least: object) -> None:
    found = class_of(written({label: "g", LEAST: least}))

    assert found.group == GroupRef(GroupApi.LABELS, "lab", "g")
    assert found.group is not None
    assert (found.group.least, found.unsupported) == (3, ())


@pytest.mark.parametrize(
    "obj",
    [written(), written({NEW: "", OLD: ""}, {VOLCANO: None}), written({LEAST: "3"})],
    ids=["plain", "empty", "a number alone"],
)
def test_a_pod_that_names_no_group_is_in_none(obj: dict[str, Any]) -> None:
    assert (class_of(obj).group, class_of(obj).unsupported) == (None, ())


@pytest.mark.parametrize(
    ("obj", "said"),
    [
        (written({NEW: "g"}, group=NATIVE), ("more than one", NEW, "podGroupName", "name one")),
        (written({NEW: "g"}, {VOLCANO: "g"}), ("more than one", NEW, VOLCANO)),
        (written({NEW: "g", OLD: "g", LEAST: "2"}), ("more than one", NEW, OLD)),
        (written(annotations={VOLCANO: "g", KUBE_BATCH: "h"}), ("more than one", '"g"', '"h"')),
        (written({OLD: "g"}), ("without a number", OLD, LEAST)),
        (written({OLD: "g", LEAST: "0"}), ('"0"', LEAST, "positive whole number")),
        (written({OLD: "g", LEAST: "-1"}), ('"-1"', LEAST)),
        (written({OLD: "g", LEAST: "2.5"}), ('"2.5"', LEAST)),
        (written({OLDEST: "g", LEAST: "many"}), ('"many"', LEAST)),
        (written({OLDEST: "g", LEAST: "9" * 5000}), ("99…", LEAST)),
        (written(annotations={VOLCANO: ["g"]}), (VOLCANO, "as text")),
        (written(group={}), ("spec.schedulingGroup", "podGroupName")),
        (written(group="g"), ("spec.schedulingGroup", "podGroupName")),
        (written(group={"podGroupName": 5}), ("spec.schedulingGroup", "podGroupName")),
    ],
    ids=[str(number) for number in range(14)],
)
def test_what_is_unclear_is_said_and_the_pod_is_in_no_group(
    obj: dict[str, Any], said: tuple[str, ...]
) -> None:
    found = class_of(obj)

    assert found.group is None
    [phrase] = found.unsupported
    assert all(part in phrase for part in said), phrase
    assert len(phrase) < 300


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (written(annotations={VOLCANO: "g"}), written(annotations={VOLCANO: "h"})),
        (written(annotations={VOLCANO: "g"}), written(annotations={"other": "g"})),
        (written({OLD: "g", LEAST: "3"}), written({OLD: "g", LEAST: "4"})),
        (written(group={"podGroupName": "g"}), written(group={"podGroupName": "h"})),
    ],
    ids=["annotation", "another annotation", "least", "spec"],
)
def test_pods_of_different_groups_are_told_apart_however_many_are_read(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    read = PodReader()

    classes = [read(json.dumps(obj)).pod.pod_class for obj in (one, other, one)]

    assert classes[0] is classes[2]
    assert [c.group for c in classes[:2]] == [class_of(one).group, class_of(other).group]
    least = [c.group.least if c.group else None for c in classes[:2]]
    known = [class_of(obj).group for obj in (one, other)]
    assert least == [group.least if group else None for group in known]


def test_a_pod_that_cannot_be_read_is_a_member_all_the_same() -> None:
    odd = written({NEW: "g"}, topologySpreadConstraints=[{"maxSkew": 1, "topologyKey": ""}])
    odd["spec"]["nodeSelector"] = {"a": ["no text"]}

    found = PodReader()(json.dumps(odd)).pod.pod_class

    assert found.group == GroupRef(GroupApi.COSCHEDULING, "lab", "g")
    assert found.unsupported
