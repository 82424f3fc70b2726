"""The settings file: one YAML document, refused with the path of what is wrong.

Settings of a subject sit beside the code that reads them; this file holds those of the service and
puts all together. ``configs/default.yaml`` shows every field with its default.
"""

import difflib
import re
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml
from typing_extensions import override

from scheduler.domain.errors import SettingsError
from scheduler.placement.settings import PlacementSettings
from scheduler.reliability.cover.settings import CoverSettings
from scheduler.reliability.failover.settings import FailoverSettings
from scheduler.reliability.repair.settings import RepairSettings
from scheduler.service.leader_settings import LeaderElectionSettings
from scheduler.service.queue_settings import QueueSettings
from scheduler.service.telemetry_settings import TelemetrySettings
from scheduler.service.volume_settings import VolumeSettings

API_VERSION = "isochrone.dev/v1"
KIND = "SchedulerConfiguration"

_MAY_BE_OFF = (("cover", "mode"), ("repair", "mode"), ("failover", "forceDelete"))
"""Words of which one is ``off``, which YAML 1.1 reads as the truth value false."""

_UNKNOWN_FIELD = re.compile(r"unknown field `(?P<field>[^`]*)`(?: - at `\$\.?(?P<path>[^`]*)`)?")
_ELSEWHERE = re.compile(r"^(?P<what>.*?) - at `\$\.?(?P<path>[^`]*)`$")


class ClusteringSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Whether and how nodes are grouped into zones."""

    enabled: bool = True
    """Zones guide the search and are shown to people; they never prove a budget. Off, placement
    reads the matrix alone."""

    layers_ms: tuple[Annotated[float, msgspec.Meta(gt=0, le=600_000)], ...] = (5.0, 25.0, 100.0)
    """Diameter of each layer's zones, milliseconds of RTT, ascending: a site, a metro, a
    continent."""

    @property
    def diameters_us(self) -> tuple[int, ...]:
        """The layers in whole microseconds."""
        return tuple(round(layer_ms * 1000) for layer_ms in self.layers_ms)


class SchedulerConfiguration(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"
):
    """Everything that can be set."""

    api_version: Literal["isochrone.dev/v1"] = "isochrone.dev/v1"
    kind: Literal["SchedulerConfiguration"] = "SchedulerConfiguration"

    scheduler_name: Annotated[str, msgspec.Meta(min_length=1, max_length=253)] = "custom-scheduler"
    """Pods with this ``spec.schedulerName`` are ours; the original edge scheduler's name."""

    placement: PlacementSettings = PlacementSettings()
    clustering: ClusteringSettings = ClusteringSettings()
    queue: QueueSettings = QueueSettings()
    cover: CoverSettings = CoverSettings()
    failover: FailoverSettings = FailoverSettings()
    repair: RepairSettings = RepairSettings()
    volumes: VolumeSettings = VolumeSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    leader_election: LeaderElectionSettings = LeaderElectionSettings()


class _StrictLoader(yaml.SafeLoader):
    """Safe YAML that refuses a key given twice, where PyYAML would silently keep the last."""

    @override
    def construct_mapping(
        self, node: yaml.MappingNode, deep: bool = False
    ) -> dict[Hashable, object]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                continue  # the parent refuses what cannot be a key
            if key_node.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key_node.value!r} is given twice",
                    problem_mark=key_node.start_mark,
                )
            seen.add(key_node.value)
        return super().construct_mapping(node, deep=deep)


def load_settings(path: Path | None) -> SchedulerConfiguration:
    """Read the settings file; without one, the defaults.

    Raises
    ------
    SettingsError
        If the file cannot be read, is empty, is not YAML text, has an unknown key or a value of a
        wrong type or range. The error names the file, the key and what would be right.
    """
    if path is None:
        return SchedulerConfiguration()
    where = str(path)
    return parse_settings(_text(path, where), where)


def parse_settings(text: str, where: str) -> SchedulerConfiguration:
    """Read settings from `text`; `where` names its origin in errors.

    Raises
    ------
    SettingsError
        As `load_settings`.
    """
    document = _document(text, where)
    for key, wanted in (("apiVersion", API_VERSION), ("kind", KIND)):
        if document.get(key) != wanted:
            found = "is missing" if key not in document else f"is {document[key]!r}"
            raise SettingsError(f"{where}: {key}", found, f"write {key}: {wanted}")
    return _settings(document, where)


