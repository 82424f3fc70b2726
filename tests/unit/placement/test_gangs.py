"""Pod groups in a decision: whole or not at all, spare pods where room is left."""

from collections import Counter
from collections.abc import Mapping, Sequence

from scheduler.domain.node import Node
from scheduler.domain.plan import Plan
from scheduler.domain.pod_group import GroupApi, GroupRef, PodGroup
from scheduler.domain.snapshot import build_snapshot
from scheduler.domain.workload import Pod
from scheduler.placement.settings import PlacementSettings
from scheduler.planning.plan import plan
from scheduler.reliability.cover.settings import CoverSettings
from tests.builders import node, pod, rtt_ms, within

Gang = tuple[PodGroup, list[Pod]]


def ref(name: str, api: GroupApi = GroupApi.COSCHEDULING, least: int = 0) -> GroupRef:
    return GroupRef(api, "default", name, least)


def gang(
    name: str, count: int, *, least: int | None = None, cpu_milli: int = 1_000, priority: int = 0
) -> Gang:
    """Return a group of pods alike, all of them needed unless `least` says fewer."""
    group = PodGroup(ref(name), count if least is None else least)
    pods = [
        pod(f"{name}-{k}", cpu_milli=cpu_milli, group=group.ref, priority=priority)
        for k in range(count)
    ]
    return group, pods


def planned(
    nodes: Sequence[Node],
    gangs: Sequence[Gang],
    *lone: Pod,
    placed: Sequence[tuple[Pod, str]] = (),
    held: Sequence[Pod] = (),
) -> Plan:
    pods = [one for _, members in gangs for one in members] + list(lone)
    pods.sort(key=lambda one: -one.pod_class.priority)
    snapshot = build_snapshot(
        nodes, pods, groups=[group for group, _ in gangs], placed=placed, held=held
    )
    return plan(snapshot, PlacementSettings())


def counted(made: Plan) -> dict[str, int]:
    return dict(Counter(one.pod.name.partition("-")[0] for one in made.assignments))


def said(made: Plan, name: str) -> str:
    (found,) = (one for one in made.unplaced if one.pod.name == name)
    return found.refusal.message


def test_a_gang_that_fits_is_placed_whole() -> None:
    made = planned([node("a", cpu_milli=2_000), node("b", cpu_milli=1_000)], [gang("g", 3)])
    assert counted(made) == {"g": 3}


def test_a_gang_that_does_not_fit_waits_whole_and_says_how_much_of_it_would_fit() -> None:
    made = planned([node("a", cpu_milli=2_000)], [gang("g", 3)], pod("s", cpu_milli=1_000))
    assert counted(made) == {"s": 1}
    assert said(made, "g-0") == (
        "PodGroup default/g is placed whole or not at all: 3 pods at once, 2 could be placed "
        "together with all others that wait; 0/1 nodes are available: 1 Insufficient cpu."
    )
    assert {one.refusal.condition for one in made.unplaced} == {"Unschedulable"}


def test_a_gang_waits_for_the_number_of_its_pods() -> None:
    group, pods = gang("g", 3)
    made = planned([node("a")], [(group, pods[:2])])
    assert said(made, "g-1") == "Wait for pod number of PodGroup to be 3, got 2 now."
    assert {one.refusal.condition for one in made.unplaced} == {"PodNotPlaceable"}


def test_members_that_cannot_be_tried_now_are_counted_and_said() -> None:
    group, pods = gang("g", 3)
    made = planned([node("a")], [(group, pods[:2])], held=pods[2:])
    assert said(made, "g-0").startswith(
        "PodGroup default/g needs 3 more pods at once, and 1 of its pods cannot be tried now"
    )


def test_members_that_run_count() -> None:
    group, pods = gang("g", 3)
    running = [(pods[0], "a"), (pods[1], "a")]
    made = planned([node("a", cpu_milli=3_000)], [(group, pods[2:])], placed=running)
    assert counted(made) == {"g": 1}


def test_a_group_without_an_object_waits_and_says_which() -> None:
    made = planned([node("a")], [], pod("p", group=ref("gone")))
    assert said(made, "p").startswith("no PodGroup default/gone (scheduling.x-k8s.io): create it")


def test_a_group_of_labels_alone_says_itself_how_many_it_wants() -> None:
    of_two = ref("old", GroupApi.LABELS, least=2)
    pods = [pod(f"p-{k}", group=of_two) for k in range(2)]
    assert counted(planned([node("a")], [], *pods)) == {"p": 2}
    assert "to be 2, got 1 now" in said(planned([node("a")], [], pods[0]), "p-0")


def test_what_cannot_be_read_of_a_group_keeps_its_pods_waiting() -> None:
    group = PodGroup(ref("g"), 1, faults=('spec.minMember is "x": write a whole number',))
    made = planned([node("a")], [(group, [pod("p", group=group.ref)])])
    assert 'spec.minMember is "x"' in said(made, "p")


def test_least_resources_that_all_nodes_together_do_not_have_are_said() -> None:
    group = PodGroup(ref("g"), 1, min_resources=(("cpu", 9_000),))
    made = planned([node("a"), node("b")], [(group, [pod("p", group=group.ref)])])
    assert said(made, "p").startswith(
        "PodGroup default/g asks for more than all nodes have left: 9000m cpu, 8000m cpu left"
    )


def test_of_two_gangs_that_do_not_fit_together_one_runs() -> None:
    made = planned([node("a", cpu_milli=4_000)], [gang("g", 3), gang("h", 3)])
    assert sorted(counted(made).values()) == [3]


def test_the_gang_of_higher_priority_runs_though_a_lower_one_is_larger() -> None:
    made = planned([node("a", cpu_milli=4_000)], [gang("g", 4), gang("h", 2, priority=5)])
    assert counted(made) == {"h": 2}


