"""RTT matrix as CSV; node names in a header row, a first column, both or neither."""

import csv
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from telemetry.errors import MatrixError
from telemetry.sources.numbers import microseconds, square
from telemetry.sources.statements import UNITS

_FIX = "write numbers of milliseconds separated by commas"


@dataclass(frozen=True, slots=True)
class NamedTable:
    """RTTs, shape ``(n, n)``, microseconds, and the names of rows, where the file gives them.

    `unit` is what the file's numbers were in.
    """

    rtt_us: NDArray[np.int32]
    names: tuple[str, ...] | None = None
    unit: str = "milliseconds"


@dataclass(frozen=True, slots=True)
class _Row:
    """Cells of one line of the file."""

    line: int
    cells: tuple[str, ...]


def parse_csv_matrix(text: str, where: str, *, unit: str = "milliseconds") -> NamedTable:
    """Read a CSV matrix; rows may be in another order than the header.

    Parameters
    ----------
    text
        The file's text; a comma separates, or a semicolon where the first line has no comma.
    where
        The file, for errors.
    unit
        Of its numbers.

    Raises
    ------
    MatrixError
        If it is not numeric, not square, a name is repeated or missing, or a value is no RTT.
    """
    rows = _rows(text, where)
    if not rows:
        raise MatrixError(where, "holds no number", _FIX)
    header, rows = _header(rows)
    side, rows = _side(rows, where, is_squared=header is not None)
    if header is not None and side is not None:
        header = header[1:]
    values = square(_numbers(rows, where), where)
    names = header if header is not None else side
    if names is not None:
        _check_names(names, values.shape[0], where)
    rtt_us = microseconds(values, where, per_unit=UNITS[unit], unit=unit)
    if header is None or side is None:
        return NamedTable(rtt_us, names, unit)
    _check_names(side, values.shape[0], where)
    if set(header) != set(side):
        odd = min(set(header) ^ set(side))
        raise MatrixError(where, f'names "{odd[:60]}" only once', "name rows and columns alike")
    position = {name: k for k, name in enumerate(side)}
    return NamedTable(rtt_us[[position[name] for name in header]], header, unit)


def _rows(text: str, where: str) -> list[_Row]:
    first = text.lstrip().split("\n", 1)[0]
    delimiter = ";" if ";" in first and "," not in first else ","
    reader = csv.reader(text.splitlines(), delimiter=delimiter, skipinitialspace=True)
    try:
        return [
            _Row(reader.line_num, tuple(cell.strip() for cell in cells))
            for cells in reader
            if any(cell.strip() for cell in cells)
        ]
    except csv.Error as error:
        raise MatrixError(f"{where}:{reader.line_num}", f"is not CSV ({error})", _FIX) from None


def _header(rows: list[_Row]) -> tuple[tuple[str, ...] | None, list[_Row]]:
    """Return the header, if the first row is one: no cell but the corner is empty or a number.

    With names that are numbers the corner tells: it is empty or a word.
    """
    cells = rows[0].cells
    is_named = not any(_is_number(cell) for cell in cells[1:]) and len(cells) > 1
    is_cornered = len(rows) > 1 and not _is_number(cells[0]) and len(rows) == len(cells)
    if is_named or is_cornered or (len(cells) == 1 and not _is_number(cells[0])):
        return cells, rows[1:]
    return None, rows


def _side(
    rows: list[_Row], where: str, *, is_squared: bool
) -> tuple[tuple[str, ...] | None, list[_Row]]:
    """Return the first column, if it holds names, and the rest of the rows."""
    if not rows:
        raise MatrixError(where, "holds no number", _FIX)
    widest = len(rows[0].cells)
    is_side = widest == len(rows) + 1 and (is_squared or not _is_number(rows[0].cells[0]))
    if not is_side:
        return None, rows
    return tuple(row.cells[0] for row in rows), [_Row(row.line, row.cells[1:]) for row in rows]


def _numbers(rows: list[_Row], where: str) -> NDArray[np.float64]:
    width = len(rows[0].cells)
    for row in rows:
        if len(row.cells) != width:
            raise MatrixError(
                f"{where}:{row.line}",
                f"has {len(row.cells)} values where the rows before have {width}",
                "give all rows the same length",
            )
    try:
        return np.array([row.cells for row in rows], dtype=np.float64)
    except ValueError:
        for row in rows:
            for column, cell in enumerate(row.cells):
                if not _is_number(cell):
                    what = f'"{cell[:60]}" in column {column} is not a number'
                    raise MatrixError(f"{where}:{row.line}", what, _FIX) from None
        raise MatrixError(where, "is not numeric", _FIX) from None


def _check_names(names: tuple[str, ...], size: int, where: str) -> None:
    if len(names) != size:
        raise MatrixError(
            where, f"names {len(names)} nodes for {size} rows", "name each row and column"
        )
    seen: set[str] = set()
    for name in names:
        if not name:
            raise MatrixError(where, "has a node without a name", "name each row and column")
        if name in seen:
            raise MatrixError(where, f'names "{name[:60]}" twice', "give each node one row")
        seen.add(name)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell and cell.isascii()
