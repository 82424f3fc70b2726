"""RTT matrix as whitespace text, one row a line, milliseconds: the original's format."""

import warnings

import numpy as np
from numpy.typing import NDArray

from telemetry.errors import MatrixError
from telemetry.sources.numbers import microseconds, square
from telemetry.sources.statements import UNITS

_FIX = "write one row a line, numbers of milliseconds separated by spaces"


def parse_text_matrix(text: str, where: str, *, unit: str = "milliseconds") -> NDArray[np.int32]:
    """Return RTTs, shape ``(n, n)``, microseconds; ``#`` starts a comment.

    Parameters
    ----------
    text
        The matrix.
    where
        Its file, for errors.
    unit
        Of its numbers.

    Raises
    ------
    MatrixError
        If it is not numeric, not square, or holds a value that is no RTT; the error names line or
        row and column.
    """
    lines = text.splitlines()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # numpy warns where there is no number
            values = np.loadtxt(lines, dtype=np.float64, ndmin=2, comments="#")
    except (ValueError, UserWarning) as error:
        raise _diagnosis(lines, where, str(error)) from None
    return microseconds(square(values, where), where, per_unit=UNITS[unit], unit=unit)


def _diagnosis(lines: list[str], where: str, message: str) -> MatrixError:
    """Return what is wrong with a text numpy did not read, and on which line."""
    width = 0
    row = -1
    for number, line in enumerate(lines, start=1):
        tokens = line.split("#", 1)[0].split()
        if not tokens:
            continue
        row += 1
        for column, token in enumerate(tokens):
            if not _is_number(token):
                fix = "name the file .csv if commas separate the values" if "," in token else _FIX
                what = f'"{token[:60]}" in row {row}, column {column} is not a number'
                return MatrixError(f"{where}:{number}", what, fix)
        width = width or len(tokens)
        if len(tokens) != width:
            what = f"row {row} has {len(tokens)} values where the rows before have {width}"
            return MatrixError(f"{where}:{number}", what, "give all rows the same length")
    if row < 0:
        return MatrixError(where, "holds no number", _FIX)
    return MatrixError(where, f"is not a matrix ({message})", _FIX)


def _is_number(token: str) -> bool:
    try:
        float(token)
    except ValueError:
        return False
    # Python reads 1_000 and digits of other scripts; numpy does not.
    return "_" not in token and token.isascii()
