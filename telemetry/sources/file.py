"""RTT matrices from files: whitespace text with metadata, CSV, JSON, ``.npz``; plain or packed."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from telemetry.errors import MatrixError
from telemetry.model import RttMatrix
from telemetry.sources.compression import SUFFIXES, decompressed, is_compressed
from telemetry.sources.findings import findings, without_empty_half
from telemetry.sources.matrixcsv import NamedTable, parse_csv_matrix
from telemetry.sources.matrixjson import parse_json_matrix
from telemetry.sources.matrixnpz import parse_npz_matrix
from telemetry.sources.matrixtext import parse_text_matrix
from telemetry.sources.metadata import names_by_row, read_metadata
from telemetry.sources.statements import Stated, statements
from telemetry.sources.text import decode_text, read_bytes

_FIX = "give a matrix of milliseconds as text, .csv, .json or .npz, or one of them as .gz or .xz"


def read_matrix(path: Path, metadata: Path | None = None) -> RttMatrix:
    """Read an RTT matrix.

    Parameters
    ----------
    path
        The matrix. ``.npz``, ``.csv`` and ``.json`` are told by their suffix; all else is
        whitespace text in milliseconds. Each may be compressed by gzip or xz, ``.csv.gz``.
    metadata
        JSON ``{node: row}``; needed where the matrix does not name its rows. Where both name them,
        they must agree.

    Raises
    ------
    MatrixError
        If a file cannot be read, or the two do not belong together. The error names the file, the
        line or the row, and what would be right.
    """
    return read_described(path, metadata)[0]


def read_described(path: Path, metadata: Path | None = None) -> tuple[RttMatrix, tuple[str, ...]]:
    """Read an RTT matrix; return it, and sentences that say as what it was read.

    Parameters are those of `read_matrix`.

    Raises
    ------
    MatrixError
        As `read_matrix`.
    """
    where = str(path)
    content = read_bytes(path, _FIX)
    rows = None if metadata is None else read_metadata(metadata)
    table, notes = _described(content, path)
    size = len(table.rtt_us)
    if rows is None:
        if table.names is None:
            raise MatrixError(
                where, "does not name its rows", "name them with --metadata, JSON {node: row}"
            )
        return RttMatrix(table.names, table.rtt_us, where), notes
    names = names_by_row(rows, size, str(metadata), where)
    if table.names is not None and table.names != names:
        row = next(k for k in range(size) if names[k] != table.names[k])
        raise MatrixError(
            str(metadata),
            f'calls row {row} "{names[row][:60]}", but {where} calls it "{table.names[row][:60]}"',
            "leave the metadata out, or let the names agree",
        )
    return RttMatrix(names, table.rtt_us, where), notes


def read_table(path: Path) -> NamedTable:
    """Read an RTT matrix whose rows need no names.

    Raises
    ------
    MatrixError
        As `read_matrix`.
    """
    return _described(read_bytes(path, _FIX), path)[0]


def _described(content: bytes, path: Path) -> tuple[NamedTable, tuple[str, ...]]:
    table, stated = _parse(content, path)
    rtt_us = table.rtt_us.T if stated.is_turned else table.rtt_us
    rtt_us, half = without_empty_half(rtt_us)
    return replace(table, rtt_us=rtt_us), findings(rtt_us, stated, half)


def _parse(content: bytes, path: Path) -> tuple[NamedTable, Stated]:
    where, suffixes = str(path), [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in SUFFIXES:
        suffixes.pop()
    suffix = suffixes[-1] if suffixes else ""
    if is_compressed(content):
        content = decompressed(content, where)
    if suffix == ".npz" or content.startswith(b"PK"):
        table = parse_npz_matrix(content, where)
        return table, Stated(table.unit, is_unit_stated=True)
    text = decode_text(content, where, _FIX)
    if suffix == ".json" or (suffix != ".csv" and text.lstrip()[:1] in ("{", "[")):
        table = parse_json_matrix(text, where)
        return table, Stated(table.unit, is_unit_stated=table.unit != "milliseconds")
    stated, text = statements(text, where)
    if suffix == ".csv":
        return parse_csv_matrix(text, where, unit=stated.unit), stated
    rtt_us = parse_text_matrix(text, where, unit=stated.unit)
    return NamedTable(np.asarray(rtt_us)), stated
