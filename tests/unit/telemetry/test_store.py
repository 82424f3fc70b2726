"""The table of all pairs: what wins, what ages, what stays, and what is never made up."""

import numpy as np
import pytest

from telemetry.agent.wire import node_key
from telemetry.census import census
from telemetry.dated import DatedRtt
from telemetry.keeping import KeepSettings
from telemetry.model import UNKNOWN_US, RttMatrix
from telemetry.readings import Outcome, PairReading, Readings
from telemetry.rows import MeasuredRow
from telemetry.stamps import MaxAges, Origin
from telemetry.store import RttStore

AGES = MaxAges(
    {Origin.AGENT: 100.0, Origin.GOLDPINGER: 50.0, Origin.PROMETHEUS: 50.0, Origin.FILE: 1_000.0}
)


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Hand:
    return Hand()


def new_store(clock: Hand, nodes: str = "abc", dense_nodes: int = 100) -> RttStore:
    store = RttStore(KeepSettings(AGES, dense_nodes), clock)
    store.know(nodes)
    return store


def row(node: str, pairs: dict[str, int], age_ms: int = 0) -> MeasuredRow:
    count = len(pairs)
    rtt_us = np.array(list(pairs.values()), dtype=np.int32)
    lost = np.where(rtt_us == UNKNOWN_US, 3, 0).astype(np.uint8)
    return MeasuredRow(
        node,
        np.array([node_key(name) for name in pairs], dtype=np.uint64),
        rtt_us,
        rtt_us,
        np.full(count, age_ms, dtype=np.uint32),
        np.full(count, 3, dtype=np.uint8),
        lost,
        np.ones(count, dtype=np.uint8),
    )


def exported(pairs: dict[str, int], outcome: Outcome = Outcome.MEASURED) -> Readings:
    return Readings(
        tuple(
            PairReading(
                name[0],
                name[1],
                outcome,
                rtt_us if outcome is Outcome.MEASURED else UNKNOWN_US,
                rtt_us,
            )
            for name, rtt_us in pairs.items()
        )
    )


def read(table: DatedRtt, pair: str) -> int:
    i, j = table.index[pair[0]], table.index[pair[1]]
    one = int(table.from_node(i)[j])
    assert one == int(table.to_node(j)[i])
    assert one == int(table.between(np.array([i]), np.array([j]))[0])
    return one


def age_s(table: DatedRtt, pair: str) -> float:
    i, j = table.index[pair[0]], table.index[pair[1]]
    return float(table.age_s(np.array([i]), np.array([j]))[0])


def origin(table: DatedRtt, pair: str) -> int:
    i, j = table.index[pair[0]], table.index[pair[1]]
    return int(table.origin(np.array([i]), np.array([j]))[0])


def test_what_was_measured_is_read_in_its_own_direction_and_fills_the_other(clock: Hand) -> None:
    store = new_store(clock)

    store.take(row("a", {"b": 10_000}))
    store.take(row("b", {"a": 12_000, "c": 5_000}))

    table = store.frozen()
    assert (read(table, "ab"), read(table, "ba")) == (10_000, 12_000)
    assert read(table, "cb") == 5_000
    assert read(table, "ac") == UNKNOWN_US
    assert read(table, "aa") == 0
    assert int(table.farther(0)[1]) == 12_000


def test_the_other_direction_stands_in_for_one_that_is_long_out_of_date(clock: Hand) -> None:
    store = new_store(clock)
    store.take(row("a", {"b": 10_000}))
    clock.now_s += 15.0
    store.take(row("b", {"a": 12_000}))
    assert read(store.frozen(), "ab") == 10_000
    clock.now_s += 10.0
    store.take(row("b", {"a": 13_000}))
    assert read(store.frozen(), "ab") == 13_000
    assert age_s(store.frozen(), "ab") <= 1.0


