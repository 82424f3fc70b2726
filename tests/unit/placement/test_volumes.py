"""Claims that are bound, and claims that wait for their first pod."""

import pytest

from scheduler.domain.selector import LabelSelector, Requirement
from scheduler.domain.snapshot import PlacedPods, build_snapshot
from scheduler.domain.storage import (
    CsiDriver,
    CsiNode,
    InTreeVolume,
    PodVolumes,
    Storage,
    StorageCapacity,
    StorageClass,
    TopologyTerm,
)
from scheduler.domain.workload import NodeTerm
from scheduler.placement.feasibility.affinity import NodeLabels
from scheduler.placement.feasibility.volume.rules import VolumeRules
from tests.builders import node
from tests.unit.placement.storing import (
    GI,
    HOST,
    PROVISIONER,
    bound_claim,
    bound_volume,
    claim,
    everywhere,
    host,
    hosts,
    local_class,
    storing,
    uses,
    volume,
    waiting_class,
)

NODE_CONFLICT = "node(s) didn't match PersistentVolume's node affinity"
BIND_CONFLICT = "node(s) didn't find available persistent volumes to bind"
NO_SPACE = "node(s) did not have enough free storage"
NO_VOLUME = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"
NO_ZONE = "node(s) had no available volume zone"
ZONE = "topology.kubernetes.io/zone"
OLD_ZONE = "failure-domain.beta.kubernetes.io/zone"


def test_a_pod_without_volumes_is_asked_nothing() -> None:
    snapshot = build_snapshot([node("a")], [])
    rules = VolumeRules(Storage(), snapshot.nodes, NodeLabels(snapshot.nodes), PlacedPods())

    assert rules.problems("default", "", PodVolumes()) == ()
    assert rules.verdicts("default", PodVolumes()) == []


def test_a_bound_local_volume_keeps_the_pod_on_its_node() -> None:
    cluster = storing(bound_claim(), bound_volume(node_terms=hosts("b")))

    assert cluster.why(uses("data")) == {"a": {NODE_CONFLICT}, "c": {NODE_CONFLICT}}


def test_two_bound_volumes_on_different_nodes_leave_none() -> None:
    cluster = storing(
        bound_claim("data", "pv-1"),
        bound_claim("logs", "pv-2"),
        bound_volume("pv-1", "data", node_terms=hosts("a")),
        bound_volume("pv-2", "logs", node_terms=hosts("b")),
    )

    assert cluster.fits(uses("data", "logs")) == []


def test_a_bound_volume_without_affinity_can_be_used_anywhere() -> None:
    cluster = storing(bound_claim(), bound_volume())

    assert cluster.fits(uses("data")) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("terms", "fitting"),
    [
        ((), []),
        ((NodeTerm(),), []),
        ((*hosts("a"), *hosts("b", "c")), ["a", "b", "c"]),
        (
            (NodeTerm((Requirement(HOST, "NotIn", ("a",)), Requirement(HOST, "Exists"))),),
            ["b", "c"],
        ),
        (
            (NodeTerm((Requirement(HOST, "In", ("a", "b")), Requirement(HOST, "In", ("b",)))),),
            ["b"],
        ),
        ((NodeTerm((Requirement("rack", "Gt", ("1",)),)),), ["c"]),
        ((NodeTerm(fields=(Requirement("metadata.name", "In", ("a",)),)),), ["a", "b", "c"]),
    ],
)
def test_affinity_of_volumes_is_about_labels(
    terms: tuple[NodeTerm, ...], fitting: list[str]
) -> None:
    cluster = storing(
        bound_claim(),
        bound_volume(node_terms=terms),
        nodes=[host("a"), host("b", rack="1"), host("c", rack="2")],
    )

    assert cluster.fits(uses("data")) == fitting


def test_a_class_with_a_provisioner_makes_volumes_on_every_node() -> None:
    cluster = storing(waiting_class(), claim("data"))

    assert cluster.fits(uses("data")) == ["a", "b", "c"]
    assert cluster.takes(uses("data"), "b").provisions == ("default/data",)


def test_a_claim_to_be_provisioned_is_pinned_to_the_node_of_its_first_pod() -> None:
    cluster = storing(waiting_class(), claim("data"))

    cluster.place(uses("data"), "b")

    assert cluster.why(uses("data")) == {"a": {BIND_CONFLICT}, "c": {BIND_CONFLICT}}
    assert cluster.takes(uses("data"), "b").provisions == ("default/data",)


def test_a_claim_that_is_being_provisioned_stays_where_it_is() -> None:
    cluster = storing(waiting_class(), claim("data", selected_node="c"))

    assert cluster.fits(uses("data")) == ["c"]


@pytest.mark.parametrize("selected", ["", "gone"])
def test_a_claim_provisioned_for_a_node_that_is_not_there_has_none(selected: str) -> None:
    cluster = storing(waiting_class(), claim("data", selected_node=selected))

    assert cluster.why(uses("data")) == everywhere(BIND_CONFLICT)


