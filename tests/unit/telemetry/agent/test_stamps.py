"""Times between stamps, while clocks are set."""

import struct

import pytest

from telemetry.agent.stamps import Moment, arrival_ns, elapsed_ns, unread_ns

MS = 1_000_000
START = 10**18


def _moment(monotonic_ms: float, step_ms: float = 0.0) -> Moment:
    moment = Moment()
    moment.monotonic_ns = round(monotonic_ms * MS)
    moment.wall_ns = START + round((monotonic_ms + step_ms) * MS)
    return moment


def _stamp(at_ms: float) -> int:
    return START + round(at_ms * MS)


def test_what_lay_unread_does_not_count() -> None:
    assert elapsed_ns(_moment(100), _stamp(125), _moment(170)) == 25 * MS


def test_without_a_stamp_the_time_until_it_was_read_counts() -> None:
    assert elapsed_ns(_moment(100), 0, _moment(170)) == 70 * MS


@pytest.mark.parametrize("step_ms", [-3_600_000, -5, 5, 3_600_000])
def test_where_the_clock_was_set_in_between_nothing_is_said(step_ms: float) -> None:
    # Set right after sending: arrival and reading are stamped by the clock that was set.
    assert elapsed_ns(_moment(100), _stamp(125 + step_ms), _moment(130, step_ms)) is None


def test_a_clock_set_between_arrival_and_reading_makes_no_distance_shorter() -> None:
    assert elapsed_ns(_moment(100), _stamp(125), _moment(126, step_ms=20)) is None


def test_a_clock_that_is_being_corrected_is_believed() -> None:
    # 0.05 % fast, as fast as corrections go: over 200 ms that is 0.1 ms.
    assert elapsed_ns(_moment(0), _stamp(199.1), _moment(200, step_ms=0.1)) == pytest.approx(
        199 * MS, abs=0.2 * MS
    )


def test_a_stamp_from_the_future_is_taken_for_now() -> None:
    assert elapsed_ns(_moment(100), _stamp(140), _moment(130)) == 30 * MS
    assert unread_ns(_stamp(140), _moment(130)) == 0


def test_a_stamp_from_before_the_packet_was_sent_is_not_believed() -> None:
    assert elapsed_ns(_moment(100), _stamp(90), _moment(130)) is None


def test_the_stamp_is_found_among_other_notes() -> None:
    stamp = struct.pack("@ll", 12, 345)

    assert arrival_ns([(1, 2, b"xxxx"), (1, 35, stamp)]) == 12_000_000_345
    assert arrival_ns([(1, 35, b"short"), (0, 35, stamp)]) == 0
