"""Label and field selectors, as they stand in a query."""

import re
from collections.abc import Callable, Iterator

from simulator.change import JsonObject
from simulator.rest.answers import bad_request

Selector = Callable[[JsonObject], bool]
"""Whether a stored object is selected."""

_NAME = r"[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?"
_VALUE = r"[-A-Za-z0-9_.]*"
_SET = re.compile(rf"({_NAME})\s+(in|notin)\s*\(([^()]*)\)")
_EQUALITY = re.compile(rf"({_NAME})\s*(==|!=|=)\s*({_VALUE})")
_EXISTS = re.compile(rf"(!?)\s*({_NAME})")
_FIELD = re.compile(r"([A-Za-z.]+)(==|!=|=)(.*)")

_METADATA = ("metadata.name", "metadata.namespace")
_ABOUT = tuple(
    f"involvedObject.{name}"
    for name in ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
)
_FIELDS = {
    "Pod": (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    "Node": ("spec.unschedulable",),
    "Event": (*_ABOUT, "reason", "reportingComponent", "source", "type"),
    "Namespace": ("status.phase",),
    "ReplicaSet": ("status.replicas",),
    "Service": ("spec.clusterIP", "spec.type"),
}
_OTHER_NAMES = {"reportingController": "reportingComponent"}


def selector(labels: str, fields: str, kind: str) -> Selector:
    """Return what selects objects of a kind.

    Raises
    ------
    Refused
        400 if a selector cannot be read, or names a field that cannot be selected by.
    """
    wanted = [*_on_labels(labels), *_on_fields(fields, kind)]
    return lambda obj: all(holds(obj) for holds in wanted)


def _on_labels(text: str) -> Iterator[Selector]:
    for part in re.split(r",(?![^(]*\))", text):
        if part.strip():
            yield _requirement(part.strip())


def _requirement(part: str) -> Selector:
    if found := _SET.fullmatch(part):
        key, is_in = found[1], found[2] == "in"
        values = {value.strip() for value in found[3].split(",")}
        return lambda obj: (_labels(obj).get(key) in values) == is_in
    if found := _EQUALITY.fullmatch(part):
        key, is_equal, value = found[1], found[2] != "!=", found[3]
        return lambda obj: (_labels(obj).get(key) == value) == is_equal
    if found := _EXISTS.fullmatch(part):
        key, is_there = found[2], not found[1]
        return lambda obj: (key in _labels(obj)) == is_there
    raise bad_request(f"unable to parse requirement: {part!r} is no label selector")


def _labels(obj: JsonObject) -> JsonObject:
    labels: JsonObject = obj["metadata"].get("labels") or {}
    return labels


def _on_fields(text: str, kind: str) -> Iterator[Selector]:
    for part in filter(None, text.split(",")):
        found = _FIELD.fullmatch(part)
        if found is None:
            raise bad_request(f"invalid selector: '{part}'; can't understand '{part}'")
        name = found[1].replace("regarding.", "involvedObject.")
        path = _OTHER_NAMES.get(name, name)
        if path not in _METADATA and path not in _FIELDS.get(kind, ()):
            raise bad_request(f"field label not supported: {found[1]}")
        yield _equals(path, found[3], is_equal=found[2] != "!=")


def _equals(path: str, value: str, *, is_equal: bool) -> Selector:
    return lambda obj: (_field(obj, path) == value) == is_equal


def _field(obj: JsonObject, path: str) -> str:
    """Return a field as text, empty where it is not set, as selectors compare it."""
    if path == "source":  # of an event: who reports it
        source = (obj.get("source") or {}).get("component")
        return str(source or obj.get("reportingComponent") or "")
    value: object = obj
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if path == "spec.unschedulable":
        return "true" if value else "false"
    return "" if value is None else str(value)
