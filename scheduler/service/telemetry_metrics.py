"""Prometheus metrics of telemetry: who reports, what is refused, how much is known and how old."""

from collections.abc import Callable, Sequence
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge

from telemetry.census import Census
from telemetry.stamps import Origin


class Reporting(Protocol):
    """What an agent says of itself."""

    @property
    def probes(self) -> int:
        """Packets sent since it started."""
        ...

    @property
    def losses(self) -> int:
        """Of them unanswered."""
        ...

    @property
    def dropped(self) -> int:
        """Records it had to forget."""
        ...


class TelemetryMetrics:
    """Counters and gauges of telemetry.

    Parameters
    ----------
    registry
        Of the service.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self.pairs = Gauge(
            "isochrone_rtt_pairs",
            "Directed pairs of nodes, by what is known of them: agent, prometheus, goldpinger, "
            "file (believed, by what measured them), stale (measured too long ago, or cut), "
            "unknown (never measured).",
            ["state"],
            registry=registry,
        )
        self.pair_age_s = Gauge(
            "isochrone_rtt_pair_age_seconds",
            "Median age of the believed pairs, seconds, by what measured them.",
            ["source"],
            registry=registry,
        )
        self.reports = Counter("isochrone_rtt_reports", "Agents' reports taken.", registry=registry)
        self.report_pairs = Counter(
            "isochrone_rtt_report_pairs", "Pairs in agents' reports taken.", registry=registry
        )
        self.strangers = Counter(
            "isochrone_rtt_report_strangers",
            "Pairs left out of reports, for their peer is no node of the cluster.",
            registry=registry,
        )
        self.refused = Counter(
            "isochrone_rtt_reports_refused",
            "Agents' reports refused, by the reason: token, node, instance, sequence, run, size, "
            "form, rate, busy. instance is how an agent meets a scheduler.",
            ["reason"],
            registry=registry,
        )

        self.count(Census({}, 0, 0))

    def watch_agents(self, agents: Callable[[], Sequence[Reporting]]) -> None:
        """Have what agents say of themselves summed up when it is asked for."""
        for name, said, field in (
            ("isochrone_agents", "Agents that have reported to this replica.", ""),
            ("isochrone_agent_probes", "Packets these agents sent since they started.", "probes"),
            ("isochrone_agent_probes_lost", "Of them unanswered.", "losses"),
            (
                "isochrone_agent_records_dropped",
                "Records these agents had to forget, because no scheduler took them.",
                "dropped",
            ),
        ):
            gauge = Gauge(name, said, registry=self._registry)
            gauge.set_function(_summed(agents, field))

    def count_report(self, _node: str, pairs: int) -> None:
        """Count a report that was taken."""
        self.reports.inc()
        self.report_pairs.inc(pairs)

    def count(self, found: Census) -> None:
        """Show how much is known."""
        for origin in Origin:
            if origin is Origin.NONE:
                continue
            count, age_s = found.believed.get(origin, (0, float("nan")))
            self.pairs.labels(origin.name.lower()).set(count)
            self.pair_age_s.labels(origin.name.lower()).set(age_s)
        self.pairs.labels("stale").set(found.stale)
        self.pairs.labels("unknown").set(found.unknown)


def _summed(agents: Callable[[], Sequence[Reporting]], field: str) -> Callable[[], float]:
    def value() -> float:
        return float(sum(getattr(agent, field) if field else 1 for agent in agents()))

    return value
