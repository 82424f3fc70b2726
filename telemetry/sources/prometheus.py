"""Prometheus: RTTs that some exporter measured, by PromQL.

Only the instant query is used. A value becomes an RTT only when it can be one: ``NaN`` (no sample),
-1 and 0 (how exporters write a failure) and infinities never become a number.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from telemetry.errors import SourceMalformed
from telemetry.model import MAX_RTT_US
from telemetry.readings import HTTP_FLOOR_US, Outcome, PairReading, Readings, Timed, settled
from telemetry.sources.presets import Preset


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
        labels, value = _row(row, where)
        ends = [rule.value(labels) for rule in (preset.measured_from, preset.measured_to)]
        nodes = [node_of.get(end) if end is not None else None for end in ends]
        unmapped.update(_strangers(ends, nodes, preset))
        measured_from, measured_to = nodes
        if measured_from is None or measured_to is None or measured_from == measured_to:
            continue
        outcome, rtt_us = _judged(value, preset)
        resolution_us = HTTP_FLOOR_US if outcome is Outcome.BELOW_RESOLUTION else 1
        pairs.append(
            PairReading(measured_from, measured_to, outcome, rtt_us, resolution_us, preset.timed)
        )
    kept = settled(pairs)
    notes: tuple[str, ...] = ()
    if len(kept) < len(pairs):
        doubled = len(pairs) - len(kept)
        notes = (f"{doubled} rows are of pairs that have another row: the largest one counts",)
    return Readings(kept, unmapped=tuple(sorted(unmapped)), notes=notes)


def _row(row: Any, where: str) -> tuple[Mapping[str, str], float]:  # noqa: ANN401 - parsed JSON
    """Return the labels and the value of a row."""
    try:
        labels, (_, text) = row["metric"], row["value"]
        # A value is text: what is none has no `strip`.
        return {str(k): str(v) for k, v in labels.items()}, float(text.strip())
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


def _judged(value: float, preset: Preset) -> tuple[Outcome, int]:
    if math.isnan(value):
        return Outcome.NO_SAMPLES, -1
    rtt_us = math.ceil(min(max(value, -1.0), MAX_RTT_US) * preset.unit_us)  # never shorter
    if rtt_us <= 0 or rtt_us > MAX_RTT_US:
        return Outcome.FAILED, -1
    if not preset.lowest_us <= rtt_us <= preset.highest_us:
        return Outcome.DOUBTFUL, -1
    if preset.timed is not Timed.ROUND_TRIP and rtt_us < HTTP_FLOOR_US:
        return Outcome.BELOW_RESOLUTION, -1
    return Outcome.MEASURED, rtt_us
