"""The imitation kubelet: starts, refusals, and how it counts."""

import pytest

from scheduler.objects.pod import read_pod
from simulator.change import JsonObject, ObjectKey
from simulator.command import Create, Delete, Patch
from simulator.demand import pod_demand, quantity
from simulator.state import Timing
from tests.simulated import Driven, node_object, pod_object


def test_a_bound_pod_runs_after_the_start_delay() -> None:
    driven = Driven(Timing(start_s=3.0))
    driven.nodes("n1")
    driven.do(Create(pod_object("a")))
    driven.bind("a", "n1")

    driven.wait(2.9)
    assert driven.pod("a")["status"]["phase"] == "Pending"
    driven.wait(0.2)
    assert driven.pod("a")["status"]["phase"] == "Running"


def test_pods_are_admitted_in_the_order_of_their_binding() -> None:
    driven = Driven()
    driven.nodes("n1", cpu="2")
    driven.do(*(Create(pod_object(name)) for name in "abc"))

    for name in "cab":
        driven.bind(name, "n1")
    driven.wait(5)

    assert driven.pod("b")["status"]["phase"] == "Failed"
    assert driven.pod("b")["status"]["reason"] == "OutOfcpu"
    assert driven.pod("b")["status"]["message"] == (
        "Pod was rejected: Node didn't have enough resource: cpu, requested: 1000, "
        "used: 2000, capacity: 2000"
    )
    assert driven.cluster.used_on("n1") == {"cpu": 2000, "pods": 2}


@pytest.mark.parametrize(
    ("resources", "reason"),
    [
        ({"cpu": "4001m"}, "OutOfcpu"),
        ({"memory": "8.5Gi"}, "OutOfmemory"),
        ({"example.com/gpu": "1"}, "OutOfexample.com/gpu"),
    ],
)
def test_each_resource_is_refused_by_its_name(resources: JsonObject, reason: str) -> None:
    driven = Driven()
    driven.nodes("n1")
    pod = pod_object("a")
    pod["spec"]["containers"][0]["resources"]["requests"] = resources
    driven.do(Create(pod))

    driven.bind("a", "n1")
    driven.wait(1)

    assert driven.pod("a")["status"]["reason"] == reason


def test_a_node_takes_no_more_pods_than_it_allows() -> None:
    driven = Driven()
    driven.do(Create(node_object("n1", pods=1)))
    driven.do(*(Create(pod_object(name, cpu="0")) for name in "ab"))

    driven.bind_all("n1")
    driven.wait(5)

    assert driven.pod("a")["status"]["phase"] == "Running"
    assert driven.pod("b")["status"]["reason"] == "OutOfpods"


def test_a_pod_on_a_node_it_does_not_select_is_refused() -> None:
    driven = Driven()
    driven.do(Create(node_object("n1", labels={"disk": "hdd"})))
    driven.do(Create(pod_object("a", nodeSelector={"disk": "ssd"})))

    driven.bind("a", "n1")
    driven.wait(1)

    assert driven.pod("a")["status"]["reason"] == "NodeAffinity"


