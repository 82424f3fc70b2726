"""Reading: one object, a list of them, page by page."""

from collections.abc import Mapping

from simulator.change import JsonObject, Refused, not_found
from simulator.rest.answers import expired
from simulator.rest.query import number
from simulator.rest.registry import Page, Registry
from simulator.rest.resources import Resource, Target
from simulator.rest.selection import Selector, selector


def one(registry: Registry, target: Target) -> JsonObject:
    """Return an object as its resource shows it.

    Raises
    ------
    Refused
        404 if it does not exist.
    """
    obj = registry.running.cluster.get(target.key)
    if obj is None:
        raise not_found(target.key)
    return shown(target.resource, obj)


def page(registry: Registry, target: Target, query: Mapping[str, str]) -> Page:
    """Return the part of a list that is asked for; its objects are as they are stored.

    Raises
    ------
    Refused
        400 for options that make no sense, 410 for a moment that is not kept, 504 for one to come.
    """
    limit = number(query, "limit") or 0
    if token := query.get("continue", ""):
        return registry.next_page(token, limit)
    _check_version(registry, query)
    return registry.first_page(selected(registry, target, query), limit)


def selected(registry: Registry, target: Target, query: Mapping[str, str]) -> list[JsonObject]:
    """Return all stored objects that a collection and its selectors take in."""
    wanted = wanted_by(target, query)
    objects = registry.sorted_objects(target.resource.kind.name, target.namespace)
    return [obj for obj in objects if wanted(obj)]


def wanted_by(target: Target, query: Mapping[str, str]) -> Selector:
    """Return what tells whether an object is asked for."""
    holds = selector(
        query.get("labelSelector", ""), query.get("fieldSelector", ""), target.resource.kind.name
    )
    if not target.name and not target.namespace:
        return holds
    return lambda obj: _is_at(target, obj) and holds(obj)


def as_list(resource: Resource, found: Page) -> JsonObject:
    """Return a page as the API's list."""
    return {
        "kind": f"{resource.kind.name}List",
        "apiVersion": resource.group_version,
        "metadata": list_metadata(found),
        "items": [_item(resource.shown(obj)) for obj in found.items],
    }


def list_metadata(found: Page) -> JsonObject:
    """Return what a list says of itself."""
    more = {"continue": found.token, "remainingItemCount": found.remaining} if found.token else {}
    return {"resourceVersion": str(found.version), **more}


def shown(resource: Resource, obj: JsonObject) -> JsonObject:
    """Return a stored object as its resource shows it, beginning with its kind."""
    out = resource.shown(obj)
    return {"kind": out["kind"], "apiVersion": out["apiVersion"], **out}


def _item(obj: JsonObject) -> JsonObject:
    """Leave out what the list itself says: typed lists of the real server do so too."""
    return {name: value for name, value in obj.items() if name not in ("kind", "apiVersion")}


def _is_at(target: Target, obj: JsonObject) -> bool:
    meta = obj["metadata"]
    is_in = not target.namespace or meta.get("namespace", "") == target.namespace
    return is_in and (not target.name or meta["name"] == target.name)


def _check_version(registry: Registry, query: Mapping[str, str]) -> None:
    asked = number(query, "resourceVersion") or 0
    newest = registry.running.cluster.version
    if asked > newest:
        causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
        message = f"Too large resource version: {asked}, current: {newest}"
        raise Refused(504, "Timeout", message, {"causes": causes, "retryAfterSeconds": 1})
    is_exact = query.get("resourceVersionMatch") == "Exact"
    if is_exact and asked != newest:
        raise expired(f"The resourceVersion for the provided list is too old: {asked} ({newest})")
