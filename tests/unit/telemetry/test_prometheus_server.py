"""A Prometheus as a source: accounts, refusals, and answers that are none."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest

from telemetry.errors import (
    SourceEmpty,
    SourceError,
    SourceMalformed,
    SourceRefused,
    SourceUnavailable,
)
from telemetry.ports import Directory, MeasuringPod
from telemetry.readings import Readings
from telemetry.sources.presets import PRESETS, LabelRule, Preset
from telemetry.sources.prometheusserver import (
    Account,
    PrometheusSource,
    Question,
    asked,
    stand_ins,
)
from tests.canned_http import Canned, serving
from tests.rude_http import Script, byte_by_byte, endlessly, never, rude

RECORDED = Path(__file__).parents[2] / "fixtures" / "prometheus"
NODES = ("node-a", "node-b", "node-c", "node-d")
NODE_OF = {f"192.0.2.1{k + 1}": node for k, node in enumerate(NODES)} | {n: n for n in NODES}
GOLDPINGER = PRESETS["goldpinger"]
ANY = Preset("rtt", LabelRule("from"), LabelRule("to"))
PATH = "/api/v1/query"
OK = b"HTTP/1.1 200 OK\r\n"


def recorded(name: str) -> Canned:
    answer = json.loads((RECORDED / f"{name}.json").read_text())
    return Canned(answer["body"].encode(), answer["status"])


def answer(rows: object, kind: str = "vector", **more: object) -> Canned:
    return Canned(
        json.dumps(
            {"status": "success", "data": {"resultType": kind, "result": rows}, **more}
        ).encode()
    )


def row(value: str) -> dict[str, Any]:
    return {"metric": {"from": "node-a", "to": "node-b"}, "value": [1.0, value]}


def ask(canned: Canned, preset: Preset = ANY) -> Readings:
    with serving({PATH: canned}) as url:
        return asked(Question(f"{url}/", preset), NODE_OF)


def test_the_answer_of_a_server_is_asked_for_and_read() -> None:
    readings = ask(recorded("A_1_healthy_mean_ping"), GOLDPINGER)

    assert len(readings.pairs) == 12
    assert readings.age_s == 300


@pytest.mark.parametrize(
    ("name", "status", "said"),
    [
        ("A_1_healthy_error_400_parse", 400, "parse error"),
        ("A_1_healthy_error_422_execution", 422, "duplicate series"),
    ],
)
def test_a_refused_query_says_its_status_and_the_server_s_reason(
    name: str, status: int, said: str
) -> None:
    with pytest.raises(SourceRefused, match=said) as caught:
        ask(recorded(name))

    assert caught.value.status == status


@pytest.mark.parametrize("status", [301, 401, 403, 404, 418, 500, 503])
def test_any_other_status_is_a_refusal(status: int) -> None:
    with pytest.raises(SourceRefused) as caught:
        ask(Canned(b"<html>no</html>", status))

    assert caught.value.status == status


def test_a_redirect_takes_no_token_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n")
    with serving({PATH: answer([row("0.02")])}) as there:
        moved = Canned(b"", 307, {"Location": f"{there}{PATH}"})
        with serving({PATH: moved}) as here, pytest.raises(SourceRefused, match="redirects"):
            asked(Question(here, ANY, account=Account(str(tmp_path / "token"))), NODE_OF)


def test_an_empty_result_is_no_success() -> None:
    with pytest.raises(SourceEmpty, match="no rows: a wrong name of a metric, or nobody measures"):
        ask(recorded("A_1_healthy_empty_result"))


def test_rows_of_strangers_alone_are_no_success_and_name_one() -> None:
    strange = {"metric": {"from": "host-9", "to": "node-b"}, "value": [1.0, "0.1"]}

    with pytest.raises(SourceEmpty, match=r"1 rows, none of them .* host-9"):
        ask(answer([strange]))


def test_warnings_of_the_server_are_passed_on() -> None:
    readings = ask(answer([row("0.02")], warnings=["one store did not answer"]))

    assert readings.notes == ("Prometheus warns: one store did not answer",)


@pytest.mark.parametrize(
    ("canned", "kind"),
    [
        (answer([1.0, "0.5"], "scalar"), "scalar"),
        (answer([1.0, "fast"], "string"), "string"),
        (answer([], "matrix"), "matrix"),
        (answer([{"metric": {}, "values": [[1.0, "2"]]}], "matrix"), "matrix"),
        (answer([], ""), "no kind"),
    ],
)
def test_a_result_of_another_kind_is_named(canned: Canned, kind: str) -> None:
    with pytest.raises(SourceMalformed, match=f"of the kind {kind}"):
        ask(canned)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>login</html>",
        b"",
        b"{}",
        b"[]",
        b'{"data": null}',
        b'{"data": {"result": 7}}',
        b'{"status": "success", "data": {"resultType": "vector", "result": 7}}',
        b'{"status": "success", "data": {"resultType": "vector", "result": [[]]}}',
        b'{"data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, true]}]}}',
        b"[" * 200_000,
        b"\xff\xfe",
    ],
    ids=range(11),
)
def test_a_success_that_is_not_prometheus_is_malformed(body: bytes) -> None:
    with pytest.raises(SourceMalformed):
        ask(Canned(body))


@pytest.mark.parametrize(
    "script",
    [never, byte_by_byte(OK), byte_by_byte(OK + b"\r\n{"), endlessly(OK, b"X-Y: z\r\n")],
    ids=["silent", "trickling head", "trickling body", "endless head"],
)
def test_a_server_that_does_not_end_its_answer_is_left_in_time(script: Script) -> None:
    with rude(script) as url, pytest.raises(SourceUnavailable):
        asked(Question(url, ANY, timeout_s=0.3), NODE_OF)


def test_an_endless_answer_is_left_at_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telemetry.sources.prometheusserver.MOST_BYTES", 100_000)

    with rude(endlessly(OK + b"\r\n", b" " * 1000)) as url, pytest.raises(SourceMalformed):
        asked(Question(url, ANY), NODE_OF)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "not a url", "http://[::1", ""])
def test_an_address_where_nobody_answers_is_unavailable(url: str) -> None:
    with pytest.raises(SourceUnavailable):
        asked(Question(url, ANY), NODE_OF)


def test_what_vouches_for_us_is_read_anew_each_time(tmp_path: Path) -> None:
    token, password = tmp_path / "token", tmp_path / "password"
    account, pair = Account(str(token)), Account("", "eve", str(password))
    for secret in ("first", "second"):
        token.write_text(f"{secret}\n")
        password.write_text(secret)

        basic = base64.b64encode(f"eve:{secret}".encode()).decode()
        assert account.headers() == {"Authorization": f"Bearer {secret}"}
        assert pair.headers() == {"Authorization": f"Basic {basic}"}
    assert Account().headers() == {}


@pytest.mark.parametrize("content", [b"", b" \n", b"two\nlines", b"\xff\x00", "schlüssel".encode()])
def test_a_token_that_cannot_be_sent_is_refused_without_repeating_it(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)

    with pytest.raises(SourceUnavailable, match="holds no token") as caught:
        Account(str(path)).headers()

    assert not content.strip() or content.decode("latin-1") not in str(caught.value)


@pytest.mark.parametrize("path", ["nowhere/token", ".", "\0"])
def test_a_token_that_cannot_be_read_names_its_file(path: str) -> None:
    with pytest.raises(SourceUnavailable, match="cannot be read"):
        Account(path).headers()


def test_pods_that_measure_stand_for_their_nodes_and_never_for_others() -> None:
    agent = MeasuringPod("agent-1", "node-a", "10.1.0.1")
    pinger = MeasuringPod("node-b", "node-c", "10.1.0.2")  # a pod that is called like a node

    names = stand_ins(Directory(1, NODES, NODE_OF, {"node-a": agent}, {"goldpinger": (pinger,)}))

    assert (names["agent-1"], names["10.1.0.1"], names["10.1.0.2"]) == (
        "node-a",
        "node-a",
        "node-c",
    )
    assert names["node-b"] == "node-b"


class Fixed:
    """A directory in which nothing changes; implements `PeerDirectory`."""

    current = Directory(1, NODES, NODE_OF)

    async def changed(self) -> None:
        await asyncio.Event().wait()


async def test_each_poll_yields_readings_or_why_there_are_none() -> None:
    plan = [answer([row("0.02")]), Canned(b"", 503), answer([]), answer([row("0.03")])]
    answers = {PATH: plan[0]}
    found: list[Readings | SourceError] = []
    with serving(answers) as url:
        async for one in PrometheusSource(Question(url, ANY), Fixed(), 0.001).rounds():
            found.append(one)
            if len(found) == len(plan):
                break
            answers[PATH] = plan[len(found)]

    assert [type(one) for one in found] == [Readings, SourceRefused, SourceEmpty, Readings]
