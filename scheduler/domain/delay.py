"""Delays: how far, in measured round-trip time, a pod may run from what it refers to.

Written as a label, ``delay_<ref>: "<milliseconds>"``, or as the annotation ``isochrone.dev/delay``.
Meaning: docs/delays.md.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Literal

from typing_extensions import override

LABEL_PREFIX = "delay_"
ANNOTATION = "isochrone.dev/delay"

ReferenceKind = Literal["auto", "node", "service", "pod", "workload"]

_MILLISECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?|\.[0-9]{1,9}")
_DURATION = re.compile(r"((?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+))\s*(us|µs|ms|s)")
_UNIT_US = {"us": Decimal(1), "µs": Decimal(1), "ms": Decimal(1000), "s": Decimal(1_000_000)}
MAX_BUDGET_US = 600_000_000
"""Ten minutes: beyond any network distance, so larger values are unit errors."""


class Quantifier(Enum):
    """How many of a reference's nodes must be within the budget."""

    ANY = "any"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Reference:
    """What a delay is measured from.

    `kind` ``auto`` (labels) resolves in this order: node; Service, workload, pod of the namespace.
    For ``workload``, `workload_kind` may narrow it, in lower case (``deployment``).
    """

    kind: ReferenceKind
    name: str
    namespace: str
    workload_kind: str = ""

    @override
    def __str__(self) -> str:
        if self.kind == "auto":
            return self.name
        return f"{self.workload_kind or self.kind}/{self.name}"


@dataclass(frozen=True, slots=True)
class DelayConstraint:
    """A budget to a reference. `quantifier` ``None`` is the default of the reference's kind."""

    reference: Reference
    within_us: int
    quantifier: Quantifier | None = None
    is_soft: bool = False
    written: str = ""

    @property
    def within_ms(self) -> str:
        """The budget for people, ``25ms``."""
        return format_ms(self.within_us)


@dataclass(frozen=True, slots=True)
class DelayFault:
    """A delay that cannot be read: the key, the value and what would be right."""

    key: str
    value: str
    fix: str

    @override
    def __str__(self) -> str:
        return f'{self.key}: "{self.value}" is not a delay; {self.fix}'


def format_ms(rtt_us: int) -> str:
    """Return microseconds as people read them: ``25ms``, ``2.5ms``, ``0.04ms``."""
    text = f"{rtt_us / 1000:.3f}".rstrip("0").rstrip(".")
    return f"{text}ms"


def parse_label(key: str, value: str, namespace: str) -> DelayConstraint | DelayFault:
    """Read one ``delay_<ref>`` label.

    Parameters
    ----------
    key, value
        As written; the reference is everything after the first underscore.
    namespace
        Of the pod: where a Service, workload or pod of that name is looked for.
    """
    fix = 'write a positive number of milliseconds, for example "25" or "2.5"'
    name = key.removeprefix(LABEL_PREFIX)
    if not name:
        return DelayFault(key, value, "name what the delay is measured from: delay_<node>")
    if _MILLISECONDS.fullmatch(value) is None:
        return DelayFault(key, value, fix)
    return _bounded(key, value, int(Decimal(value) * 1000), Reference("auto", name, namespace))


def parse_duration_us(text: str) -> int | None:
    """Return ``25ms``, ``2.5ms``, ``800us`` or ``1s`` in whole microseconds, else None."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        return None
    return int(Decimal(match.group(1)) * _UNIT_US[match.group(2)])


def _bounded(
    key: str, value: str, within_us: int, reference: Reference
) -> DelayConstraint | DelayFault:
    if within_us <= 0:
        return DelayFault(key, value, 'a delay is at least one microsecond, for example "25"')
    if within_us > MAX_BUDGET_US:
        return DelayFault(key, value, "a delay is given in milliseconds and is at most 600000")
    return DelayConstraint(reference, within_us, written=f'{key}: "{value}"')
