"""PodGroup objects of three APIs, and what of them cannot be read."""

import json
from typing import Any

import pytest

from scheduler.domain.errors import InputError
from scheduler.domain.pod_group import GroupApi, GroupRef, PodGroup
from scheduler.objects.pod_group import (
    WITHIN_ANNOTATION,
    WITHIN_MODE_ANNOTATION,
    api_of,
    read_pod_group,
    read_pod_group_whole,
    resource_of,
)

COSCHEDULING, VOLCANO, NATIVE = GroupApi.COSCHEDULING, GroupApi.VOLCANO, GroupApi.NATIVE
GANG = {"schedulingPolicy": {"gang": {"minCount": 3}}}
BOTH = {"schedulingPolicy": {"gang": {"minCount": 3}, "basic": {}}}
MANY = {"schedulingPolicy": {"gang": {"minCount": "3"}}}
PARENT = {**GANG, "parentCompositePodGroupName": "tree"}
NEAR = {**GANG, "schedulingConstraints": {"topology": [{"key": "rack"}]}}


def group(spec: object, annotations: dict[str, object] | None = None) -> dict[str, Any]:
    metadata = {
        "name": "g",
        "namespace": "lab",
        "uid": "u",
        "creationTimestamp": "1970-01-01T00:01:00Z",
        "annotations": annotations,
    }
    return {"metadata": metadata, "spec": spec}


def near(within: object = None, mode: object = None) -> dict[str, Any]:
    marks = {WITHIN_ANNOTATION: within, WITHIN_MODE_ANNOTATION: mode}
    return group({}, {key: value for key, value in marks.items() if value is not None})


def test_a_group_of_coscheduling_is_read_whole() -> None:
    spec = {
        "minMember": 3,
        "minResources": {"cpu": "1500m", "memory": "1Gi"},
        "scheduleTimeoutSeconds": 30,
    }
    marks: dict[str, object] = {WITHIN_ANNOTATION: "2.5", WITHIN_MODE_ANNOTATION: "preferred"}
    tree = group(spec, marks)

    wanted = PodGroup(
        GroupRef(COSCHEDULING, "lab", "g"),
        min_member=3,
        min_resources=(("cpu", 1500), ("memory", 1 << 30)),
        timeout_s=30.0,
        within_us=2500,
        is_within_soft=True,
        created_s=60.0,
        uid="u",
    )
    assert read_pod_group(tree, COSCHEDULING) == wanted
    assert read_pod_group(json.dumps(tree), COSCHEDULING) == wanted
    assert read_pod_group_whole(tree, COSCHEDULING) == wanted


@pytest.mark.parametrize(
    ("api", "spec", "least"),
    [
        (COSCHEDULING, None, 1),
        (COSCHEDULING, {"scheduleTimeoutSeconds": None}, 1),
        (VOLCANO, {"minMember": 4, "queue": "default", "minTaskMember": {"a": 4}}, 4),
        (VOLCANO, {"minMember": 0}, 1),
        (VOLCANO, {"networkTopology": {"mode": "soft"}}, 1),
        (NATIVE, GANG, 3),
        (NATIVE, {"schedulingPolicy": {"basic": {}}}, 1),
        (NATIVE, {"schedulingPolicy": {"basic": {}, "gang": None}}, 1),
    ],
)
def test_as_many_members_are_wanted_as_the_api_means(
    api: GroupApi, spec: object, least: int
) -> None:
    found = read_pod_group(group(spec), api)

    assert (found.min_member, found.timeout_s, found.faults) == (least, None, ())
    assert found.ref.api is api


def test_what_volcano_wants_of_resources_is_read_and_its_priority_is_a_name_only() -> None:
    spec = {"minResources": {"cpu": 2}, "priorityClassName": "high", "priority": 7}

    found = read_pod_group(group(spec), VOLCANO)

    assert (found.min_resources, found.priority) == ((("cpu", 2000),), None)


def test_what_admission_made_of_a_native_groups_priority_is_its_priority() -> None:
    assert read_pod_group(group({**GANG, "priority": -5}), NATIVE).priority == -5
    assert read_pod_group(group(GANG), NATIVE).priority is None


@pytest.mark.parametrize(
    ("within", "within_us"),
    [("25", 25_000), (2.5, 2_500), ("25ms", 25_000), ("800us", 800), ("1s", 1_000_000)],
)
def test_members_are_kept_near_each_other_as_delays_are_written(
    within: object, within_us: int
) -> None:
    found = read_pod_group(near(within), COSCHEDULING)

    assert (found.within_us, found.is_within_soft, found.faults) == (within_us, False, ())
    assert not read_pod_group(near(within, "required"), COSCHEDULING).is_within_soft
    assert read_pod_group(near(within, "preferred"), COSCHEDULING).is_within_soft


