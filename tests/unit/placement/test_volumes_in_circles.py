"""Pods that refer to each other and have volumes of their own."""

from dataclasses import replace

from scheduler.domain.snapshot import build_snapshot
from scheduler.domain.stored import storage_of
from scheduler.domain.workload import Pod
from scheduler.placement.settings import PlacementSettings
from scheduler.planning.plan import plan
from tests.builders import line_rtt, pod, within, workload
from tests.unit.placement.deciding import where
from tests.unit.placement.storing import claim, host, hosts, local_class, uses, volume


def _replica(k: int, budget_ms: float) -> Pod:
    near = (within(budget_ms, "db"),)
    one = pod(f"db-{k}", delays=near, workload=workload("db", "StatefulSet"))
    return replace(one, volumes=uses(f"data-{k}"))


def _placed(nodes: str, disks: str, *, replicas: int, budget_ms: float) -> dict[str, str]:
    claims = [claim(f"data-{k}", "local") for k in range(replicas)]
    volumes = [volume(f"pv-{k}", node_terms=hosts(name)) for k, name in enumerate(disks)]
    snapshot = build_snapshot(
        [host(name) for name in nodes],
        [_replica(k, budget_ms) for k in range(replicas)],
        storage=storage_of([local_class(), *claims, *volumes]),
        rtt=line_rtt(tuple(nodes), 1.0),
    )
    return where(plan(snapshot, PlacementSettings()))


def test_replicas_near_each_other_go_where_each_finds_a_volume() -> None:
    placed = _placed("abc", "abc", replicas=3, budget_ms=5)

    assert sorted(placed.values()) == ["a", "b", "c"]


def test_the_place_is_chosen_where_all_find_theirs_within_the_budget() -> None:
    placed = _placed("abcdef", "adef", replicas=3, budget_ms=2)

    assert sorted(placed.values()) == ["d", "e", "f"]


def test_who_finds_no_volume_waits() -> None:
    placed = _placed("abc", "ab", replicas=3, budget_ms=5)

    assert sorted(placed.values()) == ["a", "b"]
