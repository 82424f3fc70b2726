"""How to ask a Prometheus for RTTs, per exporter: the query, and which label is which node.

Each `lowest_us` and `highest_us` bounds where a value of this exporter can be a distance: outside,
a failed probe looks the same (tests/fixtures/prometheus/README.md).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from telemetry.model import MAX_RTT_US
from telemetry.readings import HTTP_FLOOR_US, Timed

WINDOW_S = 300
"""Over what a mean is taken. At least four of the exporter's intervals: with 30 s pings a 30 s
window held 12 to 16 of 16 pairs, a 2 min window all of them."""

LOOKBACK_S = 300
"""How old the sample of a gauge may be that an instant query gives: Prometheus' default."""

ADDRESS = r"\[([^\]]+)\](?::[0-9]+)?|([^:]+)(?::[0-9]+)?|(.+:.*:.+)"
"""``10.0.0.7:9374``, ``10.0.0.7``, ``[fd00::7]:9374`` and ``fd00::7`` alike."""


@dataclass(frozen=True, slots=True)
class LabelRule:
    """The label that tells a node, and the part of its value (the group that matched) that does."""

    label: str
    pattern: str = r"(.+)"

    def value(self, labels: Mapping[str, str]) -> str | None:
        """Return what stands for the node, or None where the row does not say."""
        match = re.fullmatch(self.pattern, labels.get(self.label, ""))
        return None if match is None else next(filter(None, match.groups()), None)


@dataclass(frozen=True, slots=True)
class Preset:
    """One exporter, or one's own PromQL.

    Parameters
    ----------
    query
        PromQL that gives an instant vector; ``{window}`` stands for the window, ``{reach}`` for it
        and as far before it as an instant query may look back.
    measured_from, measured_to
        The labels that tell the two nodes.
    kind
        ``icmp``: a round trip. ``http``: at least one, with the time of a request on top.
    lowest_us, highest_us
        Values outside are `Outcome.DOUBTFUL`.
    unit_us
        What 1 of the query's values is in microseconds.
    """

    query: str
    measured_from: LabelRule
    measured_to: LabelRule
    kind: str = "icmp"
    lowest_us: int = 1
    highest_us: int = MAX_RTT_US
    unit_us: int = 1_000_000

    @property
    def timed(self) -> Timed:
        """What its values are the time of; whether a request opened a connection, no value says."""
        return Timed.ROUND_TRIP if self.kind == "icmp" else Timed.REQUEST_OR_TWO

    def age_s(self, window_s: int = WINDOW_S) -> float:
        """Return how old what is answered may be, seconds: a mean is as old as its window."""
        return window_s if "{window}" in self.query else LOOKBACK_S

    def promql(self, window_s: int = WINDOW_S) -> str:
        """Return the query with its window filled in."""
        reach_s = window_s + LOOKBACK_S
        return self.query.replace("{window}", f"{window_s}s").replace("{reach}", f"{reach_s}s")


def _mean(histogram: str, selector: str = "", *, quick: str = "") -> str:
    """Return the mean of what a histogram counted within the window, exactly.

    Not by `rate`, which extrapolates each series by itself, and less where a counter is near 0:
    the quotient of two rates was seen at 58 ms for pings of 81 ms. The plain differences are those
    of the same two pages, unless a counter was set back in between.

    Parameters
    ----------
    histogram
        Its name, without ``_sum``.
    selector
        Labels, in braces.
    quick
        Labels of a bucket whose number is not counted, in braces; nor is its sum taken off.
    """
    total, count = f"{histogram}_sum{selector}", f"{histogram}_count{selector}"
    number = _added(count)
    if quick:
        number = f"({number} - ignoring(le) {_added(f'{histogram}_bucket{quick}')})"
    return (
        f"{_added(total)} / ({number} > 0)"  # not 0 / 0 for a series that stands
        f" unless resets({count}[{{reach}}]) > 0 unless resets({total}[{{reach}}]) > 0"
    )


def _added(series: str) -> str:
    return f"({series} - {series} offset {{window}})"


PRESETS: Mapping[str, Preset] = {
    # Refused pings are in its mean, at 0.4 to 1.3 ms: what is in the smallest bucket is not
    # counted, so that a mean of both is never shorter than the distance. Cut-off ones are in it at
    # 300 ms, its time limit. Without the filter, "check" calls would be mixed in.
    "goldpinger": Preset(
        _mean(
            "goldpinger_peers_response_time_s",
            '{call_type="ping"}',
            quick='{call_type="ping",le="0.005"}',
        ),
        LabelRule("goldpinger_instance"),
        LabelRule("host_ip"),
        kind="http",
        lowest_us=HTTP_FLOOR_US,
        highest_us=299_999,
    ),
    # The gauge with a target label; later releases have a histogram without one, hence no matrix.
    # A node of another cluster of the mesh may have the name of one of ours.
    "cilium": Preset(
        'cilium_node_connectivity_latency_seconds{type="node",protocol="icmp",'
        'address_type="primary",target_node_type!="remote_inter_cluster"} >= 0',  # -1: unknown
        LabelRule("source_node_name"),
        LabelRule("target_node_name"),
    ),
    # Requests that failed are not in its mean. Only the scrape target tells the source: relabel
    # `instance` to the node's name or address, or give fromLabel.
    "kubenurse": Preset(
        _mean("kubenurse_httpclient_request_duration_seconds", '{type=~"path_.+"}'),
        LabelRule("instance", ADDRESS),
        LabelRule("type", r"path_(.+)"),
        kind="http",
    ),
    # One exporter a node, and `source_node` set by relabelling: the exporter does not say where it
    # runs. A failed probe reads 0, so success is asked for, and 0 is no distance either.
    "blackbox": Preset(
        'probe_icmp_duration_seconds{phase="rtt"}'
        " and on (job, instance, source_node) (probe_success == 1)",
        LabelRule("source_node"),
        LabelRule("instance", ADDRESS),
    ),
    "smokeping": Preset(
        _mean("smokeping_response_duration_seconds"),
        LabelRule("instance", ADDRESS),
        LabelRule("ip"),
    ),
    "ping_exporter": Preset(
        "ping_rtt_mean_seconds unless ping_loss_ratio == 1",
        LabelRule("instance", ADDRESS),
        LabelRule("ip"),
    ),
}
