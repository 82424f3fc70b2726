"""Load is evened out where it pays, and nowhere else."""

from dataclasses import replace

import pytest

from scheduler.domain.snapshot import ClusterSnapshot, build_snapshot
from scheduler.domain.workload import Pod
from scheduler.placement.settings import PlacementSettings
from scheduler.reliability.cover.settings import NO_COVER, CoverSettings
from scheduler.reliability.repair.evening import evened, loads
from scheduler.reliability.repair.moves import Limits, Moves, Why
from scheduler.reliability.repair.scene import Rules, Scene
from tests.builders import line_rtt, node, pod, within, workload

PLAIN = Rules(PlacementSettings(), NO_COVER)


def app(name: str, cpu_milli: int, **spec: object) -> Pod:
    made = pod(name, cpu_milli=cpu_milli, workload=workload(name), **spec)
    return replace(made, uid=f"uid-{name}")


def line(*placed: tuple[Pod, str], names: str = "abc") -> ClusterSnapshot:
    nodes = [node(name, cpu_milli=1000) for name in names]
    return build_snapshot(nodes, [], placed=placed, rtt=line_rtt(list(names)))


def even(snapshot: ClusterSnapshot, gain: float = 0.2, rules: Rules = PLAIN, **kw: object) -> Moves:
    return evened(Scene(snapshot, rules), Limits(**{"most": 5, **kw}), gain)  # type: ignore[arg-type]


def test_a_pod_goes_from_the_fullest_node_to_the_one_that_is_least_full_with_it() -> None:
    snapshot = line((app("p", 400), "a"), (app("q", 500), "a"), (app("r", 100), "b"))

    [move] = even(snapshot).moves

    assert (move.pod.name, move.node, move.target, move.why) == ("q", "a", "c", Why.EVEN)
    assert move.said == "a is 90% full, c 0%; then 40% and 50%"


@pytest.mark.parametrize(("gain", "moves"), [(0.39, 1), (0.41, 0)])
def test_it_has_to_pay(gain: float, moves: int) -> None:
    snapshot = line((app("p", 400), "a"), (app("q", 500), "a"), names="ab")

    assert len(even(snapshot, gain).moves) == moves


def test_a_pod_alone_on_a_node_stays_there() -> None:
    """It would only carry its load elsewhere."""
    assert even(line((app("p", 900), "a"))) == Moves()


def test_budgets_and_those_of_others_that_refer_to_it_hold_it_back() -> None:
    near = (within(0.5, "a"),)
    asks = line((app("p", 400, delays=near), "a"), (app("q", 500, delays=near), "a"))
    assert even(asks) == Moves()

    to_q = (within(0.5, "q", kind="workload"), *near)
    referred = line((app("p", 400, delays=to_q), "a"), (app("q", 500), "a"))
    assert even(referred) == Moves()


def test_room_kept_for_failures_holds_it_back() -> None:
    covered = Rules(PlacementSettings(), CoverSettings())
    backed = replace(app("x", 800, delays=(within(9, "a"),)), backup="b")
    snapshot = line((app("p", 400), "a"), (app("q", 500), "a"), (backed, "c"))

    assert [move.target for move in even(snapshot).moves] == ["b"]
    assert even(snapshot, rules=covered) == Moves()


def test_what_must_not_move_and_where_nothing_may_go_hold_it_back() -> None:
    snapshot = line((app("p", 400), "a"), (app("q", 500), "a"))
    both = {workload("p"): "", workload("q"): ""}

    assert even(snapshot, most=0) == Moves()
    assert even(snapshot, resting=both) == Moves()
    assert even(snapshot, untrusted=frozenset("bc")) == Moves()
    alone = [(replace(pod("p", cpu_milli=400), uid="p"), "a")]
    assert even(line(*alone, (replace(pod("q", cpu_milli=500), uid="q"), "a"))) == Moves()


def test_load_is_the_largest_share_and_counts_no_places() -> None:
    snapshot = line((app("p", 400), "a"), (app("q", 500), "a"), (app("r", 100), "b"))

    assert loads(snapshot.nodes).tolist() == [0.9, 0.1, 0.0]
