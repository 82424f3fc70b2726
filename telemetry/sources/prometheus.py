"""Prometheus: RTTs that some exporter measured, by PromQL.

Only the instant query is used. A value becomes an RTT only when it can be one: ``NaN`` (no sample),
-1 and 0 (how exporters write a failure) and infinities never become a number.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import requests
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from urllib3.util.retry import Retry

from telemetry.errors import SourceMalformed, SourceRefused, SourceUnavailable
from telemetry.model import MAX_RTT_US
from telemetry.readings import Outcome, PairReading, Readings
from telemetry.sources.presets import WINDOW_S, Preset

TIMEOUT_S = 10
"""Below the two minutes Prometheus allows a query: a source that slow is as good as silent."""

_STATUS = re.compile(r"HTTP Status Code (\d+)")


def read_vector(
    rows: object, preset: Preset, *, node_of: Mapping[str, str], where: str = "Prometheus"
) -> Readings:
    """Read the ``result`` of an instant query.

    Parameters
    ----------
    rows
        ``[{"metric": {label: value}, "value": [unix_seconds, "text"]}, …]``.
    preset
        Which label is which node, and between which values there are distances.
    node_of
        Node name by whatever stands for it in a label: addresses, and the name itself.
    where
        The address asked, for error messages.

    Raises
    ------
    SourceMalformed
        If the result is no instant vector, or a value is not a number.
    """
    if not isinstance(rows, Sequence) or isinstance(rows, str):
        raise SourceMalformed(where, f"the result is {type(rows).__name__}, not an instant vector")
    pairs: list[PairReading] = []
    unmapped: set[str] = set()
    for row in rows:
        labels, seconds = _row(row, where)
        ends = [rule.value(labels) for rule in (preset.measured_from, preset.measured_to)]
        nodes = [node_of.get(end) if end is not None else None for end in ends]
        unmapped.update(_strangers(ends, nodes, preset))
        measured_from, measured_to = nodes
        if measured_from is None or measured_to is None or measured_from == measured_to:
            continue
        outcome, rtt_us = _judged(seconds, preset)
        if rtt_us is None:
            pairs.append(PairReading(measured_from, measured_to, outcome))
        else:
            pairs.append(PairReading(measured_from, measured_to, outcome, rtt_us))
    return Readings(tuple(pairs), unmapped=tuple(sorted(unmapped)))


def fetch_vector(
    url: str,
    preset: Preset,
    node_of: Mapping[str, str],
    *,
    window_s: int = WINDOW_S,
    headers: Mapping[str, str] | None = None,
) -> Readings:
    """Ask a Prometheus once.

    Parameters
    ----------
    url
        Root, ``http://prometheus.monitoring:9090``.
    preset
        What to ask, and how to read it.
    node_of
        Node name by address or name.
    window_s
        Seconds a mean is taken over; at least four of the exporter's intervals.
    headers
        Sent along, for example ``Authorization``.

    Raises
    ------
    SourceUnavailable
        If there is no answer within `TIMEOUT_S`.
    SourceRefused
        If the status is not 200: 400 a query that cannot be read, 401 and 403 rights, 422 a query
        that cannot be carried out, 503 a query that took too long.
    SourceMalformed
        If the answer is not what Prometheus documents.
    """
    # No retries inside the client, which would sleep: the next round is the retry.
    with PrometheusConnect(
        url.rstrip("/"), headers=dict(headers or {}), retry=Retry(0), timeout=TIMEOUT_S
    ) as client:
        return read_vector(
            _queried(client, preset.promql(window_s), url), preset, node_of=node_of, where=url
        )


def _queried(client: PrometheusConnect, query: str, url: str) -> object:
    try:
        return client.custom_query(query)
    except PrometheusApiClientException as error:
        match = _STATUS.match(str(error))
        raise SourceRefused(url, str(error), int(match.group(1)) if match else 0) from None
    except requests.exceptions.JSONDecodeError as error:
        raise SourceMalformed(url, f"not JSON: {error}") from None
    except (requests.RequestException, OSError) as error:
        raise SourceUnavailable(url, f"no answer: {error}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise SourceMalformed(url, f"not an answer of Prometheus: {error!r}") from None


def _row(row: Any, where: str) -> tuple[Mapping[str, str], float]:  # noqa: ANN401 - parsed JSON
    """Return the labels and the value of a row."""
    try:
        labels, (_, text) = row["metric"], row["value"]
        return {str(k): str(v) for k, v in labels.items()}, float(text)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise SourceMalformed(where, f"a row that is no sample: {str(row)[:200]}") from None


def _strangers(
    ends: Iterable[str | None], nodes: Iterable[str | None], preset: Preset
) -> Iterable[str]:
    """Yield what should stand for a node and does not."""
    rules = (preset.measured_from, preset.measured_to)
    for end, node, rule in zip(ends, nodes, rules, strict=True):
        if node is None:
            yield end if end is not None else f"(no label {rule.label})"


def _judged(seconds: float, preset: Preset) -> tuple[Outcome, int | None]:
    if math.isnan(seconds):
        return Outcome.NO_SAMPLES, None
    rtt_us = math.ceil(min(max(seconds, -1.0), MAX_RTT_US) * 1_000_000)  # never a shorter distance
    if rtt_us <= 0 or rtt_us > MAX_RTT_US:
        return Outcome.FAILED, None
    if not preset.lowest_us <= rtt_us <= preset.highest_us:
        return Outcome.DOUBTFUL, None
    return Outcome.MEASURED, rtt_us
