"""Sizes of storage, in bytes."""

from decimal import Decimal
from math import ceil

from scheduler.domain.errors import InputError
from scheduler.domain.quantity import LEGAL, parse_quantity
from scheduler.objects.decoding import shorten

_LARGEST = Decimal(2**63 - 1)
"""The API server caps a quantity here."""


def read_bytes(where: str, path: str, written: object) -> int | None:
    """Return a size, rounded up to whole bytes; None where none is written.

    Raises
    ------
    InputError
        If it is not a quantity, or is negative.
    """
    if written is None:
        return None
    fix = LEGAL
    if isinstance(written, str | int | float) and not isinstance(written, bool):
        try:
            value = parse_quantity(str(written).strip())
        except ValueError:
            pass
        else:
            if value >= 0:
                return ceil(min(value, _LARGEST))
            fix = "a size is at least 0"
    raise InputError(f"{where}: {path}", f'"{shorten(written)}" is not a size', fix)
