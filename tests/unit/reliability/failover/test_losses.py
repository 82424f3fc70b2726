"""Which pending pod takes the place of which lost one."""

from dataclasses import replace

import numpy as np

from scheduler.domain.cover import HOME_ANNOTATION, MOVED_ANNOTATION
from scheduler.domain.snapshot import LostPod, build_snapshot
from scheduler.domain.workload import Pod
from scheduler.reliability.cover.kept import kept_room
from scheduler.reliability.failover.losses import Loss, dead_rows, losses, matched, moves
from tests.builders import node, pod, workload

NODES = [replace(node("a"), is_ready=False), node("b"), node("c")]


def of(name: str, owner: str = "web", **fields: object) -> Pod:
    made = pod(name, workload=workload(owner))
    return replace(made, uid=f"uid-{name}", **fields)  # type: ignore[arg-type]


def found(*placed: tuple[Pod, str], lost: tuple[LostPod, ...] = ()) -> dict[str, int]:
    snapshot = replace(build_snapshot(NODES, [], placed=placed), lost=lost)
    return {loss.pod.name: loss.backup for loss in losses(snapshot, dead_rows(snapshot))}


def test_pods_of_a_dead_node_are_lost_with_a_place_or_without_and_others_are_not() -> None:
    placed = (of("p", backup="b"), "a"), (of("q", backup="c"), "b"), (of("r"), "a")

    assert found(*placed) == {"p": 1, "r": -1}


def test_a_pod_of_a_node_that_is_gone_is_lost() -> None:
    assert found((of("p", backup="b"), "gone")) == {"p": 1}


def test_a_backup_on_a_dead_node_promises_nothing() -> None:
    assert found((of("p", backup="a"), "gone")) == {"p": -1}


def test_a_lost_pod_whose_place_was_taken_is_no_loss_any_more() -> None:
    assert found((of("p", backup="b"), "a"), (of("p2", replaces="uid-p"), "b")) == {}


def test_pods_that_are_remembered_count_like_those_that_are_there() -> None:
    assert found(lost=(LostPod(of("p"), "b"), LostPod(of("q"), "unknown"))) == {"p": 1, "q": -1}


def test_the_successor_is_told_where_home_is_and_one_away_from_home_stays_at_home_there() -> None:
    placed = [(of("p", backup="b"), "a"), (of("q", home="c"), "a"), (of("r", backup="b"), "gone")]
    snapshot = build_snapshot(NODES, [], placed=placed)

    marks = {loss.pod.name: dict(loss.marks) for loss in losses(snapshot, dead_rows(snapshot))}

    assert marks["p"] == {HOME_ANNOTATION: "a"}
    assert marks["q"] == {HOME_ANNOTATION: "c"}
    assert marks["r"] == {}


def test_pods_that_are_moved_keep_their_places_until_another_takes_them() -> None:
    going = (LostPod(of("p"), "b", ((MOVED_ANNOTATION, "a"),)), LostPod(of("q"), "a"))
    snapshot = replace(build_snapshot(NODES, [], placed=[(of("p"), "c")]), moving=going)
    taken = build_snapshot(NODES, [], placed=[(of("p2", replaces="uid-p"), "b")])

    [move] = moves(snapshot, dead_rows(snapshot))

    assert (move.pod.name, move.backup, dict(move.marks)) == ("p", 1, {MOVED_ANNOTATION: "a"})
    assert moves(replace(taken, moving=going), dead_rows(taken)) == []


def test_successors_are_given_the_places_there_are_before_those_that_are_none() -> None:
    places, left = matched([Loss(of("p"), -1), Loss(of("q"), 2)], [of("x")])

    assert places["default/x"].node == 2
    assert [loss.pod.name for loss in left] == ["p"]


def test_a_pod_replaces_one_of_its_workload_and_no_other() -> None:
    places, left = matched([Loss(of("p"), 1)], [of("x", "db"), of("p2")])

    assert {key: place.node for key, place in places.items()} == {"default/p2": 1}
    assert left == []


def test_a_pod_of_another_size_replaces_none() -> None:
    larger = replace(pod("p2", cpu_milli=900, workload=workload("web")), uid="u")

    places, left = matched([Loss(of("p"), 1)], [larger])

    assert (places, [loss.pod.name for loss in left]) == ({}, ["p"])


def test_a_pod_of_the_same_name_takes_its_own_place() -> None:
    found_losses = [Loss(of("db-0", "db"), 1), Loss(of("db-1", "db"), 2)]

    places, left = matched(found_losses, [replace(of("db-1", "db"), uid="new")])

    assert places["default/db-1"].node == 2
    assert [loss.pod.name for loss in left] == ["db-0"]


def test_a_pod_without_a_controller_replaces_one_of_its_own_name() -> None:
    bare = replace(pod("p"), uid="old")

    places, _ = matched([Loss(bare, 1)], [replace(pod("p"), uid="new"), replace(pod("q"), uid="q")])

    assert list(places) == ["default/p"]


def test_a_pod_whose_node_and_destination_both_die_has_its_backup() -> None:
    """It was on its way from a to b; a and b die, and c is its backup."""
    nodes = [replace(node(name), is_ready=name == "c") for name in "abc"]
    snapshot = build_snapshot(nodes, [of("p2")], placed=[(of("p", backup="c"), "a")])
    snapshot = replace(snapshot, moving=(LostPod(of("p", backup="c"), "b"),))

    kept = kept_room(snapshot, np.arange(3))

    assert kept is not None
    assert kept.places["default/p2"].node == 2


def test_a_pod_that_is_lost_and_moved_has_one_place() -> None:
    snapshot = build_snapshot(NODES, [of("p2"), of("p3")], placed=[(of("p", backup="c"), "a")])
    snapshot = replace(snapshot, moving=(LostPod(of("p", backup="c"), "b"),))

    kept = kept_room(snapshot, np.arange(3))

    assert kept is not None
    assert {key: place.node for key, place in kept.places.items()} == {"default/p2": 1}
