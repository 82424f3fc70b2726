"""Goldpinger: what its pods say of each other over HTTP.

Measured on Goldpinger 3.10.2 (tests/fixtures/goldpinger/README.md). What shapes this reader:

- ``response-time-ms`` is cut off to whole milliseconds, so ``4`` means below 5 and is read as 5000
  microseconds; below 1 ms the field is missing, which is not 0 and, without ``OK``, not an answer.
- A failed ping has a duration too (a refused one under 1 ms, a cut-off one the time limit of
  300 ms): without ``OK`` there is no number.
- It is the time of an HTTP request. It is never shorter than the round trip; with connections that
  are idle for over 10 s (any refresh interval above that, so also the default of 30 s) it is two
  round trips. A budget judged on it errs on the safe side.
- ``/check_all`` holds only the pods the asked instance has chosen (``PING_NUMBER``): with sparse
  probing ask every instance for ``/check``.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, TypeVar

import msgspec
import requests

from telemetry.errors import SourceError, SourceMalformed, SourceRefused, SourceUnavailable
from telemetry.model import MAX_RTT_US
from telemetry.readings import Outcome, PairReading, Readings, joined

RESOLUTION_US = 1_000
CONNECT_TIMEOUT_S = 3.0
DEADLINE_S = 10.0
"""For a whole answer. Goldpinger itself waits up to 5 s for its peers (``CHECK_ALL_TIMEOUT``)."""

MAX_BODY_BYTES = 64 << 20
"""An entry is some 200 bytes; 490 nodes that ask each other are 48 MB."""

INSTANCES_AT_ONCE = 16
"""A dead instance holds one place for `DEADLINE_S`, not the whole round."""

_Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=MAX_RTT_US // 1000 - 1)]


class _PodResult(msgspec.Struct):
    host_ip: str = msgspec.field(name="HostIP", default="")
    is_ok: bool = msgspec.field(name="OK", default=False)
    response_time_ms: _Milliseconds | None = msgspec.field(name="response-time-ms", default=None)


class _Check(msgspec.Struct):
    pod_results: dict[str, _PodResult] = msgspec.field(name="podResults")


class _Answer(msgspec.Struct):
    host_ip: str = msgspec.field(name="HostIP", default="")
    is_ok: bool = msgspec.field(name="OK", default=False)
    response: _Check | None = None


class _CheckAll(msgspec.Struct):
    responses: dict[str, _Answer]


_Body = TypeVar("_Body", _Check, _CheckAll)


def read_check(
    body: bytes, *, measured_from: str, node_of_address: Mapping[str, str], where: str = "/check"
) -> Readings:
    """Read the answer of one instance's ``/check``.

    Parameters
    ----------
    body
        The JSON as received.
    measured_from
        Node of the instance that was asked: the answer does not name it.
    node_of_address
        Node name by InternalIP. Keys of the answer are pod or node names, depending on how
        Goldpinger is run; only the address is the same everywhere.
    where
        The address asked, for error messages.

    Raises
    ------
    SourceMalformed
        If the body is not what ``/check`` answers.
    """
    return _read_results(_decoded(body, _Check, where), measured_from, node_of_address)


def read_check_all(
    body: bytes, *, node_of_address: Mapping[str, str], where: str = "/check_all"
) -> Readings:
    """Read the answer of ``/check_all``: what every instance that was reached says.

    Parameters are those of `read_check`; instances that did not answer are `Readings.silent`.

    Raises
    ------
    SourceMalformed
        If the body is not what ``/check_all`` answers.
    """
    parts = []
    for key, answer in _decoded(body, _CheckAll, where).responses.items():
        node = node_of_address.get(answer.host_ip)
        if node is None:
            parts.append(Readings(unmapped=(answer.host_ip or key,)))
        elif not answer.is_ok or answer.response is None:
            parts.append(Readings(silent=(node,)))
        else:
            parts.append(_read_results(answer.response, node, node_of_address))
    return joined(parts)


def fetch_check_all(
    url: str, node_of_address: Mapping[str, str], *, clock: Callable[[], float] = time.monotonic
) -> Readings:
    """Ask one instance for everything it can reach.

    Parameters
    ----------
    url
        Root of the instance, ``http://goldpinger.monitoring:8080``.
    node_of_address
        Node name by InternalIP.
    clock
        Seconds, monotonic; for the deadline.

    Raises
    ------
    SourceError
        If it cannot be reached in time, answers an error status, or answers in another form.
    """
    where = f"{url.rstrip('/')}/check_all"
    return read_check_all(_fetch(where, clock), node_of_address=node_of_address, where=where)


def fetch_checks(
    instances: Mapping[str, str],
    node_of_address: Mapping[str, str],
    *,
    clock: Callable[[], float] = time.monotonic,
) -> Readings:
    """Ask every instance for its own ``/check``; the way that is right with sparse probing.

    An instance that fails is `Readings.silent` and costs nobody else's readings.

    Parameters
    ----------
    instances
        Root URL of the instance by node name.
    node_of_address
        Node name by InternalIP.
    clock
        Seconds, monotonic; for the deadlines.

    Raises
    ------
    SourceUnavailable
        If not a single instance gave an answer that can be used.
    """

    def ask(node: str, url: str) -> Readings:
        where = f"{url.rstrip('/')}/check"
        try:
            body = _fetch(where, clock)
            return read_check(
                body, measured_from=node, node_of_address=node_of_address, where=where
            )
        except SourceError:
            return Readings(silent=(node,))

    with ThreadPoolExecutor(INSTANCES_AT_ONCE) as pool:
        readings = joined(pool.map(ask, instances, instances.values()))
    if instances and len(readings.silent) == len(instances):
        raise SourceUnavailable("Goldpinger", f"none of {len(instances)} instances answered")
    return readings


def _read_results(check: _Check, measured_from: str, node_of: Mapping[str, str]) -> Readings:
    pairs, unmapped = [], []
    for key, result in check.pod_results.items():
        node = node_of.get(result.host_ip)
        if node is None:
            unmapped.append(result.host_ip or key)
        elif node != measured_from:  # every instance pings itself too
            pairs.append(_reading(measured_from, node, result))
    return Readings(tuple(pairs), unmapped=tuple(unmapped))


def _reading(measured_from: str, measured_to: str, result: _PodResult) -> PairReading:
    whole_ms = result.response_time_ms
    if not result.is_ok:
        outcome, rtt_us = Outcome.FAILED, None
    elif not whole_ms:  # the field is left out when it would be 0
        outcome, rtt_us = Outcome.BELOW_RESOLUTION, None
    else:
        outcome, rtt_us = Outcome.MEASURED, (whole_ms + 1) * RESOLUTION_US
    if rtt_us is None:
        return PairReading(measured_from, measured_to, outcome, resolution_us=RESOLUTION_US)
    return PairReading(measured_from, measured_to, outcome, rtt_us, RESOLUTION_US)


def _decoded(body: bytes, form: type[_Body], where: str) -> _Body:
    try:
        return msgspec.json.decode(body, type=form)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SourceMalformed(where, f"not an answer of Goldpinger: {error}") from None


def _fetch(where: str, clock: Callable[[], float]) -> bytes:
    """Return the body, within `DEADLINE_S` even if it comes byte by byte."""
    ends_s = clock() + DEADLINE_S
    chunks, size = [], 0
    try:
        with requests.get(where, timeout=(CONNECT_TIMEOUT_S, DEADLINE_S), stream=True) as answer:
            if answer.status_code != requests.codes.ok:
                text = f"answered {answer.status_code} {answer.reason}"
                raise SourceRefused(where, text, answer.status_code)
            for chunk in answer.iter_content(1 << 16):
                chunks.append(chunk)
                size += len(chunk)
                if size > MAX_BODY_BYTES:
                    raise SourceMalformed(where, f"an answer of more than {MAX_BODY_BYTES} bytes")
                if clock() > ends_s:
                    raise SourceUnavailable(where, f"no whole answer within {DEADLINE_S:.0f} s")
    except (requests.RequestException, OSError) as error:
        raise SourceUnavailable(where, f"no answer: {error}") from None
    return b"".join(chunks)
