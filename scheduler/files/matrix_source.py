"""RTTs from a matrix on disk, read again when it changes; a bad file costs nothing but a sentence.

A ConfigMap is mounted as a folder of symbolic links, and an update swaps one of them: what counts
is the file a path leads to now, and in the end what is in it.
"""

import asyncio
import hashlib
import stat
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from telemetry.apart import apart
from telemetry.errors import MatrixError
from telemetry.model import RttMatrix
from telemetry.sources.file import read_described

ReadReport = Callable[[MatrixError | None], None]
"""Told after each reading of changed files: what is wrong with them, or None. On the loop."""

SETTLE_S = 0.25
"""How long files must stand before they are read: stamps count in steps of some milliseconds, so
that two changes within one look alike."""

UNSETTLED = 10
"""Looks at a file that is never at rest, after which that is told."""

_Stamps = tuple[tuple[int, ...], ...]


@dataclass(slots=True)
class _Seen:
    """What the last look found: the files' stamps, and the fingerprint of the last good table."""

    stamps: _Stamps = ()
    fingerprint: bytes = field(default=b"")
    notes: tuple[str, ...] = ()
    unsettled: int = 0


@dataclass(frozen=True, slots=True)
class _Found:
    """What was read: the table, whether it differs from the last, and what there is to say."""

    matrix: RttMatrix
    is_new: bool
    notes: tuple[str, ...]


def _unheard(_: tuple[str, ...]) -> None:
    """Tell nobody."""


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
    noted
        Told in sentences as what the files were read, when that is new: unit, direction, oddities.
    settle_s
        How long files must stand before and while they are read, seconds.
    """

    path: Path
    metadata: Path | None
    reread_s: float
    report: ReadReport
    noted: Callable[[tuple[str, ...]], None] = _unheard
    settle_s: float = SETTLE_S

    async def tables(self) -> AsyncIterator[RttMatrix]:
        """Yield the matrix, then each one that differs from the one before; never end.

        A file that is missing or bad, or changes while it is read, yields nothing: who reads keeps
        the last good table.
        """
        seen = _Seen()
        while True:
            # Reading takes seconds for thousands of nodes, and a network file system may hang.
            found = await apart(partial(self._look, seen))
            match found:
                case MatrixError():
                    self.report(found)
                case _Found():
                    self.report(None)
                    if found.notes:
                        self.noted(found.notes)
                    if found.is_new:
                        yield found.matrix
                case None:
                    pass
            await asyncio.sleep(self.reread_s)

    def _look(self, seen: _Seen) -> _Found | MatrixError | None:
        """Return what changed files hold; None for unchanged ones, and for ones that change."""
        stamps = self._stamps()
        if stamps == seen.stamps:
            return None
        # A writer may truncate a file and write it anew in place, in pieces. What stood still
        # before it was read, and has the same stamps afterwards, is whole: a write while it was
        # read comes so much later than the stamps that they show it.
        time.sleep(self.settle_s)
        if self._stamps() != stamps:
            return self._restless(seen)
        read = self._read()
        if self._stamps() != stamps:
            return self._restless(seen)
        seen.stamps, seen.unsettled = stamps, 0
        if isinstance(read, MatrixError):
            return read
        matrix, notes = read
        fingerprint = _fingerprint(matrix)
        found = _Found(
            matrix, fingerprint != seen.fingerprint, () if notes == seen.notes else notes
        )
        seen.fingerprint, seen.notes = fingerprint, notes
        return found

    def _stamps(self) -> _Stamps:
        return tuple(_stamp(path) for path in (self.path, self.metadata) if path is not None)

    def _read(self) -> tuple[RttMatrix, tuple[str, ...]] | MatrixError:
        try:
            for path in (self.path, self.metadata):
                _refuse_endless(path)
            return read_described(self.path, self.metadata)
        except MatrixError as error:
            return error

    def _restless(self, seen: _Seen) -> MatrixError | None:
        """Return an error where files have been changing for many looks on end, once."""
        seen.unsettled += 1
        if seen.unsettled != UNSETTLED:
            return None
        fix = "write a new file beside it and rename it onto this path"
        return MatrixError(str(self.path), "changes while it is read, again and again", fix)


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
