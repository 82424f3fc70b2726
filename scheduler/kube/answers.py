"""What the API server answers to a request it does not carry out, by what the caller does next.

ClusterUnavailable   no answer, or none now (5xx): it may have been carried out
├── Expired          410: ask from the beginning
└── PutOff           429: not carried out; ask again later
Denied               any other 4xx: not carried out; something must change first
"""

from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
import msgspec

from scheduler.domain.errors import ClusterUnavailable, InputError

_LONGEST_RETRY_S = 10.0
_UNAUTHORIZED = 401
_FORBIDDEN = 403
_GONE = 410
_TOO_MANY = 429
_SERVER_ERROR = 500


class _Status(msgspec.Struct):
    """What the API server says of a request it does not carry out."""

    message: str = ""
    reason: str = ""


class Expired(ClusterUnavailable):
    """410: what was asked for has expired; ask from the beginning."""


class PutOff(ClusterUnavailable):
    """429: the server has too much to do, and has not done this. `retry_s`: ask again after."""

    def __init__(self, message: str, retry_s: float) -> None:
        super().__init__(message)
        self.retry_s = retry_s


class Denied(InputError):
    """The server does not carry out a request: any 4xx but 410 and 429.

    Parameters
    ----------
    where
        Address of what was asked for.
    status
        HTTP status.
    said
        The server's own words.
    fix
        What may help.
    """

    def __init__(self, where: str, status: int, said: str, fix: str) -> None:
        super().__init__(where, f"{status}, {said}", fix)
        self.status, self.said = status, said


def _retry_s(said: str) -> float:
    """Return how long the server asks to wait, seconds; one where it does not say."""
    return min(float(said), _LONGEST_RETRY_S) if said.isascii() and said.isdigit() else 1.0


@contextmanager
def broken_off(where: str, limit_s: float | None) -> Iterator[None]:
    """Tell of a request without an answer in our own words.

    A ValueError is the library's word for a header or an address that cannot be sent.
    """
    try:
        yield
    except TimeoutError:
        raise ClusterUnavailable(f"{where}: no answer within {limit_s} s") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise ClusterUnavailable(f"{where}: no answer ({error})") from None


def refusal(where: str, answer: aiohttp.ClientResponse, body: bytes) -> Exception:
    """Return the error that an answer other than 2xx stands for."""
    status = answer.status
    try:
        said = msgspec.json.decode(body, type=_Status).message or f"status {status}"
    except (msgspec.DecodeError, UnicodeDecodeError):
        said = f"status {status}"
    if status == _GONE:
        return Expired(f"{where}: {said}")
    if status == _TOO_MANY:
        return PutOff(f"{where}: {said}", _retry_s(answer.headers.get("Retry-After", "")))
    if status >= _SERVER_ERROR:
        return ClusterUnavailable(f"{where}: {status}, {said}")
    fix = {
        _UNAUTHORIZED: "renew the account's token or certificate",
        _FORBIDDEN: "give the account the right (configs/kubernetes/rbac.yaml has all it needs)",
    }.get(status, "check that this is a Kubernetes API server")
    return Denied(where, status, said, fix)
