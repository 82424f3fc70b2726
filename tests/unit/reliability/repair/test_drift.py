"""Which pods are moved for broken budgets, and which are not."""

from dataclasses import replace

import pytest

from scheduler.domain.snapshot import ClusterSnapshot, LostPod, build_snapshot
from scheduler.domain.workload import Pod
from scheduler.placement.settings import PlacementSettings
from scheduler.reliability.budgets import broken_budgets
from scheduler.reliability.cover.settings import NO_COVER, CoverSettings
from scheduler.reliability.repair.drift import repairs
from scheduler.reliability.repair.moves import Limits, Moves, Why
from scheduler.reliability.repair.scene import Rules, Scene
from tests.builders import line_rtt, node, pod, within, workload

PLAIN = Rules(PlacementSettings(), NO_COVER)


def web(name: str, ms: float = 2, to: str = "a", **fields: object) -> Pod:
    owner = workload(name.rpartition("-")[0])
    made = pod(name, cpu_milli=600, delays=(within(ms, to),), workload=owner)
    return replace(made, uid=f"uid-{name}", **fields)  # type: ignore[arg-type]


def on_a_line(
    *placed: tuple[Pod, str], names: str = "abcde", cpu_milli: int = 1000
) -> ClusterSnapshot:
    """Nodes a millisecond from each other, with room for one pod each."""
    nodes = [node(name, cpu_milli=cpu_milli) for name in names]
    return build_snapshot(nodes, [], placed=placed, rtt=line_rtt(list(names)))


def repaired(
    snapshot: ClusterSnapshot, rules: Rules = PLAIN, limits: Limits | None = None
) -> Moves:
    believed = broken_budgets(snapshot)
    assert believed, "nothing is broken: the case tests nothing"
    return repairs(Scene(snapshot, rules), believed, limits or Limits(10))


def went(moves: Moves) -> dict[str, str]:
    return {move.pod.name: move.target for move in moves.moves}


def test_a_pod_too_far_from_its_reference_is_moved_within_its_budget() -> None:
    snapshot = on_a_line((web("web-1"), "e"), (web("db-1"), "a"))

    [move] = repaired(snapshot).moves

    assert (move.pod.name, move.node, move.target) == ("web-1", "e", "b")
    assert (move.why, move.repairs) == (Why.BUDGET, 1)
    assert move.said == "delay to a within 2ms is broken: 4ms from a to e"


def test_pods_whose_budgets_hold_stay() -> None:
    snapshot = on_a_line((web("web-1"), "e"), (web("db-1"), "b"))

    assert went(repaired(snapshot)) == {"web-1": "a"}


def test_a_pod_that_no_node_within_its_budget_has_room_for_stays_and_it_is_said() -> None:
    full = [(web(f"full{k}-1"), name) for k, name in enumerate("abc")]
    found = repaired(on_a_line((web("web-1"), "e"), *full))

    assert found.moves == ()
    [stuck] = found.stuck
    assert (stuck.pod.name, stuck.node) == ("web-1", "e")
    assert "Insufficient cpu" in stuck.why


def test_two_pods_are_not_moved_into_the_same_room() -> None:
    full = [(web(f"full{k}-1"), name) for k, name in enumerate("ab")]
    found = repaired(on_a_line((web("one-1"), "d"), (web("two-1"), "e"), *full))

    assert list(went(found).values()) == ["c"]
    assert len(found.stuck) == 1


def test_the_one_reference_is_moved_where_that_repairs_more_with_fewer_moves() -> None:
    """Three near e refer to a pod on a: to move it is one move, to move them three."""
    db = replace(
        pod("db-1", cpu_milli=100, labels=(("app", "db"),), workload=workload("db")), uid="uid-db"
    )
    near = (within(1, "db", kind="workload"),)
    fans = [
        replace(
            pod(f"fan-{k}", cpu_milli=100, delays=near, workload=workload(f"fan{k}")),
            uid=f"uid-{k}",
        )
        for k in range(3)
    ]
    snapshot = on_a_line((db, "a"), *((fan, "e") for fan in fans), cpu_milli=1000)

    [move] = repaired(snapshot).moves

    assert move.pod.name == "db-1"
    assert move.target in ("d", "e")
    assert (move.why, move.repairs) == (Why.REFERENCE, 3)


