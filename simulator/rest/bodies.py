"""What clients send: bodies read as JSON objects, and checked against the path they came to."""

from typing import Any

import msgspec

from simulator.change import JsonObject, Refused
from simulator.rest.answers import JSON, bad_request
from simulator.rest.resources import Target

_NO_PROTOBUF = (
    "kubectl sends some generated objects in another form: write them out with "
    "--dry-run=client -o yaml and give that to kubectl create -f -"
)


def read_json(body: bytes, what: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return a body as JSON; `what` says of what kind it must be.

    Raises
    ------
    Refused
        400 if it is no JSON.
    """
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        said = f"couldn't get version/kind; json parse error: {error}"
        message = f"the object provided is unrecognized (must be of type {what}): {said}"
        raise bad_request(message) from None


def read_object(body: bytes, content_type: str, kind: str, api_version: str) -> JsonObject:
    """Return a body as an object of a kind; null fields count as not written.

    Raises
    ------
    Refused
        415 if it is not said to be JSON, 400 if it is not such an object.
    """
    if content_type not in (JSON, "application/octet-stream"):
        hint = f"; {_NO_PROTOBUF}" if "protobuf" in content_type else ""
        raise unsupported(f"{JSON}{hint}")
    obj = read_json(body, kind)
    if not isinstance(obj, dict):
        message = f"json parse error: {type(obj).__name__} in place of an object"
        raise bad_request(
            f"the object provided is unrecognized (must be of type {kind}): {message}"
        )
    said = (obj.get("apiVersion", api_version), obj.get("kind", kind))
    if said != (api_version, kind):
        version = str(said[0]).rpartition("/")[2]
        what = f'{said[1]} in version "{version}" cannot be handled as a {kind}'
        raise bad_request(f"{what}: this path takes {api_version}")
    out = {**without_nulls(obj), "apiVersion": api_version, "kind": kind}
    if not isinstance(out.setdefault("metadata", {}), dict):
        raise bad_request(f'{kind} in version "{api_version}": metadata must be an object')
    return out


def unsupported(accepted: str) -> Refused:
    """Return the refusal of a body in a form that is not read."""
    message = "the body of the request was in an unknown format - accepted media types include: "
    return Refused(415, "UnsupportedMediaType", message + accepted)


def check_place(target: Target, obj: JsonObject) -> JsonObject:
    """Return an object with the namespace and name of the path it was sent to.

    Raises
    ------
    Refused
        400 if it says another one.
    """
    meta = dict(obj["metadata"])
    namespace, name = meta.get("namespace") or "", meta.get("name") or ""
    if target.namespace:
        if namespace not in ("", target.namespace):
            raise bad_request(
                "the namespace of the provided object does not match the namespace sent on the "
                "request"
            )
        meta["namespace"] = target.namespace
    if target.name:
        if name not in ("", target.name):
            raise bad_request(
                f"the name of the object ({name}) does not match the name on the URL "
                f"({target.name})"
            )
        meta["name"] = target.name
    return {**obj, "metadata": meta}


def without_nulls(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a JSON value without the fields that are null, as Go reads it."""
    if isinstance(value, dict):
        return {k: without_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value