@pytest.mark.parametrize(
    ("expression", "is_met"),
    [
        ({"key": "disk", "operator": "In", "values": ["ssd", "hdd"]}, True),
        ({"key": "disk", "operator": "NotIn", "values": ["hdd"]}, False),
        ({"key": "gpu", "operator": "DoesNotExist"}, True),
        ({"key": "cores", "operator": "Gt", "values": ["7"]}, True),
        ({"key": "cores", "operator": "Lt", "values": ["8"]}, False),
        ({"key": "disk", "operator": "Gt", "values": ["1"]}, False),
    ],
)
def test_required_node_affinity_is_checked(expression: JsonObject, *, is_met: bool) -> None:
    driven = Driven()
    driven.do(Create(node_object("n1", labels={"disk": "hdd", "cores": "8"})))
    required = {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    driven.do(Create(pod_object("a", affinity=affinity)))

    driven.bind("a", "n1")
    driven.wait(3)

    assert driven.pod("a")["status"]["phase"] == ("Running" if is_met else "Failed")


def test_room_is_free_again_when_a_pod_has_stopped() -> None:
    driven = Driven(Timing(stop_s=2.0))
    driven.nodes("n1", cpu="1")
    driven.do(Create(pod_object("a")))
    driven.bind("a", "n1")
    driven.wait(5)

    driven.do(Delete(ObjectKey("Pod", "default", "a")))
    assert driven.cluster.used_on("n1") == {"cpu": 1000, "pods": 1}
    assert "deletionTimestamp" in driven.pod("a")["metadata"]
    driven.wait(2)

    assert driven.cluster.used_on("n1") == {}
    assert driven.pods() == []


def test_an_unbound_pod_is_deleted_at_once() -> None:
    driven = Driven()
    driven.do(Create(pod_object("a")))

    driven.do(Delete(ObjectKey("Pod", "default", "a")))

    assert driven.pods() == []


def test_a_failed_pod_is_not_started() -> None:
    driven = Driven()
    driven.nodes("n1")
    driven.do(Create(pod_object("a")))
    driven.bind("a", "n1")
    driven.wait(0.2)

    driven.do(Patch(ObjectKey("Pod", "default", "a"), {"status": {"phase": "Failed"}}, "status"))
    driven.wait(5)

    assert driven.pod("a")["status"]["phase"] == "Failed"
    assert driven.cluster.used_on("n1") == {}


DEMANDS = [
    ({"containers": [{"cpu": "100m"}, {"cpu": "0.25", "memory": "1Gi"}]}, (350, 2**30)),
    ({"containers": [{"cpu": "1"}], "initContainers": [{"cpu": "3"}]}, (3000, 0)),
    (
        {
            "containers": [{"cpu": "1"}],
            "initContainers": [{"cpu": "500m", "always": True}, {"cpu": "2", "memory": "64Mi"}],
        },
        (2500, 64 * 2**20),
    ),
    (
        {
            "containers": [{"cpu": "1"}],
            "initContainers": [{"cpu": "2"}, {"cpu": "500m", "always": True}],
        },
        (2000, 0),
    ),
    ({"containers": [{"cpu": "1"}], "overhead": {"cpu": "50m", "memory": "1e6"}}, (1050, 10**6)),
    ({"containers": [{"cpu": "1"}], "resources": {"requests": {"cpu": "2"}}}, (2000, 0)),
]


def _spec(short: JsonObject) -> JsonObject:
    spec = {**short}
    for part in ("containers", "initContainers"):
        spec[part] = [_container(k, c) for k, c in enumerate(short.get(part, []))]
    return spec


def _container(number: int, short: JsonObject) -> JsonObject:
    requests = {name: value for name, value in short.items() if name != "always"}
    sidecar = {"restartPolicy": "Always"} if "always" in short else {}
    return {"name": f"c{number}", "resources": {"requests": requests}, **sidecar}


@pytest.mark.parametrize(("short", "expected"), DEMANDS)
def test_a_pod_takes_what_kubernetes_counts(short: JsonObject, expected: tuple[int, int]) -> None:
    demand = pod_demand({"metadata": {"name": "a"}, "spec": _spec(short)})

    assert (demand["cpu"], demand.get("memory", 0)) == expected


@pytest.mark.parametrize(("short", "_expected"), DEMANDS)
def test_the_scheduler_counts_the_same(short: JsonObject, _expected: object) -> None:
    pod = {"metadata": {"name": "a"}, "spec": _spec(short)}

    counted = {name: n for name, n in pod_demand(pod).items() if n and name != "pods"}

    assert dict(read_pod(pod).pod_class.requests) == counted


@pytest.mark.parametrize("text", ["abc", "", "1.5.2", "1x", "e5", "--1", "1 Gi", True])
def test_what_is_no_quantity_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="not a quantity"):
        quantity(text)
