"""What cover means, in small examples worked out by hand."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from scheduler.domain.cover import CoverMode, FailureUnit
from scheduler.domain.delay import Quantifier
from scheduler.domain.node import FAILURE_DOMAIN_LABEL, Node
from scheduler.domain.plan import Plan
from scheduler.domain.reasons import PodCause
from scheduler.domain.resources import CPU, PODS, resources
from scheduler.domain.snapshot import build_snapshot
from scheduler.domain.storage import Storage
from scheduler.domain.stored import storage_of
from scheduler.domain.workload import Pod
from scheduler.domain.zone import Layer, ZoneTree
from scheduler.placement.settings import PlacementSettings
from scheduler.planning.plan import plan
from scheduler.reliability.cover.settings import CoverEffortSettings, CoverSettings
from telemetry.model import RttMatrix
from tests.builders import line_rtt, node, pod, within, workload
from tests.unit.placement.storing import HOST, bound_claim, bound_volume, hosts, uses

NAMES = ("a", "b", "c", "d")
NODES = tuple(node(name) for name in NAMES)
RTT = line_rtt(NAMES)
NEAR_A = (within(9, "a"),)


def covered(  # noqa: PLR0913 - the parts of a little cluster, all but one optional
    pending: Sequence[Pod],
    nodes: Sequence[Node] = NODES,
    *,
    placed: Sequence[tuple[Pod, str]] = (),
    mode: CoverMode = "preferred",
    unit: FailureUnit = "node",
    everyone: bool = False,
    zones: ZoneTree | None = None,
    storage: Storage | None = None,
    rtt: RttMatrix = RTT,
    running: bool = False,
) -> Plan:
    snapshot = build_snapshot(nodes, pending, placed=placed, zones=zones, storage=storage, rtt=rtt)
    effort = CoverEffortSettings(covers_running=running)
    asked = CoverSettings(mode=mode, unit=unit, everyone=everyone, effort=effort)
    return plan(snapshot, PlacementSettings(), asked)


def near(name: str, cpu_milli: int = 1_000, **spec: object) -> Pod:
    return pod(name, cpu_milli=cpu_milli, **({"delays": NEAR_A} | spec))


def pairs(made: Plan) -> dict[str, tuple[str, str]]:
    return {a.pod.name: (a.node, a.backup) for a in made.assignments}


def backups(
    placed: Sequence[tuple[Pod, str]],
    nodes: Sequence[Node] = NODES,
    *,
    unit: FailureUnit = "node",
    zones: ZoneTree | None = None,
) -> tuple[dict[str, str], dict[str, int]]:
    """Return the backups of pods that run, and what is reserved in all."""
    made = covered([], nodes, placed=placed, unit=unit, zones=zones, running=True)
    found = {key.partition("/")[2]: on for key, on in made.cover.backups.items()}
    return found, dict(made.stats.cover.reserve)


def as_placed(made: Plan) -> list[tuple[Pod, str]]:
    """Return the pods of a plan as they run once it was carried out."""
    return [(replace(a.pod, backup=a.backup), a.node) for a in made.assignments]


def in_site(name: str, site: str, cpu_milli: int = 4_000) -> Node:
    return node(name, cpu_milli=cpu_milli, labels={FAILURE_DOMAIN_LABEL: site})


def test_failures_of_different_nodes_share_a_reserve() -> None:
    nodes = [node("a", cpu_milli=1_000), node("b", cpu_milli=1_000), node("c", cpu_milli=1_000)]

    made = covered([near("p"), near("q")], nodes, mode="required")

    assert len({host for host, _ in pairs(made).values()}) == 2
    assert len({backup for _, backup in pairs(made).values()}) == 1
    assert made.stats.cover.reserve == {CPU: 1_000, PODS: 1}


def test_pods_of_one_node_do_not_share_their_reserve() -> None:
    stay = [(near("p"), "a"), (near("q"), "a")]

    assert backups(stay, [node("a"), node("b")])[1] == {CPU: 2_000, PODS: 2}


def test_nodes_of_one_failure_domain_do_not_share_where_domains_fail() -> None:
    nodes = [in_site("a", "x", 1_000), in_site("b", "x", 1_000), in_site("c", "y")]
    stay = [(near("p"), "a"), (near("q"), "b")]

    by_node, by_domain = backups(stay, nodes), backups(stay, nodes, unit="domain")

    assert by_node == ({"p": "c", "q": "c"}, {CPU: 1_000, PODS: 1})
    assert by_domain == ({"p": "c", "q": "c"}, {CPU: 2_000, PODS: 2})


def test_a_backup_is_in_another_failure_domain_where_there_is_room() -> None:
    sites = [in_site("a", "x"), in_site("b", "x"), in_site("c", "y")]
    full = [*sites[:2], in_site("c", "y", 500)]
    stays = [(near("p"), "a")]

    assert backups(stays, sites)[0] == {"p": "c"}
    assert backups(stays, full)[0] == {"p": "b"}
    assert backups(stays, full, unit="domain")[0] == {}


def test_a_backup_is_in_another_zone_where_zones_fail() -> None:
    layer = Layer(1_000, np.array([0, 0, 1, -1], dtype=np.int32), ("z0", "z1"))
    nodes = [node("a"), node("b"), node("c", cpu_milli=500), node("d", cpu_milli=1_000)]

    found, _ = backups([(near("p"), "a")], nodes, unit="zone", zones=ZoneTree(NAMES, (layer,)))

    assert found == {"p": "d"}  # b is in the zone of a, c too small, d alone


def test_what_is_reserved_is_kept_from_later_pods_with_a_budget_or_without() -> None:
    nodes = [node("a", cpu_milli=1_000), node("b", cpu_milli=1_000)]
    first = covered([near("p")], nodes)
    standing = as_placed(first)

    for later in (near("q"), pod("q", cpu_milli=1_000)):
        made = covered([later], nodes, placed=standing)
        assert made.assignments == ()
        assert "kept their room for pods of a node that fails" in made.unplaced[0].refusal.message


def test_a_later_pod_of_another_node_shares_the_reserve_that_stands() -> None:
    nodes = [node(name, cpu_milli=1_000) for name in "abc"]
    standing = as_placed(covered([near("p")], nodes))

    made = covered([near("q")], nodes, placed=standing, mode="required")

    assert pairs(made)["q"][1] == standing[0][0].backup
    assert made.stats.cover.reserve[CPU] == 1_000
    assert made.stats.cover.covered == 2


def test_pods_of_high_priority_are_covered_and_placed_first() -> None:
    nodes = [node("a", cpu_milli=1_000), node("b", cpu_milli=1_000)]
    low, high = near("low"), near("high", priority=10)

    required = covered([low, high], nodes, mode="required")
    preferred = covered([low, high], [*nodes, node("c", cpu_milli=500)])

    assert list(pairs(required)) == ["high"]
    assert required.unplaced[0].pod.name == "low"
    assert len(preferred.assignments) == 2


def test_replicas_stay_spread() -> None:
    made = covered([near(f"w-{k}", 100, workload=workload("w")) for k in range(3)])

    assert len({host for host, _ in pairs(made).values()}) == 3
    assert all(backup for _, backup in pairs(made).values())


def test_pods_without_a_budget_are_covered_only_where_everyone_is() -> None:
    assert pairs(covered([pod("p")]))["p"][1] == ""
    made = covered([pod("p")], everyone=True)
    host, backup = pairs(made)["p"]
    assert backup not in ("", host)


@pytest.mark.parametrize("name", ["gpu", "memory", PODS])
def test_every_resource_counts(name: str) -> None:
    def sized(on: str, amount: int) -> Node:
        return Node(on, {CPU: 4_000, PODS: 110, "gpu": 9, "memory": 9} | {name: amount})

    one = near("p", requests=resources({CPU: 100, "gpu": 1, "memory": 1}))
    full = covered([one], [sized("a", 1), sized("b", 0)], mode="required")
    enough = covered([one], [sized("a", 1), sized("b", 1)], mode="required")

    assert full.assignments == ()
    assert set(pairs(enough)["p"]) == {"a", "b"}


def test_a_pod_with_a_local_volume_cannot_be_covered() -> None:
    nodes = [node(name, labels={HOST: name}) for name in "ab"]
    storage = storage_of([bound_claim(), bound_volume(node_terms=hosts("a"))])
    one = replace(near("p"), volumes=uses("data"))

    preferred = covered([one], nodes, storage=storage)
    required = covered([one], nodes, storage=storage, mode="required")

    assert pairs(preferred) == {"p": ("a", "")}
    assert [u.pod.name for u in preferred.cover.uncovered] == ["p"]
    assert required.assignments == ()
    assert required.unplaced[0].refusal.pod_reasons[0].cause is PodCause.NOT_COVERED


@pytest.mark.parametrize("flaw", [{"is_ready": False}, {"is_unschedulable": True}])
def test_a_node_that_takes_no_pods_is_no_backup(flaw: dict[str, bool]) -> None:
    nodes = [node("a"), replace(node("b"), **flaw)]  # type: ignore[arg-type] # fields by name
    assert covered([near("p")], nodes, mode="required").assignments == ()


def test_a_backup_is_near_the_pod_that_is_referred_to() -> None:
    pods = [near("db", node_name="b"), near("web", delays=(within(1, "db"),))]

    host, backup = pairs(covered(pods))["web"]

    assert {host, backup} < {"a", "b", "c"}


def test_a_pod_is_no_reference_of_its_own_backup() -> None:
    """Within 1 ms of any fellow: p on a has q on b, and once a is gone, d is too far from b."""
    near_any = (within(1, "w", of=Quantifier.ANY),)
    fellows = [
        (pod(name, delays=near_any, workload=workload("w")), on) for name, on in ("pa", "qb")
    ]
    rtt = RttMatrix(
        ("a", "b", "d"),
        np.array([[0, 1000, 1000], [1000, 0, 5000], [1000, 5000, 0]], dtype=np.int32),
        "test",
    )

    nodes = [node("a"), node("b", cpu_milli=100), node("d")]
    made = covered([], nodes, placed=fellows, rtt=rtt, running=True)

    assert [one.pod.name for one in made.cover.uncovered] == ["p"]  # b is full
    assert made.cover.backups["default/q"] in {"a", "d"}


def test_what_refers_to_a_pod_that_cannot_be_covered_waits_with_it() -> None:
    alone = near("db", delays=(within(0.5, "a"),))
    web = near("web", delays=(within(2, "db"),))

    made = covered([alone, web], mode="required")

    assert made.assignments == ()
    assert len(made.unplaced) == 2


def test_a_pod_that_asks_nothing_of_an_overdrawn_node_is_covered_there() -> None:
    nodes = [node("a", cpu_milli=500), node("b", cpu_milli=500)]
    too_much = [(pod("old", cpu_milli=900), "a")]

    made = covered([near("p", 0)], nodes, placed=too_much, mode="required")

    assert set(pairs(made)["p"]) == {"a", "b"}


def test_nodes_without_any_limit_can_be_backups() -> None:
    nodes = [replace(node(name), allocatable={}, is_unlimited=True) for name in "ab"]

    assert set(pairs(covered([near("p")], nodes, mode="required"))["p"]) == {"a", "b"}


def test_running_pods_are_covered_where_they_stand_and_keep_the_backup_they_have() -> None:
    has, bare = replace(near("has"), backup="c"), near("bare")

    made = covered([], placed=[(has, "a"), (bare, "b")], running=True)

    assert made.cover.backups.keys() == {"default/bare"}
    assert made.cover.backups["default/bare"] in {"a", "c", "d"}


def test_a_delay_to_a_terminating_pod_is_not_kept_by_a_fellow_of_its_class() -> None:
    old, fellow = near("w-0", workload=workload("w")), near("w-1", workload=workload("w"))
    snapshot = build_snapshot(
        NODES,
        [fellow, pod("p", delays=(within(9, "w-0"),))],
        placed=[(old, "a")],
        terminating=frozenset({"default/w-0"}),
        rtt=RTT,
    )

    made = plan(snapshot, PlacementSettings())  # raises where the checker objects

    assert list(made.placement) == ["default/w-1"]


def test_zones_that_no_node_is_in_are_as_good_as_none() -> None:
    layer = Layer(1_000, np.full(len(NAMES), -1, dtype=np.int32), ())
    replicas = [near(f"w-{k}", workload=workload("w")) for k in range(2)]

    made = covered(replicas, zones=ZoneTree(NAMES, (layer,)), unit="zone", mode="required")

    assert len(made.assignments) == 2
