"""The check refuses a gang that is placed in part."""

from scheduler.domain.plan import Assignment, Plan, Unplaced
from scheduler.domain.pod_group import GroupApi, GroupRef, PodGroup
from scheduler.domain.reasons import Refusal
from scheduler.domain.snapshot import build_snapshot
from scheduler.planning.check import violations
from tests.builders import node, pod, rtt_ms

REF = GroupRef(GroupApi.COSCHEDULING, "default", "g")
PODS = [pod(f"g-{k}", group=REF) for k in range(3)]


def found(placed: int, running: int = 0, *, has_object: bool = True) -> tuple[str, ...]:
    """Return what is wrong when so many of three pods are placed and so many run."""
    snapshot = build_snapshot(
        [node("a")],
        PODS[running:],
        placed=[(one, "a") for one in PODS[:running]],
        groups=[PodGroup(REF, 3)] if has_object else [],
    )
    ours = PODS[running:]
    return violations(
        snapshot,
        Plan(
            tuple(Assignment(one, "a") for one in ours[:placed]),
            tuple(Unplaced(one, Refusal(1)) for one in ours[placed:]),
        ),
    )


def test_a_gang_placed_whole_is_in_order_and_so_is_one_that_waits() -> None:
    assert found(3) == ()
    assert found(0) == ()


def test_a_gang_placed_in_part_is_not() -> None:
    assert found(2) == ("pod group: default/g wants 3 pods, 0 run and 2 are placed",)


def test_members_that_run_make_up_the_number() -> None:
    assert found(1, running=2) == ()
    assert found(1, running=1) == ("pod group: default/g wants 3 pods, 1 run and 1 are placed",)


def test_a_gang_without_an_object_is_not_placed() -> None:
    assert found(3, has_object=False) == (
        "pod group: default/g has no object, and 3 of its pods are placed",
    )


def test_members_that_are_too_far_from_each_other_are_found() -> None:
    table = rtt_ms(("a", "b", "c"), ((0, 2, 9), (2, 0, 9), (9, 9, 0)))
    snapshot = build_snapshot(
        [node("a"), node("b"), node("c")],
        PODS[1:],
        placed=[(PODS[0], "a")],
        groups=[PodGroup(REF, 3, within_us=5_000)],
        rtt=table,
    )

    def wrong(*nodes: str) -> tuple[str, ...]:
        ours = zip(PODS[1:], nodes, strict=True)
        return violations(snapshot, Plan(tuple(Assignment(one, at) for one, at in ours)))

    assert wrong("b", "b") == ()
    assert wrong("b", "c") == (
        "pod group: default/g is to be within 5000 us, and a is not of c",
        "pod group: default/g is to be within 5000 us, and b is not of c",
    )
