"""Reading reports: what is sound is taken as it is, one fault and nothing is."""

import json
import struct

import numpy as np
import pytest

from telemetry.agent import wire
from telemetry.ingest.parsing import KnownNodes, Records, read_head, read_records
from telemetry.ingest.refusal import Refusal
from telemetry.model import MAX_RTT_US, UNKNOWN_US
from tests.real.agents import body, head, record

KNOWN = KnownNodes(["a", "b", "c", "d"])


def read(report: bytes) -> Records:
    return read_records(report, read_head(report), KNOWN)


def test_a_sound_report_is_read_as_it_was_written() -> None:
    report = body(
        "a",
        [record("b", 25_000, least_us=24_000, age_ms=70, sent=5, lost=2, method=3), record("c", 1)],
    )

    row = read(report).row

    assert row.node == "a"
    assert row.peers.tolist() == [wire.node_key("b"), wire.node_key("c")]
    assert row.rtt_us.tolist() == [25_000, 1]
    assert row.least_us.tolist() == [24_000, 1]
    assert row.age_ms.tolist() == [70, 5]
    assert (row.sent.tolist(), row.lost.tolist(), row.method.tolist()) == ([5, 3], [2, 0], [3, 1])


def test_columns_are_dense_and_of_the_types_a_row_promises() -> None:
    row = read(body("a", [record("b"), record("c"), record("gone")])).row

    for column, kind in (
        (row.peers, np.uint64),
        (row.rtt_us, np.int32),
        (row.least_us, np.int32),
        (row.age_ms, np.uint32),
        (row.sent, np.uint8),
        (row.lost, np.uint8),
        (row.method, np.uint8),
    ):
        assert column.dtype == np.dtype(kind)
        assert column.shape == (2,)
        assert column.flags.c_contiguous
        assert column.flags.aligned


def test_a_burst_that_was_lost_is_unknown_and_no_distance() -> None:
    row = read(body("a", [record("b", wire.LOST_US)])).row

    assert (row.rtt_us.tolist(), row.least_us.tolist()) == ([UNKNOWN_US], [UNKNOWN_US])
    assert (row.sent.tolist(), row.lost.tolist()) == ([3], [3])


def test_a_report_may_hold_no_record() -> None:
    assert read(body("a")).row.peers.shape == (0,)


def test_peers_that_nobody_knows_are_left_out_and_counted() -> None:
    found = read(body("a", [record("gone"), record("c", 7), record("new")]))

    assert found.row.peers.tolist() == [wire.node_key("c")]
    assert found.row.rtt_us.tolist() == [7]
    assert found.strangers == 2


def test_where_no_node_is_known_every_record_is_a_strangers() -> None:
    report = body("a", [record("b"), record("c")])

    assert read_records(report, read_head(report), KnownNodes([])).strangers == 2


@pytest.mark.parametrize("rtt_us", [1, MAX_RTT_US])
def test_the_ends_of_the_range_are_taken(rtt_us: int) -> None:
    assert read(body("a", [record("b", rtt_us)])).row.rtt_us.tolist() == [rtt_us]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"rtt_us": 0, "least_us": 0}, "has an RTT beyond"),
        ({"rtt_us": MAX_RTT_US + 1, "least_us": 1}, "has an RTT beyond"),
        ({"rtt_us": wire.LOST_US - 1, "least_us": 1}, "has an RTT beyond"),
        ({"rtt_us": 1000, "least_us": 0}, "a least RTT of 0, or above the median"),
        ({"rtt_us": 1000, "least_us": 1001}, "a least RTT of 0, or above the median"),
        ({"rtt_us": wire.LOST_US, "least_us": wire.LOST_US, "lost": 2}, "exactly when all is lost"),
        ({"lost": 3}, "exactly when all is lost"),
        ({"rtt_us": wire.LOST_US, "least_us": 5, "lost": 3}, "without the other"),
        ({"least_us": wire.LOST_US}, "without the other"),
        ({"sent": 0}, "sent no packet"),
        ({"sent": 65}, "more than 64"),
        ({"lost": 4}, "lost more packets than were sent"),
        ({"method": 0}, "names no method"),
        ({"method": 4}, "names no method"),
        ({"age_ms": 86_400_001}, "older than a day"),
        ({"zero": 1}, "does not end in 0"),
        ({"key": wire.node_key("a")}, "of the node itself"),
    ],
    ids=str,
)
def test_one_value_out_of_range_and_nothing_is_taken(bad: dict[str, int], said: str) -> None:
    report = body("a", [record("c"), record("b", **bad), record("d")])

    with pytest.raises(Refusal, match=said) as caught:
        read(report)

    assert caught.value.reason == "form"
    assert "record 2" in caught.value.said


def test_a_bad_value_about_a_peer_nobody_knows_is_refused_too() -> None:
    with pytest.raises(Refusal, match="has an RTT beyond"):
        read(body("a", [record("gone", 0, least_us=0)]))


@pytest.mark.parametrize("name", ["b", "gone"])
def test_a_peer_named_twice_is_refused(name: str) -> None:
    with pytest.raises(Refusal, match="two records are of"):
        read(body("a", [record(name), record("c"), record(name, 7)]))


@pytest.mark.parametrize(
    "changes",
    [
        {"v": 2},
        {"v": "1"},
        {"node": ""},
        {"node": 7},
        {"node": "n" * 254},
        {"run": "abc"},
        {"run": "F" * 32},
        {"run": "0" * 32 + "\n"},
        {"seq": 0},
        {"seq": -1},
        {"seq": 1.5},
        {"seq": 2**60},
        {"seq": True},
        {"to": "somebody"},
        {"to": None},
        {"whole": 1},
        {"method": "pigeon"},
        {"peers": -1},
        {"orders": "1"},
        {"answers": [-1]},
        {"answers": None},
        {"answers": [1] * 1025},
        {"hold_ms": -1},
        {"hold_ms": 1e400},
        {"probes": -1},
        {"probes": 3, "losses": 4},
        {"dropped": None},
        {"colour": "red"},
        {"records": 0},
        {"records": 2},
        {"records": -1},
        {"records": 2**70},
    ],
    ids=range(32),
)
def test_a_head_that_is_not_as_it_should_be_is_refused(changes: dict[str, object]) -> None:
    report = body("a", [record("b")], **changes)

    with pytest.raises(Refusal) as caught:
        read_head(report)

    assert caught.value.reason == "form"


@pytest.mark.parametrize("field", sorted(head("a")))
def test_a_head_without_one_of_its_fields_is_refused(field: str) -> None:
    fields = head("a")
    del fields[field]
    text = json.dumps(fields).encode()

    with pytest.raises(Refusal, match=field):
        read_head(wire.HEAD.pack(len(text)) + text)


def test_every_length_but_the_right_one_is_refused() -> None:
    whole = body("a", [record("b"), record("c")])

    for length in range(len(whole)):
        with pytest.raises(Refusal):
            read_head(whole[:length])
    for more in (b"\0", bytes(24)):
        with pytest.raises(Refusal):
            read_head(whole + more)
    read_head(whole)


@pytest.mark.parametrize(
    "report",
    [
        b"",
        b"\0",
        b"\0\0",
        b"\2\0[]",
        b"\4\0null",
        b"\3\0\xff\xfe\xfd",
        struct.pack("<H", 60_000) + b"[" * 60_000,
        struct.pack("<H", 65_535),
        b"GET / HTTP/1.1\r\n\r\n",
    ],
    ids=range(9),
)
def test_what_is_no_report_is_refused_in_a_sentence(report: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        read_head(report)

    assert caught.value.reason == "form"
    assert "wire.py" in caught.value.said