def test_a_lost_burst_counts_for_both_directions_and_a_new_value_of_one_restores_it(
    clock: Hand,
) -> None:
    store = new_store(clock)
    store.take(row("a", {"b": 10_000}))
    store.take(row("b", {"a": 12_000}))
    for _ in range(3):
        clock.now_s += 1.0
        store.take(row("a", {"b": UNKNOWN_US}))
    assert (read(store.frozen(), "ab"), read(store.frozen(), "ba")) == (UNKNOWN_US, UNKNOWN_US)

    clock.now_s += 1.0
    store.take(row("b", {"a": 12_000}))
    assert (read(store.frozen(), "ab"), read(store.frozen(), "ba")) == (12_000, 12_000)


def test_a_measurement_ages_and_is_then_unknown_again(clock: Hand) -> None:
    store = new_store(clock)
    store.take(row("a", {"b": 10_000}, age_ms=20_000))
    assert 20.0 <= age_s(store.frozen(), "ab") <= 21.0

    clock.now_s += 79.0
    assert read(store.frozen(), "ab") == 10_000
    clock.now_s += 3.0

    table = store.frozen()
    assert read(table, "ab") == UNKNOWN_US
    assert age_s(table, "ab") == np.inf
    assert (census(table).stale, census(table).unknown) == (2, 4)


def test_a_snapshot_does_not_change_when_more_is_measured(clock: Hand) -> None:
    store = new_store(clock)
    store.take(row("a", {"b": 10_000}))
    before = store.frozen()

    store.take(row("a", {"b": 99_000}))

    assert read(before, "ab") == 10_000
    assert read(store.frozen(), "ab") == 99_000


def test_an_older_measurement_does_not_replace_a_newer_one(clock: Hand) -> None:
    store = new_store(clock)
    store.take(row("a", {"b": 10_000}))
    store.take(row("a", {"b": 99_000}, age_ms=30_000))
    assert read(store.frozen(), "ab") == 10_000


def test_an_agent_wins_over_an_exporter_while_it_is_believed_and_both_over_a_file(
    clock: Hand,
) -> None:
    store = new_store(clock)
    matrix = np.full((3, 3), 70_000, dtype=np.int32)
    store.take_file(RttMatrix(("a", "b", "c"), matrix))
    store.take(row("a", {"b": 10_000}))
    store.take_readings(exported({"ab": 20_000, "ac": 30_000}), Origin.PROMETHEUS)

    table = store.frozen()
    assert (read(table, "ab"), origin(table, "ab")) == (10_000, Origin.AGENT)
    assert (read(table, "ac"), origin(table, "ac")) == (30_000, Origin.PROMETHEUS)
    assert (read(table, "bc"), origin(table, "bc")) == (70_000, Origin.FILE)

    clock.now_s += 120.0
    assert read(store.frozen(), "ab") == 70_000
    store.take_readings(exported({"ab": 20_000}), Origin.PROMETHEUS)
    assert (read(store.frozen(), "ab"), origin(store.frozen(), "ab")) == (20_000, Origin.PROMETHEUS)

    clock.now_s += 900.0
    assert read(store.frozen(), "ab") == UNKNOWN_US


def test_of_two_exporters_the_one_that_times_round_trips_wins(clock: Hand) -> None:
    store = new_store(clock)
    store.take_readings(exported({"ab": 20_000}), Origin.PROMETHEUS)
    store.take_readings(exported({"ab": 9_000, "ac": 8_000}), Origin.GOLDPINGER)
    assert (read(store.frozen(), "ab"), read(store.frozen(), "ac")) == (20_000, 8_000)


def test_a_reading_that_failed_or_is_doubtful_changes_nothing(clock: Hand) -> None:
    store = new_store(clock)
    store.take_readings(exported({"ab": 20_000}), Origin.PROMETHEUS)

    for outcome in (Outcome.FAILED, Outcome.NO_SAMPLES, Outcome.DOUBTFUL):
        store.take_readings(exported({"ab": 500}, outcome), Origin.PROMETHEUS)

    assert read(store.frozen(), "ab") == 20_000