def overridden(
    settings: SchedulerConfiguration, changes: Mapping[str, object], where: str
) -> SchedulerConfiguration:
    """Return settings with some changed; `where` names the origin of the changes in errors.

    Parameters
    ----------
    settings
        As they are.
    changes
        New values by dotted key, ``leaderElection.name``.
    where
        The origin, for errors.

    Raises
    ------
    SettingsError
        As `load_settings`.
    """
    if not changes:
        return settings
    document: dict[str, Any] = msgspec.to_builtins(settings)
    for key, value in changes.items():
        *groups, last = key.split(".")
        group = document
        for name in groups:
            group = group[name]
        group[last] = value
    return _settings(document, where)


def _settings(document: Mapping[str, object], where: str) -> SchedulerConfiguration:
    for name, key in _MAY_BE_OFF:
        group = document.get(name)
        if isinstance(group, dict) and group.get(key) is False:
            group[key] = "off"
    try:
        settings = msgspec.convert(document, SchedulerConfiguration)
    except msgspec.ValidationError as error:
        raise _refusal(str(error), where) from None
    _check_relations(settings, where)
    _check_surroundings(settings, where)
    return settings


def _text(path: Path, where: str) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise SettingsError(where, "is not text", "give a YAML file in UTF-8") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SettingsError(
            where, f"cannot be read ({reason})", "give the path of a readable YAML file"
        ) from None


def _document(text: str, where: str) -> dict[str, object]:
    try:
        document = yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a subclass of SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f"{where}:{mark.line + 1}" if mark is not None else where
        raise SettingsError(line, f"is not YAML: {error.problem}", "correct this line") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        what = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SettingsError(where, f"is not YAML: {what}", "give a YAML text file") from None
    if document is None:
        raise SettingsError(where, "is empty", f"start with apiVersion: {API_VERSION}")
    if not isinstance(document, dict) or not all(isinstance(key, str) for key in document):
        raise SettingsError(where, "is not a mapping", f"start with apiVersion: {API_VERSION}")
    return document


def _refusal(message: str, where: str) -> SettingsError:
    """Return msgspec's message as what, where and fix."""
    unknown = _UNKNOWN_FIELD.search(message)
    if unknown is not None:
        path, field = unknown["path"] or "", unknown["field"]
        known = _known_fields(path)
        near = difflib.get_close_matches(field, known, n=1)
        fix = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
        return SettingsError(_at(where, f"{path}.{field}".lstrip(".")), "is not a setting", fix)
    placed = _ELSEWHERE.match(message)
    if placed is None:
        return SettingsError(where, message, "see configs/default.yaml")
    what = placed["what"].replace("`", "")
    return SettingsError(
        _at(where, placed["path"]), what[0].lower() + what[1:], "see configs/default.yaml"
    )


def _at(where: str, path: str) -> str:
    return f"{where}: {path}" if path else where


def _known_fields(path: str) -> list[str]:
    """Return the keys that are legal at a dotted `path`."""
    struct: type[msgspec.Struct] = SchedulerConfiguration
    for step in filter(None, path.split(".")):
        fields = {field.encode_name: field.type for field in msgspec.structs.fields(struct)}
        kind = fields.get(step)
        if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
            return []
        struct = kind
    return sorted(field.encode_name for field in msgspec.structs.fields(struct))


def _check_relations(settings: SchedulerConfiguration, where: str) -> None:
    """Refuse values that are legal alone and not together, and weights below zero."""
    layers = settings.clustering.layers_ms
    at = f"{where}: clustering.layersMs"
    if settings.clustering.enabled and not layers:
        raise SettingsError(at, "is empty", "give at least one diameter, or set enabled: false")
    if list(layers) != sorted(set(layers)):
        raise SettingsError(at, "is not ascending", "order the diameters, each once: [5, 25, 100]")
    queue = settings.queue
    for small, large in (
        ("batchIdleMilliseconds", "batchMaxMilliseconds"),
        ("initialBackoffSeconds", "maxBackoffSeconds"),
    ):
        values = msgspec.to_builtins(queue)
        if values[small] > values[large]:
            raise SettingsError(
                f"{where}: queue.{small}", f"exceeds {large}", f"give at most {values[large]:g}"
            )
    for group, least in ((settings.placement.cost, 0), (settings.placement.effort, 1)):
        name = "cost" if least == 0 else "effort"
        for key, value in msgspec.to_builtins(group).items():
            if value < least:
                raise SettingsError(
                    f"{where}: placement.{name}.{key}", f"is {value}", f"give at least {least}"
                )


def _check_surroundings(settings: SchedulerConfiguration, where: str) -> None:
    """As `_check_relations`, of what the service is connected to."""
    for name, fault in (
        ("leaderElection", settings.leader_election.fault()),
        ("telemetry", settings.telemetry.fault()),
        ("failover", settings.failover.fault()),
    ):
        if fault is not None:
            key, what, fix = fault
            raise SettingsError(f"{where}: {name}.{key}", what, fix)
