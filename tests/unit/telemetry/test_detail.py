"""The last bursts of the pairs that matter: whose they are, and which count."""

import asyncio
import mmap
from pathlib import Path

import numpy as np
import pytest

from telemetry.detail import Details
from telemetry.keeping import KeepSettings
from telemetry.model import UNKNOWN_US
from telemetry.readings import Outcome, PairReading, Readings
from telemetry.rings import KEPT, QUIET_TICKS, Bursts, Teller
from telemetry.stamps import TICK_S, MaxAges, Origin
from telemetry.store import RttStore
from tests.true_network import measured_row

AGES = MaxAges({Origin.AGENT: 900.0, Origin.PROMETHEUS: 600.0, Origin.GOLDPINGER: 300.0})
A, B, C = 0, 1, 2
PAGE_BYTES = mmap.PAGESIZE
START = 200_000
"""Tick of the first burst of each test."""


def teller(origin: Origin, tick: int = START, apart_ticks: int = 0) -> Teller:
    return Teller(origin, AGES.oldest((tick - 1) * TICK_S), apart_ticks)


def bursts(column: int, rtt_us: int, tick: int) -> Bursts:
    values, nothing = np.array([rtt_us], dtype=np.int32), np.zeros(1, dtype=np.int64)
    return Bursts(np.array([column]), np.array([tick]), values, values, nothing, nothing)


def put(
    details: Details, pair: tuple[int, int], rtt_us: int, tick: int, origin: Origin = Origin.AGENT
) -> None:
    details.add(pair[0], bursts(pair[1], rtt_us, tick), teller(origin, tick))


def recent(details: Details, row: int, column: int, since_tick: int = 0) -> tuple[int, ...]:
    found = details.get(row, column, since_tick)
    return () if found is None else found.recent_us


def of_reference(row: int, width: int = 4) -> Details:
    details = Details()
    details.keep(frozenset({row}), width)
    return details


def test_each_burst_of_the_other_end_counts_where_a_reference_has_no_agent() -> None:
    details = of_reference(A)
    for k in range(7):
        put(details, (B, A), 10_000 + k, START + 20 * k)
    assert recent(details, A, B) == (10_002, 10_003, 10_004, 10_005, 10_006)


def test_the_other_end_does_not_count_until_the_reference_has_been_quiet_for_five_minutes() -> None:
    details = of_reference(A)
    put(details, (A, B), 10_000, START)
    for tick in (20, QUIET_TICKS, QUIET_TICKS + 1, QUIET_TICKS + 21):
        put(details, (B, A), 10_000 + tick, START + tick)
    assert recent(details, A, B) == (10_000, 10_601, 10_621)
    put(details, (A, B), 9_000, START + QUIET_TICKS + 40)
    put(details, (B, A), 99_000, START + QUIET_TICKS + 60)
    assert recent(details, A, B)[-1] == 9_000


def test_means_of_one_window_count_once_however_often_they_are_read() -> None:
    details, window = of_reference(A), 600
    for k in range(40):  # every 15 s, for ten minutes
        tick = START + 30 * k
        told = teller(Origin.PROMETHEUS, tick, window)
        details.add(A, bursts(B, 60_000 + k, tick - window), told)
    assert recent(details, A, B) == (60_000, 60_020)


def test_three_means_may_each_be_older_than_the_next_one_by_two_windows() -> None:
    details, window = of_reference(A), 600
    for k in range(3):
        tick = START + 630 * k
        details.add(A, bursts(B, 60_000, tick - window), teller(Origin.PROMETHEUS, tick, window))
    now = START + 2 * 630
    assert len(recent(details, A, B, now - round(600.0 / TICK_S))) == 3
    assert recent(details, A, B, now + 2 * 2 * window) == ()


def test_an_exporter_is_not_heard_while_an_agents_answer_is_believed() -> None:
    details = of_reference(A)
    put(details, (A, B), 22_000, START)
    put(details, (A, B), 30_000, START + 10, Origin.GOLDPINGER)
    put(details, (A, B), 26_000, START + 20)
    assert recent(details, A, B) == (22_000, 26_000)


def test_bursts_of_two_sources_never_stand_in_one_row() -> None:
    details, later = of_reference(A), START + round(901.0 / TICK_S)
    put(details, (A, B), 22_000, START)
    put(details, (A, B), 30_000, later, Origin.GOLDPINGER)
    put(details, (A, B), 31_000, later + 60, Origin.GOLDPINGER)
    assert recent(details, A, B) == (30_000, 31_000)
    put(details, (B, A), 23_000, later + 70)
    assert recent(details, A, B) == (23_000,), "an agent counts before an exporter, from either end"
    put(details, (A, B), 32_000, later + 80, Origin.GOLDPINGER)
    assert recent(details, A, B) == (23_000,)


def test_a_lost_or_stale_burst_of_an_agent_does_not_silence_an_exporter() -> None:
    details = of_reference(A)
    put(details, (A, B), 30_000, START, Origin.GOLDPINGER)
    put(details, (A, B), UNKNOWN_US, START + 10)
    stale = bursts(B, 40_000, START - round(7_200.0 / TICK_S))
    details.add(A, stale, teller(Origin.AGENT, START))
    put(details, (A, B), 31_000, START + 60, Origin.GOLDPINGER)
    assert recent(details, A, B) == (30_000, 31_000)


