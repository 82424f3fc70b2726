"""The cloud role: pods without a delay go to the cloud first; delays do not look at the role."""

from scheduler.domain.snapshot import build_snapshot
from scheduler.domain.workload import Pod
from scheduler.placement.settings import CloudSettings, PlacementSettings
from scheduler.planning.plan import plan
from tests.builders import cloud_node, line_rtt, node, pod, within, workload
from tests.unit.placement.deciding import on_a_line, where, why

NEVER = PlacementSettings(cloud=CloudSettings(overflow="never"))
EDGES = [node("edge-1"), node("edge-2")]


def plain(count: int) -> list[Pod]:
    return [pod(f"p{i}", cpu_milli=1_000) for i in range(count)]


def test_a_pod_without_a_delay_goes_to_the_cloud_however_full_it_is() -> None:
    cloud = cloud_node("cloud", cpu_milli=5_000)

    made = on_a_line(plain(5), nodes=[*EDGES, cloud])

    assert set(where(made).values()) == {"cloud"}


def test_both_spellings_of_the_role_are_cloud_nodes() -> None:
    other = node("cloud", labels={"node-role.kubernetes.io/cloud": ""})

    assert set(where(on_a_line(plain(1), nodes=[*EDGES, other])).values()) == {"cloud"}


def test_what_the_cloud_cannot_hold_overflows_to_the_edge() -> None:
    made = on_a_line(plain(4), nodes=[*EDGES, cloud_node("cloud", cpu_milli=2_000)])

    assert sorted(where(made).values()) == ["cloud", "cloud", "edge-1", "edge-2"]


def test_where_overflow_is_never_they_wait_and_it_is_said_why() -> None:
    nodes = [*EDGES, cloud_node("cloud", cpu_milli=2_000)]

    made = plan(build_snapshot(nodes, plain(3)), NEVER)

    assert set(where(made).values()) == {"cloud"}
    assert why(made, "p2") == (
        "0/3 nodes are available: 1 Insufficient cpu, "
        "2 node(s) were at the edge and cloud.overflow is never."
    )


def test_where_there_is_no_cloud_plain_pods_go_to_the_edge_only_if_they_may() -> None:
    assert len(on_a_line(plain(2), nodes=EDGES).assignments) == 2
    assert not plan(build_snapshot(EDGES, plain(2)), NEVER).assignments


def test_a_node_that_a_pod_names_is_not_an_overflow() -> None:
    nodes = [*EDGES, cloud_node("cloud")]

    made = plan(build_snapshot(nodes, [pod("p", node_name="edge-2")]), NEVER)

    assert where(made) == {"p": "edge-2"}


def test_a_pod_with_a_delay_may_use_any_node_in_its_budget() -> None:
    nodes = [node("a"), cloud_node("b"), node("c")]
    full = [(pod("old", cpu_milli=4_000), "a")]
    rtt = line_rtt(["a", "b", "c"])

    at_edge = plan(build_snapshot(nodes, [pod("p", delays=(within(2, "a"),))], rtt=rtt), NEVER)
    in_cloud = plan(
        build_snapshot(nodes, [pod("p", delays=(within(1, "a"),))], placed=full, rtt=rtt), NEVER
    )

    assert where(at_edge) == {"p": "a"}
    assert where(in_cloud) == {"p": "b"}


def test_replicas_stay_in_the_cloud_rather_than_spread_to_the_edge() -> None:
    replicas = [pod(f"w-{i}", workload=workload("w")) for i in range(6)]

    made = on_a_line(replicas, nodes=[*EDGES, cloud_node("cloud")])

    assert set(where(made).values()) == {"cloud"}


def test_the_reference_of_an_edge_pod_leaves_the_cloud_for_it() -> None:
    rtt = line_rtt(["edge-1", "edge-2", "cloud"], step_ms=50)
    db = pod("db-0", workload=workload("db"))
    web = pod("web-0", delays=(within(1, "edge-1"), within(1, "db")))

    made = on_a_line([db, web], nodes=[*EDGES, cloud_node("cloud")], rtt=rtt)

    assert where(made) == {"db-0": "edge-1", "web-0": "edge-1"}
