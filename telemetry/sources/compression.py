"""Compressed files unpacked, up to a size: a small file may hold more than memory does."""

import lzma
import zlib
from typing import Protocol

from telemetry.errors import MatrixError

MAX_BYTES = 512 << 20
"""Text of 8,000 nodes; a larger matrix is better kept as ``.npz``, which is read as arrays."""

SUFFIXES = (".gz", ".xz")

_GZIP = b"\x1f\x8b"
_XZ = b"\xfd7zXZ\x00"
MAGIC = (_GZIP, _XZ)
"""How a compressed file begins."""

_GZIP_WINDOW = 31
"""zlib's number for the gzip format with its largest window."""

_XZ_MEMORY = 128 << 20
"""Twice what ``xz -9`` needs: a file may ask for 4 GiB before its first byte is unpacked."""


class _Decompressor(Protocol):
    """One stream of `zlib` or `lzma`."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


def is_compressed(content: bytes) -> bool:
    """Whether bytes begin as a gzip or xz file does."""
    return content.startswith(MAGIC)


def decompressed(content: bytes, where: str, *, max_bytes: int = MAX_BYTES) -> bytes:
    """Return what a gzip or xz file holds.

    Parameters
    ----------
    content
        The file's bytes; several streams in a row are one.
    where
        The file, for errors.
    max_bytes
        Most bytes to unpack; no more memory is used, whatever the file claims.

    Raises
    ------
    MatrixError
        If it is damaged, ends early, or holds more.
    """
    parts: list[bytes] = []
    left, rest = max_bytes, content
    while rest:
        stream = _stream(content)
        try:
            parts.append(stream.decompress(rest, left + 1))
        except (zlib.error, lzma.LZMAError) as error:
            said = str(error)[:80] or type(error).__name__
            raise MatrixError(where, f"is damaged ({said})", "compress it anew") from None
        left -= len(parts[-1])
        if left < 0:
            raise MatrixError(
                where,
                f"unpacks to more than {max_bytes} bytes",
                "give a smaller matrix, or an .npz file",
            )
        if not stream.eof:
            raise MatrixError(where, "ends before its data does", "compress or copy it anew")
        rest = stream.unused_data.lstrip(b"\0")  # both formats may be padded
    return b"".join(parts)


def _stream(content: bytes) -> _Decompressor:
    if content.startswith(_GZIP):
        return zlib.decompressobj(wbits=_GZIP_WINDOW)
    return lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