def test_a_class_without_a_provisioner_makes_no_volumes() -> None:
    cluster = storing(local_class(), claim("data", storage_class="local"))

    assert cluster.problems(uses("data")) == []
    assert cluster.why(uses("data")) == everywhere(BIND_CONFLICT)


def test_volumes_are_made_in_the_topologies_of_their_class_only() -> None:
    allowed = (
        TopologyTerm(((ZONE, ("east",)), ("disk", ("ssd", "nvme")))),
        TopologyTerm(((ZONE, ("west",)),)),
        TopologyTerm(),
    )
    cluster = storing(
        StorageClass("path", PROVISIONER, waits=True, allowed=allowed),
        claim("data"),
        nodes=[
            host("a", **{ZONE: "east"}),
            host("b", **{ZONE: "east", "disk": "ssd"}),
            host("c", **{ZONE: "west"}),
        ],
    )

    assert cluster.why(uses("data")) == {"a": {BIND_CONFLICT}}


def on(name: str) -> LabelSelector:
    return LabelSelector((Requirement(HOST, "In", (name,)),))


def capacity(name: str, nodes: LabelSelector | None, size_gi: int | None) -> StorageCapacity:
    largest = None if size_gi is None else size_gi * GI
    return StorageCapacity("kube-system", name, "path", nodes, largest)


CAPACITIES = (
    capacity("on-a", on("a"), 4),
    capacity("more-on-a", on("a"), 5),
    capacity("on-b", on("b"), 4),
    capacity("anywhere-but-unknown", LabelSelector(), None),
    capacity("nowhere", None, 100),
    StorageCapacity("kube-system", "of-others", "local", LabelSelector(), 100 * GI),
)


def test_a_driver_that_tracks_capacity_needs_space_for_the_claim() -> None:
    cluster = storing(
        waiting_class(),
        CsiDriver(PROVISIONER, tracks_capacity=True),
        claim("data", requested_bytes=5 * GI),
        *CAPACITIES,
    )

    assert cluster.why(uses("data")) == {"b": {NO_SPACE}, "c": {NO_SPACE}}


def test_a_claim_that_asks_for_no_size_has_space_anywhere() -> None:
    cluster = storing(
        waiting_class(),
        CsiDriver(PROVISIONER, tracks_capacity=True),
        claim("data", requested_bytes=None),
    )

    assert cluster.fits(uses("data")) == ["a", "b", "c"]


@pytest.mark.parametrize("drivers", [(), (CsiDriver(PROVISIONER),)])
def test_a_driver_that_does_not_track_capacity_has_space(drivers: tuple[CsiDriver, ...]) -> None:
    cluster = storing(waiting_class(), claim("data"), *drivers, *CAPACITIES)

    assert cluster.fits(uses("data")) == ["a", "b", "c"]


def test_a_node_may_have_several_reasons_at_once() -> None:
    cluster = storing(
        local_class(),
        bound_claim("data"),
        bound_volume(node_terms=hosts("a")),
        claim("logs", storage_class="local"),
        volume("free", node_terms=hosts("b")),
    )

    assert cluster.why(uses("data", "logs")) == {
        "a": {BIND_CONFLICT},
        "b": {NODE_CONFLICT},
        "c": {NODE_CONFLICT, BIND_CONFLICT},
    }


IN_ZONES = [
    host("a", **{ZONE: "east"}),
    host("b", **{ZONE: "west"}),
    host("c", **{OLD_ZONE: "east"}),
    host("d"),
]


@pytest.mark.parametrize(
    ("labels", "fitting"),
    [
        ({}, ["a", "b", "c", "d"]),
        ({ZONE: "east"}, ["a", "d"]),
        ({OLD_ZONE: "east"}, ["a", "c", "d"]),
        ({ZONE: "east__ west "}, ["a", "b", "d"]),
        ({ZONE: "east__"}, ["a", "b", "c", "d"]),
    ],
)
def test_a_bound_volume_in_a_zone_wants_a_node_there(
    labels: dict[str, str], fitting: list[str]
) -> None:
    cluster = storing(bound_claim(), bound_volume(labels=labels), nodes=IN_ZONES)

    assert cluster.fits(uses("data")) == fitting


def test_a_node_in_the_wrong_zone_says_so() -> None:
    cluster = storing(bound_claim(), bound_volume(labels={ZONE: "east"}), nodes=IN_ZONES[:2])

    assert cluster.why(uses("data")) == {"b": {NO_ZONE}}


def test_a_volume_of_an_in_tree_plugin_asks_moved_nodes_in_the_drivers_terms() -> None:
    moved = InTreeVolume("kubernetes.io/aws-ebs", ("ebs.csi.aws.com", "vol-1"), hosts("a", "b"))
    cluster = storing(
        bound_claim(),
        bound_volume(node_terms=hosts("b", "c"), in_tree=moved),
        CsiNode("a", migrated=frozenset({"kubernetes.io/aws-ebs"})),
        CsiNode("c", migrated=frozenset({"kubernetes.io/aws-ebs"})),
    )

    assert cluster.why(uses("data")) == {"c": {NODE_CONFLICT}}
