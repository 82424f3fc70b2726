"""A connection to the API server: raw requests with time-outs, and streams for watches.

The client library finds the server, does TLS and authenticates (`scheduler.kube.account`); requests
go through a session of our own, and bodies stay bytes: the library's models decode every field of
an object, and here few matter.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
from yarl import URL

from scheduler.domain.errors import ClusterUnavailable, InputError
from scheduler.kube.account import Account, account_of

CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 60.0
"""The API server gives a list request up to 60 s itself (``--request-timeout``)."""

CONNECTIONS = 128
"""Kept open at most: 64 bindings, 8 notes, 3 watches, the lease, and room for lists."""

_MOST_TRIES = 5
_LONGEST_RETRY_S = 10.0
_OK = 200
_LARGEST_OK = 299
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


class KubeClient:
    """Raw requests to one API server. Made by `connected`.

    Parameters
    ----------
    session
        Its owner closes it.
    account
        Where the server is and who we are.
    answer_timeout_s
        For a whole answer, seconds.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        account: Account,
        *,
        answer_timeout_s: float = ANSWER_TIMEOUT_S,
    ) -> None:
        self._session = session
        self._account = account
        self._connect_s = min(CONNECT_TIMEOUT_S, answer_timeout_s)
        self._timeout = aiohttp.ClientTimeout(total=answer_timeout_s, sock_connect=self._connect_s)

    @property
    def server(self) -> str:
        """Address of the API server."""
        return self._account.server

    async def get(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        answer_timeout_s: float | None = None,
    ) -> bytes:
        """Return the body of a GET; `answer_timeout_s` is in place of the client's.

        Raises
        ------
        ClusterUnavailable
            If there is no answer in time, or the server cannot answer now (429, 5xx).
        Expired
            If a continue token or a resourceVersion has expired (410).
        Denied
            If the server refuses (401, 403, any other 4xx): an account or a right is missing.
        """
        return await self._ask("GET", path, query, None, answer_timeout_s)

    async def send(
        self,
        method: str,
        path: str,
        body: object,
        *,
        content_type: str = "application/json",
        answer_timeout_s: float | None = None,
    ) -> bytes:
        """Send an object and return the answer's body.

        A request that the server puts off (429) is repeated when it says; nothing else is.

        Parameters
        ----------
        method
            POST, PUT or PATCH.
        path
            Of the resource.
        body
            What msgspec can write as JSON.
        content_type
            Of the body.
        answer_timeout_s
            In place of the client's, seconds.

        Raises
        ------
        ClusterUnavailable
            If there is no answer; the request may have been carried out.
        Denied
            If the server refuses; it was not carried out.
        """
        data = msgspec.json.encode(body)
        return await self._ask(method, path, None, (data, content_type), answer_timeout_s)

    @asynccontextmanager
    async def stream(
        self, path: str, query: Mapping[str, str], *, silence_s: float
    ) -> AsyncIterator[aiohttp.StreamReader]:
        """Open an answer that goes on, and yield it to be read.

        Parameters
        ----------
        path, query
            As for `get`.
        silence_s
            A stream that says nothing for so long is broken, seconds: reading raises TimeoutError.

        Raises
        ------
        ClusterUnavailable, Expired, Denied
            As for `get`.
        """
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=self._connect_s, sock_read=silence_s
        )
        where = f"{self.server}{path}"
        try:
            answer = await self._request("GET", path, query, None, timeout)
        except TimeoutError:
            raise ClusterUnavailable(f"{where}: no answer within {silence_s} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise ClusterUnavailable(f"{where}: no answer ({error})") from None
        async with answer:
            if answer.status != _OK:
                raise _refusal(where, answer.status, await answer.read())
            yield answer.content

    async def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: tuple[bytes, str] | None,
        answer_timeout_s: float | None,
    ) -> bytes:
        timeout = self._timeout
        if answer_timeout_s is not None:
            connect_s = min(self._connect_s, answer_timeout_s)
            timeout = aiohttp.ClientTimeout(total=answer_timeout_s, sock_connect=connect_s)
        where = f"{self.server}{path}"
        tries = 0
        while True:
            tries += 1
            try:
                answer = await self._request(method, path, query, body, timeout)
                async with answer:
                    content = await answer.read()
            except TimeoutError:
                raise ClusterUnavailable(f"{where}: no answer within {timeout.total} s") from None
            except (aiohttp.ClientError, OSError) as error:
                raise ClusterUnavailable(f"{where}: no answer ({error})") from None
            if _OK <= answer.status <= _LARGEST_OK:
                return content
            if answer.status != _TOO_MANY or tries == _MOST_TRIES:
                raise _refusal(where, answer.status, content)
            await asyncio.sleep(_retry_s(answer.headers.get("Retry-After", "")))

    async def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: tuple[bytes, str] | None,
        limits: aiohttp.ClientTimeout,
    ) -> aiohttp.ClientResponse:
        headers = await self._account.headers()
        if body is not None:
            headers["Content-Type"] = body[1]
        return await self._session.request(
            method,
            URL(f"{self.server}{path}", encoded=True),
            params=query,
            data=body[0] if body is not None else None,
            headers=headers,
            timeout=limits,
            proxy=self._account.proxy,
            server_hostname=self._account.tls_server_name,
            allow_redirects=False,
        )


@asynccontextmanager
async def connected(
    kubeconfig: Path | None = None,
    *,
    context: str | None = None,
    answer_timeout_s: float = ANSWER_TIMEOUT_S,
) -> AsyncIterator[KubeClient]:
    """Connect as a kubeconfig says, or, without one, as the pod's own ServiceAccount.

    Parameters
    ----------
    kubeconfig
        A kubeconfig file; None inside a cluster.
    context
        Of the kubeconfig; None takes its current one.
    answer_timeout_s
        For each answer, seconds.

    Raises
    ------
    InputError
        If the configuration cannot be read, or there is none.
    """
    account = await account_of(kubeconfig, context)
    connector = aiohttp.TCPConnector(limit=CONNECTIONS, ssl=account.tls)
    session = aiohttp.ClientSession(
        connector=connector,
        auto_decompress=True,
        # Compressing its lists would cost the API server more than the network between them saves.
        headers={"Accept": "application/json", "Accept-Encoding": "identity"},
    )
    async with session:
        yield KubeClient(session, account, answer_timeout_s=answer_timeout_s)


def _retry_s(said: str) -> float:
    """Return how long the server asks to wait, seconds; one where it does not say."""
    return min(float(said), _LONGEST_RETRY_S) if said.isascii() and said.isdigit() else 1.0


def _refusal(where: str, status: int, body: bytes) -> Exception:
    try:
        said = msgspec.json.decode(body, type=_Status).message or f"status {status}"
    except (msgspec.DecodeError, UnicodeDecodeError):
        said = f"status {status}"
    if status == _GONE:
        return Expired(f"{where}: {said}")
    if status == _TOO_MANY or status >= _SERVER_ERROR:
        return ClusterUnavailable(f"{where}: {status}, {said}")
    fix = {
        _UNAUTHORIZED: "renew the account's token or certificate",
        _FORBIDDEN: "give the account the right (configs/kubernetes/rbac.yaml has all it needs)",
    }.get(status, "check that this is a Kubernetes API server")
    return Denied(where, status, said, fix)
