"""Bearer tokens, and those that others keep fresh in a file."""

import contextlib
import stat
from collections.abc import Callable
from pathlib import Path

REREAD_S = 60.0
"""How often a file with a token is read again, as client-go does: half of what the kubelet leaves
between putting a new one there and the end of the old."""

Headers = dict[str, str]
Seconds = Callable[[], float]


def clean_token(text: str) -> str:
    """Return a token without the white space around it; the line's end of a file is none of it.

    Raises
    ------
    ValueError
        If a header cannot carry it.
    """
    token = text.strip()
    if any(character < " " or character == "\x7f" for character in token):
        raise ValueError("the token has a line break or a control character in it")
    return token


def bearer(token: str) -> Headers:
    """Return the headers that carry a token; none for an empty one."""
    return {"Authorization": f"Bearer {token}"} if token else {}


class TokenFile:
    """A token that others keep fresh in a file, such as a pod's own.

    Parameters
    ----------
    path
        The file.
    now_s
        A clock that never steps, seconds.

    Raises
    ------
    ValueError
        If it holds no token.
    OSError
        If it cannot be read.
    """

    def __init__(self, path: Path, now_s: Seconds) -> None:
        self._path, self._now_s = path, now_s
        self._read()

    async def headers(self) -> Headers:
        """Return the token as it was in the file at most `REREAD_S` ago."""
        if self._now_s() - self._read_s >= REREAD_S:
            self._reread()
        return bearer(self._token)

    async def renew(self) -> None:
        """Read the file now."""
        self._reread()

    def _reread(self) -> None:
        # A file that is away for a moment costs nothing: the old token may hold still.
        with contextlib.suppress(OSError, ValueError):
            # What is no regular file, such as a pipe, gives its content once.
            if stat.S_ISREG(self._path.stat().st_mode):
                self._read()
        self._read_s = self._now_s()

    def _read(self) -> None:
        token = clean_token(self._path.read_text("utf-8"))
        if not token:
            raise ValueError(f"{self._path} is empty")
        self._token, self._read_s = token, self._now_s()
