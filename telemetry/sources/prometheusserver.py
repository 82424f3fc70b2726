"""A Prometheus as a source of readings: asked with prometheus-api-client, within limits.

The library itself knows no limit of size, follows redirects with the token it was given, retries by
sleeping and drops what kind of result came and the server's warnings. `BoundedSession` under it
mends the first three; the answer is looked at once more for the rest.
"""

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import requests
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException

from telemetry.apart import apart
from telemetry.errors import (
    SourceEmpty,
    SourceError,
    SourceMalformed,
    SourceRefused,
    SourceUnavailable,
)
from telemetry.ports import Directory, PeerDirectory
from telemetry.readings import Readings
from telemetry.sources.bounded import BoundedSession, Limits, refused, unanswered
from telemetry.sources.presets import WINDOW_S, Preset
from telemetry.sources.prometheus import read_vector
from telemetry.sources.rounds import polled

MOST_BYTES = 128 << 20
"""A row is some 200 bytes: 800 nodes that all measure each other."""

_MOST_SECRET = 1 << 16
_SAID = 300
_TOLD = 3
_NAME_PATIENCE_S = 30.0
"""For the resolver to find the server's address, on top of the limit for an answer."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who asks. Files are read anew for each question: tokens and passwords change.

    Parameters
    ----------
    token_path
        A file with a bearer token.
    username, password_path
        For basic authentication.
    ca_path
        Certificates to believe the server by; empty for the usual ones.
    """

    token_path: str = ""
    username: str = ""
    password_path: str = ""
    ca_path: str = ""

    def headers(self) -> Mapping[str, str]:
        """Return what vouches for us.

        Raises
        ------
        SourceUnavailable
            If a file cannot be read, or holds what cannot be sent.
        """
        if self.token_path:
            return {"Authorization": f"Bearer {_secret(self.token_path)}"}
        if self.username:
            pair = f"{self.username}:{_secret(self.password_path)}".encode()
            return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        return {}


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, of whom.

    Parameters
    ----------
    url
        Root, ``http://prometheus.monitoring:9090``.
    preset
        What to ask, and how to read it.
    window_s
        Over what a mean is taken, seconds; at least four of the exporter's intervals.
    timeout_s
        For a whole answer, seconds.
    account
        Who asks.
    called
        What tells it from other questions to the same server, for people.
    """

    url: str
    preset: Preset
    window_s: int = WINDOW_S
    timeout_s: float = 10.0
    account: Account = field(default_factory=Account)
    called: str = ""


class PrometheusSource:
    """Implements `telemetry.sources.rounds.ReadingSource`.

    Parameters
    ----------
    question
        What to ask.
    directory
        Which address and which pod is of which node.
    poll_s
        How often, seconds.
    """

    def __init__(self, question: Question, directory: PeerDirectory, poll_s: float) -> None:
        self.question = question
        self._directory = directory
        self._poll_s = poll_s
        self.name = f"prometheus {question.url} {question.called}".rstrip()

    def rounds(self) -> AsyncIterator[Readings | SourceError]:
        """Yield what each poll found, for ever."""
        return polled(self.name, self._ask, self._poll_s)

    async def _ask(self) -> Readings:
        names = stand_ins(self._directory.current)
        patience_s = self.question.timeout_s + _NAME_PATIENCE_S
        try:
            async with asyncio.timeout(patience_s):
                return await apart(partial(asked, self.question, names))
        except TimeoutError:
            what = f"no answer within {patience_s:g} s"
            raise SourceUnavailable(self.question.url, what) from None


def stand_ins(directory: Directory) -> Mapping[str, str]:
    """Return the node by whatever may stand for it in a label: its pods that measure, too."""
    pods = [*directory.agents.values()]
    for group in directory.exporters.values():
        pods.extend(group)
    by_pod = {key: pod.node for pod in pods for key in (pod.name, pod.address)}
    return {**by_pod, **directory.node_of}


def asked(question: Question, node_of: Mapping[str, str]) -> Readings:
    """Ask once.

    Parameters
    ----------
    question
        What to ask.
    node_of
        Node name by whatever stands for it in a label.

    Raises
    ------
    SourceUnavailable
        If there is no whole answer in time.
    SourceRefused
        If the status is not 200: 400 a query that cannot be read, 401 and 403 rights, 422 a query
        that cannot be carried out, 503 a query that took too long.
    SourceMalformed
        If the answer is not an instant vector as Prometheus documents it.
    SourceEmpty
        If there is no row, or none between two known nodes: a wrong name of a metric, or nobody
        who measures.
    """
    rows, envelope = _queried(question)
    readings = read_vector(rows, question.preset, node_of=node_of, where=question.url)
    if not readings.pairs:
        raise SourceEmpty(question.url, _why_empty(rows, readings, question))
    notes = [*readings.notes, *(f"Prometheus warns: {said[:_SAID]}" for said in envelope.warnings)]
    age_s = question.preset.age_s(question.window_s)
    return replace(readings, age_s=age_s, notes=tuple(notes[: _TOLD + 1]))


class _Data(msgspec.Struct):
    kind: str = msgspec.field(name="resultType", default="")


class _Envelope(msgspec.Struct):
    """What of an answer prometheus-api-client does not give on."""

    status: str = ""
    data: _Data | None = None
    warnings: list[str] = msgspec.field(default_factory=list)
    error: str = ""


def _queried(question: Question) -> tuple[object, _Envelope]:
    """Return the result, and what came with it."""
    limits = Limits(whole_s=question.timeout_s, body_bytes=MOST_BYTES)
    headers = dict(question.account.headers())
    answers: list[requests.Response] = []
    try:
        url = urlsplit(question.url).geturl().rstrip("/")
        with BoundedSession(limits, ca_path=question.account.ca_path, proxied_url=url) as session:
            session.hooks["response"].append(lambda answer, **_: answers.append(answer))
            client = PrometheusConnect(url, headers=headers, session=session)
            rows = client.custom_query(
                question.preset.promql(question.window_s),
                {"timeout": f"{question.timeout_s:g}s"},
                (limits.connect_s, limits.whole_s),
            )
    except PrometheusApiClientException:
        raise _refused(question.url, answers[-1]) from None
    except Exception as error:  # noqa: BLE001 - of an answer that may be anything
        if not answers:
            raise unanswered(question.url, error) from None
        what = f"not an answer of Prometheus: {str(error)[:_SAID]!r}"
        raise SourceMalformed(question.url, what) from None
    envelope = _envelope(answers[-1].content, question.url)
    if envelope.data is None or envelope.data.kind != "vector":
        kind = "no kind" if envelope.data is None else envelope.data.kind or "no kind"
        what = f"the query gives a result of the kind {kind}; give one that gives a vector"
        raise SourceMalformed(question.url, what)
    return rows, envelope


def _envelope(body: bytes, where: str) -> _Envelope:
    try:
        return msgspec.json.decode(body, type=_Envelope)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SourceMalformed(where, f"not an answer of Prometheus: {error}") from None


def _refused(where: str, answer: requests.Response) -> SourceRefused:
    """Return an error status with the server's own sentence about it."""
    found = refused(where, answer)
    try:
        said = _envelope(answer.content, where).error
    except SourceMalformed:
        said = ""
    return SourceRefused(where, f"{found.what}: {said[:_SAID]}", found.status) if said else found


def _why_empty(rows: object, readings: Readings, question: Question) -> str:
    count = len(rows) if isinstance(rows, list) else 0
    if not count:
        query = question.preset.promql(question.window_s)
        return f"no rows: a wrong name of a metric, or nobody measures (asked: {query[:_SAID]})"
    if readings.unmapped:
        names = ", ".join(readings.unmapped[:_TOLD])
        return f"{count} rows, none of them between two known nodes (not known: {names})"
    return f"{count} rows, all of them from a node to itself"


def _secret(path: str) -> str:
    """Return what a file holds, fit for a header. No message repeats any of it."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(_MOST_SECRET)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise SourceUnavailable(path, f"cannot be read ({reason})") from None
    text = content.decode("latin-1").strip()
    if not text or not text.isascii() or not text.isprintable():
        raise SourceUnavailable(path, "holds no token or password: one line of plain letters")
    return text
