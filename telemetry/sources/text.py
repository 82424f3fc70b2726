"""Text and JSON files from disk, with every way a file can be the wrong one named.

Used for RTT matrices here and for manifests further up.
"""

import json
import re
from pathlib import Path

from telemetry.errors import MatrixError
from telemetry.sources.compression import MAGIC

MAX_BYTES = 2 << 30
"""A matrix of 12,500 nodes is about 1.2 GB of text; more is not a file of ours."""

_FIRST = 1 << 16
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_UTF8_MARK = b"\xef\xbb\xbf"


def read_bytes(path: Path, fix: str = "give the path of a readable file") -> bytes:
    """Return what a file holds.

    Raises
    ------
    MatrixError
        If it is missing, is a folder, may not be read, is empty, or is larger than `MAX_BYTES`.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_FIRST)
            # What is plainly not text is not read to its end: it may have none.
            if b"\0" not in content or content.startswith((b"PK", *MAGIC)):
                content += file.read(MAX_BYTES - len(content) + 1)
    except (OSError, ValueError) as error:
        raise MatrixError(str(path), f"cannot be read ({_reason(error)})", fix) from None
    except MemoryError:
        raise MatrixError(str(path), "does not fit into memory", fix) from None
    if not content:
        raise MatrixError(str(path), "is empty", fix)
    if len(content) > MAX_BYTES:
        raise MatrixError(str(path), f"is larger than {MAX_BYTES} bytes", fix)
    return content


def read_text(path: Path, fix: str = "give the path of a text file in UTF-8") -> str:
    """Return the text of a file; a byte order mark of UTF-8 is dropped.

    Raises
    ------
    MatrixError
        As `read_bytes`, or if it is not text in UTF-8, or holds white space only.
    """
    return decode_text(read_bytes(path, fix), str(path), fix)


def decode_text(content: bytes, where: str, fix: str) -> str:
    """Return bytes as text; `where` names their origin in errors.

    Raises
    ------
    MatrixError
        If they are not text in UTF-8, or white space only.
    """
    if content.startswith(_UTF16):
        raise MatrixError(where, "is UTF-16", "save it as UTF-8")
    if b"\0" in content:
        raise MatrixError(where, "is binary", fix)
    try:
        text = content.removeprefix(_UTF8_MARK).decode("utf-8")
    except UnicodeDecodeError as error:
        raise MatrixError(
            where, f"is not UTF-8 text (byte {error.start + 1})", "save it as UTF-8"
        ) from None
    if not text.strip():
        raise MatrixError(where, "is empty", fix)
    return text


def parse_json(text: str, where: str, fix: str = "correct this") -> object:
    """Return the tree of a JSON text; `fix` says what to do about one that is none.

    Raises
    ------
    MatrixError
        If it is not JSON, gives a key twice, nests too deep, or holds NaN or Infinity.
    """
    try:
        tree = json.loads(text, object_pairs_hook=_unique, parse_constant=_constant)
        if _SURROGATE.search(text):
            json.dumps(tree, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise MatrixError(
            f"{where}:{error.lineno}:{error.colno}", f"is not JSON ({error.msg})", fix
        ) from None
    except UnicodeEncodeError:
        raise MatrixError(where, "holds half a surrogate pair", "write whole letters") from None
    except RecursionError:
        raise MatrixError(where, "is not JSON (it nests too deep)", "write it flatter") from None
    except ValueError as error:
        raise MatrixError(where, f"is not JSON ({error})", fix) from None
    return tree


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    out = dict(pairs)
    if len(out) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f'"{key[:60]}" is given twice')
            seen.add(key)
    return out


def _constant(name: str) -> object:
    raise ValueError(f"{name} is not a JSON number")


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, IsADirectoryError):
        return "it is a folder"
    if isinstance(error, PermissionError):
        return "permission denied"
    return getattr(error, "strerror", None) or str(error)
