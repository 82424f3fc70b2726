"""Nodes and Services as they are written."""

import pytest

from scheduler.domain.errors import InputError
from scheduler.domain.node import Taint
from scheduler.domain.workload import Service
from scheduler.objects.node import read_node
from scheduler.objects.service import read_service


def written(**parts: object) -> dict[str, object]:
    return {"kind": "Node", "metadata": {"name": "n1"}} | parts


def test_a_node_is_read_in_our_units() -> None:
    node = read_node(
        written(
            metadata={"name": "n1", "labels": {"kubernetes.io/role": "cloud", "rack": 7}},
            spec={
                "unschedulable": True,
                "taints": [{"key": "edge", "value": "yes", "effect": "NoExecute"}],
            },
            status={
                "capacity": {"cpu": "8"},
                "allocatable": {"cpu": "3920m", "memory": "7.5Gi", "pods": "110"},
                "conditions": [
                    {"type": "MemoryPressure", "status": "True"},
                    {"type": "Ready", "status": "True"},
                ],
            },
        )
    )

    assert node.allocatable == {"cpu": 3920, "memory": 15 << 29, "pods": 110}
    assert node.labels == {"kubernetes.io/role": "cloud", "rack": "7"}
    assert node.taints == (Taint("edge", "yes", "NoExecute"),)
    assert (node.is_cloud, node.is_ready, node.is_unschedulable) == (True, True, True)
    assert not node.is_unlimited


@pytest.mark.parametrize(
    ("status", "is_ready"), [("True", True), ("False", False), ("Unknown", False)]
)
def test_readiness_is_the_ready_conditions(status: str, is_ready: bool) -> None:  # noqa: FBT001 - a table's column
    node = read_node(written(status={"conditions": [{"type": "Ready", "status": status}]}))

    assert node.is_ready is is_ready


def test_capacity_counts_where_allocatable_is_not_given() -> None:
    assert read_node(written(status={"capacity": {"cpu": 2}})).allocatable == {"cpu": 2000}


def test_a_new_node_has_no_room_and_no_conditions() -> None:
    node = read_node(written())

    assert (dict(node.allocatable), node.is_ready) == ({}, True)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"metadata": {}}, "Node: has no metadata.name"),
        ({"status": {"allocatable": {"cpu": "lots"}}}, "status.allocatable.cpu"),
        ({"status": {"allocatable": {"memory": "-1"}}}, "a quantity is at least 0"),
        ({"status": []}, "Node n1: status: is a list"),
        ({"spec": {"taints": [{"effect": "NoSchedule"}]}}, "spec.taints[0]: has no key"),
        ({"spec": {"taints": [{"key": "a", "effect": "No"}]}}, "spec.taints[0].effect"),
        ({"spec": {"unschedulable": "yes"}}, "spec.unschedulable: is text (yes)"),
    ],
)
def test_a_malformed_node_is_refused(parts: dict[str, object], said: str) -> None:
    with pytest.raises(InputError) as caught:
        read_node(written(**parts))

    assert said in str(caught.value)


def test_a_service_selects_by_its_labels() -> None:
    service = read_service(
        {"metadata": {"name": "db", "namespace": "shop"}, "spec": {"selector": {"b": 1, "a": "x"}}}
    )

    assert service == Service("shop", "db", (("a", "x"), ("b", "1")))


def test_a_service_without_a_selector_selects_nothing() -> None:
    assert read_service({"metadata": {"name": "db"}}) == Service("default", "db", ())


def test_a_malformed_service_is_refused() -> None:
    with pytest.raises(InputError, match=r"Service default/db: spec\.selector\.a: is true"):
        read_service({"metadata": {"name": "db"}, "spec": {"selector": {"a": True}}})


def test_an_image_of_a_size_that_no_computer_counts_is_a_large_one() -> None:
    images = [{"names": ["example/app:1"], "sizeBytes": 1 << 63}]
    node = read_node({"metadata": {"name": "n"}, "status": {"images": images}})

    assert node.images == {"example/app:1": 1 << 50}
