"""The texts under a path: one file, a folder of files, or an archive, which is never unpacked."""

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from typing_extensions import override

from scheduler.domain.errors import InputError
from scheduler.objects.document import read_documents
from telemetry.errors import MatrixError
from telemetry.sources.text import decode_text, parse_json, read_bytes, read_text

SUFFIXES = (".yaml", ".yml", ".json", ".jsonl", ".ndjson")
_LINES = (".jsonl", ".ndjson")
MAX_UNPACKED_BYTES = 512 << 20
"""Of a whole archive: a hundred thousand manifests of 5 kB each."""

MAX_MEMBERS = 1_000_000

_GZIP = b"\x1f\x8b"
_TAR = (257, b"ustar")


@dataclass(frozen=True, slots=True)
class Document:
    """One document and where it stands."""

    where: str
    tree: object


def read_trees(path: Path, wanted: str) -> Iterator[Document]:
    """Yield the documents under a path, files in the order of their names.

    Parameters
    ----------
    path
        A file, a folder (its own files that end in one of `SUFFIXES`, hidden ones left out) or a
        ``.tar``, ``.tar.gz`` or ``.tgz`` of such files.
    wanted
        What the path should hold, for errors.

    Raises
    ------
    InputError
        If something cannot be read or is not YAML or JSON, or there is nothing to read.
    """
    for where, text in _texts(path, wanted):
        trees = _trees(text, where)
        for number, tree in enumerate(trees, start=1):
            at = where if len(trees) == 1 else f"{where} (document {number})"
            yield Document(at, tree)


def folders_below(path: Path) -> tuple[str, ...]:
    """Return the names of a folder's sub-folders, which are not read."""
    if not path.is_dir():
        return ()
    return tuple(sorted(p.name for p in path.iterdir() if p.is_dir() and p.name[0] != "."))


def _texts(path: Path, wanted: str) -> Iterator[tuple[str, str]]:
    fix = f"give {wanted}"
    try:
        if path.is_dir():
            yield from _folder(path, fix)
            return
        content = read_bytes(path, fix)
        if content.startswith(_GZIP) or content[_TAR[0] :].startswith(_TAR[1]):
            yield from _archive(content, str(path), fix)
        else:
            yield str(path), decode_text(content, str(path), fix)
    except MatrixError as error:
        raise InputError(error.where, error.what, error.fix) from None
    except OSError as error:
        raise InputError(str(path), f"cannot be read ({error.strerror})", fix) from None


def _folder(path: Path, fix: str) -> Iterator[tuple[str, str]]:
    files = [p for p in sorted(path.iterdir()) if _is_wanted(p.name) and not p.is_dir()]
    if not files:
        below = folders_below(path)
        where = f" of its own (the sub-folder {below[0]} is not read)" if below else ""
        raise InputError(str(path), f"has no {', '.join(SUFFIXES)} file{where}", fix)
    for file in files:
        yield str(file), read_text(file)


def _archive(content: bytes, where: str, fix: str) -> Iterator[tuple[str, str]]:
    """Yield the texts of an archive, in the order of their names, once all of it was read."""
    raw: io.BufferedIOBase = io.BytesIO(content)
    if content.startswith(_GZIP):
        raw = gzip.GzipFile(fileobj=io.BytesIO(content))
    found = []
    try:
        with tarfile.open(fileobj=_Bounded(raw, where), mode="r|") as archive:
            for count, member in enumerate(archive):
                if count >= MAX_MEMBERS:
                    raise InputError(where, f"has more than {MAX_MEMBERS} members", fix)
                text = _member(archive, member, where)
                if text is not None:
                    found.append((f"{where}/{member.name}", text))
    except (tarfile.TarError, OSError, EOFError, zlib.error, ValueError) as error:
        raise InputError(where, f"is a damaged archive ({error})", "pack it again") from None
    if not found:
        raise InputError(where, f"has no {', '.join(SUFFIXES)} file", fix)
    yield from sorted(found, key=lambda pair: pair[0])


def _member(archive: tarfile.TarFile, member: tarfile.TarInfo, where: str) -> str | None:
    if member.isdir() or not _is_wanted(PurePosixPath(member.name).name):
        return None
    at = f"{where}/{member.name}"
    if not member.isreg():
        raise InputError(at, "is not a plain file", "put the file itself into the archive")
    if member.size > MAX_UNPACKED_BYTES:
        raise InputError(at, f"is larger than {MAX_UNPACKED_BYTES} bytes", "leave it out")
    file = archive.extractfile(member)
    content = b"" if file is None else file.read()
    return decode_text(content, at, "write YAML or JSON, or leave the file out")


class _Bounded(io.RawIOBase):
    """A reader that refuses to unpack without end."""

    def __init__(self, file: io.BufferedIOBase, where: str) -> None:
        super().__init__()
        self._file, self._where, self._left = file, where, MAX_UNPACKED_BYTES

    @override
    def read(self, size: int = -1, /) -> bytes:
        part = self._file.read(size if size >= 0 else self._left + 1)
        self._left -= len(part)
        if self._left < 0:
            raise InputError(
                self._where, f"unpacks to more than {MAX_UNPACKED_BYTES} bytes", "split it"
            )
        return part


def _is_wanted(name: str) -> bool:
    # A hidden file beside each file ("._web.yaml") is what macOS' tar adds.
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")


def _trees(text: str, where: str) -> list[object]:
    """Return the documents of a text; JSON where it looks like JSON, else YAML."""
    if where.lower().endswith(_LINES):
        return _lines(text, where)
    if text.lstrip()[:1] in ("{", "["):
        try:
            return [parse_json(text, where)]
        except MatrixError as error:
            if where.lower().endswith(".json"):
                raise InputError(error.where, error.what, error.fix) from None
    return read_documents(text, where)


def _lines(text: str, where: str) -> list[object]:
    lines = ((k, line) for k, line in enumerate(text.split("\n"), start=1) if line.strip())
    try:
        return [parse_json(line, f"{where}:{k}") for k, line in lines]
    except MatrixError as error:
        raise InputError(error.where, error.what, error.fix) from None