@pytest.mark.parametrize(
    ("api", "tree", "said"),
    [
        (COSCHEDULING, group("three"), ("spec", "three", "mapping")),
        (COSCHEDULING, group({"minMember": "x"}), ("spec.minMember", '"x"', "whole number")),
        (COSCHEDULING, group({"minMember": 0}), ("spec.minMember", '"0"', "from 1")),
        (COSCHEDULING, group({"minMember": True}), ("spec.minMember", '"true"')),
        (COSCHEDULING, group({"minMember": 2.5}), ("spec.minMember", '"2.5"')),
        (COSCHEDULING, group({"minMember": 2**31}), ("spec.minMember", "2147483647")),
        (VOLCANO, group({"minMember": -1}), ("spec.minMember", '"-1"', "from 0")),
        (COSCHEDULING, group({"minResources": {"cpu": "x"}}), ("spec.minResources.cpu", '"x"')),
        (VOLCANO, group({"minResources": 5}), ("spec.minResources", "mapping")),
        (COSCHEDULING, group({"scheduleTimeoutSeconds": -1}), ("scheduleTimeoutSeconds", '"-1"')),
        (NATIVE, group({}), ("spec.schedulingPolicy", "neither basic nor gang")),
        (NATIVE, group(BOTH), ("spec.schedulingPolicy", "both basic and gang")),
        (NATIVE, group({"schedulingPolicy": {"gang": {}}}), ("gang.minCount", '"null"')),
        (NATIVE, group(MANY), ("spec.schedulingPolicy.gang.minCount", '"3"')),
        (NATIVE, group({**GANG, "priority": "high"}), ("spec.priority", '"high"')),
        (NATIVE, group(NEAR), ("spec.schedulingConstraints.topology", WITHIN_ANNOTATION)),
        (NATIVE, group(PARENT), ("parentCompositePodGroupName", "not supported")),
        (VOLCANO, group({"networkTopology": {}}), ("spec.networkTopology", WITHIN_ANNOTATION)),
        (VOLCANO, group({"subGroupPolicy": [{}]}), ("spec.subGroupPolicy", "not supported")),
        (COSCHEDULING, near("0"), (WITHIN_ANNOTATION, '"0"', "25ms")),
        (COSCHEDULING, near("-3"), (WITHIN_ANNOTATION, '"-3"')),
        (COSCHEDULING, near("601s"), (WITHIN_ANNOTATION, '"601s"')),
        (COSCHEDULING, near(["25"]), (WITHIN_ANNOTATION, "[")),
        (COSCHEDULING, near("25", "maybe"), (WITHIN_MODE_ANNOTATION, '"maybe"', "preferred")),
        (COSCHEDULING, near(None, "required"), (WITHIN_MODE_ANNOTATION, WITHIN_ANNOTATION)),
    ],
    ids=[str(number) for number in range(25)],
)
def test_what_cannot_be_read_is_a_fault_of_the_group(
    api: GroupApi, tree: dict[str, Any], said: tuple[str, ...]
) -> None:
    found = read_pod_group(tree, api)

    assert found.ref == GroupRef(api, "lab", "g")
    [fault] = found.faults
    assert all(part in fault for part in said), fault
    assert "lab/g" not in fault  # who tells it says which group it is
    with pytest.raises(InputError, match="PodGroup lab/g: "):
        read_pod_group_whole(tree, api)


def test_each_field_has_its_own_fault() -> None:
    tree = group({"minMember": 0, "scheduleTimeoutSeconds": "soon"}, {WITHIN_ANNOTATION: "far"})
    tree["metadata"]["creationTimestamp"] = "yesterday"

    faults = read_pod_group(tree, COSCHEDULING).faults

    paths = [fault.partition(": ")[0] for fault in faults]
    within = f"metadata.annotations.{WITHIN_ANNOTATION}"
    created = "metadata.creationTimestamp"
    assert paths == ["spec.minMember", "spec.scheduleTimeoutSeconds", within, created]


def test_a_group_without_a_name_is_no_group() -> None:
    with pytest.raises(InputError, match=r"has no metadata\.name"):
        read_pod_group({"metadata": {}, "spec": {}}, COSCHEDULING)


def test_apis_are_told_by_their_group() -> None:
    assert api_of("scheduling.x-k8s.io/v1alpha1") is COSCHEDULING
    assert api_of("scheduling.volcano.sh/v1beta1") is VOLCANO
    assert api_of("scheduling.k8s.io/v1beta1") is NATIVE
    assert [api_of(odd) for odd in ("", "v1", "example.com/v1", None, 5)] == [None] * 5
    assert resource_of(VOLCANO) == "podgroups.scheduling.volcano.sh"
