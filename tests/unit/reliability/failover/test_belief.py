"""What is believed of nodes that die, flap and vanish together."""

import pytest

from scheduler.reliability.failover.belief import GONE, Beliefs
from scheduler.reliability.failover.settings import FailoverSettings

SETTINGS = FailoverSettings(
    hold_down_seconds=10,
    max_hold_down_seconds=60,
    flap_window_seconds=600,
    suspect_share=0.5,
    suspect_window_seconds=60,
)
LOST, SILENT = "not ready", "unreachable"


def beliefs(**changes: float) -> Beliefs:
    fields = {f: getattr(SETTINGS, f) for f in SETTINGS.__struct_fields__}
    return Beliefs(FailoverSettings(**{**fields, **changes}))


def flapped(seen: Beliefs, at_s: float, node: str = "a") -> None:
    """Let a node die, and return a second later."""
    seen.see(node, LOST, at_s)
    seen.see(node, "", at_s + 1)


def held_s(seen: Beliefs, since_s: float, node: str = "a") -> float:
    """Return for how many seconds after `since_s` a node is held down."""
    passed_s = 0
    while seen.is_held_down(node, since_s + passed_s):
        passed_s += 1
    return passed_s


def vanish(seen: Beliefs, names: str, at_s: float, sign: str = SILENT) -> None:
    for name in names:
        seen.see(name, sign, at_s)


def test_a_node_that_never_died_is_trusted_from_the_first_moment() -> None:
    seen = beliefs()
    seen.see("a", "", 0)

    assert not seen.is_held_down("a", 0)
    assert seen.believe(1, 0).dead == {}


def test_a_dead_node_is_dead_since_it_died_by_the_sign_it_shows_now() -> None:
    seen = beliefs()
    seen.see("a", LOST, 3)
    seen.see("a", LOST, 5)
    seen.see("a", SILENT, 7)

    death = seen.believe(1, 8).dead["a"]

    assert (death.sign, death.since_s, death.sign_since_s) == (SILENT, 3, 7)


def test_a_node_is_held_down_for_a_while_after_its_first_death_and_then_trusted() -> None:
    seen = beliefs()
    flapped(seen, 100)

    assert seen.believe(9, 101).held_down == {"a"}
    assert held_s(seen, 101) == 10
    assert seen.believe(9, 111).held_down == frozenset()


def test_each_death_within_the_window_doubles_the_hold_down_up_to_the_longest() -> None:
    seen, found = beliefs(), []
    for death in range(5):
        flapped(seen, 50.0 * death)
        found.append(held_s(seen, 50.0 * death + 1))

    assert found == [10, 20, 40, 60, 60]


def test_a_storm_of_flaps_is_one_long_hold_down_that_ends() -> None:
    seen = beliefs()
    for death in range(200):
        flapped(seen, 2.0 * death)
        assert seen.is_held_down("a", 2.0 * death + 1)

    assert held_s(seen, 399) == 60


def test_deaths_that_are_long_past_are_forgiven() -> None:
    seen = beliefs()
    for at_s in (0, 100, 200):
        flapped(seen, at_s)
    flapped(seen, 801)

    assert held_s(seen, 802) == 10


def test_a_node_that_dies_while_it_is_held_down_is_dead_and_no_more_held_down() -> None:
    seen = beliefs()
    flapped(seen, 0)
    seen.see("a", LOST, 5)

    found = seen.believe(9, 6)

    assert (set(found.dead), found.held_down) == ({"a"}, frozenset())


def test_a_node_that_was_deleted_is_held_down_when_it_is_back() -> None:
    seen = beliefs()
    seen.see("a", GONE, 0)
    assert seen.believe(8, 1).dead == {}
    seen.see("a", "", 2)

    assert seen.is_held_down("a", 3)


def test_a_node_that_joins_and_is_not_ready_yet_has_not_died() -> None:
    seen = beliefs()
    for name in "abcdef":
        seen.see(name, LOST, 0, is_new=True)

    assert not seen.believe(7, 1).is_suspect
    seen.see("a", "", 2)
    assert not seen.is_held_down("a", 2)

    flapped(seen, 3)
    assert held_s(seen, 4) == 10


def test_without_a_hold_down_a_node_is_trusted_as_soon_as_it_is_back() -> None:
    seen = beliefs(hold_down_seconds=0)
    flapped(seen, 0)

    assert not seen.is_held_down("a", 1)


@pytest.mark.parametrize(
    ("vanished", "nodes", "missing"),
    [("abc", 5, 3), ("abc", 6, 0), ("ab", 2, 0), ("ab", 3, 0), ("abcd", 7, 4)],
)
def test_the_observer_is_suspect_when_more_than_half_vanish_and_at_least_three(
    vanished: str, nodes: int, missing: int
) -> None:
    seen = beliefs()
    vanish(seen, vanished, 10)

    found = seen.believe(nodes, 11)

    assert (found.missing, found.is_suspect) == (missing, missing > 0)


def test_nodes_that_die_one_after_the_other_are_no_reason_to_suspect_the_observer() -> None:
    seen, suspected = beliefs(), []
    for k, name in enumerate("abcdefgh"):
        seen.see(name, SILENT, 40.0 * k)
        suspected.append(seen.believe(9, 40.0 * k).is_suspect)

    assert not any(suspected)


def test_deleted_nodes_count_among_those_that_vanished_and_among_all_for_the_window() -> None:
    seen = beliefs()
    vanish(seen, "abcd", 0, GONE)

    assert seen.believe(3, 1).missing == 4
    assert seen.believe(3, 1).nodes == 7
    assert not seen.believe(3, 61).is_suspect


def test_suspicion_lasts_beyond_the_window_until_three_quarters_are_back() -> None:
    seen = beliefs()
    vanish(seen, "abcdef", 0)
    seen.believe(10, 1)
    found = []
    for k, name in enumerate("abcdef"):
        found.append(seen.believe(10, 1000.0 + k).is_suspect)
        seen.see(name, "", 1000.0 + k)

    # Of ten nodes 2.5 may be missing.
    assert found == [True, True, True, True, False, False]


def test_after_a_suspicion_nodes_are_held_down_but_nothing_is_held_against_them() -> None:
    seen = beliefs()
    vanish(seen, "abc", 0)
    assert seen.believe(4, 1).is_suspect
    vanish(seen, "d", 2)
    for name in "abcd":
        seen.see(name, "", 100)
    assert held_s(seen, 100) == held_s(seen, 100, "d") == 10

    seen.believe(4, 101)
    flapped(seen, 120)
    assert held_s(seen, 121) == 10


def test_at_share_one_the_observer_is_never_suspect() -> None:
    seen = beliefs(suspect_share=1.0)
    vanish(seen, "abcdef", 0)

    assert not seen.believe(6, 1).is_suspect


def test_what_is_forgiven_is_forgotten() -> None:
    seen = beliefs()
    flapped(seen, 0)
    seen.see("b", GONE, 0)
    seen.believe(1, 601)

    assert seen._records == {}  # noqa: SLF001 - nothing else tells that memory is given back
