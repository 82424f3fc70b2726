"""From a tree or JSON bytes to a wire struct, with errors a person can act on.

Wire structs hold only the fields that matter here; all other fields of an object are ignored. A
null means that a field is not given, as it does to the API server.
"""

import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, TypeVar, cast

import msgspec

from scheduler.domain.errors import InputError

Object = Mapping[str, object] | bytes | str
"""One Kubernetes object: a tree, or its JSON."""

T = TypeVar("T", bound="Wire")
_Item = TypeVar("_Item")

_AT = re.compile(r"^(?P<what>.*?)(?: - at (?P<key>`key` in )?`(?P<at>\$[^`]*)`)?$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
_KINDS = {
    "object": "a mapping",
    "array": "a list",
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "nothing",
}
_EXPECTED = re.compile(r"Expected `(?P<wanted>[^`]*)`, got `(?P<found>[^`]*)`")
_LONGEST = 60
_PLAIN = re.compile(r"[\w.-]*").fullmatch
_UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError)
"""Half a surrogate pair is a UnicodeError: JSON can write it, but it is no text."""


class Wire(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """Root of all wire structs."""


class _Head(Wire, frozen=True):
    """As much of any object as names it in an error."""

    kind: Any = None
    metadata: Any = None


def decode(obj: Object, wire: type[T], kind: str) -> T:
    """Return `obj` as a wire struct.

    Parameters
    ----------
    obj
        A tree or JSON.
    wire
        The struct to read.
    kind
        What it is called in errors, where it does not say so itself.

    Raises
    ------
    InputError
        If a field that matters has another type; the error names object, path and value.
    """
    try:
        if isinstance(obj, bytes | str):
            return msgspec.json.decode(obj, type=wire)
        return msgspec.convert(obj, wire)
    except msgspec.ValidationError as error:
        raise _refusal(str(error), obj, kind) from None
    except _UNREADABLE as error:
        raise InputError(kind, f"is not JSON ({error})", "send one JSON object") from None


def described(kind: str, namespace: object, name: object) -> str:
    """Return how an object is called in errors: ``Pod default/web``."""
    shown = shorten(name) if isinstance(name, str) and name else "without a name"
    if isinstance(namespace, str) and namespace:
        return f"{kind} {shorten(namespace)}/{shown}"
    return f"{kind} {shown}"


def shorten(value: object) -> str:
    """Return a value as it is quoted in an error: one line, never long."""
    if isinstance(value, dict):
        text = "{" + ", ".join(f"{_inner(k)}: {_inner(v)}" for k, v in _first(value.items())) + "}"
    elif isinstance(value, list):
        text = "[" + ", ".join(_inner(one) for one in _first(value)) + "]"
    else:
        text = value if isinstance(value, str) else _json(value)
    if len(text) <= _LONGEST and _PLAIN(text):
        return text  # names, which every object of a list has
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _first(values: Iterable[_Item]) -> Iterable[_Item]:
    return islice(values, _LONGEST)


def _inner(value: object) -> str:
    """Return a value within another; what it holds itself is left out, as it may nest deeply."""
    if isinstance(value, dict | list) and value:
        return "{…}" if isinstance(value, dict) else "[…]"
    return _json(value[: _LONGEST + 1] if isinstance(value, str) else value)


def _json(value: object) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except (TypeError, ValueError, msgspec.MsgspecError):
        return f"a {type(value).__name__}"


def _refusal(message: str, obj: Object, kind: str) -> InputError:
    match = _AT.match(message)
    what, at = (match["what"], match["at"] or "") if match else (message, "")
    expected = _EXPECTED.search(what)
    where = _where(obj, kind)
    path = at.removeprefix("$").lstrip(".")
    if match and match["key"]:
        where = f"{where}: {path}" if path else where
        return InputError(where, "has a key that is not text", "write keys as text")
    if expected is None:
        return InputError(f"{where}: {path}" if path else where, what, "see the API's reference")
    wanted = " or ".join(
        _KINDS.get(part.strip(), part.strip())
        for part in expected["wanted"].split("|")
        if part.strip() != "null"
    )
    found = _KINDS.get(expected["found"], expected["found"])
    value = _value_at(obj, at)
    shown = "" if value is None else f" ({shorten(value)})"
    return InputError(
        f"{where}: {path}" if path else where, f"is {found}{shown}", f"write {wanted}"
    )


def _where(obj: Object, kind: str) -> str:
    try:
        head = (
            msgspec.json.decode(obj, type=_Head)
            if isinstance(obj, bytes | str)
            else msgspec.convert(obj, _Head)
        )
    except _UNREADABLE:
        return kind
    kind = shorten(head.kind) if isinstance(head.kind, str) and head.kind else kind
    metadata = head.metadata if isinstance(head.metadata, dict) else {}
    if not metadata:
        return kind
    return described(kind, metadata.get("namespace"), metadata.get("name"))


def _value_at(obj: Object, at: str) -> object:
    """Return what stands at a path, or None where the path does not tell."""
    try:
        value = msgspec.json.decode(obj) if isinstance(obj, bytes | str) else obj
    except _UNREADABLE:
        return None  # a wrong type was met before the damage further on
    for name, position in _STEP.findall(at):
        if position == "...":
            return None
        try:
            value = cast("Any", value)[int(position) if position else name]
        except (KeyError, IndexError, TypeError):
            return None
    return value
