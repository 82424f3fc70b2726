"""Pods remembered after they were removed from a dead node."""

from dataclasses import replace

from scheduler.service.lost_pods import FORGOTTEN_S, LostPods
from tests.builders import pod

NOBODY: frozenset[str] = frozenset()


def remembering(*names: str) -> LostPods:
    lost = LostPods()
    for name in names:
        lost.add(replace(pod(name), uid=name), "dead", "backup")
    return lost


def names(lost: LostPods, now_s: float = 0.0, replaced: frozenset[str] = NOBODY) -> list[str]:
    return [one.pod.name for one in lost.freeze(now_s, replaced)]


def test_a_pod_is_remembered_until_another_has_taken_its_place() -> None:
    lost = remembering("p", "q")

    assert names(lost) == ["p", "q"]
    assert names(lost, replaced=frozenset({"p"})) == ["q"]
    assert names(lost) == ["q"]


def test_a_pod_is_forgotten_when_its_node_is_back() -> None:
    lost = remembering("p")
    lost.node_is_back("another")
    assert names(lost) == ["p"]

    lost.node_is_back("dead")

    assert names(lost) == []


def test_a_pod_that_nobody_replaces_is_forgotten_in_the_end() -> None:
    lost = remembering("p")

    assert names(lost, 100.0) == ["p"]
    assert names(lost, 100.0 + FORGOTTEN_S) == ["p"]
    assert lost.take_given_up() == []
    assert names(lost, 101.0 + FORGOTTEN_S) == []
    assert len(lost) == 0
    assert lost.take_given_up() == ["backup"]
    assert lost.take_given_up() == []


def test_a_place_that_was_taken_and_is_not_after_all_is_kept_again() -> None:
    """An assumption is taken back where the delay is found to be too long before the binding."""
    lost = remembering("p")
    assert names(lost, 100.0, frozenset({"p"})) == []

    found = lost.freeze(105.0, NOBODY, frozenset({"p", "unknown"}))
    assert [one.pod.name for one in found] == ["p"]
    assert names(lost, 106.0, frozenset({"p"})) == []
    assert names(lost, 107.0) == [], "its successor came, and went for reasons of its own"
