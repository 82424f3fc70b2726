"""Writing whole objects: create, replace, delete, and the deletion of a collection."""

from collections.abc import Mapping
from dataclasses import dataclass

from simulator.change import (
    JsonObject,
    Refused,
    conflict,
    details_of,
    forbidden,
    key_of,
    not_found,
    uid_of,
)
from simulator.command import Command, Create, Delete, Update
from simulator.kinds import KINDS
from simulator.rest.answers import bad_request, success
from simulator.rest.bodies import check_place, read_json, read_object
from simulator.rest.newevents import check_event
from simulator.rest.query import flag, number
from simulator.rest.reading import as_list, selected, shown
from simulator.rest.registry import Page, Registry
from simulator.rest.resources import Target
from simulator.rest.shapes import check_shape

_KEPT_NAMESPACES = ("default", "kube-system")
_CONTROLLERS = ("Deployment", "ReplicaSet")
_RETURNED = ("Pod", "Service", "Namespace")
"""Kinds whose deletion answers with the object; others answer with a Status."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What came with a request."""

    body: bytes
    content_type: str
    query: Mapping[str, str]


def create(registry: Registry, target: Target, sent: Sent) -> JsonObject:
    """Create an object and return it as it is stored.

    Raises
    ------
    Refused
        As the real API server refuses it.
    """
    resource = target.resource
    obj = read_object(sent.body, sent.content_type, resource.kind.name, resource.group_version)
    obj = check_place(target, obj)
    stored = check_shape(resource.read(obj))
    if resource.group == "events.k8s.io":
        name = str(obj["metadata"].get("name", ""))
        check_event(target.key._replace(name=name), obj)
    if not (obj["metadata"].get("name") or obj["metadata"].get("generateName")):
        details = {"kind": resource.kind.name}
        message = "metadata.name: Required value: name or generateName is required"
        kind = resource.kind.name
        raise Refused(422, "Invalid", f'{kind} "" is invalid: {message}', details)
    return shown(resource, executed(registry, Create(stored)))


def replace(registry: Registry, target: Target, sent: Sent) -> JsonObject:
    """Replace an object, or its status, and return it."""
    resource = target.resource
    obj = read_object(sent.body, sent.content_type, resource.kind.name, resource.group_version)
    obj = check_shape(resource.read(check_place(target, obj)))
    return shown(resource, executed(registry, update_of(target, obj)))


def update_of(target: Target, obj: JsonObject) -> Update:
    """Return the command that replaces an object, or its status."""
    return Update(obj, "status" if target.subresource == "status" else "")


def delete(registry: Registry, target: Target, sent: Sent) -> JsonObject:
    """Delete an object; return it, or a Status, as its kind answers."""
    options = read_options(sent)
    old = registry.running.cluster.get(target.key)
    if old is None:
        raise not_found(target.key)
    version = options.version
    if version and version != old["metadata"]["resourceVersion"]:
        said = f"the ResourceVersion in the precondition ({version}) does not match"
        raise conflict(target.key, f"{said} the ResourceVersion in record")
    if target.resource.kind.name == "Namespace":
        _empty(registry, target)
    registry.running.execute(options.command(target))
    if target.resource.kind.name in _RETURNED:
        left = registry.running.cluster.get(target.key)
        return shown(target.resource, left if left is not None else old)
    return success({**details_of(target.key), "uid": uid_of(old)})


def _empty(registry: Registry, target: Target) -> None:
    """Delete what is in a namespace, controllers first, pods without grace."""
    if target.name in _KEPT_NAMESPACES:
        raise forbidden(target.key, "this namespace may not be deleted")
    for kind in sorted(KINDS.values(), key=lambda kind: kind.name not in _CONTROLLERS):
        if kind.is_namespaced:
            for obj in registry.running.cluster.all_of(kind.name, target.name):
                _delete_if_there(registry, Delete(key_of(obj), grace_s=0))


def _delete_if_there(registry: Registry, command: Delete) -> None:
    """Delete one of several objects; what its deletion is part of may have taken it already."""
    try:
        registry.running.execute(command)
    except Refused as refusal:
        if refusal.reason != "NotFound":
            raise


def delete_all(registry: Registry, target: Target, sent: Sent) -> JsonObject:
    """Delete what a collection and its selectors take in; return the list of it."""
    options = read_options(sent)
    found = selected(registry, target, sent.query)
    for obj in found:
        meta = obj["metadata"]
        named = Target(target.resource, meta.get("namespace", ""), meta["name"])
        _delete_if_there(registry, options.command(named))
    return as_list(target.resource, Page(found, registry.running.cluster.version))


def executed(registry: Registry, command: Command) -> JsonObject:
    """Carry a command out and return the object it wrote."""
    written = registry.running.execute(command)
    if written is None:
        raise AssertionError(f"{type(command).__name__} writes an object")
    return written


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """What a deletion asks for, of ``metav1.DeleteOptions``."""

    uid: str = ""
    version: str = ""
    grace_s: int | None = None
    orphan: bool = False

    def command(self, target: Target) -> Delete:
        """Return the command that deletes an object."""
        return Delete(target.key, self.uid, self.grace_s, self.orphan)


def read_options(sent: Sent) -> DeleteOptions:
    """Read the options of a deletion; what the body says goes before the query.

    Raises
    ------
    Refused
        400 if they cannot be read.
    """
    said = read_json(sent.body, "DeleteOptions") if sent.body.strip() else {}
    if not isinstance(said, dict):
        raise bad_request("DeleteOptions must be an object")
    return options_of(said, sent.query)


def options_of(said: JsonObject, query: Mapping[str, str]) -> DeleteOptions:
    """Read ``metav1.DeleteOptions``.

    Raises
    ------
    Refused
        400 if they cannot be read.
    """
    grace_s = said.get("gracePeriodSeconds")
    if grace_s is None:
        grace_s = number(query, "gracePeriodSeconds")
    elif isinstance(grace_s, bool) or not isinstance(grace_s, int) or grace_s < 0:
        raise bad_request(f"gracePeriodSeconds: {grace_s!r} must be a whole number of at least 0")
    policy = said.get("propagationPolicy") or query.get("propagationPolicy", "")
    if policy not in ("", "Background", "Foreground", "Orphan"):
        raise bad_request(f"propagationPolicy: {policy!r} must be Background, Foreground or Orphan")
    conditions = said.get("preconditions") or {}
    if not isinstance(conditions, dict):
        raise bad_request("preconditions must be an object")
    if said.get("dryRun"):
        raise no_dry_run()
    is_orphaned = policy == "Orphan" or said.get("orphanDependents") is True
    return DeleteOptions(
        str(conditions.get("uid") or ""),
        str(conditions.get("resourceVersion") or ""),
        grace_s,
        is_orphaned or flag(query, "orphanDependents"),
    )


def no_dry_run() -> Refused:
    """Return the refusal of a dry run."""
    return bad_request("dryRun: the embedded cluster carries everything out; use a scenario to try")
