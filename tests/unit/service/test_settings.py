"""The settings file and every way to get it wrong."""

from pathlib import Path

import msgspec
import pytest
import yaml

from scheduler.domain.errors import SettingsError
from scheduler.service.settings import SchedulerConfiguration, load_settings, parse_settings

HEAD = "apiVersion: isochrone.dev/v1\nkind: SchedulerConfiguration\n"
DEFAULT_FILE = Path(__file__).parents[3] / "configs" / "default.yaml"


def test_the_default_file_says_what_the_defaults_are() -> None:
    assert load_settings(DEFAULT_FILE) == SchedulerConfiguration()


def test_the_default_file_names_every_setting() -> None:
    written = yaml.safe_load(DEFAULT_FILE.read_text(encoding="utf-8"))

    assert written == msgspec.json.decode(msgspec.json.encode(SchedulerConfiguration()))


def test_without_a_file_the_defaults_hold() -> None:
    assert load_settings(None) == SchedulerConfiguration()


@pytest.mark.parametrize("off", ["off", '"off"'])
def test_what_may_be_off_may_be_written_without_quotes(off: str) -> None:
    body = f"cover: {{mode: {off}}}\nfailover: {{forceDelete: {off}}}\nrepair: {{mode: {off}}}\n"
    settings = parse_settings(HEAD + body, "s.yaml")

    assert (settings.cover.mode, settings.failover.force_delete) == ("off", "off")
    assert settings.repair.mode == "off"


def test_a_file_need_only_name_what_it_changes() -> None:
    settings = parse_settings(HEAD + "clustering: {layersMs: [2.5, 40]}\n", "s.yaml")

    assert settings.clustering.diameters_us == (2500, 40_000)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("queue: {flushSecond: 3}", ["s.yaml: queue.flushSecond", "did you mean flushSeconds?"]),
        ("colour: red", ["s.yaml: colour", "is not a setting", "schedulerName"]),
        ("placement: {cost: {zzz: 1}}", ["placement.cost.zzz", "known here: balanceWeight"]),
        ("queue: {flushSeconds: 0}", ["queue.flushSeconds", "> 0"]),
        ("queue: {flushSeconds: -1}", ["queue.flushSeconds"]),
        ("queue: {flushSeconds: .nan}", ["queue.flushSeconds"]),
        ("queue: {flushSeconds: .inf}", ["queue.flushSeconds"]),
        ("queue: {flushSeconds: soon}", ["queue.flushSeconds", "got str"]),
        ("queue: {flushSeconds: true}", ["queue.flushSeconds", "got bool"]),
        ("queue: {batchIdleMilliseconds: 200}", ["queue.batchIdleMilliseconds", "at most 100"]),
        ("queue: {initialBackoffSeconds: 11}", ["queue.initialBackoffSeconds", "at most 10"]),
        ("failover: {holdDownSeconds: 301}", ["failover.holdDownSeconds", "at most 300"]),
        ("failover: {suspectShare: 1.5}", ["failover.suspectShare"]),
        ("failover: {forceDelete: always}", ["failover.forceDelete"]),
        ("failover: {forceDelete: true}", ["failover.forceDelete", "got bool"]),
        ("schedulerName: ''", ["schedulerName"]),
        ("clustering: {layersMs: [25, 5]}", ["clustering.layersMs", "not ascending"]),
        ("clustering: {layersMs: [5, 5]}", ["clustering.layersMs", "not ascending"]),
        ("clustering: {layersMs: [0]}", ["clustering.layersMs"]),
        ("clustering: {layersMs: []}", ["clustering.layersMs", "is empty"]),
        ("placement: {cost: {latencyWeight: -1}}", ["placement.cost.latencyWeight", "at least 0"]),
        ("placement: {effort: {pricingRounds: 0}}", ["placement.effort.pricingRounds"]),
        ("placement: {cloud: {overflow: maybe}}", ["placement.cloud.overflow"]),
        ("telemetry: {matrix: {rereadSeconds: 0}}", ["telemetry.matrix.rereadSeconds", "> 0"]),
        ("telemetry: {matrix: {file: m}}", ["telemetry.matrix.file", "known here: maxAgeSeconds"]),
        ("telemetry: {matrix: {metadataPath: m}}", ["matrix.metadataPath", "matrix.path too"]),
        ("leaderElection: {leaseSeconds: 10}", ["leaderElection.leaseSeconds", "more than 10"]),
        ("leaderElection: {leaseSeconds: 15.5}", ["leaderElection.leaseSeconds"]),
        ("leaderElection: {retrySeconds: 9}", ["renewDeadlineSeconds", "more than 10.8"]),
        ("leaderElection: {retrySeconds: 0}", ["leaderElection.retrySeconds", "> 0"]),
        ("leaderElection: {name: Big}", ["leaderElection.name", "regex"]),
        ("leaderElection: {name: ''}", ["leaderElection.name"]),
        ("leaderElection: {namespace: a.b}", ["leaderElection.namespace"]),
        ("? [a, b]\n: c", ["is not YAML"]),
        ("queue: [", ["s.yaml:4", "is not YAML"]),
        ("queue: {}\nqueue: {}", ["s.yaml:4", "given twice"]),
    ],
)
def test_a_wrong_value_is_refused_with_its_path_and_the_fix(body: str, words: list[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_settings(f"{HEAD}{body}\n", "s.yaml")

    assert [word for word in words if word not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "is empty"),
        (b"# only a comment\n", "is empty"),
        (b"\x80\xff\x00\x01", "is not text"),
        (b"\x00\x01", "is not YAML"),
        (b"- a\n- b\n", "is not a mapping"),
        (b"1: 2\n", "is not a mapping"),
        (b"kind: SchedulerConfiguration\n", "apiVersion"),
        (b"apiVersion: isochrone.dev/v2\nkind: SchedulerConfiguration\n", "isochrone.dev/v1"),
        (b"apiVersion: isochrone.dev/v1\nkind: Other\n", "kind: SchedulerConfiguration"),
    ],
)
def test_a_file_that_is_not_settings_is_refused(tmp_path: Path, content: bytes, word: str) -> None:
    path = tmp_path / "s.yaml"
    path.write_bytes(content)

    with pytest.raises(SettingsError, match=r"s\.yaml") as caught:
        load_settings(path)

    assert word in str(caught.value)


def test_a_lease_barely_longer_than_the_renew_deadline_is_long_enough() -> None:
    settings = parse_settings(f"{HEAD}leaderElection: {{leaseSeconds: 11}}\n", "s.yaml")

    assert settings.leader_election.lease_seconds == 11


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(tmp_path / "none.yaml")
