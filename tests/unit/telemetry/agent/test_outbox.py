"""What an agent keeps, and what it has yet to tell."""

from collections.abc import Iterable

from telemetry.agent.burst import Burst
from telemetry.agent.outbox import HISTORY, Outbox
from telemetry.agent.row import Row, record
from telemetry.agent.wire import LOST_US


def burst(key: int, rtt_us: int = 1000, at_s: float = 0.0) -> Burst:
    return Burst(key, rtt_us, rtt_us, 3, 3 if rtt_us == LOST_US else 0, 1, at_s)


def kept(*bursts: Burst, peers: Iterable[int] = range(10)) -> Row:
    row = Row()
    row.keep(frozenset(peers))
    for one in bursts:
        row.put(one)
    return row


def met(row: Row) -> Outbox:
    """Return an outbox whose replica has the row."""
    outbox = Outbox(row)
    outbox.load()
    outbox.taken()
    return outbox


def loaded(outbox: Outbox) -> list[tuple[int, int]]:
    return [(fields[0], fields[1]) for fields in outbox.records(0.0)]


def test_a_row_holds_the_newest_burst_of_each_peer_of_the_list() -> None:
    row = kept(burst(1, 1000), burst(2, 2000, 7.5), burst(1, 1001), peers={1, 2})

    assert not row.put(burst(3))
    assert sorted(row) == [burst(1, 1001), burst(2, 2000, 7.5)]
    row.keep(frozenset({2, 3}))
    assert list(row) == [burst(2, 2000, 7.5)]
    assert row.put(burst(3))
    assert row.put(burst(2, 2001))
    assert sorted(row) == [burst(2, 2001), burst(3)]


def test_a_record_says_how_old_it_is_when_it_is_sent() -> None:
    assert record(burst(1, 1234, at_s=10.0), 12.5) == (1, 1234, 1234, 2500, 3, 0, 1, 0)
    assert record(burst(1, LOST_US, at_s=10.0), 9.0) == (1, LOST_US, LOST_US, 0, 3, 3, 1, 0)


def test_what_no_scheduler_would_take_is_not_sent() -> None:
    assert record(burst(1, at_s=0.0), 86_401.0) is None
    assert record(burst(1, rtt_us=0), 0.0) == (1, 1, 1, 0, 3, 0, 1, 0)


def test_a_replica_that_was_not_met_is_owed_the_whole_row() -> None:
    row = kept(burst(1), burst(2))
    outbox = Outbox(row)
    outbox.put(burst(1))
    outbox.load()

    assert outbox.is_whole_loaded
    assert sorted(loaded(outbox)) == [(1, 1000), (2, 1000)]
    assert not outbox.has_waiting
    assert outbox.dropped == 0


def test_what_ends_while_a_whole_row_is_under_way_is_told_after_it() -> None:
    row = kept(burst(1))
    outbox = Outbox(row)
    outbox.load()
    row.put(burst(1, 1001))
    outbox.put(burst(1, 1001))

    outbox.taken()
    outbox.load()

    assert not outbox.is_whole_loaded
    assert loaded(outbox) == [(1, 1001)]


def test_bursts_of_one_peer_are_told_one_after_the_other() -> None:
    outbox = met(kept())
    for one in (burst(1, 10), burst(1, 11), burst(2, 20), burst(1, 12)):
        outbox.put(one)

    reports = []
    while outbox.has_waiting:
        outbox.load()
        reports.append(loaded(outbox))
        outbox.taken()

    assert reports == [[(1, 10), (2, 20)], [(1, 11)], [(1, 12)]]
    assert outbox.dropped == 0


def test_the_oldest_burst_of_a_peer_is_dropped_and_counted_and_its_newest_never() -> None:
    outbox = met(kept())
    outbox.put(burst(2, 20))
    for rtt_us in range(HISTORY + 3):
        outbox.put(burst(1, rtt_us))

    outbox.load()

    assert loaded(outbox) == [(2, 20), (1, 3)]
    assert outbox.dropped == 3


def test_what_is_loaded_stays_until_it_is_taken() -> None:
    outbox = met(kept())
    outbox.put(burst(1, 10))
    outbox.load()
    outbox.put(burst(1, 11))

    assert loaded(outbox) == loaded(outbox) == [(1, 10)]


def test_a_replica_that_has_lost_all_is_owed_the_whole_row_and_the_rest_counts_as_dropped() -> None:
    row = kept(burst(1, 12), burst(2, 20))
    outbox = met(row)
    for one in (burst(1, 10), burst(1, 11), burst(1, 12), burst(2, 20)):
        outbox.put(one)
    outbox.load()

    outbox.owe_whole()
    outbox.load()

    assert sorted(loaded(outbox)) == [(1, 12), (2, 20)]
    assert outbox.dropped == 2
    assert not outbox.has_waiting


def test_peers_that_left_are_told_of_no_more() -> None:
    outbox = met(kept())
    outbox.put(burst(1))
    outbox.put(burst(2))

    outbox.keep({2})
    outbox.load()

    assert loaded(outbox) == [(2, 1000)]