def test_a_reference_is_not_moved_to_where_others_that_refer_to_it_are_broken_instead() -> None:
    db = replace(pod("db-1", cpu_milli=100, workload=workload("db")), uid="uid-db")
    near = (within(1, "db", kind="workload"),)

    def fan(name: str) -> Pod:
        made = pod(name, cpu_milli=900, delays=near, workload=workload(name))
        return replace(made, uid=name)

    # Two are near it, two are not; and wherever they could go is full.
    placed = [(db, "a"), (fan("p"), "a"), (fan("q"), "b"), (fan("r"), "d"), (fan("s"), "e")]
    found = repaired(on_a_line(*placed))

    assert found.moves == ()
    assert {one.pod.name for one in found.stuck} == {"r", "s"}


def test_one_pod_of_a_workload_is_moved_at_a_time() -> None:
    found = repaired(on_a_line((web("web-1"), "d"), (web("web-2"), "e"), (web("x-1"), "a")))

    assert len(found.moves) == 1
    assert found.stuck == ()


def test_no_more_are_moved_than_may_be() -> None:
    snapshot = on_a_line((web("web-1"), "d"), (web("api-1"), "e"))

    assert len(repaired(snapshot).moves) == 2
    assert len(repaired(snapshot, limits=Limits(1)).moves) == 1
    assert repaired(snapshot, limits=Limits(0)).moves == ()


def test_those_of_high_priority_go_first() -> None:
    high = pod(
        "api-1", cpu_milli=600, delays=(within(2, "a"),), workload=workload("api"), priority=9
    )
    snapshot = on_a_line((web("web-1"), "d"), (replace(high, uid="h"), "e"), (web("x-1"), "a"))

    assert went(repaired(snapshot, limits=Limits(1))) == {"api-1": "b"}


def test_nothing_is_moved_to_where_it_was_badly_off_a_while_ago_or_to_a_node_not_trusted() -> None:
    snapshot = on_a_line((web("web-1"), "e"))
    barred = {workload("web"): frozenset({"a", "gone"})}

    assert went(repaired(snapshot, limits=Limits(5, barred=barred))) == {"web-1": "b"}
    limits = Limits(5, barred=barred, untrusted=frozenset("bc"))
    [stuck] = repaired(snapshot, limits=limits).stuck
    assert stuck.why == "it could go nowhere but where it is or was badly off: a, b, c", (
        "no node that is gone"
    )


@pytest.mark.parametrize(
    ("owner", "why"),
    [
        (None, "it has no controller that would make another"),
        (workload("w", "Job"), "its Job would not make another of it, or would lose work"),
        (workload("w", "DaemonSet"), "its DaemonSet would not make another of it"),
    ],
)
def test_pods_that_nobody_would_make_again_stay(owner: object, why: str) -> None:
    alone = pod("p", cpu_milli=600, delays=(within(2, "a"),), workload=owner)
    found = repaired(on_a_line((replace(alone, uid="u"), "e")))

    assert found.moves == ()
    assert found.stuck[0].why.startswith(why)


def test_pods_of_another_scheduler_stay() -> None:
    theirs = web("web-1", scheduler_name="default-scheduler")
    found = repaired(on_a_line((theirs, "e")), limits=Limits(5, scheduler_name="ours"))

    assert found.stuck[0].why == "it is addressed to default-scheduler"


def test_a_workload_that_has_moved_enough_stays_and_says_why() -> None:
    snapshot = on_a_line((web("web-1"), "e"))
    told = repaired(snapshot, limits=Limits(5, {workload("web"): "10 were moved within an hour"}))
    waits = repaired(snapshot, limits=Limits(5, {workload("web"): ""}))

    assert [one.why for one in told.stuck] == ["10 were moved within an hour"]
    assert (waits.moves, waits.stuck) == ((), ())


def test_room_kept_for_failures_is_not_moved_into() -> None:
    """The only free node within the budget is the backup of another pod."""
    other = web("db-1", backup="c")
    placed = [(web("web-1"), "e"), (web("x-1"), "b"), (other, "a")]

    assert went(repaired(on_a_line(*placed))) == {"web-1": "c"}
    assert repaired(on_a_line(*placed), Rules(PlacementSettings(), CoverSettings())).moves == ()


def test_room_promised_to_another_move_is_not_moved_into() -> None:
    snapshot = on_a_line((web("web-1"), "e"), (web("x-1"), "a"), (web("y-1"), "b"))
    promised = replace(snapshot, moving=(LostPod(web("z-1"), "c"),))

    assert went(repaired(snapshot)) == {"web-1": "c"}
    assert repaired(promised).moves == ()


def test_a_reference_that_is_gone_moves_nobody() -> None:
    snapshot = on_a_line((web("web-1", to="gone"), "e"))

    assert repaired(snapshot) == Moves()
