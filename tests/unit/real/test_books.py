"""What episodes of kills are judged by: doctored histories are caught, each by its rule."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from tests.real.books import Books, misremembered
from tests.real.death import BACKUP
from tests.real.history import Change
from tests.real.matrices import on_a_line
from tests.real.objects import node, pod

NODES = ("a", "b", "c")
"""Ten milliseconds from each to the next, with room for one CPU each."""
NO_ROOM = ("Unschedulable", "0/3 nodes are available: 3 Insufficient cpu.")
NEAR_A = {"delay_a": "10"}
NOTHING: Mapping[str, str] = {}


def books() -> Books:
    return Books([node(name, cpu="1") for name in NODES], NODES, on_a_line([0, 10, 20]))


def told(
    name: str,
    at: str = "",
    *,
    cpu: str = "600m",
    labels: Mapping[str, str] = NOTHING,
    backup: str = "",
    why: tuple[str, str] = ("", ""),
) -> Change:
    """Return a change that leaves a pod on a node, or waiting for one with what it was told."""
    made = pod(name, cpu=cpu, labels={"app": "web", **labels})
    made["metadata"] |= {"namespace": "e2e", "uid": f"uid-{name}"}
    if backup:
        made["metadata"]["annotations"] = {BACKUP: backup}
    if at:
        made["spec"]["nodeName"] = at
    reason, message = why
    said = {"type": "PodScheduled", "status": "False", "reason": reason, "message": message}
    made["status"] = {"phase": "Pending", "conditions": [said] if reason else []}
    return Change(1, is_gone=False, pod=made)


def gone(last: Change) -> Change:
    return replace(last, is_gone=True)


def wrong(*changes: Change) -> list[str]:
    """Return what is wrong with a history while it goes on."""
    kept = books()
    return [what for change in changes for what in kept.take(change)]


def wrong_at_rest(*changes: Change, replicas: int) -> list[str]:
    """Return what is wrong when it has ended."""
    kept = books()
    for change in changes:
        kept.take(change)
    return kept.at_rest({"web": replicas} if replicas else {})


def rules(found: list[str]) -> list[str]:
    return [what.split(":")[0] for what in found]


def test_pods_that_are_bound_once_where_there_is_room_and_a_budget_holds_are_right() -> None:
    history = [
        told("p", labels=NEAR_A),
        told("p", "b", labels=NEAR_A, backup="a"),
        told("p", "b", labels=NEAR_A, backup="a"),
        told("q", "a", cpu="1"),
    ]

    assert wrong(*history) == []
    assert wrong_at_rest(*history, replicas=2) == []


@pytest.mark.parametrize(
    ("rule", "history"),
    [
        pytest.param("doubled", [told("p", "a"), told("p", "b")], id="bound twice"),
        pytest.param("doubled", [told("p", "a"), told("p")], id="unbound"),
        pytest.param("overcommitted", [told("p", "a"), told("q", "a")], id="no room"),
        pytest.param("overcommitted", [told("p", "nowhere")], id="no node"),
        pytest.param("budget", [told("p", "c", labels=NEAR_A)], id="too far"),
        pytest.param("budget", [told("p", "c", labels={"delay_x": "9"})], id="never measured"),
        pytest.param("backup", [told("p", "a", backup="a")], id="backup on its own node"),
        pytest.param("backup", [told("p", "a", backup="x")], id="backup that is not there"),
        pytest.param("backup", [told("p", "a", labels=NEAR_A, backup="c")], id="backup too far"),
    ],
)
def test_a_history_that_breaks_a_rule_is_caught_by_that_rule_alone(
    rule: str, history: list[Change]
) -> None:
    assert rules(wrong(*history)) == [rule]


def test_a_backup_that_is_written_later_is_judged_too() -> None:
    assert rules(wrong(told("p", "a"), told("p", "a", backup="a"))) == ["backup"]


def test_room_that_was_freed_may_be_taken_again() -> None:
    assert wrong(told("p", "a"), gone(told("p", "a")), told("q", "a")) == []


@pytest.mark.parametrize(
    ("rule", "waiting"),
    [
        pytest.param("lost", told("p", cpu="2"), id="without a word"),
        pytest.param("lost", told("p", cpu="2", why=("Unschedulable", "")), id="half a word"),
        pytest.param("lost", told("p", why=NO_ROOM), id="with room left"),
        pytest.param("lost", told("p", labels=NEAR_A, why=NO_ROOM), id="with room left in budget"),
    ],
)
def test_a_pod_that_waits_for_nothing_is_lost(rule: str, waiting: Change) -> None:
    assert rules(wrong_at_rest(waiting, replicas=1)) == [rule]


def test_a_pod_that_waits_for_room_there_is_not_and_was_told_so_is_not_lost() -> None:
    full = [told("q", "a"), told("r", "b")]

    assert wrong_at_rest(told("p", cpu="2", why=NO_ROOM), replicas=1) == []
    # There is room on c, which is too far.
    assert wrong_at_rest(*full, told("p", labels=NEAR_A, why=NO_ROOM), replicas=3) == []


def test_pods_that_are_missing_or_left_over_are_told() -> None:
    assert rules(wrong_at_rest(told("p", "a"), replicas=2)) == ["missing"]
    assert rules(wrong_at_rest(told("p", "a"), replicas=0)) == ["missing"]


def test_a_scheduler_that_remembers_another_node_than_the_store_is_caught() -> None:
    changes = [told("p", "a"), told("q", "b"), gone(told("q", "b"))]

    assert misremembered([("e2e/p", "a"), ("e2e/q", "b")], changes) == []
    assert rules(misremembered([("e2e/p", "b")], changes)) == ["doubled"]
    assert rules(misremembered([("e2e/unheard-of", "a")], changes)) == ["doubled"]