def test_below_the_resolution_counts_as_the_resolution(clock: Hand) -> None:
    store = new_store(clock)
    store.take_readings(exported({"ab": 1_000}, Outcome.BELOW_RESOLUTION), Origin.PROMETHEUS)
    assert read(store.frozen(), "ab") == 1_000


def test_a_lost_burst_keeps_the_value_and_three_in_a_row_cut_the_pair(clock: Hand) -> None:
    store = new_store(clock)
    store.take(row("a", {"b": 10_000}))
    for _ in range(2):
        clock.now_s += 1.0
        store.take(row("a", {"b": UNKNOWN_US}))
    assert read(store.frozen(), "ab") == 10_000
    assert age_s(store.frozen(), "ab") >= 2.0

    clock.now_s += 1.0
    store.take(row("a", {"b": UNKNOWN_US}))
    assert read(store.frozen(), "ab") == UNKNOWN_US

    clock.now_s += 1.0
    store.take(row("a", {"b": 11_000}))
    assert read(store.frozen(), "ab") == 11_000


def test_the_last_values_of_a_node_believed_dead_stay(clock: Hand) -> None:
    store = new_store(clock)
    store.take(row("a", {"b": 10_000, "c": 20_000}))
    store.hold(frozenset("b"))

    clock.now_s += 5_000.0

    table = store.frozen()
    assert (read(table, "ab"), read(table, "ba")) == (10_000, 10_000)
    assert read(table, "ac") == UNKNOWN_US


def test_what_was_too_old_when_a_node_died_does_not_come_back(clock: Hand) -> None:
    store = new_store(clock)
    store.take(row("a", {"b": 10_000}))
    clock.now_s += 300.0
    store.hold(frozenset("b"))
    assert read(store.frozen(), "ab") == UNKNOWN_US


def test_a_node_that_is_made_anew_under_its_name_is_another_machine(clock: Hand) -> None:
    store = new_store(clock)
    store.take(row("a", {"b": 10_000}))
    store.take(row("b", {"a": 10_000, "c": 3_000}))
    store.know("ac")
    assert read(store.frozen(), "ab") == 10_000
    store.know("abc")
    assert read(store.frozen(), "ab") == UNKNOWN_US
    assert read(store.frozen(), "bc") == UNKNOWN_US


def test_an_agents_word_that_is_too_old_does_not_replace_an_exporters(clock: Hand) -> None:
    store = new_store(clock)
    store.take_readings(exported({"ab": 20_000}), Origin.PROMETHEUS)
    store.take(row("a", {"b": 10_000}, age_ms=7_200_000))
    assert read(store.frozen(), "ab") == 20_000


def test_nodes_that_join_are_unknown_and_those_that_go_keep_their_last_values(clock: Hand) -> None:
    store = new_store(clock)
    store.take(row("a", {"b": 10_000}))

    store.know("acd")
    store.take(row("d", {"a": 4_000}))

    table = store.frozen()
    assert read(table, "ab") == 10_000
    assert read(table, "da") == 4_000
    assert read(table, "cd") == UNKNOWN_US


def test_when_many_are_gone_they_are_forgotten_and_the_others_keep_their_values(
    clock: Hand,
) -> None:
    store = new_store(clock, nodes="", dense_nodes=1_000)
    names = [f"n{k}" for k in range(200)]
    store.know(names)
    store.take(row("n150", {"n199": 7_000, "n3": 8_000}))

    store.know(names[100:])

    table = store.frozen()
    assert len(table.nodes) == 100
    i, j = table.index["n150"], table.index["n199"]
    assert int(table.from_node(i)[j]) == 7_000
    store.take(row("n199", {"n150": 9_000}))
    assert int(store.frozen().from_node(j)[i]) == 9_000


def test_of_unknown_nodes_nothing_is_taken(clock: Hand) -> None:
    store = new_store(clock)
    store.take(row("x", {"a": 1_000}))
    store.take(row("a", {"x": 1_000, "b": 2_000, "a": 5}))
    table = store.frozen()
    assert read(table, "ab") == 2_000
    assert table.nodes == ("a", "b", "c")


