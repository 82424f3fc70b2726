"""Selectors: expressions on labels, as Kubernetes writes them. Words only: who asks, evaluates."""

from dataclasses import dataclass
from typing import Literal

Labels = tuple[tuple[str, str], ...]
"""Sorted pairs of key and value."""

Operator = Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]


@dataclass(frozen=True, slots=True)
class Requirement:
    """One expression of a selector: key, operator, values."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """Expressions that must all hold; without any, every set of labels is selected.

    ``matchLabels`` are expressions of one value. `Gt` and `Lt` do not occur here. Where Kubernetes
    has no selector at all (null), which selects nothing, there is None in place of this.
    """

    requirements: tuple[Requirement, ...] = ()


@dataclass(frozen=True, slots=True)
class NodeTerm:
    """Expressions on labels and fields that must all hold; an empty term matches nothing."""

    expressions: tuple[Requirement, ...] = ()
    fields: tuple[Requirement, ...] = ()
