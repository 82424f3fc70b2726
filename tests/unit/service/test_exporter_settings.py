"""Settings of exporters: what is refused, and what becomes of what is not."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scheduler.service.exporter_settings import GoldpingerSettings, PrometheusSettings
from scheduler.service.exporters import prometheus_source
from scheduler.service.settings import parse_settings
from scheduler.service.telemetry_settings import TelemetrySettings
from telemetry.ports import Directory
from telemetry.sources.presets import ADDRESS, PRESETS, LabelRule

URL = "http://prometheus.monitoring:9090"
OWN = {
    "url": URL,
    "query": "rtt",
    "fromLabel": "from",
    "toLabel": "to",
    "kind": "icmp",
    "unit": "milliseconds",
}


class Nobody:
    """A directory of nobody; implements `PeerDirectory`."""

    current = Directory()

    async def changed(self) -> None:
        raise AssertionError("nobody waits for it")


def prometheus(given: dict[str, Any]) -> PrometheusSettings:
    return msgspec.convert(given, PrometheusSettings)


def test_the_examples_of_the_documentation_are_settings() -> None:
    text = (Path(__file__).parents[3] / "docs" / "telemetry.md").read_text()
    examples = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)

    for example in examples:
        head = "apiVersion: isochrone.dev/v1\nkind: SchedulerConfiguration\n"
        settings = parse_settings(head + example, "docs/telemetry.md")
        assert settings.telemetry != TelemetrySettings()
    assert len(examples) == 3


def test_the_defaults_and_a_preset_are_without_fault() -> None:
    assert GoldpingerSettings().fault() is None
    assert all(prometheus({"url": URL, "preset": name}).fault() is None for name in PRESETS)
    assert prometheus(OWN).fault() is None


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"url": "prometheus:9090"}, "url"),
        ({"url": "http://eve:secret@prometheus:9090"}, "url"),
        ({"url": "http://x?query=1"}, "url"),
        ({"preset": "pingdom"}, "preset"),
        ({"preset": "cilium", "query": "rtt"}, "query"),
        ({"preset": "cilium", "unit": "seconds"}, "unit"),
        ({"preset": "cilium", "fromPattern": "node-.*"}, "fromPattern"),
        ({}, "preset"),
        ({**OWN, "unit": ""}, "unit"),
        ({**OWN, "kind": ""}, "kind"),
        ({**OWN, "toLabel": ""}, "toLabel"),
        ({**OWN, "toPattern": "("}, "toPattern"),
        ({**OWN, "username": "eve"}, "passwordPath"),
        ({**OWN, "passwordPath": "p"}, "username"),
        ({**OWN, "tokenPath": "t", "username": "eve", "passwordPath": "p"}, "username"),
        ({**OWN, "tokenPath": "t"}, "tokenPath"),
        ({**OWN, "username": "eve", "passwordPath": "p"}, "username"),
        ({**OWN, "caPath": "ca.pem"}, "caPath"),
        ({**OWN, "query": "rate(x[{window}])", "windowSeconds": 600}, "maxAgeSeconds"),
        ({**OWN, "maxAgeSeconds": 300}, "maxAgeSeconds"),
    ],
    ids=str,
)
def test_a_question_that_cannot_be_asked_names_its_key(changes: dict[str, Any], key: str) -> None:
    found = prometheus({"url": URL, **changes}).fault()

    assert found is not None
    assert found[0] == key
    assert "secret" not in found[2]


@pytest.mark.parametrize(
    "changes", [{"insecure": True}, {"url": "https://prometheus:9090", "caPath": "ca.pem"}], ids=str
)
def test_a_token_is_sent_where_nobody_reads_it_or_it_is_wanted(changes: dict[str, Any]) -> None:
    assert prometheus({**OWN, "tokenPath": "t", **changes}).fault() is None


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"url": "goldpinger:8080", "read": "checkAll"}, "url"),
        ({"url": "http://goldpinger:8080"}, "url"),
        ({"enabled": True, "pollSeconds": 600}, "maxAgeSeconds"),
    ],
    ids=str,
)
def test_goldpinger_settings_that_contradict_each_other_name_a_key(
    given: dict[str, Any], key: str
) -> None:
    found = msgspec.convert(given, GoldpingerSettings).fault()

    assert found is not None
    assert found[0] == key


def test_a_query_of_one_s_own_becomes_a_preset() -> None:
    source = prometheus_source(prometheus({**OWN, "toPattern": "x-(.*)"}), Nobody())

    preset = source.question.preset
    assert preset.measured_from == LabelRule("from", ADDRESS)
    assert preset.measured_to == LabelRule("to", "x-(.*)")
    assert (preset.unit_us, preset.kind) == (1_000, "icmp")
    assert source.name == f"prometheus {URL} rtt"


def test_a_label_beside_a_preset_takes_the_place_of_its_own() -> None:
    given = {"url": URL, "preset": "smokeping", "fromLabel": "node"}

    preset = prometheus_source(prometheus(given), Nobody()).question.preset

    assert preset.measured_from == LabelRule("node", ADDRESS)
    assert preset.measured_to == PRESETS["smokeping"].measured_to
    assert preset.query == PRESETS["smokeping"].query


def test_a_selector_may_name_several_labels() -> None:
    settings = GoldpingerSettings(label_selector="app=goldpinger,tier=edge")
    assert settings.fault() is None
    assert settings.labels == {"app": "goldpinger", "tier": "edge"}


@pytest.mark.parametrize("selector", ["", "app", "app=", "app in (a)", "app=x,", "a=b=c"])
def test_a_selector_that_cannot_be_looked_for_is_refused(selector: str) -> None:
    found = GoldpingerSettings(label_selector=selector).fault()
    assert found is not None
    assert found[0] == "labelSelector"
