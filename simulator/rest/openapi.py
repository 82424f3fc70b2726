"""As much of ``/openapi/v3`` as ``kubectl apply`` and ``create`` ask for.

kubectl looks there whether the server checks fields itself: whether the PATCH of a kind takes the
parameter ``fieldValidation``. It does here, so that kubectl does not ask for schemas, which are not
served; for strategic merge patches it then falls back on the merge keys it was built with.
"""

from simulator.change import JsonObject
from simulator.rest.resources import RESOURCES, Resource

_PARAMETERS = ("dryRun", "fieldManager", "fieldValidation", "force")
_PREFIX = "/openapi/v3"


def openapi(path: str) -> JsonObject | None:
    """Return the OpenAPI document at a path, or None if there is none."""
    roots = dict.fromkeys(_root(resource) for resource in RESOURCES)
    if path == _PREFIX:
        return {"paths": {root: {"serverRelativeURL": f"{_PREFIX}/{root}"} for root in roots}}
    root = path.removeprefix(f"{_PREFIX}/")
    if root not in roots:
        return None
    found = [resource for resource in RESOURCES if _root(resource) == root]
    return {
        "openapi": "3.0.0",
        "info": {"title": "Isochrone's embedded cluster", "version": "1"},
        "paths": {_path(resource): {"patch": _patch(resource)} for resource in found},
        "components": {"schemas": {}},
    }


def _root(resource: Resource) -> str:
    return f"apis/{resource.group_version}" if resource.group else f"api/{resource.version}"


def _path(resource: Resource) -> str:
    inside = "namespaces/{namespace}/" if resource.kind.is_namespaced else ""
    return f"/{_root(resource)}/{inside}{resource.kind.plural}/{{name}}"


def _patch(resource: Resource) -> JsonObject:
    text = {"type": "string"}
    return {
        "parameters": [{"name": name, "in": "query", "schema": text} for name in _PARAMETERS],
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-action": "patch",
        "x-kubernetes-group-version-kind": {
            "group": resource.group,
            "version": resource.version,
            "kind": resource.kind.name,
        },
    }