@pytest.mark.parametrize("pair", [(B, A), (A, B)])
def test_beyond_the_room_for_whole_rows_the_pairs_that_budgets_hang_on_are_kept(
    pair: tuple[int, int],
) -> None:
    details = Details(cells_at_most=4)
    details.keep(frozenset({A, B, C}), 4, [(B, [A]), (C, [A])])
    for k in range(3):
        put(details, pair, 60_000 + k, START + 1 + 20 * k)
    if pair == (B, A):
        put(details, (C, B), 1_000, START)
        assert recent(details, B, A) == (60_000, 60_001, 60_002)
    assert recent(details, A, B) == (60_000, 60_001, 60_002)
    assert recent(details, C, B) == (), "nothing hangs on it"


def test_history_moves_with_a_pair_between_whole_rows_and_single_pairs() -> None:
    details = Details(cells_at_most=8)
    details.keep(frozenset({A}), 4, [(B, [C])])
    put(details, (B, C), 5_000, START)
    details.keep(frozenset({A, B}), 4, [(B, [C])])
    put(details, (B, C), 6_000, START + 20)
    put(details, (A, C), 7_000, START + 20)
    assert recent(details, B, C) == (5_000, 6_000)

    details.keep(frozenset({A, B}), 8, [(A, [C]), (B, [C])])

    assert recent(details, A, C) == (7_000,)
    assert recent(details, B, C) == (5_000, 6_000)
    put(details, (B, C), 8_000, START + 40)
    assert recent(details, B, C) == (5_000, 6_000, 8_000)


def test_a_row_that_was_another_nodes_begins_empty() -> None:
    details = Details(cells_at_most=4)
    details.keep(frozenset({A}), 4)
    put(details, (A, C), 5_000, START)
    details.keep(frozenset({B}), 4)
    assert recent(details, B, C) == ()
    assert recent(details, A, C) == ()
    put(details, (B, C), 6_000, START + 20)
    assert recent(details, B, C) == (6_000,)


@pytest.mark.parametrize("cells_at_most", [16, 4, 0])
def test_of_a_node_that_is_another_machine_nothing_is_remembered_and_of_others_all(
    cells_at_most: int,
) -> None:
    details = Details(cells_at_most)
    details.keep(frozenset({A, B, C}), 4, [(A, [B, C]), (B, [A, C]), (C, [A, B])])
    for pair in ((A, B), (B, C), (C, A)):
        put(details, pair, 5_000, START)
    details.forget(np.array([A]))
    assert [recent(details, *pair) for pair in ((A, B), (B, A), (A, C), (C, A))] == [()] * 4
    assert recent(details, B, C) == recent(details, C, B) == (5_000,)


def test_single_pairs_are_bounded_and_those_of_the_first_references_are_kept() -> None:
    details = Details(cells_at_most=0, pairs_at_most=2)
    details.keep(frozenset({A, B, C}), 4, [(C, [A, B]), (A, [B, C])])
    for pair in ((A, B), (A, C), (C, A)):
        put(details, pair, 5_000, START + pair[0])
    assert (len(recent(details, A, B)), len(recent(details, A, C))) == (1, 1)
    assert recent(details, C, A) == ()


def test_rings_hold_so_many_bursts_and_each_once() -> None:
    details = of_reference(A)
    for k in range(9):
        for _ in range(2):
            put(details, (A, B), k, START + k)
    assert recent(details, A, B) == tuple(range(9 - KEPT, 9))


def resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES / 1e6


def test_rows_that_are_kept_take_memory_only_as_they_are_measured() -> None:
    width, details = 5_000, Details()
    before_mb = resident_mb()
    details.keep(frozenset(range(512)), width)
    columns = np.arange(1, width)
    values, nothing = np.full(width - 1, 9_000, np.int32), np.zeros(width - 1, np.int64)
    ticks = np.full(width - 1, START)
    report = Bursts(columns, ticks, values, values, nothing, nothing)
    details.add(0, report, teller(Origin.AGENT))
    assert recent(details, 0, width - 1) == recent(details, 511, 0) == (9_000,)
    assert resident_mb() - before_mb < 30, "all rows at once are 154 MB"


@pytest.mark.looptime
async def test_the_window_of_a_reading_is_what_the_store_counts_it_by() -> None:
    clock = asyncio.get_running_loop().time
    store = RttStore(KeepSettings(AGES), clock)
    store.know("ab")
    store.focus(frozenset("a"))
    mean = Readings((PairReading("a", "b", Outcome.MEASURED, 60_000, 1),), age_s=300.0)
    for _ in range(3):
        store.take_readings(mean, Origin.PROMETHEUS)
        await asyncio.sleep(15)
    found = store.detail("a", "b", 600.0)
    assert found is not None
    assert found.recent_us == (60_000,)


@pytest.mark.looptime
async def test_of_more_references_than_rows_fit_each_pair_a_budget_hangs_on_is_remembered() -> None:
    names = [f"n{k:04d}" for k in range(1_800)]
    store = RttStore(KeepSettings(AGES), asyncio.get_running_loop().time)
    store.know(names)
    store.focus(frozenset(names), {name: frozenset({"n0000"}) for name in names[1:]})
    for _ in range(3):
        for name in names[1_700:]:
            store.take(measured_row(name, {"n0000": 60_000}))
        await asyncio.sleep(10)
    for name in names[1_700:]:
        found = store.detail(name, "n0000", 900.0)
        assert found is not None, name
        assert found.recent_us == (60_000,) * 3
