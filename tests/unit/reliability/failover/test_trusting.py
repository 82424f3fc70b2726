"""A snapshot without hold-downs."""

from dataclasses import replace

from scheduler.domain.node import HELD_DOWN_TAINT, Taint
from scheduler.domain.snapshot import build_snapshot
from scheduler.reliability.failover.trusting import trusting
from tests.builders import node


def test_only_the_hold_down_is_taken_off_and_the_other_snapshot_stays_as_it_was() -> None:
    own = Taint("dedicated", "gpu")
    held = replace(node("a"), taints=(own, Taint(HELD_DOWN_TAINT)))
    before = build_snapshot([held, node("b")], [])

    after = trusting(before)

    assert [one.taints for one in after.nodes.nodes] == [(own,), ()]
    assert before.nodes.nodes[0].taints == held.taints
    assert after.nodes.memo is not before.nodes.memo


def test_where_no_node_is_held_down_the_very_same_snapshot_is_returned() -> None:
    snapshot = build_snapshot([node("a")], [])

    assert trusting(snapshot) is snapshot
