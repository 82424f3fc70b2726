"""Goldpinger: what its pods say of each other over HTTP.

Measured on Goldpinger 3.10.2 (tests/fixtures/goldpinger/README.md). What shapes this reader:

- ``response-time-ms`` is cut off to whole milliseconds, so ``7`` means below 8 and is read as 8000
  microseconds; below 1 ms the field is missing, which is not 0 and, without ``OK``, not an answer.
- A failed ping has a duration too (a refused one under 1 ms, a cut-off one the time limit of
  300 ms): without ``OK`` there is no number.
- It is the time of an HTTP request, of one round trip or two (`telemetry.sources.pinging`). It is
  never shorter than the round trip: a budget judged on it errs on the safe side. Below 5 ms it is
  more request than distance, and only says "below 5 ms".
- ``/check_all`` holds only the pods the asked instance has chosen (``PING_NUMBER``): with sparse
  probing ask every instance for ``/check``.
- Times of day are the instance's own; they are compared with each other alone.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import msgspec

from telemetry.errors import SourceMalformed
from telemetry.model import MAX_RTT_US
from telemetry.readings import HTTP_FLOOR_US, Outcome, PairReading, Readings, joined, settled
from telemetry.sources.pinging import Pinging

RESOLUTION_US = 1_000
STALE_ROUNDS = 2.5
"""A ping so many intervals older than the instance's newest is of a peer it no longer pings."""

_Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=MAX_RTT_US // 1000 - 1)]


class _PodResult(msgspec.Struct):
    host_ip: str = msgspec.field(name="HostIP", default="")
    is_ok: bool = msgspec.field(name="OK", default=False)
    pinged_at: datetime | None = msgspec.field(name="PingTime", default=None)
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


@dataclass(frozen=True, slots=True)
class Checked:
    """What one instance says of its pings, and when by its own clock the newest of them began."""

    node: str
    readings: Readings
    newest: datetime | None


def read_check(
    body: bytes,
    *,
    measured_from: str,
    node_of_address: Mapping[str, str],
    pinging: Pinging | None = None,
    where: str = "/check",
) -> Checked:
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
    pinging
        How the instance pings; None for not known.
    where
        The address asked, for error messages.

    Raises
    ------
    SourceMalformed
        If the body is not what ``/check`` answers.
    """
    check = _decoded(body, _Check, where)
    return _checked(check, measured_from, node_of_address, pinging or Pinging())


def read_check_all(
    body: bytes,
    *,
    node_of_address: Mapping[str, str],
    pinging_of: Callable[[str], Pinging] = lambda _: Pinging(),
    where: str = "/check_all",
) -> tuple[tuple[Checked, ...], Readings]:
    """Read the answer of ``/check_all``: what every instance that was reached says.

    Parameters are those of `read_check`, with how the instance of each node pings. Besides what
    instances say, those that did not answer (`Readings.silent`) and belong to no node are returned.

    Raises
    ------
    SourceMalformed
        If the body is not what ``/check_all`` answers.
    """
    said, rest = [], []
    for key, answer in _decoded(body, _CheckAll, where).responses.items():
        node = node_of_address.get(answer.host_ip)
        if node is None:
            rest.append(Readings(unmapped=(answer.host_ip or key,)))
        elif not answer.is_ok or answer.response is None:
            rest.append(Readings(silent=(node,)))
        else:
            said.append(_checked(answer.response, node, node_of_address, pinging_of(node)))
    return tuple(said), joined(rest)


def _checked(
    check: _Check, measured_from: str, node_of: Mapping[str, str], pinging: Pinging
) -> Checked:
    times = [_utc(result.pinged_at) for result in check.pod_results.values() if result.pinged_at]
    newest = max(times, default=None)
    unmapped = [
        result.host_ip or key
        for key, result in check.pod_results.items()
        if result.host_ip not in node_of
    ]
    pairs = settled(_pairs(check, measured_from, node_of, pinging, newest))
    readings = Readings(pairs, unmapped=tuple(unmapped), age_s=pinging.age_s)
    return Checked(measured_from, readings, newest)


def _pairs(
    check: _Check,
    measured_from: str,
    node_of: Mapping[str, str],
    pinging: Pinging,
    newest: datetime | None,
) -> Iterator[PairReading]:
    for result in check.pod_results.values():
        node = node_of.get(result.host_ip, measured_from)
        if node != measured_from:  # every instance pings itself too
            outcome, rtt_us = _judged(result, pinging, newest)
            resolution_us = HTTP_FLOOR_US if outcome is Outcome.BELOW_RESOLUTION else RESOLUTION_US
            yield PairReading(measured_from, node, outcome, rtt_us, resolution_us, pinging.timed)


def _judged(result: _PodResult, pinging: Pinging, newest: datetime | None) -> tuple[Outcome, int]:
    whole_ms = result.response_time_ms or 0  # the field is left out when it would be 0
    if not result.is_ok:
        return Outcome.FAILED, -1
    if newest is not None and result.pinged_at is not None:
        behind_s = (newest - _utc(result.pinged_at)).total_seconds()
        if behind_s > STALE_ROUNDS * pinging.age_s:
            return Outcome.NO_SAMPLES, -1
    rtt_us = (whole_ms + 1) * RESOLUTION_US
    return (Outcome.MEASURED, rtt_us) if rtt_us >= HTTP_FLOOR_US else (Outcome.BELOW_RESOLUTION, -1)


def _utc(time: datetime) -> datetime:
    """Return a time that says no zone as one in UTC, as Goldpinger writes it."""
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


def _decoded(body: bytes, form: type[_Body], where: str) -> _Body:
    try:
        return msgspec.json.decode(body, type=form)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SourceMalformed(where, f"not an answer of Goldpinger: {error}") from None
