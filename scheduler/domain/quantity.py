"""Kubernetes quantities: ``500m``, ``1.5Gi``, ``1e9``.

Grammar and rounding: apimachinery ``resource.Quantity`` (https://kubernetes.io/docs/reference/
kubernetes-api/common-definitions/quantity/). Held against the official client's own parser in the
tests; not imported from it, because the core may not load the client (decision record 0002).
"""

import re
from decimal import Decimal
from math import ceil

_SUFFIXES = {
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1),
    "k": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9),
    "T": Decimal(10**12), "P": Decimal(10**15), "E": Decimal(10**18),
    "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30),
    "Ti": Decimal(2**40), "Pi": Decimal(2**50), "Ei": Decimal(2**60),
}  # fmt: skip
_QUANTITY = re.compile(
    r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:[eE]([+-]?[0-9]{1,3})|([numkMGTPE]|[KMGTPE]i)?)"
)
_LARGEST = Decimal(2**63 - 1)
LEGAL = 'a quantity looks like "500m", "2", "1.5Gi", "500M" or "1e9"'


def parse_quantity(text: str | float) -> Decimal:
    """Return the exact value of a quantity.

    Raises
    ------
    ValueError
        If `text` is not a quantity; the message says what a quantity looks like.
    """
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        raise ValueError(f"{text!r} is not a quantity: {LEGAL}")  # noqa: TRY004 - bad input, not a bug
    match = _QUANTITY.fullmatch(str(text))
    if match is None:
        raise ValueError(f"{text!r} is not a quantity: {LEGAL}")
    number, exponent, suffix = match.groups()
    scale = Decimal(10) ** int(exponent) if exponent else _SUFFIXES[suffix or ""]
    return Decimal(number) * scale


def amount(resource: str, text: str | float) -> int:
    """Return a quantity as this project counts `resource`, rounded up.

    Parameters
    ----------
    resource
        Resource name; ``cpu`` is counted in milli-CPU, all others in whole units.
    text
        The quantity as written.

    Raises
    ------
    ValueError
        If `text` is not a quantity, is negative, or is beyond 2^63 - 1.
    """
    value = parse_quantity(text)
    if value < 0:
        raise ValueError(f"{text!r} is negative: a quantity of {resource} is at least 0")
    if resource == "cpu":
        value *= 1000
    # The API server caps a quantity at 2^63 - 1; half of that keeps sums of a few exact in int64.
    return ceil(min(value, _LARGEST / 8))
