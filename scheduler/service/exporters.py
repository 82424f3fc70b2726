"""Sources of readings as the settings name them. Imports requests: only where one is used."""

from dataclasses import replace

from scheduler.service.exporter_settings import GoldpingerSettings, PrometheusSettings
from telemetry.ports import Clock, PeerDirectory
from telemetry.sources.goldpingerpods import GoldpingerSource, GoldpingerTerms
from telemetry.sources.pinging import Trusted
from telemetry.sources.presets import ADDRESS, PRESETS, LabelRule, Preset
from telemetry.sources.prometheusserver import Account, PrometheusSource, Question

_CALLED = 40
"""Characters of a query by which people know it."""

_MICROSECONDS = {"seconds": 1_000_000, "milliseconds": 1_000}


def goldpinger_source(
    settings: GoldpingerSettings, directory: PeerDirectory, clock: Clock, trusted: Trusted
) -> GoldpingerSource:
    """Return Goldpinger as a source.

    Parameters
    ----------
    settings
        Of it, without a fault.
    directory
        Where its pods run.
    clock
        Seconds, never stepping back.
    trusted
        Agents' round trips, to compare with.
    """
    terms = GoldpingerTerms(
        settings.read,
        settings.url,
        settings.port,
        settings.poll_seconds,
        settings.refresh_seconds,
        settings.two_round_trips == "halve",
    )
    return GoldpingerSource(directory, terms, clock, trusted)


def prometheus_source(settings: PrometheusSettings, directory: PeerDirectory) -> PrometheusSource:
    """Return one question to one Prometheus as a source.

    Parameters
    ----------
    settings
        Of it, without a fault.
    directory
        Which address is which node.
    """
    account = Account(
        settings.token_path, settings.username, settings.password_path, settings.ca_path
    )
    question = Question(
        settings.url,
        _preset(settings),
        settings.window_seconds,
        settings.timeout_seconds,
        account,
        settings.preset or settings.query[:_CALLED],
    )
    return PrometheusSource(question, directory, settings.poll_seconds)


def _preset(settings: PrometheusSettings) -> Preset:
    if settings.preset:
        known = PRESETS[settings.preset]
        return replace(
            known,
            measured_from=_rule(settings.from_label, settings.from_pattern, known.measured_from),
            measured_to=_rule(settings.to_label, settings.to_pattern, known.measured_to),
        )
    return Preset(
        settings.query,
        _rule(settings.from_label, settings.from_pattern, LabelRule("", ADDRESS)),
        _rule(settings.to_label, settings.to_pattern, LabelRule("", ADDRESS)),
        kind=settings.kind,
        unit_us=_MICROSECONDS[settings.unit],
    )


def _rule(label: str, pattern: str, known: LabelRule) -> LabelRule:
    """Return a rule with what is set in place of what is known; a new label is an address."""
    if not label:
        return LabelRule(known.label, pattern or known.pattern)
    return LabelRule(label, pattern or ADDRESS)
