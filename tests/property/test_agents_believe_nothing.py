"""Whatever comes back to an agent is an answer, or refused: nothing else happens."""

import json
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from telemetry.agent.answer import MOST_BYTES, Answer, AnswerReader, BadAnswer
from telemetry.agent.told import Told, read

_PIECES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.0 409 No\r\n",
        b"Content-Length: 5\r\n",
        b"content-length: 0\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Connection: close\r\n",
        b"\r\n",
        b"5\r\nhello\r\n",
        b"0\r\n\r\n",
        b"hello",
    ]
)
_RAW = st.lists(_PIECES | st.binary(max_size=8), max_size=14).map(b"".join)
_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40)
_JSON = st.recursive(
    _LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
_SOUND = {
    "v": 1,
    "instance": "0123456789abcdef" * 2,
    "taken": 7,
    "leading": True,
    "peers": {"version": 5, "whole": True, "set": [["b", "10.0.0.2"]], "gone": []},
    "orders": {"version": 6, "star": True, "near": ["b"]},
    "urgent": [{"id": 9, "peers": ["b"]}],
    "report_ms": 10_000,
    "pps": 10,
    "urgent_pps": 1000,
}


def outcome(raw: bytes, cuts: Sequence[int]) -> Answer | str | None:
    """Return the answer, why there is none, or None where it is not whole yet."""
    reader = AnswerReader()
    ends = sorted({min(cut, len(raw)) for cut in cuts} | {len(raw)})
    try:
        for start, end in zip([0, *ends], ends, strict=False):
            answer = reader.feed(raw[start:end])
            if answer is not None:
                assert len(answer.body) <= MOST_BYTES
                # What is left behind an answer is seen or not, depending on the cut.
                return answer._replace(is_last=True)
    except BadAnswer:
        return "refused"
    return None


@given(raw=_RAW, cuts=st.lists(st.integers(0, 120), max_size=6))
def test_bytes_mean_the_same_however_they_are_cut(raw: bytes, cuts: list[int]) -> None:
    assert outcome(raw, cuts) == outcome(raw, [])


@given(_JSON)
def test_any_json_is_an_answer_or_refused(said: object) -> None:
    try:
        read(Answer(200, {}, json.dumps(said).encode(), is_last=False))
    except BadAnswer:
        return
    raise AssertionError("what is drawn from nothing cannot be sound")


@given(field=st.sampled_from(sorted(_SOUND)), value=_JSON)
def test_an_answer_with_one_field_of_any_kind_is_read_whole_or_refused(
    field: str, value: object
) -> None:
    try:
        told = read(Answer(200, {}, json.dumps({**_SOUND, field: value}).encode(), is_last=False))
    except BadAnswer:
        return
    assert isinstance(told, Told)
    assert 0.1 <= told.report_s <= 3600.0
    assert 0.0 < told.pps <= 1e6
    assert 0.0 < told.urgent_pps <= 1e6


@given(
    status=st.integers(201, 599),
    body=st.binary(max_size=60) | _JSON.map(lambda said: json.dumps(said).encode()),
)
def test_any_refusal_can_be_told_to_people(status: int, body: bytes) -> None:
    refused = read(Answer(status, {}, body, is_last=False))

    assert not isinstance(refused, Told)
    assert isinstance(refused.said, str)
    assert isinstance(refused.reason, str)
