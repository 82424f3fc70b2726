"""PodGroup objects of the three APIs that have them, read into one word.

Where an API says nothing of a field, its own default holds: one member. What cannot be read, or
asks for what is not implemented, is a fault of the group, in words: its pods wait and say so. The
largest distance between members no API knows; two annotations of the group say it:
``isochrone.dev/within: "25"`` (milliseconds, or with a unit) and
``isochrone.dev/within-mode: required | preferred``.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from scheduler.domain.delay import (
    LABEL_PREFIX,
    MAX_BUDGET_US,
    DelayFault,
    parse_duration_us,
    parse_label,
)
from scheduler.domain.errors import InputError
from scheduler.domain.pod_group import GroupApi, GroupRef, PodGroup
from scheduler.domain.resources import Resources, resources
from scheduler.objects.decoding import Object, Wire, decode, described, shorten
from scheduler.objects.metadata import Metadata, created_s, namespace_of, object_name
from scheduler.objects.requests import read_amounts

WITHIN_ANNOTATION = "isochrone.dev/within"
"""The largest RTT between any two members, as a delay is written."""

WITHIN_MODE_ANNOTATION = "isochrone.dev/within-mode"
"""Whether that is a rule (``required``, the default) or a wish (``preferred``)."""

VERSIONS: Mapping[GroupApi, str] = {
    GroupApi.COSCHEDULING: "v1alpha1",
    GroupApi.VOLCANO: "v1beta1",
    GroupApi.NATIVE: "v1alpha2",
}
"""The version of each API that is followed. The fields read here are alike in later ones."""

_MODES = {"required": False, "preferred": True}
_MOST = 2**31 - 1
"""The APIs have counts as numbers of 32 bits."""

_WITHIN_FIX = 'write milliseconds, or a duration of 1us to 600s with its unit: "25" or "25ms"'

T = TypeVar("T")
Tree = Mapping[str, object]
_EMPTY: Tree = {}


class WrittenGroup(Wire, frozen=True):
    """A PodGroup as written; its spec is read field by field, so that each has its own fault."""

    metadata: Metadata | None = None
    spec: Any = None


class _Faults:
    """What of a group cannot be read."""

    def __init__(self) -> None:
        self.found: list[InputError] = []

    def or_else(self, default: T, read: Callable[..., T], *arguments: object) -> T:
        """Return what `read` returns, or `default` where it raises."""
        try:
            return read(*arguments)
        except InputError as error:
            self.found.append(error)
            return default


def resource_of(api: GroupApi) -> str:
    """Return what kubectl calls the PodGroups of an API, of which several may be served."""
    return f"podgroups.{api.value}"


def api_of(api_version: object) -> GroupApi | None:
    """Return the API that an ``apiVersion`` is of; None for one that has no PodGroup we know."""
    group = api_version.partition("/")[0] if isinstance(api_version, str) else ""
    return next((api for api in VERSIONS if api.value == group), None)


def read_pod_group(obj: Object, api: GroupApi) -> PodGroup:
    """Return a PodGroup; what cannot be read of it is among its `faults`.

    Parameters
    ----------
    obj
        A tree, or JSON.
    api
        Whose object it is.

    Raises
    ------
    InputError
        If its metadata cannot be read, or it has no name: then nobody can tell which group it is.
    """
    return _read(obj, api)[0]


def read_pod_group_whole(obj: Object, api: GroupApi) -> PodGroup:
    """Return a PodGroup of which all can be read.

    Raises
    ------
    InputError
        As `read_pod_group`, and for the first of its faults.
    """
    group, faults = _read(obj, api)
    if faults:
        raise faults[0]
    return group


def _read(obj: Object, api: GroupApi) -> tuple[PodGroup, list[InputError]]:
    written = decode(obj, WrittenGroup, "PodGroup")
    metadata = written.metadata or Metadata()
    name, namespace = object_name("PodGroup", metadata), namespace_of(metadata)
    where = described("PodGroup", namespace, name)
    faults, marks = _Faults(), metadata.annotations or {}
    spec = faults.or_else(_EMPTY, _mapping, where, "spec", written.spec)
    is_native = api is GroupApi.NATIVE
    group = PodGroup(
        ref=GroupRef(api, namespace, name),
        min_member=faults.or_else(1, _min_count if is_native else _min_member, where, spec, api),
        min_resources=() if is_native else faults.or_else((), _min_resources, where, spec),
        timeout_s=faults.or_else(None, _timeout_s, where, spec, api),
        within_us=faults.or_else(0, _within_us, where, marks),
        is_within_soft=faults.or_else(False, _is_within_soft, where, marks),  # noqa: FBT003 - a value
        priority=faults.or_else(None, _priority, where, spec, api),
        created_s=faults.or_else(0.0, created_s, where, metadata),
        uid=metadata.uid or "",
    )
    faults.or_else(None, _refuse_more, where, spec, api)
    if not faults.found:
        return group, []
    said = tuple(str(error).removeprefix(f"{where}: ") for error in faults.found)
    return replace(group, faults=said), faults.found


def _mapping(where: str, path: str, value: object) -> Tree:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InputError(f"{where}: {path}", f"is {shorten(value)}", "write a mapping")
    return value


def _whole(where: str, path: str, value: object, least: int) -> int:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if not is_whole or not least <= value <= _MOST:  # type: ignore[operator] # it is a number
        fix = f"write a whole number from {least} to {_MOST}"
        raise InputError(f"{where}: {path}", f'is "{shorten(value)}"', fix)
    return value  # type: ignore[return-value] # as above


def _min_member(where: str, spec: Tree, api: GroupApi) -> int:
    """Return ``minMember``; Volcano allows a 0, which keeps nobody waiting, as a 1 does not."""
    value = spec.get("minMember")
    if value is None:
        return 1
    least = 0 if api is GroupApi.VOLCANO else 1
    return max(_whole(where, "spec.minMember", value, least), 1)


def _min_count(where: str, spec: Tree, _api: GroupApi) -> int:
    """Return ``minCount`` of the gang policy; 1 of the basic one. One of them has to be written."""
    path = "spec.schedulingPolicy"
    policy = _mapping(where, path, spec.get("schedulingPolicy"))
    chosen = [key for key in ("basic", "gang") if policy.get(key) is not None]
    if len(chosen) != 1:
        said = "names both basic and gang" if chosen else "names neither basic nor gang"
        raise InputError(f"{where}: {path}", said, "write one of them: gang: {minCount: 3}")
    if chosen == ["basic"]:
        return 1
    gang = _mapping(where, f"{path}.gang", policy["gang"])
    return _whole(where, f"{path}.gang.minCount", gang.get("minCount"), 1)


def _min_resources(where: str, spec: Tree) -> Resources:
    path = "spec.minResources"
    return resources(read_amounts(where, path, _mapping(where, path, spec.get("minResources"))))


def _timeout_s(where: str, spec: Tree, api: GroupApi) -> float | None:
    value = spec.get("scheduleTimeoutSeconds") if api is GroupApi.COSCHEDULING else None
    return None if value is None else float(_whole(where, "spec.scheduleTimeoutSeconds", value, 0))


def _priority(where: str, spec: Tree, api: GroupApi) -> int | None:
    """Return what admission has made of ``priorityClassName``; the other APIs have no number."""
    value = spec.get("priority") if api is GroupApi.NATIVE else None
    return None if value is None else _whole(where, "spec.priority", value, -_MOST - 1)


def _within_us(where: str, marks: Mapping[str, object]) -> int:
    if WITHIN_ANNOTATION not in marks:
        return 0
    value = marks[WITHIN_ANNOTATION]
    within_us: int | None = None
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        text = str(value).strip()
        # A bare number is milliseconds, and has the bounds that a delay's label has.
        read = parse_label(f"{LABEL_PREFIX}any", text, "")
        within_us = parse_duration_us(text) if isinstance(read, DelayFault) else read.within_us
    if within_us is None or not 0 < within_us <= MAX_BUDGET_US:
        path = f"metadata.annotations.{WITHIN_ANNOTATION}"
        raise InputError(f"{where}: {path}", f'"{shorten(value)}" is not a distance', _WITHIN_FIX)
    return within_us


def _is_within_soft(where: str, marks: Mapping[str, object]) -> bool:
    if WITHIN_MODE_ANNOTATION not in marks:
        return False
    path = f"metadata.annotations.{WITHIN_MODE_ANNOTATION}"
    value = marks[WITHIN_MODE_ANNOTATION]
    if not isinstance(value, str) or value not in _MODES:
        fix = "write required or preferred"
        raise InputError(f"{where}: {path}", f'is "{shorten(value)}"', fix)
    if WITHIN_ANNOTATION not in marks:
        raise InputError(f"{where}: {path}", "says how, not what", f"add {WITHIN_ANNOTATION}")
    return _MODES[value]


def _refuse_more(where: str, spec: Tree, api: GroupApi) -> None:
    """Refuse what an API can ask of a group that nobody here keeps."""
    instead = f"leave it out; the annotation {WITHIN_ANNOTATION} keeps members near each other"
    if api is GroupApi.NATIVE:
        path = "spec.schedulingConstraints"
        if _mapping(where, path, spec.get("schedulingConstraints")).get("topology"):
            raise InputError(f"{where}: {path}.topology", "is not supported yet", instead)
        if spec.get("parentCompositePodGroupName"):
            path = "spec.parentCompositePodGroupName"
            raise InputError(f"{where}: {path}", "is not supported yet", "leave it out")
    if api is GroupApi.VOLCANO:
        wanted = spec.get("networkTopology")
        topology = _mapping(where, "spec.networkTopology", wanted)
        if wanted is not None and topology.get("mode") != "soft":  # its default is hard
            raise InputError(f"{where}: spec.networkTopology", "is not supported yet", instead)
        if spec.get("subGroupPolicy"):
            raise InputError(
                f"{where}: spec.subGroupPolicy", "is not supported yet", "leave it out"
            )
