"""Answers are read however they are cut, and nothing else is."""

import pytest

from telemetry.agent.answer import MOST_BYTES, Answer, AnswerReader, BadAnswer

BODY = b'{"v":1}'
ANSWERS = {
    "counted": b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n" + BODY,
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'4;a=b\r\n{"v"\r\n03\r\n:1}\r\n0\r\nTrailer: x\r\n\r\n',
    "continued": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length:7\r\n\r\n" + BODY,
}


def reading(raw: bytes, step: int) -> Answer | None:
    reader = AnswerReader()
    for at in range(0, len(raw), step):
        answer = reader.feed(raw[at : at + step])
        if answer is not None:
            assert at + step >= len(raw), "nothing is left behind"
            return answer
    return None


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_is_read_however_it_is_cut(kind: str, step: int) -> None:
    answer = reading(ANSWERS[kind], step)

    assert answer is not None
    assert (answer.status, answer.body, answer.is_last) == (200, BODY, False)


def test_an_answer_without_a_length_ends_with_the_connection() -> None:
    reader = AnswerReader()

    assert reader.feed(b"HTTP/1.1 502 Bad Gateway\r\n\r\nsorry") is None
    answer = reader.end()

    assert (answer.status, answer.body, answer.is_last) == (502, b"sorry", True)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 7\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\n",
    ],
    ids=["close", "version"],
)
def test_an_answer_may_be_the_last_of_its_connection(head: bytes) -> None:
    answer = AnswerReader().feed(head + BODY)

    assert answer is not None
    assert answer.is_last


def test_bytes_behind_an_answer_end_the_connection() -> None:
    answer = AnswerReader().feed(ANSWERS["counted"] + b"HTTP/1.1 200 OK\r\n")

    assert answer is not None
    assert (answer.body, answer.is_last) == (BODY, True)


def test_a_status_without_a_body_is_whole_at_once() -> None:
    answer = AnswerReader().feed(b"HTTP/1.1 204 No Content\r\n\r\n")

    assert answer is not None
    assert (answer.status, answer.body) == (204, b"")


def test_headers_are_found_by_their_names_in_lower_case() -> None:
    answer = AnswerReader().feed(b"HTTP/1.1 429 -\r\nRETRY-After:  7\r\nContent-Length: 0\r\n\r\n")

    assert answer is not None
    assert answer.headers["retry-after"] == "7"


_OK = b"HTTP/1.1 200 OK\r\n"


_CHUNKED = _OK + b"Transfer-Encoding: chunked\r\n\r\n"
NO_ANSWERS = {
    "another protocol": (b"SSH-2.0-OpenSSH", "HTTP/1.1"),
    "another version": (b"HTTP/2 200 OK\r\n\r\n", "HTTP/1.1"),
    "letters for a status": (b"HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1"),
    "a short status": (b"HTTP/1.1 20\r\n\r\n", "HTTP/1.1"),
    "a long status": (b"HTTP/1.1 2000\r\n\r\n", "no status"),
    "no header": (_OK + b"no colon\r\n\r\n", "no header"),
    "a length below 0": (_OK + b"Content-Length: -1\r\n\r\n", "body of"),
    "two lengths": (_OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", "two lengths"),
    "a large length": (_OK + b"Content-Length: %d\r\n\r\n" % (MOST_BYTES + 1), "more than"),
    "an endless length": (_OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", "more than"),
    "another coding": (_OK + b"Transfer-Encoding: gzip\r\n\r\n", "transfer coding"),
    "a chunk below 0": (_CHUNKED + b"-1\r\n", "a chunk of"),
    "a large chunk": (_CHUNKED + b"ffffffff\r\n", "more than"),
    "a longer chunk": (_CHUNKED + b"1\r\nabc\r\n", "longer than it says"),
    "an endless size": (_CHUNKED + b"1" * 2000, "a line of more"),
    "an endless trailer": (_CHUNKED + b"0\r\n" + b"a: b\r\n" * 9000, "trailer"),
    "an endless head": (_OK + b"a: b\r\n" * 9000, "head of more"),
    "an endless body": (_OK + b"\r\n" + b"x" * (MOST_BYTES + 1), "more than"),
}


@pytest.mark.parametrize("kind", NO_ANSWERS)
@pytest.mark.parametrize("step", [11, 1 << 16])
def test_what_is_no_answer_or_too_much_is_refused(kind: str, step: int) -> None:
    raw, why = NO_ANSWERS[kind]
    with pytest.raises(BadAnswer, match=why):
        reading(raw, step)


@pytest.mark.parametrize("kind", ["counted", "chunked"])
def test_a_connection_that_ends_within_an_answer_gives_none(kind: str) -> None:
    for at in range(len(ANSWERS[kind])):
        reader = AnswerReader()
        assert reader.feed(ANSWERS[kind][:at]) is None
        with pytest.raises(BadAnswer):
            reader.end()
