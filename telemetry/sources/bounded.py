"""HTTP that ends: so many seconds for a whole answer, so many bytes, from the address asked.

A time limit of requests runs anew with every byte, follows redirects with whatever it was given,
and takes passwords from ``~/.netrc``. Here a limit is for everything from the connection to the
last byte: when it is over, the connection is cut.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies
from typing_extensions import override
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from telemetry.errors import SourceError, SourceMalformed, SourceRefused, SourceUnavailable

_PIECE = 1 << 16
_SAID = 200
"""Characters of somebody else's words that are worth repeating."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What an answer may take.

    Parameters
    ----------
    connect_s
        For the connection, seconds.
    whole_s
        From then to the last byte, seconds.
    body_bytes
        Of the body.
    """

    connect_s: float = 3.0
    whole_s: float = 10.0
    body_bytes: int = 64 << 20


class BoundedSession(requests.Session):
    """A session whose answers are whole, within limits, and from the address asked.

    Parameters
    ----------
    limits
        Of each answer.
    ca_path
        Certificates to believe servers by; empty for the usual ones.
    proxied_url
        The environment's proxy for this address is used, if it names one.
    """

    def __init__(self, limits: Limits, *, ca_path: str = "", proxied_url: str = "") -> None:
        super().__init__()
        self.trust_env = False  # no password of ~/.netrc, which would replace our headers
        self.verify = ca_path or True
        if proxied_url:
            self.proxies.update(get_environ_proxies(proxied_url))
        self.headers["Accept-Encoding"] = "identity"  # a small answer must not unpack to a large
        self._bounded = _BoundedAdapter(limits)

    @override
    def get_adapter(self, url: str | bytes) -> HTTPAdapter:
        """Return the bounded one, whatever was mounted."""
        if isinstance(url, bytes) or not url.lower().startswith(("http://", "https://")):
            raise requests.exceptions.InvalidSchema(f"no http address: {str(url)[:_SAID]}")
        return self._bounded

    @override
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Follow no redirect: an answer is the word of who was asked, and of nobody else."""

    @override
    def close(self) -> None:
        """Close all connections."""
        self._bounded.close()
        super().close()


def fetched(where: str, limits: Limits) -> bytes:
    """Return the body of a GET that was answered by 200.

    Raises
    ------
    SourceUnavailable
        If there is no whole answer within the limit of time.
    SourceRefused
        If the status is another, a redirect included.
    SourceMalformed
        If the answer is too large.
    """
    try:
        with BoundedSession(limits) as session:
            answer = session.get(where, timeout=(limits.connect_s, limits.whole_s))
    except (requests.RequestException, OSError, ValueError) as error:
        raise unanswered(where, error) from None
    if answer.status_code != requests.codes.ok:
        raise refused(where, answer)
    return answer.content


def refused(where: str, answer: requests.Response) -> SourceRefused:
    """Return an answer's error status as an error."""
    what = f"answered {answer.status_code} {answer.reason or ''}".rstrip()
    if answer.is_redirect:
        what += f" to {answer.headers['location'][:_SAID]}; redirects are not followed"
    return SourceRefused(where, what, answer.status_code)


def unanswered(where: str, error: Exception) -> SourceError:
    """Return why there is no answer, in a sentence's length."""
    if isinstance(error, _TooLarge):
        return SourceMalformed(where, str(error))
    return SourceUnavailable(where, f"no answer: {_first_cause(error)[:_SAID]}")


class _TooLarge(requests.RequestException):
    """An answer is larger than its limit, or packed though it was asked not to be."""


class _Cutter:
    """Cuts the connections of one request when its time is over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self.is_over = False

    def watch(self, connection: socket.socket) -> None:
        """Cut this connection too. TLS wraps a socket later; a second handle reaches through."""
        with self._lock:
            if self.is_over:
                raise TimeoutError("no whole answer in time")
            self._sockets.append(connection.dup())

    def cut(self) -> None:
        """End whatever waits for a byte."""
        with self._lock:
            self.is_over = True
            for connection in self._sockets:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of the connections."""
        with self._lock:
            for connection in self._sockets:
                connection.close()
            self._sockets.clear()


