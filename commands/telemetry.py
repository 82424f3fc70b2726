"""Telemetry put together as the settings say: sources, the feed that joins them, who may report."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from scheduler.domain.errors import InputError
from scheduler.domain.ports import Announcer, Prober, RttSource
from scheduler.files.matrix_source import MatrixSource
from scheduler.kube.client import KubeClient
from scheduler.kube.measuring_pods import PodGroup
from scheduler.kube.peers import ClusterDirectory
from scheduler.kube.token_review import TokenReviewer
from scheduler.service.probing import FeedProber
from scheduler.service.source_reports import SILENT_ROUNDS, SourceReports, Telling
from scheduler.service.state import ServiceState
from scheduler.service.telemetry_metrics import TelemetryMetrics
from scheduler.service.telemetry_settings import TelemetrySettings
from telemetry.census import census
from telemetry.dated import DatedRtt
from telemetry.errors import MatrixError
from telemetry.feed import Feed, Parts
from telemetry.ingest.certificates import Certificates, CertificateUnusable
from telemetry.ingest.desk import OrderDesk
from telemetry.ingest.endpoint import Listening, PortUnusable, serving
from telemetry.ingest.ingest import ClusterView, Counting, Ingest, IngestTerms
from telemetry.keeping import LAG_TICKS, KeepSettings
from telemetry.silence import Silence
from telemetry.sources.rounds import ReadingSource
from telemetry.stamps import TICK_S, MaxAges, Origin
from telemetry.store import RttStore

_COUNT_S = 15.0
_FIRST_S = 3.0
_REST = 20.0
"""Between two counts of all pairs, seconds and as a multiple of what the earlier one took: that of
5,000 nodes takes seconds of a thread."""

Loop = Callable[[], Coroutine[None, None, None]]


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What the service is given: where RTTs come from, who measures on demand, and their loops."""

    rtt: RttSource | None
    prober: Prober | None = None
    beside: tuple[Loop, ...] = ()


@dataclass(frozen=True, slots=True)
class Around:
    """What telemetry needs of the process it runs in."""

    client: KubeClient
    directory: ClusterDirectory | None
    announcer: Announcer
    is_leading: Callable[[], bool]
    log: FilteringBoundLogger


def directory_of(settings: TelemetrySettings, log: FilteringBoundLogger) -> ClusterDirectory | None:
    """Return who knows the cluster's addresses; None where nothing measures."""
    if not settings.is_live:
        return None
    agents, exporters = None, {}
    if settings.agents.enabled:
        agents = PodGroup(settings.agents.labels, settings.agents.namespace)
    if settings.goldpinger.enabled:
        exporters["goldpinger"] = PodGroup(
            settings.goldpinger.labels, settings.goldpinger.namespace
        )
    return ClusterDirectory(agents, exporters, lambda what: log.warning("rtt.cluster", what=what))


@asynccontextmanager
async def telemetry(state: ServiceState, around: Around) -> AsyncIterator[Telemetry]:
    """Yield telemetry as the settings say, its endpoint open.

    Raises
    ------
    InputError
        If the endpoint's port or certificate cannot be used.
    """
    # Agents are counted silent only after three reports that did not come.
    matrix = state.settings.telemetry.matrix
    patience_s = {"agents": 0.0, matrix.path: SILENT_ROUNDS * matrix.reread_seconds}
    telling = Telling(around.announcer, around.is_leading, patience_s)
    reports = SourceReports(state, telling, around.log)
    files = matrix_source(state, reports, around.log)
    if around.directory is None:
        yield Telemetry(files, None, (reports.run,))
        return
    settings, clock = state.settings.telemetry, state.clock.now_s
    # What the other end measured just now must be read where this end's word is old.
    lag_ticks = min(LAG_TICKS, int(settings.verify.max_age_seconds / TICK_S))
    store = RttStore(KeepSettings(max_ages(settings), settings.dense_nodes, lag_ticks), clock)
    desk = None
    if settings.agents.enabled:
        desk = OrderDesk(around.is_leading, settings.agents.report_seconds, clock)
    parts = Parts(
        directory=around.directory,
        desk=desk,
        readings=_readings(settings, around.directory, state, store),
        files=None if files is None else files.tables,
    )
    feed = Feed(store, parts, reports.told, Silence(settings.agents.report_seconds))
    prober = FeedProber(
        feed,
        settings.verify.timeout_seconds,
        max_ages(settings).longest_s,
        settings.agents.urgent_probes_per_second,
    )
    figures = TelemetryMetrics(state.metrics.registry)
    async with AsyncExitStack() as stack:
        if desk is not None:
            await stack.enter_async_context(_endpoint(state, around, feed, desk, figures))
        yield Telemetry(feed, prober, (feed.run, reports.run, partial(_count, state, figures)))


