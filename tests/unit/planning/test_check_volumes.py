"""The independent checker: claims and the volumes they are bound to, one rule a test."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from scheduler.domain.selector import Requirement
from scheduler.domain.storage import (
    Claim,
    CsiNode,
    InTreeVolume,
    PersistentVolume,
    PersistentVolumeClaim,
    PodVolumes,
)
from scheduler.domain.workload import NodeTerm
from tests.builders import pod
from tests.unit.planning.storing import (
    DRIVER,
    ZONE,
    bound,
    judged,
    on_host,
    storage,
    using,
    waiting,
)

OLD_ZONE = "failure-domain.beta.kubernetes.io/zone"
CLAIM, AFFINITY, AWAY = ["claim"], ["volume affinity"], ["volume zone"]


def test_a_pod_whose_claim_is_bound_is_right() -> None:
    stored = storage(bound("data", "v"), volumes=[PersistentVolume("v")])
    assert judged(stored, (using("p", "data"), "a")) == []


def test_a_pod_whose_claim_does_not_exist_is_never_assigned() -> None:
    assert judged(storage(), (using("p", "data"), "a")) == CLAIM


@pytest.mark.parametrize(
    "claim",
    [
        replace(bound("data", "v"), phase="Lost"),
        replace(bound("data", "v"), is_terminating=True),
        replace(bound("data", "v"), is_bound=False),
        bound("data", "gone"),
        waiting("data", "at-once"),
        waiting("data", "no-such-class"),
        replace(waiting("data"), storage_class=None),
        replace(waiting("data"), volume_name="v"),
    ],
    ids=["lost", "terminating", "half bound", "no volume", "at once", "no class", "none", "named"],
)
def test_a_claim_that_nobody_can_use_yet_holds_its_pod_back(claim: PersistentVolumeClaim) -> None:
    stored = storage(claim, volumes=[PersistentVolume("v")])
    assert judged(stored, (using("p", "data"), "a")) == CLAIM


@pytest.mark.parametrize(("owners", "found"), [(("7",), []), (("8",), CLAIM), ((), CLAIM)])
def test_an_ephemeral_claim_has_to_be_the_pods_own(
    owners: tuple[str, ...], found: list[str]
) -> None:
    claim = replace(bound("p-data", "v"), owner_uids=owners)
    volumes = PodVolumes((Claim("p-data", is_ephemeral=True, pod_name="p"),))
    one = replace(pod("p"), uid="7", volumes=volumes)
    assert judged(storage(claim, volumes=[PersistentVolume("v")]), (one, "a")) == found


@pytest.mark.parametrize(
    ("terms", "found"),
    [
        (None, []),
        ((), AFFINITY),
        ((on_host("a"),), []),
        ((on_host("b"),), AFFINITY),
        ((on_host("b"), on_host("a")), []),
        ((NodeTerm(),), AFFINITY),
        ((NodeTerm(fields=(Requirement("metadata.name", "In", ("b",)),)),), []),
    ],
    ids=["none", "no terms", "here", "elsewhere", "or here", "empty term", "fields"],
)
def test_a_bound_volume_is_used_where_its_node_affinity_says(
    terms: tuple[NodeTerm, ...] | None, found: list[str]
) -> None:
    stored = storage(bound("data", "v"), volumes=[PersistentVolume("v", node_terms=terms)])
    assert judged(stored, (using("p", "data"), "a")) == found


@pytest.mark.parametrize(
    ("migrated", "found"), [(frozenset(), []), (frozenset({"kubernetes.io/gce-pd"}), AFFINITY)]
)
def test_a_volume_of_a_plugin_that_moved_to_csi_is_where_its_driver_says(
    migrated: frozenset[str], found: list[str]
) -> None:
    moved = InTreeVolume("kubernetes.io/gce-pd", (DRIVER, "h"), (on_host("b"),))
    volume = PersistentVolume("v", node_terms=(on_host("a"),), in_tree=moved)
    csi_nodes = [CsiNode("a", migrated=migrated)]
    stored = storage(bound("data", "v"), volumes=[volume], csi_nodes=csi_nodes)
    assert judged(stored, (using("p", "data"), "a")) == found


@pytest.mark.parametrize(
    ("labels", "on", "found"),
    [
        ({ZONE: "east"}, "a", []),
        ({ZONE: "east"}, "b", AWAY),
        ({ZONE: "east"}, "c", []),
        ({ZONE: "east__west"}, "b", []),
        ({OLD_ZONE: "east"}, "a", []),
        ({OLD_ZONE: "east"}, "b", AWAY),
        ({ZONE: "east__"}, "b", []),
        ({"topology.kubernetes.io/region": "r"}, "a", AWAY),
    ],
)
def test_a_bound_volume_keeps_to_the_zones_it_is_labelled_with(
    labels: Mapping[str, str], on: str, found: list[str]
) -> None:
    stored = storage(bound("data", "v"), volumes=[PersistentVolume("v", labels=labels)])
    assert judged(stored, (using("p", "data"), on)) == found
