"""Who waits where pods that count each other cannot all stand."""

from scheduler.domain.between import PodTerm, SpreadConstraint
from scheduler.domain.selector import LabelSelector, Requirement
from scheduler.domain.snapshot import build_snapshot
from scheduler.domain.workload import Pod
from scheduler.placement.settings import PlacementSettings
from scheduler.planning.plan import plan
from tests.builders import line_rtt, node, pod, within, workload
from tests.unit.placement.deciding import where

NAMES = ("a0", "a1", "b0", "b1")
NODES = [node(n, labels={"zone": n[0]}, cpu_milli=1_000) for n in NAMES]
WEB = LabelSelector((Requirement("tier", "In", ("web",)),))
EVEN = SpreadConstraint("zone", 1, is_hard=True, selector=WEB)
NEAR = PodTerm("zone", WEB, ("default",))


def _placed(pods: list[Pod]) -> dict[str, str]:
    snapshot = build_snapshot(NODES, pods, rtt=line_rtt(NAMES))
    return where(plan(snapshot, PlacementSettings()))


def _web(name: str, count: int, *, cpu_milli: int = 100, **fields: object) -> list[Pod]:
    labels = (("tier", "web"),)
    names = [f"{name}-{k}" for k in range(count)]
    return [
        pod(one, cpu_milli=cpu_milli, workload=workload(name), labels=labels, **fields)
        for one in names
    ]


def test_pods_that_are_counted_do_not_go_before_those_of_higher_priority_that_count_them() -> None:
    low = _web("low", 10, cpu_milli=1_000)
    even = _web("high", 2, cpu_milli=1_000, priority=1000, spread=(EVEN,))
    near = _web("high", 2, cpu_milli=1_000, priority=1000, pod_affinity=(NEAR,))
    for high in (even, near):
        placed = _placed([*low, *high])

        assert {"high-0", "high-1"} <= placed.keys()
        assert len(placed) == 4


def test_pods_of_low_priority_go_first_where_others_can_go_nowhere_without_them() -> None:
    low = _web("low", 1)
    high = [pod("high", priority=1000, pod_affinity=(NEAR,))]
    placed = _placed([*high, *low])

    assert placed["high"][0] == placed["low-0"][0]


def test_a_pod_of_low_priority_gives_way_where_it_would_make_a_domain_have_too_many() -> None:
    in_a = (("zone", "a"),)
    low = _web("low", 3, node_selector=in_a)
    high = _web("high", 1, priority=1000, spread=(EVEN,), node_selector=in_a)
    placed = _placed([*low, *high])

    assert "high-0" in placed


def test_what_refers_to_a_pod_gives_way_to_its_rules() -> None:
    db = _web("db", 1, spread=(EVEN,))
    front = _web("front", 4, delays=(within(1, "db"),))
    placed = _placed([*db, *front])

    assert "db-0" in placed
    zones = [n[0] for n in placed.values()]
    assert abs(zones.count("a") - zones.count("b")) <= 1
