"""Which nodes a pod asks for: node selector, node affinity, tolerations."""

from typing import Any, get_args

import msgspec

from scheduler.domain.errors import InputError
from scheduler.domain.workload import (
    NodeTerm,
    Operator,
    PreferredTerm,
    Requirement,
    Toleration,
)
from scheduler.objects.decoding import Wire, shorten

_TOLERATION_OPERATORS = ("Equal", "Exists", "Gt", "Lt")
"""Gt and Lt compare whole numbers; a server takes them behind a gate since 1.35."""

_OPERATORS = get_args(Operator)
_NO_VALUES = ("Exists", "DoesNotExist")
_ONE_VALUE = ("Gt", "Lt")
_MAX_WEIGHT = 100
_FIELD = "metadata.name"
_EFFECTS = ("", "NoSchedule", "PreferNoSchedule", "NoExecute")


class Expression(Wire, frozen=True):
    """One match expression."""

    key: str | None = None
    operator: str | None = None
    values: tuple[Any, ...] | None = None


class Term(Wire, frozen=True):
    """A node selector term."""

    match_expressions: tuple[Expression, ...] | None = None
    match_fields: tuple[Expression, ...] | None = None


class Preferred(Wire, frozen=True):
    """A preferred scheduling term."""

    weight: int | None = None
    preference: Term | None = None


class NodeSelector(Wire, frozen=True):
    """A disjunction of terms."""

    node_selector_terms: tuple[Term, ...] | None = None


class NodeAffinity(Wire, frozen=True):
    """``affinity.nodeAffinity``."""

    required: NodeSelector | None = msgspec.field(
        default=None, name="requiredDuringSchedulingIgnoredDuringExecution"
    )
    preferred: tuple[Preferred, ...] | None = msgspec.field(
        default=None, name="preferredDuringSchedulingIgnoredDuringExecution"
    )


class WrittenToleration(Wire, frozen=True):
    """One toleration as written."""

    key: str | None = None
    operator: str | None = None
    value: Any = None
    effect: str | None = None


_AFFINITY = "spec.affinity.nodeAffinity"


def read_required(where: str, affinity: NodeAffinity | None) -> tuple[NodeTerm, ...] | None:
    """Return the required terms; None asks for nothing, an empty tuple matches no node.

    Raises
    ------
    InputError
        If an expression has no key, an unknown operator, or values that do not go with it.
    """
    if affinity is None or affinity.required is None:
        return None
    return read_node_selector(f"{where}: {_AFFINITY}.required", affinity.required)


def read_node_selector(path: str, selector: NodeSelector) -> tuple[NodeTerm, ...]:
    """Return the terms of a node selector; `path` names it in errors.

    Raises
    ------
    InputError
        As `read_required`.
    """
    terms = selector.node_selector_terms or ()
    return tuple(_term(f"{path}[{k}]", term) for k, term in enumerate(terms))


def read_preferred(where: str, affinity: NodeAffinity | None) -> tuple[PreferredTerm, ...]:
    """Return the preferred terms and their weights.

    Raises
    ------
    InputError
        As `read_required`, or if a weight is not 1 to 100.
    """
    if affinity is None:
        return ()
    out = []
    for k, preferred in enumerate(affinity.preferred or ()):
        path = f"{where}: {_AFFINITY}.preferred[{k}]"
        weight = preferred.weight
        if weight is None or not 1 <= weight <= _MAX_WEIGHT:
            raise InputError(f"{path}.weight", f"is {shorten(weight)}", "write a number, 1 to 100")
        out.append(PreferredTerm(weight, _term(path, preferred.preference or Term())))
    return tuple(out)


def read_tolerations(
    where: str, written: tuple[WrittenToleration, ...] | None
) -> tuple[Toleration, ...]:
    """Return the tolerations.

    Raises
    ------
    InputError
        If an effect or operator is unknown, or a toleration of every key does not say Exists.
    """
    out = []
    for k, one in enumerate(written or ()):
        path = f"{where}: spec.tolerations[{k}]"
        operator, effect = one.operator or "Equal", one.effect or ""
        if operator not in _TOLERATION_OPERATORS:
            known = ", ".join(_TOLERATION_OPERATORS)
            raise InputError(f"{path}.operator", f'is "{shorten(operator)}"', f"use {known}")
        if effect not in _EFFECTS:
            raise InputError(
                f"{path}.effect",
                f'is "{shorten(effect)}"',
                "use NoSchedule, PreferNoSchedule or NoExecute",
            )
        if not one.key and operator != "Exists":
            raise InputError(path, "has no key", "name the key, or use operator: Exists")
        value = "" if one.value is None else _text(f"{path}.value", one.value)
        out.append(Toleration(one.key or "", operator, value, effect))
    return tuple(out)


def _term(path: str, term: Term) -> NodeTerm:
    expressions = tuple(
        _requirement(f"{path}.matchExpressions[{k}]", one)
        for k, one in enumerate(term.match_expressions or ())
    )
    fields = tuple(
        _requirement(f"{path}.matchFields[{k}]", one)
        for k, one in enumerate(term.match_fields or ())
    )
    for k, one in enumerate(fields):
        if one.key != _FIELD or one.operator not in ("In", "NotIn"):
            raise InputError(
                f"{path}.matchFields[{k}]",
                f"asks for {shorten(one.key)} {one.operator}",
                f"the only field is {_FIELD}, with In or NotIn",
            )
    return NodeTerm(expressions, fields)


def _requirement(path: str, one: Expression) -> Requirement:
    if not one.key:
        raise InputError(path, "has no key", "name a label")
    if one.operator not in _OPERATORS:
        raise InputError(
            f"{path}.operator", f'is "{shorten(one.operator)}"', f"use {', '.join(_OPERATORS)}"
        )
    values = tuple(_text(f"{path}.values[{k}]", value) for k, value in enumerate(one.values or ()))
    if one.operator in _NO_VALUES and values:
        raise InputError(
            f"{path}.values",
            f"is {shorten(list(values))}, given with {one.operator}",
            "leave values out",
        )
    if one.operator in ("In", "NotIn") and not values:
        raise InputError(f"{path}.values", "is empty", "give at least one value")
    # What is no number is taken by the API server too, and matches no node.
    if one.operator in _ONE_VALUE and len(values) != 1:
        raise InputError(
            f"{path}.values", f"is {shorten(list(values))}", "give exactly one whole number"
        )
    return Requirement(one.key, one.operator, values)  # type: ignore[arg-type]  # checked above


def _text(path: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise InputError(path, f"is {shorten(value)}", "write text")
