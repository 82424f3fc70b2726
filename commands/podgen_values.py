"""The values of `podgen`'s options, read from what was typed."""

import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from scheduler.domain.delay import ANNOTATION, MAX_BUDGET_US
from scheduler.domain.errors import InputError
from scheduler.domain.quantity import amount
from scheduler.files.nodes import read_nodes
from scheduler.objects.delays import read_delays
from simulator.podgen.mix import Range

_DNS_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")
_NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,3})?")
_PRIORITY = re.compile(r"(-?[0-9]{1,10}):([0-9]{1,9}(?:\.[0-9]{1,6})?)")
_LONGEST_PREFIX = 40
"""Of 63 letters that a label takes, the rest is for two numbers."""

_LONGEST_NAME = 63
_MEBI = 1 << 20


def quantity_range(option: str, text: str, resource: str) -> Range:
    """Read ``100m-2`` or ``500m``: amounts of a resource, in the units the project counts them.

    What is drawn is a multiple of 10m CPU or 1Mi where the range starts above that.

    Raises
    ------
    InputError
        If it is neither, or starts above its end.
    """
    example = "100m-2 or 500m" if resource == "cpu" else "64Mi-1Gi or 256Mi"
    ends = _ends(option, text, example)
    try:
        low, high = (amount(resource, end) for end in ends)
    except ValueError as error:
        raise InputError(option, str(error), f"give, for example, {example}") from None
    fine, step = (100, 10) if resource == "cpu" else (_MEBI, _MEBI)
    return _ascending(option, text, Range(low, high, step if low >= fine else 1))


def count_range(option: str, text: str, example: str) -> Range:
    """Read ``2-8`` or ``4``.

    Raises
    ------
    InputError
        As `quantity_range`.
    """
    ends = _ends(option, text, example)
    if not all(end.isascii() and end.isdigit() and len(end) <= 9 for end in ends):  # noqa: PLR2004 - a number of pods
        raise InputError(option, f'"{text[:60]}" is no range of numbers', f"give, say, {example}")
    return _ascending(option, text, Range(int(ends[0]), int(ends[1])))


def milliseconds_range(option: str, text: str) -> Range:
    """Read ``5-50`` or ``25``, milliseconds, as microseconds.

    Raises
    ------
    InputError
        As `quantity_range`.
    """
    example = "5-50 or 25"
    ends = [end.strip() for end in _ends(option, text.removesuffix("ms"), example)]
    if not all(_NUMBER.fullmatch(end) for end in ends):
        what = f'"{text[:60]}" is no range of milliseconds'
        raise InputError(option, what, f"give, for example, {example}")
    low, high = (int(Decimal(end) * 1000) for end in ends)
    if high > MAX_BUDGET_US:
        raise InputError(option, f'"{text[:60]}" is too long', "a delay is at most 600000 ms")
    return _ascending(option, text, Range(low, high, 100 if low >= 1000 else 1))  # noqa: PLR2004 - a millisecond


def priority_weights(option: str, text: str | None) -> tuple[tuple[int, float], ...]:
    """Read ``0:70,100:20,1000:10``: priorities and their weights.

    Raises
    ------
    InputError
        If it is none.
    """
    if text is None:
        return ()
    found = [_PRIORITY.fullmatch(part.strip()) for part in text.split(",")]
    pairs = tuple((int(one[1]), float(one[2])) for one in found if one is not None)
    if len(pairs) < len(found):
        fix = 'write priority:weight pairs, for example "0:70,100:20,1000:10"'
        raise InputError(option, f'"{text[:60]}" is no list of priorities', fix)
    return pairs


def references(to: Sequence[str], nodes: Path | None) -> tuple[str, ...]:
    """Return what delays are measured from: as given, and the nodes of a file.

    Raises
    ------
    InputError
        If one cannot be a reference, or the file cannot be read.
    """
    named = () if nodes is None else tuple(f"node/{node.name}" for node in read_nodes(nodes))
    for option, refs in (("--to", to), (f"--nodes {nodes}", named)):
        for reference in refs:
            _check_reference(option, reference)
    return (*to, *named)


def check_dns_label(option: str, text: str, longest: int = _LONGEST_NAME) -> str:
    """Return a name that Kubernetes takes.

    Raises
    ------
    InputError
        If it would not.
    """
    if len(text) > longest or _DNS_LABEL.fullmatch(text) is None:
        fix = f"give at most {longest} small letters, digits and dashes, such as edge-test"
        raise InputError(option, f'"{text[:60]}" is no name', fix)
    return text


def check_prefix(text: str) -> str:
    """Return what the pods' names are to start with.

    Raises
    ------
    InputError
        If Kubernetes would not take such names.
    """
    return check_dns_label("--prefix", text, _LONGEST_PREFIX)


def check_text(option: str, text: str, example: str) -> str:
    """Return a text that is one word.

    Raises
    ------
    InputError
        If it is empty or has blanks.
    """
    if not text or text.split() != [text]:
        raise InputError(option, f'is "{text[:60]}"', f"give one word, for example {example}")
    return text


def _ends(option: str, text: str, example: str) -> tuple[str, str]:
    parts = [part.strip() for part in text.split("-")]
    if len(parts) > 2 or not all(parts):  # noqa: PLR2004 - the two ends
        raise InputError(option, f'"{text[:60]}" is no range', f"give, for example, {example}")
    return parts[0], parts[-1]


def _ascending(option: str, text: str, found: Range) -> Range:
    if found.low > found.high:
        raise InputError(option, f'"{text[:60]}" starts above its end', "turn it round")
    return found


def _check_reference(option: str, reference: str) -> None:
    """Refuse a reference that would not be read back as it was written."""
    annotation = f"- {{to: {reference}, within: 1ms}}"
    constraints, faults = read_delays({}, {ANNOTATION: annotation}, "default")
    name = reference.partition("/")[2] or reference
    if faults or [one.reference.name for one in constraints] != [name]:
        fix = faults[0].fix if faults else "write to: as kind/name, for example node/edge-1"
        raise InputError(option, f'"{reference[:60]}" is no reference', fix)
