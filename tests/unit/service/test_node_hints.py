"""Which causes of waiting a node lifts that comes, or changes, or has more room."""

from dataclasses import fields, replace

import pytest

from scheduler.domain.cluster_events import NodeChanged
from scheduler.domain.node import UNSCHEDULABLE_TAINT, Node, Taint
from scheduler.domain.reasons import Cause, PodCause
from scheduler.domain.selector import Requirement
from scheduler.domain.workload import NodeTerm, Toleration
from scheduler.service.cache import Cache
from scheduler.service.grounds import Grounds
from scheduler.service.hints import helps
from scheduler.service.wake import NodeAdded, Room, RoomFreed, Wake, node_changes, room_of
from tests.builders import cloud_node, node, pod
from tests.unit.service.grounded import rows, updated, waiting

PLAIN = node("n")
TAINTED = node("n", taints=(Taint("dedicated", "gpu"),))
LABELLED = node("n", labels={"disk": "ssd"})
TOLERANT = (Toleration("dedicated", "Exists"),)
SSD = (NodeTerm((Requirement("disk", "In", ("ssd",)),)),)

NODES = rows(
    ("no node: any node that comes", waiting(PodCause.NO_NODES), NodeAdded(TAINTED), True),
    ("a node that comes and takes the pod", waiting(Cause.RESOURCE), NodeAdded(PLAIN), True),
    (
        "not a node that comes and is too small",
        waiting(Cause.RESOURCE, cpu_milli=5_000),
        NodeAdded(PLAIN),
        False,
    ),
    ("not a node that comes tainted", waiting(Cause.RESOURCE), NodeAdded(TAINTED), False),
    (
        "a tainted node that comes and is tolerated",
        waiting(Cause.TAINT, tolerations=TOLERANT),
        NodeAdded(TAINTED),
        True,
    ),
    (
        "not a node that comes cordoned",
        waiting(Cause.UNSCHEDULABLE),
        NodeAdded(replace(PLAIN, is_unschedulable=True)),
        False,
    ),
    (
        "not a node that comes and is not ready",
        waiting(Cause.NOT_READY),
        NodeAdded(replace(PLAIN, is_ready=False)),
        False,
    ),
    ("node name: that node", waiting(Cause.NODE_NAME, node_name="n"), NodeAdded(PLAIN), True),
    ("node name: no other", waiting(Cause.NODE_NAME, node_name="m"), NodeAdded(PLAIN), False),
    (
        "node affinity: a node that comes and matches",
        waiting(Cause.NODE_AFFINITY, required_nodes=SSD),
        NodeAdded(LABELLED),
        True,
    ),
    (
        "node affinity: not a node that comes and does not match",
        waiting(Cause.NODE_AFFINITY, node_selector=(("disk", "ssd"),)),
        NodeAdded(PLAIN),
        False,
    ),
    ("cloud: a cloud node", waiting(Cause.CLOUD), NodeAdded(cloud_node("c")), True),
    ("cloud: not another node", waiting(Cause.CLOUD), NodeAdded(PLAIN), False),
    ("taint: it is taken off", waiting(Cause.TAINT), updated(TAINTED, PLAIN), True),
    (
        "taint: not where another stays",
        waiting(Cause.TAINT),
        updated(replace(TAINTED, taints=(*TAINTED.taints, Taint("x"))), TAINTED),
        False,
    ),
    (
        "taint: not by labels",
        waiting(Cause.TAINT),
        updated(PLAIN, LABELLED),
        False,
    ),
    (
        "cordon: it is lifted",
        waiting(Cause.UNSCHEDULABLE),
        updated(replace(PLAIN, is_unschedulable=True), PLAIN),
        True,
    ),
    (
        "cordon: not where the pod tolerates it",
        waiting(Cause.RESOURCE, tolerations=(Toleration(UNSCHEDULABLE_TAINT, "Exists"),)),
        updated(replace(PLAIN, is_unschedulable=True), PLAIN),
        False,
    ),
    (
        "readiness: the node is ready again",
        waiting(Cause.NOT_READY),
        updated(replace(PLAIN, is_ready=False), PLAIN),
        True,
    ),
    (
        "readiness: not a node that is ready but cordoned",
        waiting(Cause.NOT_READY),
        updated(
            replace(PLAIN, is_ready=False, is_unschedulable=True),
            replace(PLAIN, is_unschedulable=True),
        ),
        False,
    ),
    (
        "node affinity: the label is set",
        waiting(Cause.NODE_AFFINITY, required_nodes=SSD),
        updated(PLAIN, LABELLED),
        True,
    ),
    (
        "node affinity: not where it is taken away",
        waiting(Cause.NODE_AFFINITY, required_nodes=SSD),
        updated(LABELLED, PLAIN),
        False,
    ),
    (
        "features: a kubelet declares what the pod needs",
        waiting(Cause.NODE_FEATURES, features=("F",)),
        updated(PLAIN, replace(PLAIN, features=frozenset({"F", "G"}))),
        True,
    ),
    (
        "features: not something else",
        waiting(Cause.NODE_FEATURES, features=("F",)),
        updated(PLAIN, replace(PLAIN, features=frozenset({"G"}))),
        False,
    ),
    (
        "cloud: a node gets the role",
        waiting(Cause.CLOUD),
        updated(PLAIN, replace(PLAIN, labels={"kubernetes.io/role": "cloud"})),
        True,
    ),
    (
        "a node that was kept off by something named for other nodes only",
        waiting(Cause.DELAY),
        updated(TAINTED, PLAIN),
        True,
    ),
)