def test_a_gang_that_cannot_run_leaves_its_room_to_those_behind_it() -> None:
    made = planned(
        [node("a", cpu_milli=3_000)],
        [gang("g", 4, priority=9), gang("h", 2)],
        pod("s-0", cpu_milli=1_000),
    )
    assert counted(made) == {"h": 2, "s": 1}


def test_spare_pods_fill_what_all_gangs_leave() -> None:
    made = planned(
        [node(f"n{k}", cpu_milli=1_000) for k in range(7)],
        [gang("g", 5, least=3), gang("h", 5, least=3)],
    )
    assert sorted(counted(made).values()) == [3, 4]


def test_a_hundred_gangs_contend_for_room_of_sixty() -> None:
    nodes = [node(f"n{k}", cpu_milli=3_000) for k in range(60)]
    made = planned(nodes, [gang(f"g{k}", 3) for k in range(100)])
    assert sorted(counted(made).values()) == [3] * 60


def test_a_gang_whose_cover_is_a_must_waits_whole_where_one_of_it_has_none() -> None:
    far = 200.0
    table = rtt_ms(("a", "b", "c"), ((0, 1, far), (1, 0, far), (far, far, 0)))
    group = PodGroup(ref("g"), 2)
    near = (within(5, "a"),)
    pods = [pod(f"g-{k}", cpu_milli=2_000, group=group.ref, delays=near) for k in range(2)]
    nodes = [node(name, cpu_milli=2_000) for name in ("a", "b", "c")]
    snapshot = build_snapshot(nodes, pods, groups=[group], rtt=table)
    # Both fit beside "a", and then there is no room for a backup of either.
    assert len(plan(snapshot, PlacementSettings()).assignments) == 2
    covered = plan(snapshot, PlacementSettings(), CoverSettings(mode="required"))
    assert covered.assignments == ()
    assert len(covered.unplaced) == 2


SITES = ("a1", "a2", "b1", "b2", "c1")
RTT = rtt_ms(
    SITES,
    (
        (0, 1, 40, 40, 7),
        (1, 0, 40, 40, 9),
        (40, 40, 0, 3, 40),
        (40, 40, 3, 0, 40),
        (7, 9, 40, 40, 0),
    ),
)


def near(
    count: int,
    ms: float,
    room: Sequence[int],
    *,
    is_soft: bool = False,
    running: Mapping[str, str] | None = None,
    least: int | None = None,
) -> dict[str, str]:
    """Return where the pods of a gang go whose members are to be near each other."""
    at = running or {}
    group = PodGroup(ref("g"), least or count, within_us=round(1_000 * ms), is_within_soft=is_soft)
    pods = [pod(f"g-{k}", cpu_milli=1_000, group=group.ref) for k in range(count)]
    nodes = [node(name, cpu_milli=cpu) for name, cpu in zip(SITES, room, strict=True)]
    snapshot = build_snapshot(
        nodes,
        [one for one in pods if one.name not in at],
        groups=[group],
        rtt=RTT,
        placed=[(one, at[one.name]) for one in pods if one.name in at],
    )
    return {one.pod.name: one.node for one in plan(snapshot, PlacementSettings()).assignments}


def test_a_gang_goes_to_the_tightest_nodes_that_have_room_for_it() -> None:
    assert set(near(4, 10, (2_000, 2_000, 2_000, 2_000, 4_000)).values()) == {"c1"}
    assert set(near(4, 10, (2_000, 2_000, 2_000, 2_000, 1_000)).values()) == {"a1", "a2"}
    assert set(near(4, 10, (1_000, 2_000, 2_000, 2_000, 1_000)).values()) == {"b1", "b2"}


def test_a_gang_waits_where_no_nodes_near_each_other_have_room_for_it() -> None:
    assert near(5, 10, (2_000, 2_000, 2_000, 2_000, 0)) == {}
    assert len(near(5, 10, (2_000, 2_000, 2_000, 2_000, 0), is_soft=True)) == 5


def test_a_gang_that_is_nowhere_near_enough_says_so() -> None:
    group = PodGroup(ref("g"), 2, within_us=500)
    pods = [pod(f"g-{k}", cpu_milli=1_000, group=group.ref) for k in range(2)]
    nodes = [node(name, cpu_milli=1_000) for name in SITES]
    made = plan(build_snapshot(nodes, pods, groups=[group], rtt=RTT), PlacementSettings())
    assert said(made, "g-0") == (
        "PodGroup default/g wants its members within 0.5ms of each other, "
        "and no nodes so near each other have room for 2 pods."
    )


def test_members_that_run_say_where_the_others_may_be() -> None:
    found = near(3, 10, (4_000, 4_000, 1_000, 4_000, 4_000), running={"g-0": "b1"})
    assert set(found.values()) <= {"b1", "b2"}
    assert len(found) == 2


def test_spare_members_have_more_room_than_the_tightest_nodes_where_they_stay_near() -> None:
    found = near(5, 10, (2_000, 2_000, 0, 0, 1_000), least=1)
    assert sorted(found.values()) == ["a1", "a1", "a2", "a2", "c1"]


def test_a_spare_member_of_a_gang_that_runs_goes_to_any_node_near_it() -> None:
    running = {"g-0": "a1", "g-1": "a1"}
    found = near(4, 10, (2_000, 1_000, 4_000, 0, 1_000), running=running, least=2)
    assert sorted(found.values()) == ["a2", "c1"]


def test_spare_members_stay_near_too() -> None:
    found = near(6, 10, (2_000, 1_000, 2_000, 1_000, 0), least=3)
    assert len(found) == 3
    assert set(found.values()) in ({"a1", "a2"}, {"b1", "b2"})
