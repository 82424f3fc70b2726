"""The token that says on whose behalf an agent reports."""

import os

_LONGEST = 16 << 10


class CredentialUnusable(Exception):
    """There is no token to send; the text says why and what would be right."""


def bearer(path: str) -> str:
    """Return what stands in the Authorization header; empty for an empty path.

    The file is read each time: the kubelet renews a token when 80 % of its life is over.

    Raises
    ------
    CredentialUnusable
        If the file cannot be read, or holds no token.
    """
    if not path:
        return ""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            read = os.read(file, _LONGEST + 1)
        finally:
            os.close(file)
    except OSError as error:
        raise CredentialUnusable(f"token file {path} cannot be read: {error.strerror}") from None
    token = read.strip()
    # More than this could end the header, and begin another.
    if not token or len(token) > _LONGEST or not all(33 <= byte <= 126 for byte in token):  # noqa: PLR2004 - what is visible in ASCII
        raise CredentialUnusable(f"token file {path} holds no token on a line of its own")
    return f"Bearer {token.decode('ascii')}"