ROOM = rows(
    (
        "a node grows and is large enough",
        waiting(Cause.RESOURCE, cpu_milli=3_000),
        updated(node("n", cpu_milli=3_500), PLAIN, {"cpu": 3_000, "pods": 9}),
        True,
    ),
    (
        "not a node that grows and is full",
        waiting(Cause.RESOURCE, cpu_milli=3_000),
        updated(node("n", cpu_milli=3_500), PLAIN, {"cpu": 2_999, "pods": 9}),
        False,
    ),
    (
        "not a node that grows in what the pod does not ask for",
        waiting(Cause.RESOURCE),
        updated(PLAIN, replace(PLAIN, allocatable={**PLAIN.allocatable, "memory": 1})),
        False,
    ),
    (
        "not a node that shrinks",
        waiting(Cause.RESOURCE),
        updated(node("n", cpu_milli=9_000), PLAIN),
        False,
    ),
    (
        "room is freed that the pod lacked",
        waiting(Cause.RESOURCE, cpu_milli=100),
        RoomFreed(Room(PLAIN, {"cpu": 100, "pods": 9}), (("cpu", 100), ("pods", 1))),
        True,
    ),
    (
        "the last place for a pod is freed",
        waiting(Cause.RESOURCE, cpu_milli=0),
        RoomFreed(Room(PLAIN, {"cpu": 0, "pods": 1}), room_of(pod("gone").pod_class)),
        True,
    ),
    (
        "not too little room",
        waiting(Cause.RESOURCE, cpu_milli=101),
        RoomFreed(Room(PLAIN, {"cpu": 100, "pods": 9}), (("cpu", 100), ("pods", 1))),
        False,
    ),
    (
        "not more room where there was enough",
        waiting(Cause.RESOURCE, Cause.DELAY, cpu_milli=100),
        RoomFreed(Room(PLAIN, {"cpu": 300, "pods": 9}), (("cpu", 100), ("pods", 1))),
        False,
    ),
    (
        "room that a decision counted as taken, and that may be free",
        waiting(Cause.RESOURCE, cpu_milli=100),
        RoomFreed(Room(PLAIN, {"cpu": 300, "pods": 9}), None),
        True,
    ),
    (
        "not room on a node that is tainted",
        waiting(Cause.RESOURCE, cpu_milli=100),
        RoomFreed(Room(TAINTED, {"cpu": 100, "pods": 9}), None),
        False,
    ),
    (
        "not room, where the pod waits for something else",
        waiting(Cause.PORT),
        RoomFreed(Room(PLAIN, {"cpu": 100, "pods": 9}), None),
        False,
    ),
)


@pytest.mark.parametrize(("grounds", "event", "is_helped"), [*NODES, *ROOM])
def test_a_pod_is_helped_by(grounds: Grounds, event: Wake, *, is_helped: bool) -> None:
    assert helps(grounds, event) is is_helped


OTHERWISE = {
    "allocatable": {"cpu": 1},
    "labels": {"a": "b"},
    "taints": (Taint("x"),),
    "is_ready": False,
    "is_unschedulable": True,
    "is_unlimited": True,
    "features": frozenset({"F"}),
}


def test_every_change_of_a_node_is_told_of_but_its_images() -> None:
    told = {
        name
        for name, value in OTHERWISE.items()
        if node_changes(PLAIN, replace(PLAIN, **{name: value}))  # type: ignore[arg-type] # by name
    }

    assert told == {part.name for part in fields(Node)} - {"name", "images"}


def test_a_heartbeat_wakes_nobody() -> None:
    cache = Cache()
    cache.apply(NodeChanged(PLAIN))

    assert cache.apply(NodeChanged(node("n"))) == []
    assert cache.apply(NodeChanged(replace(PLAIN, images={"nginx": 1}))) == []


def test_an_event_is_named_as_kube_scheduler_names_its_first_change() -> None:
    both = replace(TAINTED, labels={"a": "b"})

    assert updated(PLAIN, both).why == "NodeUpdateNodeTaint"
