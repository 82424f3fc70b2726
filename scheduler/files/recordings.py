"""Recorded decisions on disk: the snapshot, the settings and the plan that was made of them.

A file is a line that names the form and its version, 32 bytes of SHA-256 over the rest, and the
rest: MessagePack, deflated. Nothing in it is ever run.
"""

import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from scheduler.domain.errors import InputError
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.files.snapshot_wire import Document, from_document, to_document
from scheduler.placement.settings import PlacementSettings
from scheduler.reliability.cover.settings import CoverSettings
from telemetry.errors import MatrixError
from telemetry.sources.text import read_bytes

VERSION = 1
MAX_UNPACKED_BYTES = 2 << 30
"""A matrix of 12,500 nodes is 625 MB."""

_MARK = b"isochrone-recording "
_DIGEST = hashlib.sha256().digest_size
_LONGEST_LINE = 64
_FIX = "give a file that plan --record wrote"
_LEVEL = 1  # round-trip times hardly get smaller with more work


@dataclass(frozen=True, slots=True)
class Recording:
    """A decision: what it saw, what it was to do, and the plan as it was written."""

    snapshot: ClusterSnapshot
    placement: PlacementSettings
    cover: CoverSettings
    plan: bytes


class _Written(msgspec.Struct, forbid_unknown_fields=True):
    snapshot: Document
    placement: PlacementSettings
    cover: CoverSettings
    plan: bytes


def write_recording(recording: Recording, path: Path) -> None:
    """Write a recording. The same decision is the same bytes.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    written = _Written(
        to_document(recording.snapshot), recording.placement, recording.cover, recording.plan
    )
    content = zlib.compress(msgspec.msgpack.Encoder(order="sorted").encode(written), _LEVEL)
    head = _MARK + str(VERSION).encode() + b"\n" + hashlib.sha256(content).digest()
    try:
        path.write_bytes(head + content)
    except (OSError, ValueError) as error:
        what = f"cannot be written ({getattr(error, 'strerror', None) or error})"
        fix = "give the path of a file, in a folder that exists"
        raise InputError(f"--record {path}", what, fix) from None


def read_recording(path: Path) -> Recording:
    """Read a recording.

    Raises
    ------
    InputError
        If it cannot be read, is none, is of another version or is damaged.
    """
    try:
        read = read_bytes(path, _FIX)
    except MatrixError as error:
        raise InputError(error.where, error.what, error.fix) from None
    content = _unpacked(_content(read, str(path)), str(path))
    try:
        found = msgspec.msgpack.decode(content, type=_Written)
        snapshot = from_document(found.snapshot)
    except (msgspec.MsgspecError, ValueError) as error:
        raise InputError(str(path), f"holds no decision ({error})", _FIX) from None
    return Recording(snapshot, found.placement, found.cover, found.plan)


def _content(read: bytes, where: str) -> bytes:
    line, _, rest = read[: _LONGEST_LINE + _DIGEST].partition(b"\n")
    del rest
    if not line.startswith(_MARK):
        raise InputError(where, "is no recording", _FIX)
    version = line.removeprefix(_MARK).decode("ascii", "replace")
    if version != str(VERSION):
        fix = f"replay it with the release that wrote it; this one reads version {VERSION}"
        raise InputError(where, f"is a recording of version {version[:20]}", fix)
    digest = read[len(line) + 1 :][:_DIGEST]
    content = read[len(line) + 1 + _DIGEST :]
    if hashlib.sha256(content).digest() != digest:
        raise InputError(where, "is damaged (its checksum is another)", "copy it again")
    return content


def _unpacked(content: bytes, where: str) -> bytes:
    inflate = zlib.decompressobj()
    try:
        out = inflate.decompress(content, MAX_UNPACKED_BYTES)
    except zlib.error as error:
        raise InputError(where, f"is damaged ({error})", "copy it again") from None
    if not inflate.eof:
        what = f"is cut short, or unpacks to more than {MAX_UNPACKED_BYTES} bytes"
        raise InputError(where, what, "copy it again")
    return out
