"""The independent checker: backups, the room kept for them, and what a plan says of both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain.cover import CoverMode, CoverPlan, FailureUnit, Uncovered
from scheduler.domain.delay import Quantifier
from scheduler.domain.node import FAILURE_DOMAIN_LABEL, Node, Taint
from scheduler.domain.plan import Assignment, CoverStats, Plan, PlanStats
from scheduler.domain.resources import CPU, MEMORY, PODS, resources
from scheduler.domain.snapshot import ClusterSnapshot, build_snapshot
from scheduler.domain.workload import NodeTerm, Pod, Requirement
from scheduler.domain.zone import Layer, ZoneTree
from scheduler.planning.check import CoverRules, violations
from scheduler.planning.check.cover_reserves import reserves
from telemetry.model import RttMatrix
from tests.builders import cloud_node, line_rtt, node, pod, rtt_ms, within, workload
from tests.property.little_clusters import (
    NODE_NAMES,
    Little,
    little_clusters,
    placements,
    plan_of,
)

NAMES = ("a", "b", "c", "d")
NODES = tuple(node(name) for name in NAMES)
LINE = line_rtt(NAMES)
SITE = {FAILURE_DOMAIN_LABEL: "site"}
LOST_TAINT = Taint("node.kubernetes.io/unreachable", "", "NoExecute")
NEAR_B = (within(1, "b"),)
"""Holds on a, b and c."""


@dataclass(frozen=True)
class World:
    """What a plan with cover is made from and judged by."""

    nodes: Sequence[Node] = NODES
    placed: Sequence[tuple[Pod, str]] = ()
    terminating: frozenset[str] = frozenset()
    rtt: RttMatrix = LINE
    zones: ZoneTree | None = None
    mode: CoverMode = "preferred"
    unit: FailureUnit = "node"
    everyone: bool = False
    may_overflow: bool = True

    def snapshot(self, pending: Sequence[Pod] = ()) -> ClusterSnapshot:
        return build_snapshot(
            self.nodes,
            pending,
            placed=self.placed,
            terminating=self.terminating,
            rtt=self.rtt,
            zones=self.zones,
        )

    def said(self, plan: Plan) -> list[str]:
        """Judge a plan that assigns all pending pods."""
        snapshot = self.snapshot([made.pod for made in plan.assignments])
        asked = CoverRules(self.mode, self.unit, self.everyone)
        return list(violations(snapshot, plan, may_overflow=self.may_overflow, cover=asked))

    def found(
        self,
        *made: Assignment,
        backups: Mapping[str, str] | None = None,
        uncovered: Sequence[Pod] = (),
        miscounted: int = 0,
    ) -> list[str]:
        """Judge a plan that counts its covered pods as they are, but for `miscounted`."""
        living = {one.name for one in self.nodes if one.is_ready and LOST_TAINT not in one.taints}
        names = {one.name for one in self.nodes}
        covered = sum(on in living and one.backup in names for one, on in self.placed)
        covered += sum(bool(one.backup) for one in made) + len(backups or {})
        stats = PlanStats(cover=CoverStats(covered=covered + miscounted))
        listed = tuple(Uncovered(one, "no room") for one in uncovered)
        return self.said(Plan(made, stats=stats, cover=CoverPlan(listed, backups or {})))


def covered(name: str, backup: str, **spec: object) -> Pod:
    """Return a pod as it runs once its backup was given."""
    return replace(pod(name, **spec), backup=backup)  # type: ignore[arg-type] # fields by name


def backed(one: Pod, on: str, backup: str) -> Assignment:
    return Assignment(one, on, backup=backup)


def test_a_plan_with_backups_where_pods_may_run_is_right() -> None:
    old, bare = covered("old", "b", delays=NEAR_B), pod("bare", delays=NEAR_B)
    world = World(placed=[(old, "a"), (bare, "c")])
    made = backed(pod("p", delays=NEAR_B), "a", "c"), Assignment(pod("q"), "d")
    assert world.found(*made, backups={"default/bare": "a"}) == []


def test_a_plan_of_nothing_on_no_nodes_is_right() -> None:
    assert World(nodes=[], mode="required").found() == []


@pytest.mark.parametrize(
    ("backup", "detail"), [("z", "no such node"), ("a", "it is the pod's own node")]
)
def test_a_backup_is_another_node_that_exists(backup: str, detail: str) -> None:
    said = World().found(backed(pod("p", delays=NEAR_B), "a", backup))
    assert f"cover: default/p on {backup} as a backup: {detail}" in said


@pytest.mark.parametrize(
    ("there", "detail"),
    [
        (node("c", is_ready=False), "the node is not ready"),
        (node("c", is_unschedulable=True), "the node is unschedulable"),
        (node("c", taints=(Taint("gpu"),)), "untolerated taint gpu=:NoSchedule"),
    ],
)
def test_a_backup_is_a_node_that_takes_the_pod(there: Node, detail: str) -> None:
    world = World(nodes=[NODES[0], NODES[1], there])
    said = [f"cover: default/p on c as a backup: {detail}"]
    assert world.found(backed(pod("p", delays=NEAR_B), "a", "c")) == said


@pytest.mark.parametrize(
    ("spec", "detail"),
    [
        ({"node_name": "a"}, "the pod insists on a"),
        ({"node_selector": (("disk", "ssd"),)}, "the node is not labelled disk=ssd"),
        (
            {"required_nodes": (NodeTerm((Requirement("disk", "Exists"),)),)},
            "no required term matches the node",
        ),
    ],
)
def test_a_backup_is_a_node_that_the_pod_takes(spec: dict[str, object], detail: str) -> None:
    world = World(nodes=[node("a", labels={"disk": "ssd"}), node("c")])
    said = [f"cover: default/p on c as a backup: {detail}"]
    assert world.found(backed(pod("p", **spec), "a", "c")) == said  # type: ignore[arg-type]


def test_without_overflow_a_pod_without_a_delay_is_backed_by_the_cloud() -> None:
    world = World(nodes=[cloud_node("x"), cloud_node("y"), node("a")], may_overflow=False)
    assert world.found(backed(pod("p"), "x", "y")) == []
    said = "cover: default/p on a as a backup: a pod without a delay stays on cloud nodes"
    assert world.found(backed(pod("p"), "x", "a")) == [said]
    assert replace(world, may_overflow=True).found(backed(pod("p"), "x", "a")) == []


def test_a_pod_that_may_run_nowhere_is_refused_for_its_own_node_alone() -> None:
    gated = replace(pod("p"), is_gated=True)
    said = ["gated: default/p on any node: the pod has scheduling gates"]
    assert World().found(backed(gated, "a", "b")) == said


def test_a_backup_is_within_the_hard_delays() -> None:
    said = ["cover: default/p on d as a backup: 2ms from b, budget 1ms"]
    assert World().found(backed(pod("p", delays=NEAR_B), "a", "d")) == said


def test_a_soft_delay_excludes_no_backup() -> None:
    one = pod("p", delays=(within(1, "b", is_soft=True),))
    assert World().found(backed(one, "a", "d")) == []


def test_what_is_not_measured_is_no_backup() -> None:
    unknown = rtt_ms(NAMES[:3], [[0, 1, -1], [1, 0, -1], [-1, -1, 0]])
    world = World(nodes=NODES[:3], rtt=unknown)
    said = ["cover: default/p on c as a backup: an RTT from b is not measured, budget 9ms"]
    assert world.found(backed(pod("p", delays=(within(9, "b"),)), "a", "c")) == said


def test_the_node_it_refers_to_is_a_backup_without_any_measurement() -> None:
    unknown = rtt_ms(NAMES[:2], [[0, 1], [-1, 0]])
    world = World(nodes=NODES[:2], rtt=unknown)
    assert world.found(backed(pod("p", delays=(within(1, "b"),)), "a", "b")) == []


@pytest.mark.parametrize(("of", "is_right"), [(Quantifier.ANY, True), (Quantifier.ALL, False)])
def test_the_nearest_replica_or_each_is_near_the_backup(of: Quantifier, is_right: bool) -> None:  # noqa: FBT001 - a case
    replicas = [(pod(f"db-{k}", workload=workload("db")), on) for k, on in enumerate("bd")]
    one = pod("p", delays=(within(2, "db", of=of),))
    assert (World(placed=replicas).found(backed(one, "c", "a")) == []) is is_right
    assert World(placed=replicas).found(backed(one, "b", "c")) == []


def test_a_backup_is_near_references_of_the_same_plan() -> None:
    one, db = pod("p", delays=(within(1, "db"),)), pod("db", workload=workload("db"))
    assert World().found(backed(one, "b", "c"), Assignment(db, "b")) == []
    said = ["cover: default/p on c as a backup: 2ms from db, budget 1ms"]
    assert World().found(backed(one, "b", "c"), Assignment(db, "a")) == said


def test_a_pod_is_no_reference_of_its_own() -> None:
    own = {"workload": workload("web"), "delays": (within(1, "web", kind="workload"),)}
    alone, fellow = pod("p", **own), pod("q", **own)  # type: ignore[arg-type] # fields by name
    # Its host is 3 ms away: that would count if the pod were its own fellow.
    assert World().found(backed(alone, "a", "d")) == []
    assert World().found(backed(alone, "a", "c"), backed(fellow, "b", "a")) == []
    said = ["cover: default/p on d as a backup: 2ms from workload/web, budget 1ms"]
    assert World().found(backed(alone, "a", "d"), backed(fellow, "b", "a")) == said


def test_a_fellow_where_the_backup_is_counts() -> None:
    own = {"workload": workload("web"), "delays": (within(9, "web", kind="workload"),)}
    alone, fellow = pod("p", **own), pod("q", **own)  # type: ignore[arg-type] # fields by name
    unknown = rtt_ms(NAMES[:2], [[0, 1], [1, 0]])
    world = World(nodes=NODES[:2], rtt=unknown)
    assert world.found(backed(alone, "a", "b"), backed(fellow, "b", "a")) == []


def test_a_terminating_pod_with_a_backup_hides_no_fellow_beside_it() -> None:
    own = {"workload": workload("web"), "delays": (within(1, "web", kind="workload"),)}
    leaving, fellow = pod("p", **own), pod("q", **own)  # type: ignore[arg-type] # fields by name
    world = World(
        placed=[(leaving, "a"), (fellow, "a")],
        terminating=frozenset({"default/p"}),
        mode="required",
    )
    said = ["cover: default/p on c as a backup: 2ms from workload/web, budget 1ms"]
    assert world.found(backups={"default/p": "c"}) == said


def test_the_delays_of_pods_placed_before_may_name_pods() -> None:
    one, db = pod("p", delays=(within(1, "db", kind="pod"),)), pod("db")
    world = World(placed=[(one, "b"), (db, "b")])
    assert world.found(backups={"default/p": "c"}) == []
    said = ["cover: default/p on d as a backup: 2ms from pod/db, budget 1ms"]
    assert world.found(backups={"default/p": "d"}) == said


def test_a_reference_that_is_gone_leaves_no_backup() -> None:
    world = World(placed=[(pod("p", delays=(within(1, "db"),)), "b")])
    said = ["cover: default/p on c as a backup: nothing is named db, budget 1ms"]
    assert world.found(backups={"default/p": "c"}) == said


def test_a_reference_that_waits_leaves_no_backup() -> None:
    one = pod("p", delays=(within(1, "db"),))
    world = World(placed=[(one, "b"), (pod("db"), "gone")])
    said = ["cover: default/p on c as a backup: no pod of db is placed, budget 1ms"]
    assert world.found(backups={"default/p": "c"}) == said


SITES = [node("a", labels=SITE), node("b", labels=SITE), node("c"), node("d")]
ZONES = ZoneTree(
    ("d", "c", "b", "gone"),
    (
        Layer(5_000, np.array([0, 0, 1, 1], dtype=np.int32), ("z0", "z1")),
        Layer(9_000, np.array([0, 0, 0, 0], dtype=np.int32), ("all",)),
    ),
)


@pytest.mark.parametrize(
    ("unit", "host", "backup", "is_right"),
    [
        ("node", "a", "b", True),
        ("domain", "a", "b", False),
        ("domain", "a", "c", True),
        ("domain", "c", "d", True),
        ("zone", "a", "b", True),
        ("zone", "b", "c", True),
        ("zone", "c", "d", False),
    ],
)
def test_a_backup_does_not_fail_with_the_host(
    unit: FailureUnit,
    host: str,
    backup: str,
    is_right: bool,  # noqa: FBT001 - a case
) -> None:
    world = World(nodes=SITES, unit=unit, zones=ZONES)
    said = f"cover: default/p on {backup} as a backup: it fails together with {host}"
    assert world.found(backed(pod("p"), host, backup)) == ([] if is_right else [said])


def test_a_node_in_no_zone_fails_alone() -> None:
    nowhere = ZoneTree(("a", "b"), (Layer(5_000, np.array([-1, -1], dtype=np.int32), ()),))
    for zones in (nowhere, ZoneTree()):
        assert World(unit="zone", zones=zones).found(backed(pod("p"), "a", "b")) == []


@pytest.mark.parametrize(
    ("key", "detail"),
    [
        ("default/nobody", "no such pod was placed before"),
        ("other/bare", "no such pod was placed before"),
        ("default/old", "the pod has a backup already"),
        ("default/lost", "the pod's own node is gone"),
    ],
)
def test_new_backups_are_of_placed_pods_that_had_none(key: str, detail: str) -> None:
    placed = [(covered("old", "b"), "a"), (pod("lost"), "gone"), (pod("bare"), "a")]
    said = f"cover: {key} on c as a backup: {detail}"
    assert World(placed=placed).found(backups={key: "c"}, miscounted=-1) == [said]


def test_a_pod_whose_backup_is_gone_may_get_a_new_one() -> None:
    world = World(placed=[(covered("old", "gone", delays=NEAR_B), "a")])
    assert world.found(backups={"default/old": "c"}) == []


def full(name: str, cpu_milli: int, **spec: object) -> Pod:
    return pod(name, cpu_milli=cpu_milli, **spec)


def test_a_node_has_room_for_its_pods_and_its_reserve() -> None:
    world = World(placed=[(full("here", 3_000), "b")])
    assert world.found(backed(full("p", 1_000), "a", "b")) == []
    said = ["reserve: b is 1 cpu short: 0 assigned, 1001 reserved, 1000 left"]
    assert world.found(backed(full("p", 1_001), "a", "b")) == said


def test_a_pod_takes_no_room_that_is_reserved() -> None:
    world = World(placed=[(covered("old", "b", cpu_milli=3_000), "a")])
    assert world.found(Assignment(full("p", 1_000), "b")) == []
    said = ["reserve: b is 1 cpu short: 1001 assigned, 3000 reserved, 4000 left"]
    assert world.found(Assignment(full("p", 1_001), "b")) == said


def test_the_reserve_is_for_the_worst_single_failure() -> None:
    old = [(covered(f"old-{k}", "b", cpu_milli=2_000), on) for k, on in enumerate("acd")]
    world = World(placed=[*old, (full("here", 1_000), "b")])
    assert world.found(Assignment(full("p", 1_000), "b")) == []
    assert world.found(backed(full("p", 1_000), "a", "b")) == []
    said = ["reserve: b is 1 cpu short: 0 assigned, 3001 reserved, 3000 left"]
    assert world.found(backed(full("p", 1_001), "a", "b")) == said


def test_what_fails_together_arrives_together() -> None:
    nodes = [node("a", labels=SITE), node("b", labels=SITE), node("c"), node("d")]
    old = [(covered(f"old-{k}", "c", cpu_milli=2_000), on) for k, on in enumerate("ab")]
    world = World(nodes=nodes, placed=old)
    assert world.found(Assignment(full("p", 2_000), "c")) == []
    said = ["reserve: c is 2000 cpu short: 2000 assigned, 4000 reserved, 4000 left"]
    assert replace(world, unit="domain").found(Assignment(full("p", 2_000), "c")) == said


def test_terminating_pods_keep_their_reserve() -> None:
    old = [(covered("old", "b", cpu_milli=4_000), "a")]
    world = World(placed=old, terminating=frozenset({"default/old"}))
    said = ["reserve: b is 1 cpu short: 1 assigned, 4000 reserved, 4000 left"]
    assert world.found(Assignment(full("p", 1), "b")) == said


def test_pods_on_nodes_that_are_gone_need_no_reserve() -> None:
    world = World(placed=[(covered("old", "b", cpu_milli=4_000), "gone")])
    assert world.found(Assignment(full("p", 4_000), "b")) == []


def test_the_number_of_pods_is_reserved_too() -> None:
    nodes = [node("a"), node("b", pods=1)]
    made = [backed(full(name, 1), "a", "b") for name in "pq"]
    assert World(nodes=nodes).found(made[0]) == []
    said = ["reserve: b is 1 pods short: 0 assigned, 2 reserved, 1 left"]
    assert World(nodes=nodes).found(*made) == said


def test_a_node_to_which_nothing_is_added_may_be_over_committed() -> None:
    world = World(placed=[(full("here", 3_000), "b"), (covered("old", "b", cpu_milli=3_000), "a")])
    assert world.found(backed(full("p", 100), "a", "c")) == []
    said = ["reserve: b is 2100 cpu short: 100 assigned, 3000 reserved, 1000 left"]
    assert world.found(Assignment(full("p", 100), "b")) == said


def test_a_resource_that_nobody_new_asks_for_is_not_looked_at() -> None:
    world = World(placed=[(full("here", 3_000), "b"), (covered("old", "b", cpu_milli=3_000), "a")])
    assert world.found(Assignment(full("p", 0), "b")) == []
    assert world.found(backed(full("p", 0), "a", "b")) == []


def test_a_resource_without_limit_is_never_short() -> None:
    unlimited = Node("b", {CPU: 1_000}, is_unlimited=True)
    one = pod("p", requests=resources({MEMORY: 1 << 50, CPU: 1_000}))
    assert World(nodes=[node("a"), unlimited]).found(Assignment(one, "b")) == []
    plain = [replace(NODES[0], allocatable={CPU: 1_000, MEMORY: 1 << 50, PODS: 9}), unlimited]
    assert World(nodes=plain).found(backed(one, "a", "b")) == []


def test_sums_beyond_64_bits_do_not_wrap() -> None:
    huge = (1 << 62) - 1
    site = [replace(node(name, labels=SITE), allocatable={CPU: huge, PODS: 9}) for name in "cde"]
    old = [(covered(f"old-{on}", "b", cpu_milli=huge), on) for on in "cde"]
    world = World(nodes=[*NODES[:2], *site], placed=old, unit="domain")
    short = f"{3 * huge - 4_000} cpu short: 0 assigned, {3 * huge} reserved, 4000 left"
    assert world.found(backed(full("p", 100), "a", "b")) == [f"reserve: b is {short}"]


LOST = World(
    nodes=[node("a", is_ready=False), *NODES[1:]],
    placed=[
        (replace(covered("lost", "b", cpu_milli=3_000, delays=NEAR_B), uid="lost"), "a"),
        (covered("old", "b", cpu_milli=2_000), "d"),
    ],
)
"""A node died; what was to go to b when c does is there still."""


def replacing(cpu_milli: int) -> Assignment:
    return Assignment(full("p", cpu_milli, delays=NEAR_B), "b", replaces="lost")


@pytest.mark.parametrize("mode", ["preferred", "required"])
def test_a_replacement_may_use_the_reserve_and_needs_no_backup(mode: CoverMode) -> None:
    one = replacing(3_000)
    assert replace(LOST, mode=mode).found(one, uncovered=[one.pod]) == []


def test_beside_a_replacement_others_use_no_reserve() -> None:
    one, other = replacing(1_000), Assignment(full("q", 1_000), "b")
    assert LOST.found(one, other, uncovered=[one.pod]) == []
    said = ["reserve: b is 1 cpu short: 2001 assigned, 2000 reserved, 4000 left"]
    other = Assignment(full("q", 1_001), "b")
    assert LOST.found(one, other, uncovered=[one.pod]) == said


def test_a_new_backup_where_a_replacement_goes_owes_the_reserve() -> None:
    one, other = replacing(2_001), backed(full("q", 1), "c", "b")
    said = ["reserve: b is 1 cpu short: 2001 assigned, 2000 reserved, 4000 left"]
    assert LOST.found(one, other, uncovered=[one.pod]) == said


def test_the_place_of_a_lost_pod_is_kept_until_another_has_it() -> None:
    said = ["reserve: b is 1 cpu short: 1001 assigned, 3000 reserved, 4000 left"]
    assert LOST.found(Assignment(full("q", 1_001), "b")) == said
    snapshot = LOST.snapshot([full("q", 1_001)])
    there = replace(snapshot.placed, replaced=frozenset({"lost"}))
    stats = PlanStats(cover=CoverStats(covered=1))
    plan = Plan((Assignment(snapshot.pending[0], "b"),), stats=stats)
    assert violations(replace(snapshot, placed=there), plan, cover=CoverRules("preferred")) == ()


def test_a_replacement_still_needs_room() -> None:
    one = replacing(4_001)
    rules = [said.split(":")[0] for said in LOST.found(one, uncovered=[one.pod])]
    assert rules == ["room"]


def test_where_cover_is_required_a_pod_with_a_hard_delay_has_a_backup() -> None:
    bare, one = pod("bare"), pod("p", delays=NEAR_B)
    made = Assignment(bare, "a"), Assignment(one, "a")
    said = "cover: default/{} on a: it has to have a backup and has none"
    assert World(mode="preferred").found(*made, uncovered=[one]) == []
    assert World(mode="required").found(*made, uncovered=[one]) == [said.format("p")]
    everyone = World(mode="required", everyone=True).found(*made, uncovered=[one, bare])
    assert everyone == [said.format("bare"), said.format("p")]


def test_a_soft_delay_asks_for_no_cover() -> None:
    one = pod("p", delays=(within(1, "b", is_soft=True),))
    assert World(mode="required").found(Assignment(one, "a")) == []


def test_where_cover_is_off_nobody_is_given_a_backup() -> None:
    world = World(placed=[(pod("bare"), "a")], mode="off")
    said = "cover: default/{} on b as a backup: cover is off"
    assert world.found(backed(pod("p"), "a", "b")) == [said.format("p")]
    assert world.found(backups={"default/bare": "b"}) == [said.format("bare")]


def test_where_cover_is_off_old_reserves_bind_nobody() -> None:
    old = [(covered("old", "b", cpu_milli=4_000), "a")]
    plan = Plan((Assignment(full("p", 4_000), "b"),))
    assert World(placed=old, mode="off").said(plan) == []


@pytest.mark.parametrize("miscounted", [-1, 1])
def test_covered_pods_are_counted_old_and_new(miscounted: int) -> None:
    placed = [(covered("old", "b"), "a"), (covered("lost", "b"), "gone"), (pod("bare"), "a")]
    found = World(placed=placed).found(
        backed(pod("p"), "a", "b"), backups={"default/bare": "c"}, miscounted=miscounted
    )
    assert found == [f"cover: {3 + miscounted} pods are said to be covered, 3 are"]


@pytest.mark.parametrize("there", [node("a", is_ready=False), node("a", taints=(LOST_TAINT,))])
def test_pods_of_dead_nodes_are_covered_no_more(there: Node) -> None:
    world = World(nodes=[there, *NODES[1:]], placed=[(covered("old", "b"), "a")])
    assert world.found() == []
    assert world.found(miscounted=1) == ["cover: 1 pods are said to be covered, 0 are"]


def test_a_pod_that_wants_cover_has_it_or_is_said_to_have_none() -> None:
    one = pod("p", delays=NEAR_B)
    said = ["cover: default/p on a: it has no backup and is not said to have none"]
    assert World().found(Assignment(one, "a")) == said
    assert World().found(Assignment(pod("q"), "a")) == []
    assert len(World(everyone=True).found(Assignment(pod("q"), "a"))) == 1


def test_a_pod_with_a_backup_is_not_said_to_have_none() -> None:
    one, bare = pod("p", delays=NEAR_B), pod("bare")
    said = ["cover: default/p on a: it has a backup and is said to be uncovered"]
    assert World().found(backed(one, "a", "b"), uncovered=[one]) == said
    said = ["cover: default/bare has a new backup and is said to be uncovered"]
    world = World(placed=[(bare, "a")])
    assert world.found(backups={"default/bare": "b"}, uncovered=[bare]) == said


@given(data=st.data(), little=little_clusters())
def test_delays_hold_on_a_backup_where_they_would_if_the_pod_ran_there(
    data: st.DataObject, little: Little
) -> None:
    hosts = data.draw(placements(little))
    nodes = st.sampled_from(NODE_NAMES)
    plan = plan_of(little, hosts)
    made = tuple(replace(one, backup=data.draw(nodes), measured=()) for one in plan.assignments)
    backed_plan = replace(plan, assignments=made)
    said = violations(little.snapshot, backed_plan, cover=CoverRules("preferred"))
    found = {one.replace(" as a backup", "") for one in said if ", budget" in one}
    found = {one for one in found if one.startswith("cover: ")}
    expected = set[str]()
    for one in made:
        moved = plan_of(little, {**hosts, one.pod.key: one.backup})
        there = f"delay: {one.pod.key} on {one.backup}: "
        expected |= {s for s in violations(little.snapshot, moved) if s.startswith(there)}
    assert found == {one.replace("delay: ", "cover: ", 1) for one in expected}


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("dtype", [np.int64, np.object_])
def test_reserves_are_what_a_loop_over_all_failures_says(seed: int, dtype: type) -> None:
    rng = np.random.default_rng(seed)
    count, units, pods = (int(rng.integers(1, most)) for most in (12, 6, 80))
    hosts, on = rng.integers(0, units, pods), rng.integers(0, count, pods)
    demand = rng.integers(0, 5, (pods, 3))
    expected = [[0, 0, 0] for _ in range(count)]
    for unit in range(units):
        for there in range(count):
            arriving = [demand[k] for k in range(pods) if hosts[k] == unit and on[k] == there]
            for resource in range(3):
                load = sum(int(amounts[resource]) for amounts in arriving)
                expected[there][resource] = max(expected[there][resource], load)
    assert reserves(hosts, on, demand.astype(dtype), count).tolist() == expected


@pytest.mark.parametrize("seed", range(20))
def test_short_nodes_are_what_a_loop_over_all_failures_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = [f"n{k}" for k in range(6)]
    nodes = [
        node(name, cpu_milli=int(rng.integers(8, 20)), pods=int(rng.integers(4, 9)))
        for name in names
    ]
    rtt, old, made, backups = line_rtt(names), [], [], {}
    for k in range(12):
        host, backup = (names[i] for i in rng.permutation(6)[:2])
        one = full(f"p{k}", int(rng.integers(1, 5)))
        match k % 4:
            case 0 | 1:
                old.append((replace(one, backup=backup), host))
            case 2:
                made.append(backed(one, host, backup))
            case _:
                old.append((one, host))
                backups[one.key] = backup
    found = World(nodes=nodes, placed=old, rtt=rtt).found(*made, backups=backups)
    short = {tuple(said.split()[1:5:3]) for said in found if said.startswith("reserve")}
    assert short == set(_short(nodes, old, made, backups))


def _short(
    nodes: Sequence[Node],
    old: Sequence[tuple[Pod, str]],
    made: Sequence[Assignment],
    backups: Mapping[str, str],
) -> list[tuple[str, str]]:
    """Return (node, resource) where pods and reserve do not fit: one node, one failure at a time.

    All pods ask for both resources, and all that have a backup are covered.
    """
    running = [*old, *((one.pod, one.node) for one in made)]
    given = {one.key: one.backup for one, _ in old if one.backup}
    given |= backups
    new = {one.pod.key: one.backup for one in made}
    short = []
    for host in nodes:
        here = host.name
        if here not in (*(one.node for one in made), *new.values(), *backups.values()):
            continue
        arriving: dict[str, list[Pod]] = {}
        for one, on in running:
            if (given | new)[one.key] == here:
                arriving.setdefault(on, []).append(one)
        for resource in (CPU, PODS):
            used = sum(_takes(one, resource) for one, on in running if on == here)
            loads = [sum(_takes(one, resource) for one in pods) for pods in arriving.values()]
            if loads and used + max(loads) > host.allocatable[resource]:
                short.append((here, resource))
    return short


def _takes(one: Pod, resource: str) -> int:
    return 1 if resource == PODS else dict(one.pod_class.requests)[resource]
