"""Which pods go home when their node is back."""

from dataclasses import replace

from scheduler.domain.snapshot import ClusterSnapshot, LostPod, build_snapshot
from scheduler.domain.workload import Pod
from scheduler.placement.settings import PlacementSettings
from scheduler.reliability.cover.settings import NO_COVER, CoverSettings
from scheduler.reliability.repair.homing import homecomings
from scheduler.reliability.repair.moves import Limits, Moves, Why
from scheduler.reliability.repair.scene import Rules, Scene
from tests.builders import line_rtt, node, pod, within, workload

PLAIN = Rules(PlacementSettings(), NO_COVER)
COVERED = Rules(PlacementSettings(), CoverSettings())


def web(name: str, ms: float = 2, cpu_milli: int = 600, **fields: object) -> Pod:
    owner = workload(name.rpartition("-")[0])
    made = pod(name, cpu_milli=cpu_milli, delays=(within(ms, "a"),), workload=owner)
    return replace(made, uid=f"uid-{name}", **fields)  # type: ignore[arg-type]


def line(*placed: tuple[Pod, str], names: str = "abcde") -> ClusterSnapshot:
    nodes = [node(name, cpu_milli=1000) for name in names]
    return build_snapshot(nodes, [], placed=placed, rtt=line_rtt(list(names)))


def came(
    snapshot: ClusterSnapshot,
    homes: str = "abc",
    rules: Rules = PLAIN,
    limits: Limits | None = None,
) -> Moves:
    return homecomings(Scene(snapshot, rules), frozenset(homes), limits or Limits(10))


def test_a_pod_goes_back_to_where_the_one_before_it_was_lost() -> None:
    [move] = came(line((web("web-1", home="a"), "b"))).moves

    assert (move.pod.name, move.node, move.target) == ("web-1", "b", "a")
    assert (move.why, move.said) == (Why.HOME, "a is back")


def test_a_pod_at_home_and_one_without_a_home_stay() -> None:
    assert came(line((web("web-1", home="a"), "a"), (web("db-1"), "b"))) == Moves()


def test_nobody_goes_home_before_the_node_is_trusted() -> None:
    assert came(line((web("web-1", home="a"), "b")), homes="bc") == Moves()


def test_who_replaces_a_pod_that_lives_after_all_stays() -> None:
    """The node was away for a moment only: the pod that was taken for lost still runs on it."""
    snapshot = line((web("web-1"), "a"), (web("web-2", home="a", replaces="uid-web-1"), "b"))

    assert came(snapshot) == Moves()


def test_a_home_that_is_full_or_beyond_the_budget_by_now_is_none_and_it_is_said() -> None:
    found = came(line((web("web-1", home="a"), "b"), (web("db-1"), "a")))
    assert found.moves == ()
    assert found.stuck[0].why.startswith("it cannot go home to a: ")

    far = came(line((web("web-1", ms=2, home="e"), "b")), homes="e")
    assert far.moves == ()
    assert far.stuck[0].why.startswith("it cannot go home to e: ")


def test_one_pod_of_a_workload_goes_at_a_time_and_no_more_than_may() -> None:
    small = {"cpu_milli": 200, "home": "a"}
    snapshot = line(
        (web("web-1", **small), "b"),  # type: ignore[arg-type]
        (web("web-2", **small), "c"),  # type: ignore[arg-type]
        (web("db-1", **small), "b"),  # type: ignore[arg-type]
    )

    assert {move.pod.name for move in came(snapshot).moves} == {"db-1", "web-1"}
    assert len(came(snapshot, limits=Limits(1)).moves) == 1
    resting = Limits(9, {workload("db"): ""})
    assert {move.pod.name for move in came(snapshot, limits=resting).moves} == {"web-1"}


def test_a_pod_goes_home_into_room_that_is_kept_for_failures() -> None:
    """The reserve is for others, who can have their backup where this pod is now."""
    snapshot = line((web("web-1", home="a"), "c"), (web("db-1", backup="a"), "b"), names="abc")

    assert [move.target for move in came(snapshot, rules=COVERED).moves] == ["a"]


def test_nobody_goes_home_where_fewer_would_have_a_backup_then() -> None:
    """At home the pod would take the only room left for the backups of two others."""
    large = web("web-1", cpu_milli=1000, home="a", ms=4)
    placed = [
        (large, "d"),
        (web("x-1", cpu_milli=500, ms=1, backup="a"), "b"),
        (pod("y", cpu_milli=1000), "c"),
    ]
    snapshot = line(*placed, names="abcd")
    found = came(snapshot, rules=COVERED)

    assert [move.target for move in came(snapshot).moves] == ["a"], "without cover it would go"
    assert found.moves == ()
    assert found.stuck[0].why == "fewer pods would have a backup if all went home"


def test_a_home_whose_room_was_promised_to_another_has_to_wait() -> None:
    snapshot = line((web("web-1", home="a"), "b"))
    promised = replace(snapshot, moving=(LostPod(web("z-1"), "a"),))

    assert came(promised).moves == ()
