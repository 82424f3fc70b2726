"""Events in two forms: as the core group has them, which is how they are stored, and the newer one.

As in the real API server both are the same object under two sets of names
(``pkg/apis/events/v1/conversion.go``).
"""

from simulator.change import JsonObject

_NEW_OF_CORE = {
    "involvedObject": "regarding",
    "message": "note",
    "reportingComponent": "reportingController",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
}
_CORE_OF_NEW = {new: core for core, new in _NEW_OF_CORE.items()}


def as_new_event(event: JsonObject) -> JsonObject:
    """Return a stored event in the form of ``events.k8s.io/v1``."""
    return _renamed(event, _NEW_OF_CORE, "events.k8s.io/v1")


def as_core_event(event: JsonObject) -> JsonObject:
    """Return an event of ``events.k8s.io/v1`` as it is stored."""
    return _renamed(event, _CORE_OF_NEW, "v1")


def _renamed(event: JsonObject, names: dict[str, str], api_version: str) -> JsonObject:
    out = {names.get(name, name): value for name, value in event.items()}
    return {**out, "apiVersion": api_version}
