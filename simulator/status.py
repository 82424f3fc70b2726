"""Conditions and status: copies of objects that differ in one thing."""

from typing import Any

from simulator.change import JsonObject


def with_status(obj: JsonObject, **fields: Any) -> JsonObject:  # noqa: ANN401 - any JSON value
    """Return a copy whose status has other `fields`; None takes a field out."""
    status = {**obj.get("status", {}), **fields}
    return {**obj, "status": {k: v for k, v in status.items() if v is not None}}


def with_spec(obj: JsonObject, **fields: Any) -> JsonObject:  # noqa: ANN401 - any JSON value
    """Return a copy whose spec has other `fields`; None takes a field out."""
    spec = {**obj.get("spec", {}), **fields}
    return {**obj, "spec": {k: v for k, v in spec.items() if v is not None}}


def with_metadata(obj: JsonObject, **fields: Any) -> JsonObject:  # noqa: ANN401 - any JSON value
    """Return a copy whose metadata has other `fields`; None takes a field out."""
    meta = {**obj["metadata"], **fields}
    return {**obj, "metadata": {k: v for k, v in meta.items() if v is not None}}


def condition_of(obj: JsonObject, kind: str) -> JsonObject | None:
    """Return the condition of a type, or None."""
    for condition in obj.get("status", {}).get("conditions", ()):
        if condition.get("type") == kind:
            found: JsonObject = condition
            return found
    return None


def is_true(obj: JsonObject, kind: str) -> bool:
    """Whether a condition of this type is there and true."""
    condition = condition_of(obj, kind)
    return condition is not None and condition.get("status") == "True"


def with_condition(obj: JsonObject, condition: JsonObject, stamp: str) -> JsonObject:
    """Return a copy with `condition` set; its transition time moves only with its status."""
    old = condition_of(obj, condition["type"])
    is_same = old is not None and old.get("status") == condition["status"]
    since = old.get("lastTransitionTime", stamp) if old is not None and is_same else stamp
    new = {**condition, "lastTransitionTime": condition.get("lastTransitionTime", since)}
    conditions = list(obj.get("status", {}).get("conditions", ()))
    for place, present in enumerate(conditions):
        if present.get("type") == condition["type"]:
            conditions[place] = new
            break
    else:
        conditions.append(new)
    return with_status(obj, conditions=conditions)


def merged(target: Any, patch: Any) -> Any:  # noqa: ANN401 - RFC 7386 is about any JSON value
    """Return `target` changed by a JSON merge patch: null takes a field out, lists are replaced."""
    if not isinstance(patch, dict):
        return patch
    out = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            out.pop(name, None)
        else:
            out[name] = merged(out.get(name), value)
    return out
