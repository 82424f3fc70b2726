"""Broken budgets of running pods."""

from collections.abc import Sequence

import pytest

from scheduler.domain.delay import DelayConstraint, Quantifier
from scheduler.domain.snapshot import build_snapshot
from scheduler.domain.workload import Pod, Service
from scheduler.reliability.budgets import Break, broken_budgets
from telemetry.model import RttMatrix
from tests.builders import line_rtt, node, pod, rtt_ms, within, workload

NAMES = ("a", "b", "c")
NODES = [node(name) for name in NAMES]
LINE = line_rtt(NAMES)
Said = tuple[str, str, Break, str, int]


def broken(
    *placed: tuple[Pod, str],
    rtt: RttMatrix = LINE,
    terminating: frozenset[str] = frozenset(),
    services: Sequence[Service] = (),
) -> list[Said]:
    snapshot = build_snapshot(
        NODES, [], placed=placed, rtt=rtt, terminating=terminating, services=services
    )
    return [
        (b.pod.name, b.node, b.kind, b.reference_node, b.rtt_us) for b in broken_budgets(snapshot)
    ]


def db(*nodes: str) -> list[tuple[Pod, str]]:
    return [(pod(f"db-{k}", workload=workload("db")), on) for k, on in enumerate(nodes)]


def near(delay: DelayConstraint) -> Pod:
    return pod("p", delays=(delay,))


def test_a_budget_that_holds_is_not_broken() -> None:
    assert broken((near(within(2, "c")), "a")) == []


def test_a_link_that_got_slower_breaks_the_budget() -> None:
    assert broken((near(within(1.9, "c")), "a")) == [("p", "a", Break.TOO_FAR, "c", 2_000)]


def test_a_soft_delay_is_no_budget() -> None:
    assert broken((near(within(1, "c", is_soft=True)), "a")) == []


def test_a_pair_no_longer_measured_is_said_to_be_so() -> None:
    gap = rtt_ms(NAMES, [[0, 1, -1], [1, 0, 1], [-1, 1, 0]])
    found = broken((near(within(5, "c")), "a"), rtt=gap)
    assert found == [("p", "a", Break.NOT_MEASURED, "c", -1)]


def test_a_reference_that_is_gone_breaks_the_budget() -> None:
    found = broken((near(within(5, "deleted")), "a"))
    assert found == [("p", "a", Break.UNKNOWN_REFERENCE, "", -1)]


def test_a_reference_whose_pods_are_on_their_way_out_breaks_the_budget() -> None:
    found = broken((near(within(5, "db")), "a"), *db("b"), terminating=frozenset({"default/db-0"}))
    assert found == [("p", "a", Break.NO_REPLICA, "", -1)]


def test_a_pod_past_help_is_left_out() -> None:
    lost, leaving = near(within(1, "c")), pod("q", delays=(within(1, "c"),))
    found = broken((lost, "deleted"), (leaving, "a"), terminating=frozenset({"default/q"}))
    assert found == []


@pytest.mark.parametrize(
    ("of", "ms", "expected"),
    [
        (None, 1, []),
        (None, 0.9, [("p", "a", Break.TOO_FAR, "b", 1_000)]),
        (Quantifier.ALL, 1, [("p", "a", Break.TOO_FAR, "c", 2_000)]),
        (Quantifier.ALL, 2, []),
    ],
)
def test_the_deciding_replica_is_named(
    of: Quantifier | None, ms: float, expected: list[Said]
) -> None:
    assert broken((near(within(ms, "db", of=of)), "a"), *db("b", "c")) == expected


def test_of_all_replicas_one_unknown_decides() -> None:
    gap = rtt_ms(NAMES, [[0, 1, -1], [1, 0, 1], [-1, 1, 0]])
    found = broken((near(within(5, "db", of=Quantifier.ALL)), "a"), *db("b", "c"), rtt=gap)
    assert found == [("p", "a", Break.NOT_MEASURED, "c", -1)]


def fellows(*nodes: str, ms: float, of: Quantifier | None = None) -> list[Said]:
    delays = (within(ms, "web", of=of),)
    return broken(
        *(
            (pod(f"web-{k}", workload=workload("web"), delays=delays), on)
            for k, on in enumerate(nodes)
        )
    )


def test_a_workload_near_itself_is_held_together() -> None:
    assert fellows("a", "b", ms=1) == []
    assert [name for name, *_ in fellows("a", "b", "c", ms=1)] == ["web-0", "web-2"]


def test_a_lone_replica_misses_nobody() -> None:
    assert fellows("a", ms=1) == []


def test_a_replica_is_no_company_to_itself() -> None:
    assert [name for name, *_ in fellows("a", "c", ms=1, of=Quantifier.ANY)] == ["web-0", "web-1"]


def test_a_service_stands_for_its_pods() -> None:
    service = Service("default", "front", (("app", "db"),))
    backend = (pod("db-0", labels=(("app", "db"),)), "c")
    found = broken((near(within(1, "front")), "a"), backend, services=[service])
    assert found == [("p", "a", Break.TOO_FAR, "c", 2_000)]
