"""Goldpinger's ``/metrics``: the mean of the pings between two takes of one instance's page.

What shapes this reader (measured, tests/fixtures/goldpinger/README.md):

- Failed pings are in the sum and the count: a refused one at under 1 ms, a cut-off one at the time
  limit. Whose they were the page does not say; whether there were any, `_ERRORS` does. So pings in
  the bucket of refusals lengthen the mean and never shorten it, and where any ping failed, a pair
  counts only if none of its own was in the bucket of the limit.
- ``call_type="check"`` is another thing, counted only when somebody asks.
- A series outlives its pod, with counters that stand; a restart sets all counters back.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from telemetry.errors import SourceMalformed
from telemetry.readings import HTTP_FLOOR_US, Outcome, PairReading, Readings, settled
from telemetry.sources.pinging import Pinging

_FAMILY = "goldpinger_peers_response_time_s"
_ERRORS = "goldpinger_errors_total"
_STARTED = "process_start_time_seconds"
_LINE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?\s*")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")
_QUICK_S = 0.005
"""The smallest bucket: where refused pings fall."""


@dataclass(slots=True)
class _Pings:
    """Counters of one pair: one address of a target's pod."""

    sum_s: float = 0.0
    count: float = 0.0
    buckets: dict[float, float] = field(default_factory=dict)

    def less(self, before: "_Pings") -> "_Pings":
        """Return what was added since."""
        return _Pings(
            self.sum_s - before.sum_s,
            self.count - before.count,
            {le: n - before.buckets.get(le, 0.0) for le, n in self.buckets.items()},
        )


@dataclass(slots=True)
class Take:
    """One page: counters by target, keyed by its node's and its pod's address."""

    instance: str = ""
    errors: float = 0.0
    started_s: float = 0.0
    pings: dict[tuple[str, str], _Pings] = field(default_factory=dict)

    def follows(self, before: "Take") -> bool:
        """Tell whether the instance ran all the time between the two."""
        return (
            self.started_s == before.started_s
            and self.instance == before.instance
            and self.errors >= before.errors
            and all(
                target in self.pings and self.pings[target].count >= was.count
                for target, was in before.pings.items()
            )
        )


def read_page(body: bytes, where: str = "/metrics") -> Take:
    """Read a page.

    Parameters
    ----------
    body
        As received.
    where
        The address asked, for errors.

    Raises
    ------
    SourceMalformed
        If it is no page of a Goldpinger, or of several at once.
    """
    take = Take()
    instances: set[str] = set()
    for number, line in enumerate(_lines(body, where), start=1):
        name, labels, value = _sample(line, f"{where}, line {number}")
        if name == _STARTED:
            take.started_s = value
        elif name == _ERRORS:
            instances.add(labels.get("goldpinger_instance", ""))
            take.errors += value if labels.get("type") == "ping" else 0.0
        elif labels.get("call_type") == "ping" and name.startswith(_FAMILY):
            instances.add(labels.get("goldpinger_instance", ""))
            _count(take, name.removeprefix(_FAMILY), labels, value)
    if len(instances) > 1:
        raise SourceMalformed(where, f"a page of {len(instances)} instances, not of one")
    take.instance = next(iter(instances), "")
    return take


def mean_readings(
    now: Take,
    before: Take,
    *,
    measured_from: str,
    node_of_address: Mapping[str, str],
    pinging: Pinging,
) -> Readings:
    """Return the means of what was added between two takes.

    Parameters
    ----------
    now, before
        Two takes of one instance. Where it restarted in between there is no reading.
    measured_from
        Its node.
    node_of_address
        Node name by InternalIP.
    pinging
        How it pings.
    """
    if not now.follows(before):
        return Readings(notes=(f"the Goldpinger of {measured_from} has restarted",))
    has_failed = now.errors > before.errors
    pairs, unmapped = [], []
    for (host, pod), counters in now.pings.items():
        node = node_of_address.get(host)
        if node is None:
            unmapped.append(host)
        elif node != measured_from and (host, pod) in before.pings:
            added = counters.less(before.pings[host, pod])
            outcome, rtt_us = _judged(added, pinging, has_failed=has_failed)
            pairs.append(
                PairReading(measured_from, node, outcome, rtt_us, HTTP_FLOOR_US, pinging.timed)
            )
    return Readings(settled(pairs), unmapped=tuple(unmapped))


def _judged(added: _Pings, pinging: Pinging, *, has_failed: bool) -> tuple[Outcome, int]:
    if added.count <= 0:
        return Outcome.NO_SAMPLES, -1
    quick = added.buckets.get(_QUICK_S, 0.0)
    if quick >= added.count:
        # All below 5 ms: a near node, or connections that were refused.
        return (Outcome.DOUBTFUL if has_failed else Outcome.BELOW_RESOLUTION), -1
    # Of the rest alone, which a refusal among the quick ones cannot make shorter. The page may be
    # taken between the count of a failed ping and that of its failure, so this holds always.
    mean_us = max(0.0, added.sum_s) / (added.count - quick) * 1e6
    if not 0 < mean_us < pinging.limit_us or (has_failed and _may_be_cut_off(added, pinging)):
        return Outcome.DOUBTFUL, -1
    rtt_us = math.ceil(mean_us)
    return (Outcome.MEASURED, rtt_us) if rtt_us >= HTTP_FLOOR_US else (Outcome.BELOW_RESOLUTION, -1)


def _may_be_cut_off(added: _Pings, pinging: Pinging) -> bool:
    """Tell whether a ping may have been in the bucket of the time limit, or buckets are missing."""
    below = max((le for le in added.buckets if le * 1e6 < pinging.limit_us), default=0.0)
    return added.buckets.get(below, -1.0) < added.count


def _lines(body: bytes, where: str) -> Iterator[str]:
    """Yield the lines that may matter."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise SourceMalformed(where, "not a page of metrics: not text in UTF-8") from None
    if "goldpinger_" not in text:
        raise SourceMalformed(where, "not a page of Goldpinger's metrics")
    wanted = (_FAMILY, _ERRORS, _STARTED)
    return (line for line in text.split("\n") if line.startswith(wanted))


def _sample(line: str, where: str) -> tuple[str, dict[str, str], float]:
    match = _LINE.fullmatch(line)
    try:
        name, labels, text = match.groups() if match else ("", "", "")
        value = float(text)
    except ValueError:
        value = math.nan
        name, labels = "", ""
    if not 0 <= value < math.inf:
        raise SourceMalformed(where, f"not a counter: {line[:120]}")
    pairs = {key: _ESCAPED.sub(r"\1", text) for key, text in _LABEL.findall(labels or "")}
    return name, pairs, value


def _count(take: Take, kind: str, labels: Mapping[str, str], value: float) -> None:
    pings = take.pings.setdefault((labels.get("host_ip", ""), labels.get("pod_ip", "")), _Pings())
    match kind:
        case "_sum":
            pings.sum_s = value
        case "_count":
            pings.count = value
        case "_bucket":
            try:
                pings.buckets[float(labels.get("le", ""))] = value
            except ValueError:
                pings.buckets.clear()  # without them, a pair is doubted where pings failed
        case _:
            pass
