"""A connection to the API server: raw requests with time-outs, and streams for watches.

The client library finds the server, does TLS and authenticates (`scheduler.kube.account`); requests
go through a session of our own, and bodies stay bytes: the library's models decode every field of
an object, and here few matter.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import msgspec
from yarl import URL

from scheduler.domain.errors import ClusterUnavailable
from scheduler.kube.account import Account, account_of
from scheduler.kube.answers import PutOff, broken_off, refusal
from scheduler.kube.sockets import watched_socket

CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 60.0
"""The API server gives a list request up to 60 s itself (``--request-timeout``)."""

CONNECTIONS = 128
"""Kept open at most: 64 bindings, 32 writes to volumes, 8 notes, 11 watches, the lease, and room
for lists."""


_MOST_TRIES = 5
_OK = 200
_UNAUTHORIZED = 401
_LARGEST_OK = 299


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
        for _ in range(_MOST_TRIES - 1):
            try:
                return await self._ask("GET", path, query, None, answer_timeout_s)
            except PutOff as error:
                await asyncio.sleep(error.retry_s)
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
        """Send an object, once, and return the answer's body.

        Parameters
        ----------
        method
            POST, PUT, PATCH or DELETE.
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
        PutOff
            If the server has too much to do (429); it was not carried out.
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
        with broken_off(where, silence_s):
            answer = await self._request("GET", path, query, None, timeout)
        async with answer:
            if answer.status != _OK:
                with broken_off(where, silence_s):
                    content = await answer.read()
                raise await self._refused(where, answer, content)
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
        with broken_off(where, timeout.total):
            answer = await self._request(method, path, query, body, timeout)
            async with answer:
                content = await answer.read()
        if _OK <= answer.status <= _LARGEST_OK:
            return content
        raise await self._refused(where, answer, content)

    async def _refused(self, where: str, answer: aiohttp.ClientResponse, body: bytes) -> Exception:
        if answer.status == _UNAUTHORIZED:
            with suppress(ClusterUnavailable):  # what was refused is what the caller is to know
                await self._account.renew()
        return refusal(where, answer, body)

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
    connector = aiohttp.TCPConnector(
        limit=CONNECTIONS, ssl=account.tls, socket_factory=watched_socket
    )
    session = aiohttp.ClientSession(
        connector=connector,
        auto_decompress=True,
        # Compressing its lists would cost the API server more than the network between them saves.
        headers={"Accept": "application/json", "Accept-Encoding": "identity"},
    )
    async with session:
        yield KubeClient(session, account, answer_timeout_s=answer_timeout_s)