def max_ages(settings: TelemetrySettings) -> MaxAges:
    """Return for how long each source is believed; of several Prometheus the shortest time."""
    ages = {Origin.AGENT: settings.agents.max_age_seconds}
    ages[Origin.GOLDPINGER] = settings.goldpinger.max_age_seconds
    if settings.prometheus:
        ages[Origin.PROMETHEUS] = min(one.max_age_seconds for one in settings.prometheus)
    if settings.matrix.max_age_seconds:
        ages[Origin.FILE] = settings.matrix.max_age_seconds
    return MaxAges(ages)


def _readings(
    settings: TelemetrySettings,
    directory: ClusterDirectory,
    state: ServiceState,
    store: RttStore,
) -> tuple[tuple[Origin, ReadingSource], ...]:
    if not (settings.goldpinger.enabled or settings.prometheus):
        return ()
    # Only here are their libraries loaded, which take a fifth of a second.
    from scheduler.service.exporters import (  # noqa: PLC0415
        goldpinger_source,
        prometheus_source,
    )

    found: list[tuple[Origin, ReadingSource]] = []
    if settings.goldpinger.enabled:
        clock, trusted = state.clock.now_s, store.measured_by_agent
        source = goldpinger_source(settings.goldpinger, directory, clock, trusted)
        found.append((Origin.GOLDPINGER, source))
    found += [(Origin.PROMETHEUS, prometheus_source(one, directory)) for one in settings.prometheus]
    return tuple(found)


@asynccontextmanager
async def _endpoint(
    state: ServiceState,
    around: Around,
    feed: Feed,
    desk: OrderDesk,
    figures: TelemetryMetrics,
) -> AsyncIterator[None]:
    """Take agents' reports while inside."""
    agents, log = state.settings.telemetry.agents, around.log
    if around.directory is None:
        raise AssertionError("agents need a directory")
    counting = Counting(
        refused=lambda reason: figures.refused.labels(reason).inc(),
        taken=figures.count_report,
        strangers=figures.strangers.inc,
        failed=lambda error: log.error("report.failed", error=str(error)),
    )
    terms = IngestTerms(
        agents.account,
        agents.report_seconds,
        agents.probes_per_second,
        agents.urgent_probes_per_second,
    )
    view = ClusterView(TokenReviewer(around.client, agents.audience), around.directory)
    ingest = Ingest(view, feed, desk, terms, counting, state.clock.now_s)
    figures.watch_agents(ingest.agents)
    try:
        certificates = None
        if agents.tls_certificate_path:
            certificates = Certificates(
                Path(agents.tls_certificate_path),
                Path(agents.tls_key_path),
                lambda what: log.warning("agents.certificate", what=what or "renewed"),
            )
        async with serving(ingest, Listening(agents.port, certificates=certificates)) as port:
            log.info("agents.listening", port=port, tls=certificates is not None)
            yield
    except CertificateUnusable as error:
        fix = "give a certificate and its key, in PEM"
        raise InputError("telemetry.agents.tlsCertificatePath", str(error), fix) from None
    except PortUnusable as error:
        raise InputError("telemetry.agents.port", str(error), "give another") from None


async def _count(state: ServiceState, figures: TelemetryMetrics) -> None:
    """Count all pairs now and then."""
    is_first = True
    while True:
        rtt, rest_s = state.cache.rtt, _COUNT_S
        if isinstance(rtt, DatedRtt):
            began_s = state.clock.now_s()
            state.census = await asyncio.to_thread(census, rtt)
            figures.count(state.census)
            rest_s = max(rest_s, _REST * (state.clock.now_s() - began_s))
            is_first = False
        await asyncio.sleep(_FIRST_S if is_first else rest_s)


def matrix_source(
    state: ServiceState, reports: SourceReports, log: FilteringBoundLogger
) -> MatrixSource | None:
    """Return the source of RTTs on disk that the settings name; how it does goes to `reports`."""
    matrix = state.settings.telemetry.matrix
    state.rtt.source = _names(state.settings.telemetry)
    if not matrix.path:
        return None

    def report(error: MatrixError | None) -> None:
        if error is None:
            log.info("rtt.read", path=matrix.path)
        reports.told(matrix.path, "" if error is None else str(error))

    def noted(notes: tuple[str, ...]) -> None:
        log.info("rtt.read_as", path=matrix.path, notes=list(notes))

    metadata = Path(matrix.metadata_path) if matrix.metadata_path else None
    return MatrixSource(Path(matrix.path), metadata, matrix.reread_seconds, report, noted)


def _names(settings: TelemetrySettings) -> str:
    names = [settings.matrix.path] if settings.matrix.path else []
    names += ["agents"] if settings.agents.enabled else []
    names += ["Goldpinger"] if settings.goldpinger.enabled else []
    names += [f"Prometheus {one.url}" for one in settings.prometheus]
    return ", ".join(names)
