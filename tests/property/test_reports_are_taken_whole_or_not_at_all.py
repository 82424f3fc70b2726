"""Whatever an agent sends: it is refused, or every value that is taken is one that can be."""

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from telemetry.agent import wire
from telemetry.ingest.parsing import KnownNodes, Records, read_head, read_records
from telemetry.ingest.refusal import Refusal
from telemetry.model import MAX_RTT_US, UNKNOWN_US
from tests.real.agents import body, head, record

NAMES = [f"n{number}" for number in range(12)]
KNOWN = KnownNodes(NAMES)
DAY_MS = 86_400_000

sound_records = st.lists(
    st.builds(
        lambda name, rtt_us, age_ms: record(name, rtt_us, age_ms=age_ms),
        st.sampled_from([*NAMES[1:], "gone", "new"]),
        st.one_of(st.integers(1, MAX_RTT_US), st.just(wire.LOST_US)),
        st.integers(0, DAY_MS),
    ),
    max_size=10,
    unique_by=lambda one: one[0],
)
any_record = st.tuples(
    st.one_of(st.sampled_from([wire.node_key(name) for name in NAMES]), st.integers(0, 2**64 - 1)),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    *(st.integers(0, 255) for _ in range(4)),
)
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


def read(report: bytes) -> Records | None:
    refused = None
    try:
        return read_records(report, read_head(report), KNOWN)
    except Refusal as refusal:
        refused = refusal
    assert refused.reason == "form"
    assert refused.said
    return None


def can_be(found: Records) -> None:
    """Make sure that each value of a row that was taken is in its range."""
    row = found.row
    is_lost = row.rtt_us == UNKNOWN_US
    assert set(row.peers.tolist()) <= {wire.node_key(name) for name in NAMES}
    assert wire.node_key(row.node) not in row.peers.tolist()
    assert len(set(row.peers.tolist())) == len(row.peers)
    assert np.array_equal(is_lost, row.lost == row.sent)
    assert np.array_equal(is_lost, row.least_us == UNKNOWN_US)
    assert np.all(is_lost | ((row.least_us >= 1) & (row.least_us <= row.rtt_us)))
    assert np.all(row.rtt_us <= MAX_RTT_US)
    assert np.all(row.age_ms <= DAY_MS)
    assert np.all((row.sent >= 1) & (row.sent <= 64) & (row.lost <= row.sent))
    assert np.all((row.method >= 1) & (row.method <= len(wire.METHODS)))


@given(sound_records)
def test_what_is_sound_is_taken_as_it_was_written(records: list[wire.Record]) -> None:
    found = read(body(NAMES[0], records))

    assert found is not None
    can_be(found)
    known = {wire.node_key(name) for name in NAMES}
    written = {one[0]: one for one in records if one[0] in known}
    assert found.strangers == len(records) - len(written)
    assert found.row.peers.tolist() == list(written)
    for at, one in enumerate(written.values()):
        expected = UNKNOWN_US if one[1] == wire.LOST_US else one[1]
        assert (int(found.row.rtt_us[at]), int(found.row.age_ms[at])) == (expected, one[3])


@given(st.lists(any_record, max_size=6))
def test_of_any_records_those_that_are_taken_can_be(records: list[wire.Record]) -> None:
    found = read(body(NAMES[0], records))

    if found is not None:
        can_be(found)
        assert found.strangers + len(found.row.peers) == len(records)


@given(sound_records, st.integers(0), st.integers(1, 255))
def test_one_flipped_byte_never_makes_a_value_that_cannot_be(
    records: list[wire.Record], at: int, flip: int
) -> None:
    report = bytearray(body(NAMES[0], records))
    report[at % len(report)] ^= flip

    found = read(bytes(report))

    if found is not None:
        can_be(found)


@given(st.binary(max_size=300))
def test_any_bytes_at_all_are_answered(report: bytes) -> None:
    assert read(report) is None


@given(st.sampled_from(sorted(head("n0"))), any_json)
def test_any_value_in_a_head_is_answered(field: str, value: object) -> None:
    text = json.dumps({**head(NAMES[0]), field: value}).encode()

    found = read(wire.HEAD.pack(len(text)) + text)

    if found is not None:
        can_be(found)
