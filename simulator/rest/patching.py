"""Patches: what a body of each of the four forms makes of an object."""

from typing import Any

import msgspec
import yaml

from simulator.change import JsonObject, Refused, invalid, not_found, uid_of
from simulator.command import Create
from simulator.rest.answers import bad_request
from simulator.rest.bodies import check_place, unsupported, without_nulls
from simulator.rest.jsonpatch import json_patched
from simulator.rest.reading import shown
from simulator.rest.registry import Registry
from simulator.rest.resources import Target
from simulator.rest.shapes import check_shape
from simulator.rest.strategic import strategic
from simulator.rest.subresources import scale_of, set_scale
from simulator.rest.writing import Sent, executed, update_of
from simulator.status import merged

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"
"""Server-side apply, without field ownership: what is written is merged, and stays."""

_TRIES = 5
"""Of a patch that names no version, where a controller's write comes between, as in a real server
(``apiserver/pkg/endpoints/handlers/patch.go``)."""

FORMS = (JSON_PATCH, MERGE, STRATEGIC, APPLY)


def patch(registry: Registry, target: Target, sent: Sent) -> tuple[JsonObject, int]:
    """Patch an object; return it, and 201 if that created it, else 200.

    Raises
    ------
    Refused
        415 for an unknown form, 400 and 422 for a patch that cannot be applied, 404 where there is
        nothing to patch, 409 where the patch names another resourceVersion.
    """
    if sent.content_type not in FORMS:
        raise unsupported(", ".join(FORMS))
    change = _read(sent)
    for _ in range(_TRIES - 1):
        try:
            return _patch_once(registry, target, sent, change)
        except Refused as refusal:
            if refusal.reason != "Conflict" or _names_version(change):
                raise
    return _patch_once(registry, target, sent, change)


def _patch_once(
    registry: Registry,
    target: Target,
    sent: Sent,
    change: Any,  # noqa: ANN401 - any JSON value
) -> tuple[JsonObject, int]:
    if target.subresource == "scale":
        new = _patched(scale_of(registry, target), change, sent.content_type)
        return set_scale(registry, target, new), 200
    resource = target.resource
    old = registry.running.cluster.get(target.key)
    if old is None:
        if sent.content_type == APPLY and not target.subresource:
            return _create(registry, target, change), 201
        raise not_found(target.key)
    new = _patched(shown(resource, old), change, sent.content_type)
    new = check_place(target, _same_object(target, shown(resource, old), new))
    written = executed(registry, update_of(target, check_shape(resource.read(new))))
    return shown(resource, written), 200


def _names_version(change: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Whether a patch is meant for one version of the object alone."""
    if isinstance(change, list):
        return any("resourceVersion" in str(step.get("path")) for step in change)
    meta = change.get("metadata") if isinstance(change, dict) else None
    return isinstance(meta, dict) and "resourceVersion" in meta


def _same_object(target: Target, old: JsonObject, new: JsonObject) -> JsonObject:
    """Return a patched object; refuse one that claims to be another.

    Raises
    ------
    Refused
        400 for another kind, 422 for another uid.
    """
    for field in ("kind", "apiVersion"):
        if new.get(field) != old[field]:
            raise bad_request(f"{field}: a patch cannot make {new.get(field)!r} of {old[field]}")
    meta = new.get("metadata")
    if not isinstance(meta, dict):
        raise bad_request("metadata must be an object")
    if meta.get("uid", "") != uid_of(old):
        said = f'metadata.uid: Invalid value: "{meta.get("uid", "")}": field is immutable'
        raise invalid(target.key, said)
    return new


def _read(sent: Sent) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return msgspec.json.decode(sent.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if sent.content_type != APPLY:
            raise bad_request(f"error decoding patch: {error}") from None
    try:
        # Text only: what YAML takes for a date is a string in every API object.
        return msgspec.json.decode(msgspec.json.encode(yaml.safe_load(sent.body)))
    except (yaml.YAMLError, msgspec.MsgspecError, ValueError, TypeError, RecursionError) as error:
        said = " ".join(str(error).split())[:300]
        raise bad_request(f"error decoding YAML: {said}") from None


def _patched(old: JsonObject, change: Any, form: str) -> JsonObject:  # noqa: ANN401 - any JSON value
    if form == JSON_PATCH:
        return _clean(json_patched(old, change))
    if not isinstance(change, dict):
        raise bad_request("error decoding patch: a patch of this form is an object")
    if form == MERGE:
        return _clean(merged(old, change))
    return _clean(strategic(old, change))


def _clean(obj: Any) -> JsonObject:  # noqa: ANN401 - any JSON value
    clean: JsonObject = without_nulls(obj)
    return clean


def _create(registry: Registry, target: Target, written: Any) -> JsonObject:  # noqa: ANN401
    if not isinstance(written, dict) or not isinstance(written.get("metadata", {}), dict):
        raise bad_request("what is applied must be an object")
    resource = target.resource
    said = (written.get("apiVersion"), written.get("kind"))
    if said != (resource.group_version, resource.kind.name):
        raise Refused(400, "BadRequest", f"{said[0]}/{said[1]} cannot be applied at this path")
    new = check_place(target, _clean({**written, "metadata": written.get("metadata", {})}))
    return shown(resource, executed(registry, Create(check_shape(resource.read(new)))))
