"""What the real API server asks of an event of ``events.k8s.io/v1`` (``validation/events.go``)."""

from collections.abc import Iterator

from simulator.admission import is_qualified_name
from simulator.change import JsonObject, ObjectKey, Refused

_LONGEST_NOTE = 1024  # bytes
_LONGEST_WORD = 128
_DEPRECATED = {
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
    "deprecatedSource": "source",
}
_WORDS = ("reportingController", "reportingInstance", "action", "reason")


def check_event(key: ObjectKey, event: JsonObject) -> None:
    """Refuse an event in its newer form that a real API server would not take.

    Raises
    ------
    Refused
        422 with every fault.
    """
    faults = list(_faults(key, event))
    if not faults:
        return
    causes = [
        {
            "reason": "FieldValueRequired" if said == "Required value" else "FieldValueInvalid",
            "message": said,
            "field": field,
        }
        for field, said in faults
    ]
    listed = ", ".join(f"{field}: {said}" for field, said in faults)
    listed = f"[{listed}]" if len(faults) > 1 else listed
    details = {"name": key.name, "kind": "Event", "causes": causes}
    raise Refused(422, "Invalid", f'Event "{key.name}" is invalid: {listed}', details)


def _faults(key: ObjectKey, event: JsonObject) -> Iterator[tuple[str, str]]:
    about = (event.get("regarding") or {}).get("namespace") or "default"
    if about != key.namespace:
        value = f'Invalid value: "{about}": does not match event.namespace'
        yield "involvedObject.namespace", value
    if event.get("eventTime"):
        yield from _long_or_missing(event)
    else:
        yield "eventTime", "Required value"
    kind = event.get("type") or ""
    if kind not in ("Normal", "Warning"):
        yield "type", f'Invalid value: "": has invalid value: {kind}'
    for field, named in _DEPRECATED.items():
        if event.get(field):
            yield named, 'Invalid value: "": needs to be unset'


def _long_or_missing(event: JsonObject) -> Iterator[tuple[str, str]]:
    for field in _WORDS:
        word = str(event.get(field) or "")
        if not word:
            yield field, "Required value"
        elif field == "reportingController":
            if not is_qualified_name(word):
                yield field, f'Invalid value: "{word}": must be a qualified name'
        elif len(word.encode()) > _LONGEST_WORD:
            yield field, f'Invalid value: "": can have at most {_LONGEST_WORD} characters'
    if len(str(event.get("note") or "").encode()) > _LONGEST_NOTE:
        yield "message", f'Invalid value: "": can have at most {_LONGEST_NOTE} characters'
