"""What a scheduler says is used whole or not at all."""

import json
from collections.abc import Mapping

import pytest

from telemetry.agent.answer import Answer, BadAnswer
from telemetry.agent.mandate import Mandate
from telemetry.agent.told import PeerChange, Refused, Standing, Told, Urgent, read
from telemetry.agent.wire import node_key

INSTANCE = "0123456789abcdef" * 2
SOUND: Mapping[str, object] = {
    "v": 1,
    "instance": INSTANCE,
    "taken": 7,
    "leading": True,
    "peers": {"version": 5, "whole": False, "set": [["b", "10.0.0.2"]], "gone": ["c"]},
    "orders": {"version": 6, "star": True, "near": ["b"]},
    "urgent": [{"id": 9, "peers": ["b"]}, {"id": 10, "peers": None}],
    "report_ms": 10_000,
    "pps": 10,
    "urgent_pps": 1000.5,
}


def answer(body: object, status: int = 200, **headers: str) -> Answer:
    return Answer(status, headers, json.dumps(body).encode(), is_last=False)


def test_a_sound_answer_is_read() -> None:
    assert read(answer(SOUND)) == Told(
        instance=INSTANCE,
        taken=7,
        is_leading=True,
        peers=PeerChange(5, is_whole=False, added={"b": "10.0.0.2"}, gone=("c",)),
        orders=Standing(6, star=True, near=("b",)),
        urgent=(Urgent(9, ("b",)), Urgent(10, None)),
        report_s=10.0,
        pps=10.0,
        urgent_pps=1000.5,
    )


def test_fields_that_are_not_known_yet_are_passed_over() -> None:
    assert read(answer({**SOUND, "later": 1})) == read(answer(SOUND))


def peers(**changes: object) -> dict[str, object]:
    return {"peers": {"version": 5, "whole": True, "set": [], "gone": [], **changes}}


WRONG: Mapping[str, Mapping[str, object]] = {
    "version": {"v": 2},
    "no instance": {"instance": None},
    "a short instance": {"instance": "abc"},
    "an instance in capitals": {"instance": INSTANCE.upper()},
    "taken as text": {"taken": "7"},
    "taken as a flag": {"taken": True},
    "taken below 0": {"taken": -1},
    "leading as a number": {"leading": 1},
    "peers as a list": {"peers": []},
    "no version of peers": peers(version=0),
    "a name without an address": peers(set=[["b"]]),
    "an address that is a name": peers(set=[["b", "host"]]),
    "an address for many": peers(set=[["b", "224.0.0.1"]]),
    "an address for many of version 6": peers(set=[["b", "ff02::1"]]),
    "an address for nobody": peers(set=[["b", "0.0.0.1"]]),
    "an address for nobody of version 6": peers(set=[["b", "::"]]),
    "a broadcast": peers(set=[["b", "255.255.255.255"]]),
    "an endless name": peers(set=[["b" * 300, "10.0.0.1"]]),
    "an empty name": peers(set=[["", "10.0.0.1"]]),
    "a name of more than one line": peers(gone=["a\nb"]),
    "too many peers": peers(gone=["x"] * 50_001),
    "a star that is no flag": {"orders": {"version": 1, "star": 0, "near": []}},
    "near as text": {"orders": {"version": 1, "star": False, "near": "b"}},
    "urgent as null": {"urgent": None},
    "an order without an id": {"urgent": [{"peers": None}]},
    "too many orders": {"urgent": [{"id": at, "peers": None} for at in range(1025)]},
    "reports without a pause": {"report_ms": 0},
    "reports once a month": {"report_ms": 10**9},
    "no pace": {"pps": 0},
    "an endless pace": {"urgent_pps": 1e12},
    "a pace that is none": {"pps": None},
}


@pytest.mark.parametrize("kind", WRONG)
def test_an_answer_that_is_wrong_in_one_place_is_not_used(kind: str) -> None:
    with pytest.raises(BadAnswer):
        read(answer({**SOUND, **WRONG[kind]}))


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"[" * 100_000, b'{"v":NaN}', b"1" * 5000, b'"\\ud800"']
)
def test_what_is_no_json_is_not_used(body: bytes) -> None:
    with pytest.raises(BadAnswer):
        read(Answer(200, {}, body, is_last=False))


def test_a_pace_that_is_no_number_is_not_used() -> None:
    text = json.dumps({**SOUND, "pps": float("nan")}).encode()

    with pytest.raises(BadAnswer):
        read(Answer(200, {}, text, is_last=False))


def test_a_refusal_says_what_it_can() -> None:
    said = {"error": "no", "reason": "sequence", "taken": 8}

    assert read(answer(said, 409, **{"retry-after": "5"})) == Refused(
        409, "sequence", "no", instance="", taken=8, retry_s=5.0
    )


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b'{"reason":1,"error":{},"instance":[],"taken":{}}']
)
def test_a_refusal_in_any_form_is_a_refusal(body: bytes) -> None:
    refused = read(Answer(502, {"retry-after": "Fri, 31 Dec 1999"}, body, is_last=True))

    assert refused == Refused(502, "", "", instance="", taken=-1, retry_s=0.0)


def test_nobody_can_send_an_agent_away_for_ever() -> None:
    refused = read(answer({}, 429, **{"retry-after": "9" * 4000}))

    assert isinstance(refused, Refused)
    assert refused.retry_s == 300.0


def test_what_is_new_since_a_list_changes_that_list_only() -> None:
    mandate = Mandate("me")
    whole = PeerChange(5, is_whole=True, added={"a": "::1", "b": "::2", "me": "::3"}, gone=())
    assert mandate.take_peers(whole, 0)
    assert list(mandate.peers) == ["a", "b"]

    assert not mandate.take_peers(PeerChange(7, is_whole=False, added={}, gone=("a",)), 4)
    assert mandate.peers_version == 5
    assert mandate.take_peers(PeerChange(6, is_whole=False, added={"c": "::4"}, gone=("a",)), 5)

    assert [(one.name, one.address) for one in mandate.peers.values()] == [
        ("b", "::2"),
        ("c", "::4"),
    ]
    assert mandate.keys(("c", "nobody")) == [node_key("c")]
    assert mandate.keys(None) is None


def test_a_list_that_grows_without_bound_is_not_held() -> None:
    mandate = Mandate("me")
    version = 0
    for start in range(0, 90_000, 30_000):
        added = {f"n{at}": "10.0.0.1" for at in range(start, start + 30_000)}
        mandate.take_peers(PeerChange(version + 1, version == 0, added, ()), version)
        version = mandate.peers_version

    assert len(mandate.peers) == 30_000
