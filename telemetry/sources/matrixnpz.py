"""RTT matrix as ``.npz``: ``rtt_us`` or ``rtt_ms``, shape ``(n, n)``, and ``nodes``, the names.

The smaller form that `topology` writes is told by its arrays; see `telemetry.sources.packednpz`.
"""

import io
import math
import zipfile
from collections.abc import Mapping

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from telemetry.errors import MatrixError
from telemetry.sources.matrixcsv import NamedTable
from telemetry.sources.numbers import microseconds, square
from telemetry.sources.packednpz import BACK, UPPER, unpacked_rtt

MAX_BYTES = 2 << 30
"""Unpacked size of one array: 16,000 nodes in doubles."""

_FIX = "save it with numpy.savez(file, rtt_ms=matrix, nodes=names)"
_UNITS = {"rtt_ms": (1000, "milliseconds"), "rtt_us": (1, "microseconds")}


def parse_npz_matrix(content: bytes, where: str) -> NamedTable:
    """Read an ``.npz`` matrix. Nothing in it is ever unpickled.

    Parameters
    ----------
    content
        The file's bytes.
    where
        The file, for errors.

    Raises
    ------
    MatrixError
        If it is damaged or too large, lacks the matrix, or the matrix is not numeric, not square or
        holds a value that is no RTT.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError) as error:
        raise MatrixError(where, f"is not an .npz file ({error})", _FIX) from None
    if {UPPER, BACK, "nodes"} <= set(members):
        return _packed(archive, members, where)
    given = [unit for unit in _UNITS if unit in members]
    if len(given) != 1:
        held = ", ".join(sorted(members)[:6]) or "nothing"
        raise MatrixError(where, f"must hold either rtt_ms or rtt_us (it holds {held})", _FIX)
    values = _array(archive, members[given[0]], f"{where}: {given[0]}")
    if values.dtype.kind not in "iuf":
        raise MatrixError(f"{where}: {given[0]}", f"is not numeric ({values.dtype})", _FIX)
    per_unit, unit = _UNITS[given[0]]
    matrix = square(values.astype(np.float64), where)
    rtt_us = microseconds(matrix, where, per_unit=per_unit, unit=unit)
    if "nodes" not in members:
        return NamedTable(rtt_us, unit=unit)
    return NamedTable(rtt_us, _names(archive, members["nodes"], len(rtt_us), where), unit)


def _packed(
    archive: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo], where: str
) -> NamedTable:
    size = len(_listed(archive, members["nodes"], where))
    names = _names(archive, members["nodes"], size, where)
    upper, back = (_array(archive, members[name], f"{where}: {name}") for name in (UPPER, BACK))
    if not size:
        raise MatrixError(f"{where}: nodes", "names no node", _FIX)
    return NamedTable(unpacked_rtt(upper, back, size, where), names, "microseconds")


def _listed(archive: zipfile.ZipFile, member: zipfile.ZipInfo, where: str) -> tuple[str, ...]:
    names = _array(archive, member, f"{where}: nodes")
    if names.dtype.kind != "U" or names.ndim != 1:
        raise MatrixError(f"{where}: nodes", "is not a list of names", _FIX)
    return tuple(str(name) for name in names)


def _names(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, size: int, where: str
) -> tuple[str, ...]:
    out = _listed(archive, member, where)
    if len(out) != size or len(set(out)) != size or not all(out):
        raise MatrixError(
            f"{where}: nodes", f"has {len(set(out))} names for {size} rows", "name each row once"
        )
    return out


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo, where: str) -> NDArray[np.generic]:
    """Return one array, after its header has shown that it is of the size it claims."""
    if member.file_size > MAX_BYTES:
        raise MatrixError(where, f"is larger than {MAX_BYTES} bytes", "give a smaller matrix")
    try:
        file = io.BytesIO(archive.read(member))
        version = npy.read_magic(file)
        read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read_header(file)
        is_claim_true = math.prod(shape) * dtype.itemsize <= member.file_size
        file.seek(0)
        # Numpy reserves what a header claims before it looks at what there is.
        values = npy.read_array(file, allow_pickle=False) if is_claim_true else None
    except Exception as error:  # noqa: BLE001 - zipfile, zlib and numpy raise a dozen kinds on damage
        raise MatrixError(where, f"cannot be read ({str(error)[:80]})", _FIX) from None
    if values is None:
        raise MatrixError(where, "claims more values than it holds", _FIX)
    return np.asarray(values)
