"""Which pending pod takes the place of which lost one."""

from dataclasses import replace

from scheduler.domain.snapshot import LostPod, build_snapshot
from scheduler.domain.workload import Pod
from scheduler.reliability.failover.losses import Loss, dead_rows, losses, matched
from tests.builders import node, pod, workload

NODES = [replace(node("a"), is_ready=False), node("b"), node("c")]


def of(name: str, owner: str = "web", **fields: object) -> Pod:
    made = pod(name, workload=workload(owner))
    return replace(made, uid=f"uid-{name}", **fields)  # type: ignore[arg-type]


def found(*placed: tuple[Pod, str], lost: tuple[LostPod, ...] = ()) -> list[str]:
    snapshot = replace(build_snapshot(NODES, [], placed=placed), lost=lost)
    return [loss.pod.name for loss in losses(snapshot, dead_rows(snapshot))]


def test_pods_of_a_dead_node_with_a_backup_are_lost_and_others_are_not() -> None:
    assert found((of("p", backup="b"), "a"), (of("q", backup="c"), "b"), (of("r"), "a")) == ["p"]


def test_a_pod_of_a_node_that_is_gone_is_lost() -> None:
    assert found((of("p", backup="b"), "gone")) == ["p"]


def test_a_backup_on_a_dead_node_promises_nothing() -> None:
    assert found((of("p", backup="a"), "gone")) == []


def test_a_lost_pod_whose_place_was_taken_is_no_loss_any_more() -> None:
    assert found((of("p", backup="b"), "a"), (of("p2", replaces="uid-p"), "b")) == []


def test_pods_that_are_remembered_count_like_those_that_are_there() -> None:
    assert found(lost=(LostPod(of("p"), "b"), LostPod(of("q"), "unknown"))) == ["p"]


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
