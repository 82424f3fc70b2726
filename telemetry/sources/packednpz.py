"""An RTT matrix small enough for a ConfigMap: an ``.npz`` of byte planes, exact to the microsecond.

A ConfigMap ends at 1 MiB, base64 included. The measured matrix of 490 nodes compresses to 676 kB as
plain int32; as below to 257 kB, and to some 500 kB where the two directions differ at random.

- ``nodes``: the names.
- ``upper_us``: RTTs above the diagonal, row by row, as bytes: shape ``(4, n (n - 1) / 2)``, the
  least byte first. High bytes are alike along a row and nearly vanish; low ones are noise.
- ``back_us``: the other direction minus that one, in the same form; all zero where symmetric.
"""

import io
import zipfile

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from telemetry.errors import MatrixError
from telemetry.model import MAX_RTT_US, UNKNOWN_US, RttMatrix

UPPER = "upper_us"
BACK = "back_us"

_FIX = "make it with: main.py topology --delay-matrix F --metadata F --output npz"
_LEVEL = 9
_BYTES = 4


def packed_npz(matrix: RttMatrix) -> bytes:
    """Return the file's bytes; equal matrices give equal bytes."""
    rows, columns = np.triu_indices(len(matrix.nodes), 1)
    upper = matrix.rtt_us[rows, columns]
    arrays: dict[str, NDArray[np.generic]] = {
        "nodes": np.array(matrix.nodes, dtype=np.str_),
        UPPER: _planes(upper),
        BACK: _planes(matrix.rtt_us[columns, rows] - upper),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        for name, array in arrays.items():
            body = io.BytesIO()
            npy.write_array(body, array, allow_pickle=False)
            # Without a date of its own, a member is dated now.
            member = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, body.getvalue(), compresslevel=_LEVEL)
    return out.getvalue()


def unpacked_rtt(
    upper: NDArray[np.generic], back: NDArray[np.generic], size: int, where: str
) -> NDArray[np.int32]:
    """Return the matrix of `size` nodes, shape ``(size, size)``, microseconds.

    Raises
    ------
    MatrixError
        If an array is not of the documented form, or holds what is no RTT.
    """
    number = size * (size - 1) // 2  # held against what there is before memory is reserved for it
    above = _values(upper, number, f"{where}: {UPPER}")
    below = above + _values(back, number, f"{where}: {BACK}")
    for name, values in ((UPPER, above), (BACK, below)):
        if values.size and (values.min() < UNKNOWN_US or values.max() > MAX_RTT_US):
            what = f"holds an RTT that is not between 0 and {MAX_RTT_US} microseconds"
            raise MatrixError(f"{where}: {name}", what, _FIX)
    rows, columns = np.triu_indices(size, 1)
    out = np.zeros((size, size), dtype=np.int32)
    out[rows, columns] = above
    out[columns, rows] = below
    return out


def _planes(values: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Return int32 values as four rows of bytes, the least first."""
    as_bytes = np.ascontiguousarray(values, dtype="<i4").view(np.uint8)
    return np.ascontiguousarray(as_bytes.reshape(-1, _BYTES).T)


def _values(planes: NDArray[np.generic], number: int, where: str) -> NDArray[np.int64]:
    if planes.dtype != np.uint8 or planes.shape != (_BYTES, number):
        what = f"is {planes.dtype} of shape {planes.shape}, not uint8 of ({_BYTES}, {number})"
        raise MatrixError(where, what, _FIX)
    rows = np.ascontiguousarray(planes.T).view("<i4").reshape(-1)
    return np.asarray(rows, dtype=np.int64)
