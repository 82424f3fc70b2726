"""What a matrix was read as, in sentences for people: unit, direction, gaps, and what looks odd."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from telemetry.model import UNKNOWN_US
from telemetry.sources.statements import Stated

_BLOCK = 512
"""Rows looked at at once: a whole comparison of 12,500 nodes would take 156 MB."""

_SAMPLE = 1_000_000
"""Pairs a median is taken of."""

_FAR_US = 10_000_000
_NEAR_US = 1_000
_ENOUGH = 3
"""Nodes from which on there are values enough to look odd, or to be a triangle."""


def without_empty_half(rtt_us: NDArray[np.int32]) -> tuple[NDArray[np.int32], str]:
    """Return the table with a half that holds only zeros marked unknown, and which half that was.

    A triangle is a common way to write a matrix; its zeros are no distances. What is unknown is
    read from the other direction.

    Parameters
    ----------
    rtt_us
        Shape ``(n, n)``, microseconds.

    Returns
    -------
    tuple
        The table, and ``upper``, ``lower`` or the empty text for the half that is given alone.
    """
    n = len(rtt_us)
    if n < _ENOUGH:
        return rtt_us, ""
    has_upper = any(bool(rtt_us[i, i + 1 :].any()) for i in range(n))
    has_lower = any(bool(rtt_us[i, :i].any()) for i in range(n))
    if has_upper == has_lower:
        return rtt_us, ""
    out = rtt_us.copy()
    for i in range(n):
        if has_upper:
            out[i, :i] = UNKNOWN_US
        else:
            out[i, i + 1 :] = UNKNOWN_US
    return out, "upper" if has_upper else "lower"


def findings(rtt_us: NDArray[np.int32], stated: Stated, half: str) -> tuple[str, ...]:
    """Return what a matrix was read as, and what looks odd about it.

    Parameters
    ----------
    rtt_us
        Shape ``(n, n)``, microseconds, `UNKNOWN_US` where nobody measured.
    stated
        What the file says of itself.
    half
        The half that is given alone, or the empty text.
    """
    said = "as it states" if stated.is_unit_stated else "which its form is in unless stated"
    turned = "a column is who measures, a row who is measured"
    straight = "a row is who measures, a column who is measured"
    unit = f"read as {stated.unit} ({said})"
    if half:
        direction = f"only the {half} half is given, and counts for both directions"
    elif _is_symmetric(rtt_us):
        direction = "both directions are alike"
    else:
        direction = turned if stated.is_turned else straight
    return (f"{unit}; {direction}", *_oddities(rtt_us, stated, half))


def _oddities(rtt_us: NDArray[np.int32], stated: Stated, half: str) -> Iterator[str]:
    n = len(rtt_us)
    pairs = n * (n - 1)
    if n < _ENOUGH:
        return
    unknown = int(np.count_nonzero(rtt_us == UNKNOWN_US)) - (pairs // 2 if half else 0)
    if unknown > 0:
        yield f"{unknown} of {pairs} pairs are not measured"
    zeros = int(np.count_nonzero(rtt_us == 0)) - int(np.count_nonzero(np.diagonal(rtt_us) == 0))
    if zeros > 0:
        yield f"{zeros} of {pairs} pairs are at 0 ms, nearer than any network is"
    step = max(1, rtt_us.size // _SAMPLE) | 1
    some = rtt_us.ravel()[::step]
    some = some[some > 0]
    if not some.size:
        return
    median_us = float(np.median(some))
    if median_us > _FAR_US:
        yield _odd(median_us, stated, "smaller")
    elif median_us < _NEAR_US and float(some.max()) < _NEAR_US:
        yield _odd(median_us, stated, "larger")


def _odd(median_us: float, stated: Stated, other: str) -> str:
    is_it = f"are these really {stated.unit}, and not a {other} unit?"
    return f"half of all pairs are above {median_us / 1000:g} ms: {is_it}"


def _is_symmetric(rtt_us: NDArray[np.int32]) -> bool:
    return all(
        np.array_equal(rtt_us[k : k + _BLOCK], rtt_us[:, k : k + _BLOCK].T)
        for k in range(0, len(rtt_us), _BLOCK)
    )
