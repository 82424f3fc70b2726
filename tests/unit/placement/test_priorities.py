"""Priority: the most of the high, then the most of the low; nobody running is displaced."""

import numpy as np
import pytest

from scheduler.domain.snapshot import build_snapshot
from scheduler.domain.workload import Pod
from scheduler.placement.settings import CostSettings, PlacementSettings
from scheduler.planning.plan import plan
from tests.builders import line_rtt, node, pod, within, workload
from tests.unit.placement.deciding import LINE, on_a_line, where, why


def ranked(*priorities: int, cpu_milli: int = 1_000) -> list[Pod]:
    return [pod(f"p{p}-{i}", cpu_milli=cpu_milli, priority=p) for i, p in enumerate(priorities)]


def test_scarce_room_goes_to_the_highest_priority_whatever_the_order_of_the_queue() -> None:
    made = on_a_line(ranked(1, 5, 3), nodes=[node("a", cpu_milli=2_000)])

    assert set(where(made)) == {"p5-1", "p3-2"}
    assert why(made, "p1-0") == "0/1 nodes are available: 1 Insufficient cpu."


def test_one_high_pod_outweighs_many_low_ones() -> None:
    crowd = ranked(*[0] * 20, cpu_milli=200)
    king = pod("king", cpu_milli=4_000, priority=1)

    made = on_a_line([*crowd, king], nodes=[node("a")])

    assert set(where(made)) == {"king"}


def test_a_high_pod_leaves_the_room_that_only_a_low_one_can_use() -> None:
    low = pod("low", cpu_milli=4_000, delays=(within(0.5, "a"),))
    high = pod("high", cpu_milli=4_000, priority=9, delays=(within(1, "a"),))

    made = on_a_line([low, high])

    assert where(made) == {"low": "a", "high": "b"}


def test_a_running_pod_of_a_lower_priority_keeps_its_room() -> None:
    running = pod("old", cpu_milli=4_000, priority=-10)

    made = on_a_line([*ranked(1_000_000)], nodes=[node("a")], placed=[(running, "a")])

    assert not where(made)


def test_negative_priorities_rank_below_none() -> None:
    made = on_a_line(ranked(-5, 0), nodes=[node("a", cpu_milli=1_000)])

    assert set(where(made)) == {"p0-1"}


def test_a_reference_inherits_the_priority_of_what_refers_to_it() -> None:
    db = pod("db-0", cpu_milli=4_000, workload=workload("db"))
    rival = pod("rival", cpu_milli=4_000, priority=5)
    web = pod("web-0", cpu_milli=0, priority=9, delays=(within(9, "db"),))

    made = on_a_line([rival, web, db], nodes=[node("a")])

    assert set(where(made)) == {"web-0", "db-0"}


@pytest.mark.parametrize("ranks", [4, 60, 400])
def test_any_number_of_priorities_is_ranked_exactly(ranks: int) -> None:
    rng = np.random.default_rng(ranks)
    priorities = (rng.permutation(ranks) * 1_000_003 % 2_000_000_011 - 10**9).tolist()
    pods = [pod(f"p{p}", cpu_milli=1_000, priority=p, delays=(within(4, "a"),)) for p in priorities]

    made = on_a_line(pods, nodes=[node(name, cpu_milli=1_000) for name in LINE])

    assert set(where(made)) == {f"p{p}" for p in sorted(priorities)[-5:]}


def test_ranks_hold_where_costs_are_too_large_to_weigh_them_all_at_once() -> None:
    dear = PlacementSettings(cost=CostSettings(latency_weight=50_000_000))
    pods = [pod(f"p{p}", cpu_milli=1_000, priority=p, delays=(within(4, "a"),)) for p in range(300)]
    nodes = [node(name, cpu_milli=1_000) for name in LINE]

    made = plan(build_snapshot(nodes, pods, rtt=line_rtt(LINE)), dear)

    assert set(where(made)) == {f"p{p}" for p in range(295, 300)}


def test_ranks_hold_in_contested_rooms_too() -> None:
    pods = [
        pod(f"p{p}-{i}", cpu_milli=600 + 70 * i, priority=p) for i in range(4) for p in range(3)
    ]

    made = on_a_line(pods, nodes=[node("a", cpu_milli=1_300), node("b", cpu_milli=1_500)])

    placed = sorted(name[1] for name in where(made))
    assert placed == ["2"] * 4 or placed.count("2") == 3
    assert "0" not in placed or placed.count("1") == 4


def test_pods_of_two_priorities_that_fit_nowhere_wait() -> None:
    made = on_a_line(ranked(0, 10, cpu_milli=2_000), nodes=[node("a", cpu_milli=1_000)])

    assert where(made) == {}
    assert "Insufficient cpu" in why(made, made.unplaced[0].pod.name)
