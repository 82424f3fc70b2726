"""Label selectors as they are written: ``matchLabels`` and ``matchExpressions``."""

from collections.abc import Mapping, Sequence
from typing import Any

from scheduler.domain.errors import InputError
from scheduler.domain.selector import LabelSelector, Operator, Requirement
from scheduler.objects.decoding import Wire, shorten
from scheduler.objects.metadata import read_text_map

_WITH_VALUES: dict[str | None, Operator] = {"In": "In", "NotIn": "NotIn"}
_WITHOUT: dict[str | None, Operator] = {"Exists": "Exists", "DoesNotExist": "DoesNotExist"}


class WrittenExpression(Wire, frozen=True):
    """One match expression."""

    key: str | None = None
    operator: str | None = None
    values: tuple[Any, ...] | None = None


class WrittenSelector(Wire, frozen=True):
    """A label selector."""

    match_labels: dict[str, Any] | None = None
    match_expressions: tuple[WrittenExpression, ...] | None = None


def read_selector(where: str, path: str, written: WrittenSelector | None) -> LabelSelector | None:
    """Return a selector in canonical form; None, which selects nothing, where none is written.

    Raises
    ------
    InputError
        If an expression has no key, an unknown operator, or values that do not go with it.
    """
    if written is None:
        return None
    labels = read_text_map(where, f"{path}.matchLabels", written.match_labels)
    found = [Requirement(key, "In", (value,)) for key, value in labels.items()]
    found += [
        _requirement(f"{where}: {path}.matchExpressions[{k}]", one)
        for k, one in enumerate(written.match_expressions or ())
    ]
    return canonical(found)


def canonical(requirements: list[Requirement]) -> LabelSelector:
    """Return a selector of these requirements, each once and in order."""
    return LabelSelector(
        tuple(sorted(set(requirements), key=lambda r: (r.key, r.operator, r.values)))
    )


def with_keys(
    selector: LabelSelector | None,
    labels: Mapping[str, str],
    keys: Sequence[str],
    operator: Operator,
) -> LabelSelector | None:
    """Return a selector that also asks for the pod's own values of some label keys.

    As the API server merges ``matchLabelKeys`` (``In``) and ``mismatchLabelKeys`` (``NotIn``): a
    key that the pod does not have asks for nothing, and a selector of nothing stays one.
    """
    if selector is None:
        return None
    added = [Requirement(key, operator, (labels[key],)) for key in keys if key in labels]
    return canonical([*selector.requirements, *added]) if added else selector


def _requirement(path: str, one: WrittenExpression) -> Requirement:
    if not one.key:
        raise InputError(path, "has no key", "name the label")
    values = tuple(
        read_text_map(path, f"values[{k}]", {"": value})[""]
        for k, value in enumerate(one.values or ())
    )
    if one.operator in _WITH_VALUES:
        if not values:
            raise InputError(f"{path}.values", "is empty", "give at least one value")
        return Requirement(one.key, _WITH_VALUES[one.operator], tuple(sorted(set(values))))
    if one.operator in _WITHOUT:
        if values:
            raise InputError(f"{path}.values", "is given", f"leave it out with {one.operator}")
        return Requirement(one.key, _WITHOUT[one.operator])
    known = "In, NotIn, Exists, DoesNotExist"
    raise InputError(f"{path}.operator", f'is "{shorten(one.operator)}"', f"use {known}")
