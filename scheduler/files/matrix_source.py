"""RTTs from a matrix on disk, read again when it changes; a bad file costs nothing but a sentence.

A ConfigMap is mounted as a folder of symbolic links, and an update swaps one of them: what counts
is the file a path leads to now, and in the end what is in it.
"""

import asyncio
import hashlib
import stat
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from telemetry.apart import apart
from telemetry.errors import MatrixError
from telemetry.model import RttMatrix
from telemetry.sources.file import read_matrix

ReadReport = Callable[[MatrixError | None], None]
"""Told after each reading of changed files: what is wrong with them, or None. On the loop."""

_Stamps = tuple[tuple[int, ...], ...]


@dataclass(slots=True)
class _Seen:
    """What the last look found: the files' stamps, and the fingerprint of the last good table."""

    stamps: _Stamps = ()
    fingerprint: bytes = field(default=b"")


@dataclass(frozen=True, slots=True)
class MatrixSource:
    """Implements `RttSource`. Nodes of the matrix and of the cluster need not be the same.

    Parameters
    ----------
    path, metadata
        As `telemetry.sources.file.read_matrix`. They may come to be later, and go.
    reread_s
        How often to look whether they changed, seconds.
    report
        Told of each reading.
    """

    path: Path
    metadata: Path | None
    reread_s: float
    report: ReadReport

    async def tables(self) -> AsyncIterator[RttMatrix]:
        """Yield the matrix, then each one that differs from the one before; never end.

        A file that is missing or bad yields nothing: who reads keeps the last good table.
        """
        seen = _Seen()
        while True:
            # Reading takes seconds for thousands of nodes, and a network file system may hang.
            found = await apart(partial(self._look, seen))
            match found:
                case MatrixError():
                    self.report(found)
                case (matrix, is_new):
                    self.report(None)
                    if is_new:
                        yield matrix
                case None:
                    pass
            await asyncio.sleep(self.reread_s)

    def _look(self, seen: _Seen) -> tuple[RttMatrix, bool] | MatrixError | None:
        """Return what changed files hold and whether it is new; None for unchanged files."""
        # Taken before the reading: a file that changes meanwhile is read once more.
        stamps = tuple(_stamp(path) for path in (self.path, self.metadata) if path is not None)
        if stamps == seen.stamps:
            return None
        seen.stamps = stamps
        try:
            for path in (self.path, self.metadata):
                _refuse_endless(path)
            matrix = read_matrix(self.path, self.metadata)
        except MatrixError as error:
            return error
        fingerprint = _fingerprint(matrix)
        is_new = fingerprint != seen.fingerprint
        seen.fingerprint = fingerprint
        return matrix, is_new


def _stamp(path: Path) -> tuple[int, ...]:
    """Return what tells a file from another and from its former self."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return ()
    # The change time too: new permissions may let us read what we could not.
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _refuse_endless(path: Path | None) -> None:
    """Refuse a pipe or a device: it can be read once or never ends, and here it is read again."""
    if path is None:
        return
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return  # reading it says why
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise MatrixError(str(path), "is no regular file", "give a file that can be read again")


def _fingerprint(matrix: RttMatrix) -> bytes:
    """Return equal bytes for equal tables, however they are written."""
    out = hashlib.blake2b("\n".join(matrix.nodes).encode(), digest_size=16)
    out.update(matrix.rtt_us.tobytes())
    return out.digest()
