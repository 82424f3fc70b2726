"""A sheet on which a program is written down, block by block."""

import numpy as np
from numpy.typing import NDArray

from scheduler.flow.program import INFINITY, Floats, Program

Ids = NDArray[np.int64]


class Sheet:
    """Columns and rows of a program, added many at a time."""

    def __init__(self) -> None:
        self.columns = self.rows = 0
        self._upper: list[Floats] = []
        self._whole: list[NDArray[np.bool_]] = []
        self._lower_row: list[Floats] = []
        self._upper_row: list[Floats] = []
        self._entries: list[tuple[Ids, Ids, Floats]] = []

    def add_columns(self, upper: Floats, *, is_whole: bool = False) -> Ids:
        """Add columns from 0 to `upper`, shape ``(m,)``; return their numbers."""
        ids = np.arange(self.columns, self.columns + len(upper), dtype=np.int64)
        self.columns += len(upper)
        self._upper.append(np.asarray(upper, dtype=np.float64))
        self._whole.append(np.full(len(upper), is_whole, dtype=np.bool_))
        return ids

    def add_rows(
        self, many: int, *, least: Floats | float = -INFINITY, most: Floats | float = INFINITY
    ) -> Ids:
        """Add rows between `least` and `most`; return their numbers."""
        ids = np.arange(self.rows, self.rows + many, dtype=np.int64)
        self.rows += many
        self._lower_row.append(np.broadcast_to(np.asarray(least, dtype=np.float64), (many,)))
        self._upper_row.append(np.broadcast_to(np.asarray(most, dtype=np.float64), (many,)))
        return ids

    def put(self, rows: Ids, columns: Ids, values: Floats | float) -> None:
        """Put a value into each pair of row and column, all of one shape."""
        self._entries.append(
            (rows, columns, np.broadcast_to(np.asarray(values, dtype=np.float64), rows.shape))
        )

    def program(self, objective: Floats) -> Program:
        """Return what has been written so far, to be minimised."""
        row, column, value = (np.concatenate(part) for part in zip(*self._entries, strict=True))
        return Program(
            objective=objective,
            upper=np.concatenate(self._upper),
            is_integer=np.concatenate(self._whole),
            entry_row=row,
            entry_column=column,
            entry_value=value,
            row_lower=np.concatenate(self._lower_row),
            row_upper=np.concatenate(self._upper_row),
        )


def numbered(*keys: Ids) -> tuple[Ids, list[Ids]]:
    """Return the number of each combination of keys, and the different combinations.

    Parameters
    ----------
    keys
        Not negative, all of shape ``(m,)``.
    """
    if not len(keys[0]):
        return keys[0], [key[:0] for key in keys]
    spans = [int(key.max()) + 1 for key in keys]
    flat = np.ravel_multi_index(tuple(keys), tuple(spans))
    known, number = np.unique(flat, return_inverse=True)
    parts = np.unravel_index(known, tuple(spans))
    return number.astype(np.int64), [part.astype(np.int64) for part in parts]