def test_above_the_limit_only_rows_of_references_are_kept(clock: Hand) -> None:
    store = new_store(clock, nodes="ab", dense_nodes=3)
    store.focus(frozenset("a"))
    store.take(row("a", {"b": 10_000}))
    store.take(row("b", {"a": 99_000}))

    store.know("abcde")
    store.take(row("a", {"c": 3_000}))
    store.take(row("d", {"a": 4_000, "e": 5_000}))

    assert not store.is_dense
    table = store.frozen()
    assert read(table, "ab") == 10_000
    assert read(table, "ac") == 3_000
    assert read(table, "ad") == 4_000, "the reference's own direction is missing"
    assert read(table, "de") == UNKNOWN_US
    store.focus(frozenset("d"))
    store.take(row("d", {"e": 5_000}))
    assert read(store.frozen(), "de") == 5_000
    assert read(store.frozen(), "ac") == UNKNOWN_US


def test_above_the_limit_the_medians_between_zones_remain_and_never_enter_the_table(
    clock: Hand,
) -> None:
    store = new_store(clock, nodes="abcde", dense_nodes=3)
    store.set_zones({"a": 0, "b": 0, "c": 1, "d": 1, "e": -1})
    store.take(row("a", {"b": 1_000, "c": 10_000, "d": 30_000, "e": 7}))
    for _ in range(4):
        store.take(row("b", {"c": 12_000, "d": UNKNOWN_US}))

    assert store.first_to_measure("b", 9) == ["a", "c", "d"]
    assert store.first_to_measure("b", 1) == ["a"]
    assert read(store.frozen(), "bc") == UNKNOWN_US


def test_the_last_bursts_of_a_reference_are_kept_with_their_losses(clock: Hand) -> None:
    store = new_store(clock)
    store.focus(frozenset("a"))
    for rtt_us in (1_000, 2_000, UNKNOWN_US, 4_000, 5_000, 6_000):
        clock.now_s += 10.0
        store.take(row("a", {"b": rtt_us}))

    detail = store.detail("a", "b", 1_000.0)
    assert detail is not None
    assert detail.recent_us == (2_000, UNKNOWN_US, 4_000, 5_000, 6_000)
    assert (detail.sent, detail.lost) == (18, 3)
    recent = store.detail("a", "b", 15.0)
    assert recent is not None
    assert recent.recent_us == (5_000, 6_000)
    assert store.detail("b", "c", 1_000.0) is None


def test_what_the_other_end_measures_counts_for_a_reference_that_does_not(clock: Hand) -> None:
    store = new_store(clock)
    store.focus(frozenset("a"))
    store.take(row("b", {"a": 7_000}))
    detail = store.detail("a", "b", 100.0)
    assert detail is not None
    assert detail.recent_us == (7_000,)


def test_a_burst_is_not_counted_twice_when_a_row_is_handed_whole(clock: Hand) -> None:
    store = new_store(clock)
    store.focus(frozenset("a"))
    store.take(row("a", {"b": 7_000}))
    clock.now_s += 10.0
    store.take(row("a", {"b": 7_000}, age_ms=10_000), whole=True)
    detail = store.detail("a", "b", 100.0)
    assert detail is not None
    assert detail.recent_us == (7_000,)


def test_the_census_counts_every_directed_pair_once_as_it_is_read(clock: Hand) -> None:
    store = new_store(clock)
    store.take(row("a", {"b": 10_000}))
    store.take_readings(exported({"bc": 20_000}), Origin.PROMETHEUS)
    found = census(store.frozen())
    assert {kind: count for kind, (count, _) in found.believed.items()} == {
        Origin.AGENT: 2,
        Origin.PROMETHEUS: 2,
    }
    assert (found.stale, found.unknown, found.pairs) == (0, 2, 6)
