"""JSON patches, RFC 6902."""

import copy
from typing import Any

from simulator.change import JsonObject, Refused
from simulator.rest.answers import bad_request


def json_patched(old: JsonObject, patch: object) -> JsonObject:
    """Return an object changed by a JSON patch.

    Raises
    ------
    Refused
        400 if `patch` is no JSON patch, 422 if it does not fit the object.
    """
    if not isinstance(patch, list) or not all(isinstance(step, dict) for step in patch):
        raise bad_request("error decoding patch: a JSON patch is a list of operations")
    out: Any = copy.deepcopy(old)
    for step in patch:
        out = _carried_out(out, step)
    if not isinstance(out, dict):
        raise _misfit("the whole object would not be one any more")
    return out


def _carried_out(root: Any, step: JsonObject) -> Any:  # noqa: ANN401 - any JSON value
    path = _path(step.get("path"))
    match step.get("op"):
        case "add":
            return _put(root, path, copy.deepcopy(step.get("value")), is_new=True)
        case "replace":
            _at(root, path)
            return _put(root, path, copy.deepcopy(step.get("value")), is_new=False)
        case "remove":
            return _removed(root, path)
        case "move":
            source = _path(step.get("from"))
            value = _at(root, source)
            return _put(_removed(root, source), path, value, is_new=True)
        case "copy":
            value = copy.deepcopy(_at(root, _path(step.get("from"))))
            return _put(root, path, value, is_new=True)
        case "test":
            if _at(root, path) != step.get("value"):
                raise _misfit(f"testing value {step.get('path')} failed")
            return root
        case op:
            raise bad_request(f"error decoding patch: no operation {op!r}")


def _path(text: object) -> list[str]:
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise bad_request(f"error decoding patch: {text!r} is no JSON pointer")
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _at(root: Any, path: list[str]) -> Any:  # noqa: ANN401 - any JSON value
    for name in path:
        root = root[_place(root, name, is_new=False)]
    return root


def _put(root: Any, path: list[str], value: Any, *, is_new: bool) -> Any:  # noqa: ANN401
    if not path:
        return value
    parent = _at(root, path[:-1])
    if isinstance(parent, list) and is_new:
        parent.insert(_place(parent, path[-1], is_new=True), value)
    elif isinstance(parent, dict):
        parent[path[-1]] = value
    else:
        parent[_place(parent, path[-1], is_new=False)] = value
    return root


def _removed(root: Any, path: list[str]) -> Any:  # noqa: ANN401 - any JSON value
    if not path:
        raise _misfit("the whole object cannot be removed")
    parent = _at(root, path[:-1])
    del parent[_place(parent, path[-1], is_new=False)]
    return root


def _place(holder: Any, name: str, *, is_new: bool) -> Any:  # noqa: ANN401 - a key or an index
    if isinstance(holder, dict) and name in holder:
        return name
    if isinstance(holder, list):
        if name == "-" and is_new:
            return len(holder)
        end = len(holder) + is_new
        if name.isascii() and name.isdecimal() and int(name[:9]) < end:
            return int(name)
    raise _misfit(f"there is no {name!r} at this place")


def _misfit(said: str) -> Refused:
    message = f"the server rejected our request due to an error in our request: {said}"
    return Refused(422, "Invalid", message, {})
