"""RTT matrix as JSON: rows, rows with names, or pairs; ``null`` is a pair nobody measured."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from telemetry.errors import MatrixError
from telemetry.sources.matrixcsv import NamedTable
from telemetry.sources.numbers import microseconds_with_gaps, square
from telemetry.sources.text import parse_json

_FIX = (
    'write [[0, 5], [5, 0]] in milliseconds, {"nodes": ["a", "b"], "rtt_ms": [[0, 5], [5, 0]]}, '
    'or {"a": {"b": 5}, "b": {"a": 5}}'
)
_UNITS = {"rtt_ms": (1000, "milliseconds"), "rtt_us": (1, "microseconds")}


def parse_json_matrix(text: str, where: str) -> NamedTable:
    """Read a JSON matrix.

    Parameters
    ----------
    text
        The file's text.
    where
        The file, for errors.

    Raises
    ------
    MatrixError
        If it has none of the three forms, is not square, or holds a value that is no RTT.
    """
    tree = parse_json(text, where)
    if isinstance(tree, list):
        return NamedTable(_from_rows(tree, where, "rtt_ms"))
    if not isinstance(tree, dict) or not tree:
        raise MatrixError(where, "is not a matrix", _FIX)
    if "nodes" in tree and any(unit in tree for unit in _UNITS):
        return _from_named(tree, where)
    return _from_pairs(tree, where)


def _from_named(tree: Mapping[str, object], where: str) -> NamedTable:
    units = [unit for unit in _UNITS if unit in tree]
    unknown = sorted(set(tree) - {"nodes", *units})
    if len(units) != 1 or unknown:
        what = f'has "{unknown[0][:60]}"' if unknown else "gives RTTs in two units"
        raise MatrixError(where, what, 'give "nodes" and one of "rtt_ms" and "rtt_us"')
    names, rows = tree["nodes"], tree[units[0]]
    if not isinstance(names, list) or not all(isinstance(n, str) and n for n in names):
        raise MatrixError(f"{where}: nodes", "is not a list of names", _FIX)
    if len(set(names)) != len(names):
        twice = next(name for k, name in enumerate(names) if name in names[:k])
        raise MatrixError(f"{where}: nodes", f'names "{twice[:60]}" twice', "name each node once")
    if not isinstance(rows, list):
        raise MatrixError(f"{where}: {units[0]}", "is not a list of rows", _FIX)
    rtt_us = _from_rows(rows, where, units[0])
    if len(names) != rtt_us.shape[0]:
        raise MatrixError(
            where, f"names {len(names)} nodes for {rtt_us.shape[0]} rows", "name each row"
        )
    return NamedTable(rtt_us, tuple(names), _UNITS[units[0]][1])


def _from_pairs(tree: Mapping[str, object], where: str) -> NamedTable:
    names = tuple(tree)
    index = {name: k for k, name in enumerate(names)}
    rows: list[list[object]] = [[None] * len(names) for _ in names]
    for name, to in tree.items():
        if not isinstance(to, dict):
            raise MatrixError(f'{where}: "{name[:60]}"', "is not an object of RTTs", _FIX)
        for other, value in to.items():
            if other not in index:
                raise MatrixError(
                    f'{where}: "{name[:60]}"',
                    f'has an RTT to "{other[:60]}", which has no row',
                    "give each node a row",
                )
            rows[index[name]][index[other]] = value
    for k in range(len(names)):
        rows[k][k] = 0
    return NamedTable(_from_rows(rows, where, "rtt_ms"), names)


def _from_rows(rows: Sequence[object], where: str, units: str) -> NDArray[np.int32]:
    width = len(rows[0]) if rows and isinstance(rows[0], list) else 0
    values = np.zeros((len(rows), width))
    gaps = np.zeros((len(rows), width), dtype=np.bool_)
    for i, row in enumerate(rows):
        if not isinstance(row, list):
            raise MatrixError(f"{where}: row {i} (from 0)", "is not a list", _FIX)
        if len(row) != width:
            raise MatrixError(
                f"{where}: row {i} (from 0)",
                f"has {len(row)} values where the rows before have {width}",
                "give all rows the same length",
            )
        for j, value in enumerate(row):
            gaps[i, j] = value is None
            values[i, j] = 0.0 if value is None else _number(value, f"{where}: row {i}, column {j}")
    per_unit, unit = _UNITS[units]
    square(values, where)
    return microseconds_with_gaps(values, gaps, where, per_unit=per_unit, unit=unit)


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MatrixError(where, f"is {str(value)[:60]!r}", "write a number, or null")
    try:
        return float(value)
    except OverflowError:
        return float("inf")
