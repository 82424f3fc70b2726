"""Backups of running pods chosen anew: only what is no longer valid, and never a promise."""

from dataclasses import replace

from scheduler.domain.delay import Quantifier
from scheduler.domain.snapshot import ClusterSnapshot, build_snapshot
from scheduler.domain.workload import Pod
from scheduler.placement.settings import PlacementSettings
from scheduler.reliability.cover.renewing import Renewal, renewed
from scheduler.reliability.cover.settings import CoverSettings
from tests.builders import line_rtt, node, pod, within, workload

NAMES = ["a", "b", "c", "d", "e"]
"""A millisecond from one to the next."""


def backed(name: str, backup: str, *refs: str, within_ms: int = 1, **spec: object) -> Pod:
    delays = tuple(within(within_ms, ref) for ref in refs)
    made = pod(name, cpu_milli=600, delays=delays, **spec)
    return replace(made, uid=f"uid-{name}", backup=backup)


def world(*placed: tuple[Pod, str], dead: str = "") -> ClusterSnapshot:
    nodes = [node(name, cpu_milli=1_300, is_ready=name not in dead) for name in NAMES]
    return build_snapshot(nodes, [], placed=placed, rtt=line_rtt(NAMES, 1))


def said(found: Renewal) -> dict[str, str]:
    return {change.pod.name: change.backup for change in found.changes}


def renew(snapshot: ClusterSnapshot) -> Renewal:
    return renewed(snapshot, PlacementSettings(), CoverSettings())


def test_what_is_valid_stays() -> None:
    assert said(renew(world((backed("p", "b", "a"), "a")))) == {}


def test_a_backup_beyond_a_budget_is_chosen_anew() -> None:
    assert said(renew(world((backed("p", "e", "a"), "a")))) == {"p": "b"}


def test_others_make_room_by_having_their_backups_elsewhere() -> None:
    near_both = (backed("q", "e", "b", "c"), "c")  # b is the only other node within both
    may_choose = (backed("r", "b", "c"), "c")
    full = (pod("full", cpu_milli=600), "b")

    found = renew(world(near_both, may_choose, full))

    assert (said(found), found.uncovered) == ({"q": "b", "r": "d"}, ())


def test_a_lost_pod_keeps_its_promise_whatever_else_is_chosen_anew() -> None:
    lost = (backed("lost", "e", "a", within_ms=9), "a")
    near_both = (backed("q", "e", "b", "c"), "c")
    may_choose = (backed("r", "b", "c"), "c")
    full = (pod("full", cpu_milli=600), "b")

    found = renew(world(lost, near_both, may_choose, full, dead="a"))

    assert "lost" not in said(found)
    assert said(found) == {"q": "b", "r": "d"}


def test_a_pod_is_no_reference_of_its_own_backup() -> None:
    web = workload("web")
    near_web = (within(1, "web", of=Quantifier.ANY),)
    one = replace(pod("one", delays=near_web, workload=web), uid="1", backup="b")
    two = replace(pod("two", delays=near_web, workload=web), uid="2", backup="d")

    found = renew(world((one, "a"), (two, "e")))

    # Gone from a, `one` has only `two` to be near to, on e; and `two` only `one`, on a.
    assert said(found) == {"one": "d", "two": "a"}


def test_a_pod_that_another_refers_to_by_name_is_found_where_it_runs() -> None:
    named = backed("named", "b", "a")
    near_it = replace(pod("near", delays=(within(1, "named"),)), uid="n", backup="a")

    assert said(renew(world((named, "a"), (near_it, "b")))) == {}