_under_way = threading.local()


@contextmanager
def _cutting(after_s: float) -> Iterator[_Cutter]:
    """Cut what this thread connects to after so many seconds."""
    cutter = _Cutter()
    timer = threading.Timer(after_s, cutter.cut)
    timer.daemon = True
    _under_way.cutter = cutter
    timer.start()
    try:
        yield cutter
    finally:
        timer.cancel()
        _under_way.cutter = None
        cutter.close()


class _Watched(HTTPConnection):
    """A connection that is cut in time; urllib3's own extensions override the same method."""

    @override
    def _new_conn(self) -> socket.socket:
        connection = super()._new_conn()
        cutter: _Cutter | None = getattr(_under_way, "cutter", None)
        if cutter is not None:
            cutter.watch(connection)
        return connection


class _WatchedTls(_Watched, HTTPSConnection):
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched  # type: ignore[mutable-override] # as urllib3's documentation has it


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTls  # type: ignore[mutable-override]


class _BoundedAdapter(HTTPAdapter):
    """Reads an answer whole, within limits."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        super().__init__(pool_maxsize=1)

    @override
    def init_poolmanager(
        self,
        connections: int,
        maxsize: int,
        block: bool = False,
        **pool_kwargs: object,
    ) -> None:
        super().init_poolmanager(connections, maxsize, block, **pool_kwargs)
        _watch_pools(self.poolmanager)

    @override
    def proxy_manager_for(self, proxy: str, **proxy_kwargs: object) -> PoolManager:
        manager: PoolManager = super().proxy_manager_for(proxy, **proxy_kwargs)
        _watch_pools(manager)
        return manager

    @override
    def send(
        self, request: requests.PreparedRequest, *args: object, **kwargs: object
    ) -> requests.Response:
        """Send a request; return its answer with the body read.

        Raises
        ------
        requests.RequestException
            If there is no whole answer within the limits.
        """
        whole_s = self._limits.whole_s
        kwargs |= {"stream": True}
        with _cutting(self._limits.connect_s + whole_s) as cutter:
            try:
                answer: requests.Response = super().send(request, *args, **kwargs)  # type: ignore[arg-type]
                body = self._body(answer)
            except (requests.RequestException, HTTPError, OSError) as error:
                if cutter.is_over or isinstance(error, requests.ReadTimeout):
                    raise requests.Timeout(f"no whole answer within {whole_s:g} s") from None
                if isinstance(error, HTTPError):
                    raise requests.ConnectionError(str(error)) from None
                raise
            if cutter.is_over:  # what ends with the connection looks whole when that is cut
                raise requests.Timeout(f"no whole answer within {whole_s:g} s")
        answer._content, answer._content_consumed = body, True  # type: ignore[attr-defined]  # noqa: SLF001 - what `content` itself sets
        return answer

    def _body(self, answer: requests.Response) -> bytes:
        most = self._limits.body_bytes
        pieces, size = [], 0
        with answer:
            if answer.headers.get("Content-Encoding", "identity") != "identity":
                raise _TooLarge("the answer is packed, which was not asked for")
            # Not `iter_content`: that reads a line of any length where a chunk's size should be.
            while piece := answer.raw.read(_PIECE, decode_content=False):
                pieces.append(piece)
                size += len(piece)
                if size > most:
                    raise _TooLarge(f"the answer is larger than {most} bytes")
        return b"".join(pieces)


def _watch_pools(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}


def _first_cause(error: BaseException) -> str:
    """Return the innermost reason: requests wraps what happened three times."""
    for argument in error.args:
        reason = getattr(argument, "reason", argument)
        if isinstance(reason, BaseException):
            return _first_cause(reason)
    return str(error) or type(error).__name__
