"""Strategic merge patches: JSON merge patches that know which lists are maps in disguise.

After ``apimachinery/pkg/util/strategicpatch``. Merge keys are those of the kinds served here, by
the name of the field; a list that is not named is replaced as a whole.
"""

from collections.abc import Sequence
from typing import Any

from simulator.change import JsonObject
from simulator.rest.answers import bad_request

_KEYS = {
    "addresses": "type",
    "conditions": "type",
    "containers": "name",
    "env": "name",
    "ephemeralContainers": "name",
    "hostAliases": "ip",
    "imagePullSecrets": "name",
    "initContainers": "name",
    "ownerReferences": "uid",
    "podIPs": "ip",
    "resourceClaims": "name",
    "schedulingGates": "name",
    "topologySpreadConstraints": "topologyKey",
    "volumeDevices": "devicePath",
    "volumeMounts": "mountPath",
    "volumes": "name",
}
_CONTAINER_LISTS = ("containers", "initContainers", "ephemeralContainers")
_PRIMITIVE = ("finalizers", "podCIDRs")
_ORDER = "$setElementOrder/"
_DELETED = "$deleteFromPrimitiveList/"


def strategic(old: JsonObject, patch: JsonObject) -> JsonObject:
    """Return an object changed by a strategic merge patch.

    Raises
    ------
    Refused
        400 if the patch breaks the rules of its directives.
    """
    return _object(old, patch, parent="")


def _object(old: JsonObject, patch: JsonObject, parent: str) -> JsonObject:
    directive = patch.get("$patch")
    if directive == "replace":
        return {name: value for name, value in patch.items() if name != "$patch"}
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        raise bad_request(f"$patch: {directive!r} must be replace, merge or delete")
    out = _retained(old, patch)
    for name, value in patch.items():
        if name.startswith("$"):
            continue
        if value is None:
            out.pop(name, None)
        else:
            out[name] = _value(out.get(name), value, name, parent, patch)
    _follow_lists(out, patch, parent)
    return out


def _retained(old: JsonObject, patch: JsonObject) -> JsonObject:
    kept = patch.get("$retainKeys")
    if kept is None:
        return dict(old)
    if not isinstance(kept, list):
        raise bad_request("$retainKeys must be a list")
    return {name: value for name, value in old.items() if name in kept}


def _value(old: Any, new: Any, name: str, parent: str, patch: JsonObject) -> Any:  # noqa: ANN401
    if isinstance(new, dict):
        return _object(old if isinstance(old, dict) else {}, new, parent=name)
    if not isinstance(new, list):
        return new
    before = old if isinstance(old, list) else []
    if name in _PRIMITIVE:
        return before + [item for item in new if item not in before]
    key = _key(name, parent)
    if not key:
        return [item for item in new if item != {"$patch": "replace"}]
    return _list(before, new, key, name, patch.get(f"{_ORDER}{name}"))


def _key(name: str, parent: str) -> str:
    if name == "ports":  # of a container, else of a Service
        return "containerPort" if parent in _CONTAINER_LISTS else "port"
    return _KEYS.get(name, "")


def _list(
    old: Sequence[Any], patch: Sequence[Any], key: str, name: str, order: object
) -> list[Any]:
    """Merge a list of objects that have a key."""
    if {"$patch": "replace"} in patch:
        return [item for item in patch if item != {"$patch": "replace"}]
    for item in (*old, *patch):
        if not isinstance(item, dict) or key not in item:
            raise bad_request(f"map: {item!r} does not contain declared merge key: {key}")
    merged: dict[Any, JsonObject] = {_text(item[key]): item for item in old}
    for item in patch:
        at = _text(item[key])
        if item.get("$patch") == "delete":
            merged.pop(at, None)
        else:
            merged[at] = _object(merged.get(at, {}), item, parent=name)
    return list(_ordered(merged, old, key, order).values())


def _ordered(
    merged: dict[Any, JsonObject], old: Sequence[JsonObject], key: str, order: object
) -> dict[Any, JsonObject]:
    """Put the items a patch orders into its order; the others keep their place before them."""
    if not isinstance(order, list):
        return merged
    wanted = [_text(item.get(key) if isinstance(item, dict) else item) for item in order]
    ours = [at for at in dict.fromkeys(wanted) if at in merged]
    theirs = [at for at in merged if at not in wanted]
    place = {_text(item[key]): k for k, item in enumerate(old)}
    out: list[Any] = []
    while ours or theirs:
        is_theirs = bool(theirs) and (
            not ours
            or (ours[0] in place and theirs[0] in place and place[theirs[0]] < place[ours[0]])
        )
        out.append((theirs if is_theirs else ours).pop(0))
    return {at: merged[at] for at in out}


def _follow_lists(out: JsonObject, patch: JsonObject, parent: str) -> None:
    """Do what is said of lists apart from their items: deletions, and orders of untouched lists."""
    for directive, value in patch.items():
        if directive.startswith(_DELETED) and isinstance(value, list):
            name = directive.removeprefix(_DELETED)
            out[name] = [item for item in out.get(name) or () if item not in value]
        name = directive.removeprefix(_ORDER)
        key = _key(name, parent)
        if directive.startswith(_ORDER) and name not in patch and key and out.get(name):
            items = {_text(item[key]): item for item in out[name]}
            out[name] = list(_ordered(items, out[name], key, value).values())


def _text(value: object) -> str:
    """Return a key so that equal ones are equal, whatever JSON type they have."""
    return f"{type(value).__name__}:{value}"
