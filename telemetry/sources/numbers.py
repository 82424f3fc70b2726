"""Milliseconds in tables become whole microseconds; what is no RTT is refused where it stands."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from telemetry.errors import MatrixError
from telemetry.model import MAX_RTT_US, UNKNOWN_US

_NOISE_US = 1e-6
"""Far below any clock, far above a double's error at ten minutes (1e-7 µs)."""

Places = Callable[[int, int], str]
"""How the cell of a row and a column, both from 0, is called in errors."""


def row_and_column(row: int, column: int) -> str:
    """Return how a cell is called, counted as metadata counts."""
    return f"row {row}, column {column} (both from 0)"


def microseconds(
    values: NDArray[np.float64],
    where: str,
    *,
    per_unit: int = 1000,
    unit: str = "milliseconds",
    place: Places = row_and_column,
) -> NDArray[np.int32]:
    """Return RTTs in whole microseconds, rounded up.

    Rounding up never admits a pair that is beyond a budget; noise of binary fractions is taken off
    first, so that equality still holds.

    Parameters
    ----------
    values
        Shape ``(n, n)``, in `unit`.
    where
        The file, for errors.
    per_unit
        Microseconds in one `unit`.
    unit
        Of `values`, for errors.
    place
        How a cell is called in errors.

    Raises
    ------
    MatrixError
        If a value is not finite, is negative, or is beyond `MAX_RTT_US`.
    """
    with np.errstate(over="ignore"):
        scaled = values * per_unit
    is_wrong = ~(np.isfinite(values) & (values >= 0) & (scaled <= MAX_RTT_US))
    if is_wrong.any():
        row, column = (int(k) for k in np.argwhere(is_wrong)[0])
        value = float(values[row, column])
        most = MAX_RTT_US // per_unit
        raise MatrixError(
            f"{where}: {place(row, column)}",
            f"is {value:g}",
            f"an RTT is a number of {unit} from 0 to {most}",
        )
    return np.maximum(np.ceil(scaled - _NOISE_US), 0).astype(np.int32)


def square(values: NDArray[np.float64], where: str) -> NDArray[np.float64]:
    """Return `values` if they are a square matrix.

    Raises
    ------
    MatrixError
        If they have another shape.
    """
    if values.ndim != 2 or values.shape[0] != values.shape[1] or not values.size:  # noqa: PLR2004 - rows, columns
        shape = " x ".join(str(k) for k in values.shape)
        raise MatrixError(
            where,
            f"is not a square matrix (rows x columns: {shape})",
            "give one row and one column for each node",
        )
    return values


def microseconds_with_gaps(
    values: NDArray[np.float64], gaps: NDArray[np.bool_], where: str, *, per_unit: int, unit: str
) -> NDArray[np.int32]:
    """Return `microseconds`, with `UNKNOWN_US` where `gaps` says that nobody measured.

    Raises
    ------
    MatrixError
        As `microseconds`.
    """
    filled = np.where(gaps, 0.0, values)
    return np.where(
        gaps, np.int32(UNKNOWN_US), microseconds(filled, where, per_unit=per_unit, unit=unit)
    )
