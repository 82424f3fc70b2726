"""Discovery: which groups, versions and resources there are; clients ask before anything else."""

from simulator.change import JsonObject
from simulator.rest.resources import RESOURCES, Resource

_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
_SUBRESOURCES: dict[str, JsonObject] = {
    "status": {"verbs": ["get", "patch", "update"]},
    "scale": {
        "group": "autoscaling",
        "version": "v1",
        "kind": "Scale",
        "verbs": ["get", "patch", "update"],
    },
    "binding": {"kind": "Binding", "verbs": ["create"]},
    "eviction": {"group": "policy", "version": "v1", "kind": "Eviction", "verbs": ["create"]},
    "log": {"verbs": ["get"]},
}
VERSION = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.0+isochrone-simulator",
    "gitCommit": "",
    "gitTreeState": "",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "",
}


def discovered(path: str, server: str) -> JsonObject | None:  # noqa: PLR0911 - a flat table
    """Return the discovery document at a path, or None if there is none.

    Parameters
    ----------
    server
        Host and port, as the client named them.
    """
    groups = dict.fromkeys(r.group for r in RESOURCES if r.group)
    match path.strip("/").split("/"):
        case ["version"]:
            return VERSION
        case ["api"]:
            where = [{"clientCIDR": "0.0.0.0/0", "serverAddress": server}]
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": where}
        case ["apis"]:
            named = [_group(group) for group in groups]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": named}
        case ["apis", group] if group in groups:
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(group)}
        case ["api", version]:
            return _resources(version)
        case ["apis", group, version]:
            return _resources(f"{group}/{version}")
        case _:
            return None


def _group(group: str) -> JsonObject:
    versions = dict.fromkeys((r.group_version, r.version) for r in RESOURCES if r.group == group)
    listed = [{"groupVersion": both, "version": version} for both, version in versions]
    return {"name": group, "versions": listed, "preferredVersion": listed[0]}


def _resources(group_version: str) -> JsonObject | None:
    found = [r for r in RESOURCES if r.group_version == group_version]
    if not found:
        return None
    listed = [entry for resource in found for entry in _entries(resource)]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version,
        "resources": listed,
    }


def _entries(resource: Resource) -> list[JsonObject]:
    kind = resource.kind
    same = {"namespaced": kind.is_namespaced, "kind": kind.name}
    entry = {"name": kind.plural, "singularName": resource.singular, **same, "verbs": _VERBS}
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    parts = [
        {"name": f"{kind.plural}/{name}", "singularName": "", **same, **_SUBRESOURCES[name]}
        for name in resource.subresources
        if name in _SUBRESOURCES
    ]
    return [entry, *parts]
